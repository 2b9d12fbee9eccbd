"""Disks of a host that runs are not written to by others; a host that is off and a person who insists pass."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli.main import main
from lvmfmt.units import MIB


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file system on a disk in the folder of a host that runs."""
    for name in ("disks", "run"):
        (tmp_path / name).mkdir()
    image = tmp_path / "disks" / "hdisk0.img"
    with ImageFile.create(image, 16 * MIB):
        pass
    assert main(["fs", "mkfs", str(image)]) == 0
    (tmp_path / "run" / "kernel.json").write_text("{}")
    (tmp_path / "note").write_text("new")
    return image


@pytest.mark.parametrize(
    "line",
    [
        "fs put {image} {note} /note",
        "fs fsck -y {image}",
        "fs rm {image} /note",
        "fs resize {image} 12M",
        "fs identity {image} --fname other",
        "fs logredo {image}",
        "vg check --repair {image}",
        "lv import {image} hd1 {note}",
    ],
)
def test_writing_to_a_disk_of_a_running_host_is_refused(
    disk: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = disk.read_bytes()
    words = line.format(image=disk, note=disk.parent.parent / "note").split()
    assert main(words) == 2
    assert "a host runs on this disk" in capsys.readouterr().err
    assert disk.read_bytes() == before
    main([*words, "--force"])
    assert "a host runs" not in capsys.readouterr().err


def test_reading_is_not_refused_nor_a_host_that_is_off(disk: Path) -> None:
    assert main(["fs", "ls", str(disk), "/"]) == 0
    (disk.parent.parent / "run" / "kernel.json").unlink()
    assert main(["fs", "put", str(disk), str(disk.parent.parent / "note"), "/note"]) == 0


def test_a_link_to_the_disk_does_not_help(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "link.img").symlink_to(disk)
    assert main(["fs", "put", str(tmp_path / "link.img"), str(tmp_path / "note"), "/note"]) == 2
