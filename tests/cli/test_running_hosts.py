"""Disks of a host that runs are not written to by others; a host that is off and a person who insists pass."""

import os
import shutil
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.ownermark import MARK, mark, owner_of
from lvmfmt.cli.main import main
from lvmfmt.host import DiskSpec, Host
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
        "copy {note} {image}",
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


@pytest.mark.parametrize(
    "line",
    [
        "fs get {source} /note {image}",
        "copy {note} {other} --manifest {image}",
        "fs build {image} {note}:/note --force",
        "lv export {group} hd8 {image} --force",
        "lv export {group} hd8 {other} --partial --map {image} --force",
        "host get {host} /etc/filesystems {image}",
        "host shims {host} {folder}",
        "host disk add {host} hdisk7 --image {image}",
        "fs mkfs {image} --size 4M",
        "fs logform {image}",
    ],
)
@pytest.mark.parametrize("name", ["slot", "hard link"])
def test_no_output_takes_the_place_of_the_disk(
    line: str, name: str, disk: Path, others: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = disk
    if name == "hard link":
        mark(disk, tmp_path)
        image = tmp_path / "link.img"
        os.link(disk, image)
    if "{folder}" in line:  # a command of AIX by the name of the disk
        folder = tmp_path / "shims"
        folder.mkdir()
        os.link(image, folder / "lspv")
        others = {**others, "folder": folder}
    before, inode = disk.read_bytes(), image.stat().st_ino
    words = line.format(image=image, note=tmp_path / "note", other=tmp_path / "other.img", **others).split()
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "a host runs on this disk" in said or "not a shim" in said
    assert disk.read_bytes() == before and image.stat().st_ino == inode == disk.stat().st_ino
    assert not (tmp_path / "other.img").exists()


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands read: a file system that has a file, another host that runs, its disk."""
    place = tmp_path_factory.mktemp("others")
    (place / "note").write_text("note")
    assert main(["fs", "build", str(place / "source.img"), f"{place / 'note'}:/note"]) == 0
    Host.create(place / "host", disks=[DiskSpec("hdisk0", 384 * MIB)], seed=1)
    return {"source": place / "source.img", "host": place / "host", "group": place / "host" / "disks" / "hdisk0.img"}


def test_reading_is_not_refused_nor_a_host_that_is_off(disk: Path) -> None:
    assert main(["fs", "ls", str(disk), "/"]) == 0
    (disk.parent.parent / "run" / "kernel.json").unlink()
    assert main(["fs", "put", str(disk), str(disk.parent.parent / "note"), "/note"]) == 0


def test_a_link_to_the_disk_does_not_help(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "link.img").symlink_to(disk)
    assert main(["fs", "put", str(tmp_path / "link.img"), str(tmp_path / "note"), "/note"]) == 2


def reached(way: str, disk: Path, place: Path) -> Path:
    """Another name of a disk."""
    name = place / "other.img"
    if way == "hard link":
        os.link(disk, name)
    elif way == "symlink to a hard link":
        os.link(disk, place / "link.img")
        name.symlink_to(place / "link.img")
    elif way == "symlinked folder":
        (place / "elsewhere").symlink_to(disk.parent.parent)
        name = place / "elsewhere" / "disks" / disk.name
    else:  # the slot itself is a symlink
        disk.rename(name)
        disk.symlink_to(name)
        name = disk if way == "slot" else name
    return name


@pytest.mark.parametrize(
    "way", ["hard link", "symlink to a hard link", "symlinked folder", "slot", "what a slot leads to"]
)
@pytest.mark.parametrize("line", ["vg check --repair {image}", "fs put {image} {note} /note", "copy {note} {image}"])
def test_no_other_name_of_the_disk_helps(way: str, line: str, disk: Path, tmp_path: Path) -> None:
    mark(disk, disk.parent.parent)  # as opening it does
    place = tmp_path / "place"
    place.mkdir()
    image = reached(way, disk, place)
    before = disk.read_bytes()
    words = line.format(image=image, note=tmp_path / "note").split()
    assert main(words) == 2 and disk.read_bytes() == before
    assert main([*words, "--force"]) != 2


def test_a_copy_of_the_disk_is_nobodys_though_it_carries_the_mark(disk: Path, tmp_path: Path) -> None:
    mark(disk, tmp_path)
    copy = tmp_path / "copy.img"
    shutil.copy2(disk, copy)
    assert owner_of(copy) == str(tmp_path.resolve())
    assert main(["fs", "put", str(copy), str(tmp_path / "note"), "/note"]) == 0
    for bad in (b"/nowhere", b"\xff\x01", b"/a\0b", b"/" + b"a" * 3000, b""):
        os.setxattr(copy, MARK, bad)
        assert main(["fs", "rm", str(copy), "/note"]) == 0
        assert main(["fs", "put", str(copy), str(tmp_path / "note"), "/note"]) == 0
