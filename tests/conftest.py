"""What every test may use: outside judges, and one Hypothesis profile."""

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

IN_CI = bool(os.environ.get("CI"))

settings.register_profile(
    "lvmfmt",
    deadline=None,
    derandomize=IN_CI,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lvmfmt")


@pytest.fixture(scope="session")
def judge() -> Callable[[str], str]:
    """`judge("jfs_fsck")` is the path of an outside program; a machine without it skips the test, CI fails it."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            reason = f"the outside judge {name} is not installed (.ci/run names its Debian package)"
            pytest.fail(reason) if IN_CI else pytest.skip(reason)
        return path

    return find
