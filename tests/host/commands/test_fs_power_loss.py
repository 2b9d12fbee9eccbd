"""A power failure at any write of a command that changes file systems: the host boots, and everything is right."""

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host

from .conftest import Lab
from .filesystem_checks import LETTER, check_all, content


class PowerLoss(BaseException):
    """Nothing handles it: the process dies."""


def dies_after(monkeypatch: pytest.MonkeyPatch, lab: Lab, line: str, writes: int) -> bool:
    """Run a command that dies after so many writes to disks; whether it did."""
    counter = itertools.count()
    real = ImageFile.write

    def write(self: ImageFile, offset: int, buffer: bytes) -> None:
        if next(counter) >= writes:
            raise PowerLoss
        real(self, offset, buffer)

    with monkeypatch.context() as patch:
        patch.setattr(ImageFile, "write", write)
        try:
            lab.good(line)
        except PowerLoss:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "crfs -v jfs2 -g datavg -a size=16M -m /new -A yes",
        "chfs -a size=+16M /data",
        "chfs -a size=+16M /",
        "chfs -a size=32M /data2",
        "chfs -m /other /data2",
        "rmfs -r /data3",
    ],
)
def test_a_stop_at_any_write(
    data: Lab, monkeypatch: pytest.MonkeyPatch, make_copy: Callable[[Lab], Lab], line: str
) -> None:
    data.good("chfs -A yes /data")
    data.good("crfs -v jfs2 -g datavg -a size=48M -m /data2 -A yes")
    data.good("crfs -v jfs2 -g datavg -a size=16M -m /data3")
    stride, writes = 23, 0
    while dies_after(monkeypatch, copy := make_copy(data), line, writes):
        listing = copy.run("df -m")  # boots
        assert "power failure" in listing.err[0], listing
        assert {"/", "/usr", "/data"} <= {row.split()[-1] for row in listing.lines}, listing
        assert content(copy, "/data/letter") == LETTER
        check_all(copy)
        Host.open(copy.path).poweroff()
        writes += stride


@pytest.fixture
def make_copy(tmp_path: Path) -> Callable[[Lab], Lab]:
    def make(lab: Lab) -> Lab:
        target = tmp_path / "copies"
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-r", "--sparse=always", str(lab.path), str(target)], check=True)
        return Lab(target, lab.report)

    return make
