"""An image of yesterday beside a mirror of today: writing files changes no VGDA, so the file system must tell."""

import shutil
from pathlib import Path

import pytest

from lvmfmt.cli.main import main
from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import VolumeGroup
from lvmfmt.system import System, open_volume, unequal_heads

from ..inspect.conftest import Rootvg


@pytest.fixture
def yesterday(rootvg: Rootvg, tmp_path: Path) -> list[str]:
    """PV 1 as it was before a file was written, and the other disks."""
    old, new = tmp_path / "old.img", tmp_path / "new"
    new.write_bytes(b"today" * 9000)
    shutil.copyfile(rootvg.paths[0], old)
    assert main(["fs", "put", *map(str, rootvg.paths), "--lv", "hd4", str(new), "/today"]) == 0
    return [str(old), *map(str, rootvg.paths[1:])]


def test_copies_of_one_state_are_no_finding(rootvg: Rootvg, capsys: pytest.CaptureFixture[str]) -> None:
    images = list(map(str, rootvg.paths))
    with VolumeGroup.open(images) as group:
        assert list(unequal_heads(group)) == []
    assert main(["vg", "check", *images]) == 0 and main(["lv", "list", *images]) == 0


def test_the_older_image_is_named(yesterday: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with VolumeGroup.open(yesterday) as group:
        found = list(unequal_heads(group))
        assert {problem.where for problem in found} == {"hd4", "hd8"}
        assert all(problem.rule == "mirror-differs" for problem in found)
        assert all(image in problem.text for problem in found for image in yesterday)
    for argv in (["vg", "check", *yesterday], ["lv", "list", *yesterday], ["fs", "ls", *yesterday, "/", "--lv", "hd4"]):
        assert main(argv) == 1
        shown = capsys.readouterr()
        assert "hold different states" in shown.out + shown.err


def test_nothing_is_written_over_either(yesterday: list[str], tmp_path: Path) -> None:
    before = [Path(image).read_bytes() for image in yesterday]
    put = ["fs", "put", *yesterday, "--lv", "hd4", str(tmp_path / "new"), "/other"]
    assert main(put) == 2
    assert main(["fs", "rm", *yesterday, "--lv", "hd4", "/motd"]) == 2
    assert main(["fs", "fsck", "-y", *yesterday, "--lv", "hd4"]) == 2
    with (
        pytest.raises(OperationRefused, match="hold different states"),
        open_volume(yesterday, lv="hd4", writable=True),
    ):
        pass
    with System.open(yesterday, writable=True) as system, pytest.raises(OperationRefused, match="hold different"):
        system.mount("hd4")
    assert [Path(image).read_bytes() for image in yesterday] == before
