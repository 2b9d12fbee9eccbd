"""What goes into a boot image: the base ODM, and the files that a list names."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage, NotFound
from lvmfmt.host.boot import content
from lvmfmt.host.boot.image import bootable, find_image, read_members
from lvmfmt.host.boot.volume import install
from lvmfmt.origin import SeededOrigin

from ..stub import volume_group

LIST = b"# a comment\n/unix\n  /etc/inittab  # and more\n/unix\nrelative\n\n/missing\n/etc/objrepos/CuDv\n"
FILES = {content.PROTO: LIST, "/unix": b"kernel", "/etc/inittab": b"init:2", "/etc/objrepos/CuDv": b"not this"}
BASE = {"/etc/objrepos/CuDv": b"the base"}


def on_a_disk(folder: Path, image: bytes) -> ImageFile:
    group = volume_group(folder, disks=1, size=32 << 20, pp_size=1 << 20)
    with group.change() as change:
        change.add_lv("hd5", "boot", 2, 1)
    install(group.logical_volumes["hd5"], image)
    (pv,) = group.physical_volumes.values()
    assert isinstance(pv.device, ImageFile)
    return pv.device


def members(disk: ImageFile) -> Mapping[str, bytes]:
    return read_members(disk, find_image(disk))


def test_paths_of_a_list() -> None:
    assert content.proto_paths(LIST) == ["/unix", "/etc/inittab", "/missing", "/etc/objrepos/CuDv"]
    assert content.proto_paths(content.DEFAULT_PROTO)[0] == "/unix"


def test_files_that_are_there_after_the_base(tmp_path: Path) -> None:
    disk = on_a_disk(tmp_path, content.compose(FILES.get, BASE, SeededOrigin(1)))
    assert bootable(disk)
    assert list(members(disk).items()) == [
        ("/etc/objrepos/CuDv", b"the base"), ("/unix", b"kernel"), ("/etc/inittab", b"init:2"),
    ]  # fmt: skip
    with pytest.raises(NotFound, match=r"chrp\.disk\.proto"):
        content.compose({}.get, BASE, SeededOrigin(1))


def test_another_base_keeps_the_files_and_the_length(tmp_path: Path) -> None:
    first = content.compose(FILES.get, BASE, SeededOrigin(1))
    disk = on_a_disk(tmp_path, first)
    other = content.with_base(disk, {"/etc/objrepos/CuDv": b"B" * 5000}, SeededOrigin(2))
    assert len(other) == len(first)  # the base has room to grow in steps of 64 KiB
    longer = content.with_base(disk, {"/etc/objrepos/CuDv": b"B" * 70000}, SeededOrigin(2))
    assert len(longer) == len(first) + (64 << 10)
    (tmp_path / "other").mkdir()
    again = on_a_disk(tmp_path / "other", other)
    assert members(again)["/etc/objrepos/CuDv"] == b"B" * 5000 and members(again)["/unix"] == b"kernel"
    with pytest.raises(CorruptImage), ImageFile.create(tmp_path / "empty.img", 1 << 20) as empty:
        content.with_base(empty, BASE, SeededOrigin(1))
