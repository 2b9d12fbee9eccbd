"""What every test may use: outside judges, and one Hypothesis profile."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
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


_COMPLAINT = re.compile(
    r"(?!\*\*Phase).*(incorrect|unattached|cannot|error|discrepanc|inconsist|corrupt|invalid|dirty)", re.IGNORECASE
)


@pytest.fixture(scope="session")
def jfs_fsck(judge: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """`jfs_fsck(image)` fails the test unless the program finds nothing at all; returns what it printed.

    Its exit status and its last line call an image clean whose link counts it has just called wrong, so every line
    counts. It notes its run in the superblock even with -n, so it gets a copy.
    """
    program = judge("jfs_fsck")
    copy = tmp_path_factory.mktemp("fsck") / "image"

    def check(image: Path) -> str:
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        result = subprocess.run([program, "-n", "-f", "-v", copy], capture_output=True, check=False, timeout=300)
        text = result.stdout.decode("utf-8", "replace")
        complaints = [line for line in text.splitlines() if _COMPLAINT.match(line)]
        assert result.returncode == 0 and not complaints, "\n".join(complaints[:40]) or text[-2000:]
        assert "Filesystem is clean" in text
        return text

    return check


@pytest.fixture(autouse=True)
def judged_after_unmount(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file system that a test changes through the journal is judged by our own check when it is unmounted.

    The crash explorer, which plants faults, judges its images itself. A test that mounts what it has damaged says so
    with the mark `damaged`.
    """
    if request.node.get_closest_marker("damaged") or request.path.is_relative_to(TESTS / "crash"):
        return
    from lvmfmt.jfs2.checking import check
    from lvmfmt.jfs2.journal import Mount

    plain = Mount.unmount

    def unmount(mounted: Mount, **options: Any) -> None:
        with mounted._opened:
            mounted._opened = ExitStack()  # what it opened stays open for the check
            plain(mounted, **options)
            errors = [str(finding) for finding in check(mounted.device).findings if finding.severity == "error"]
            assert errors == [], f"{mounted.device.name} after its unmount"

    monkeypatch.setattr(Mount, "unmount", unmount)
