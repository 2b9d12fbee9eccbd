"""Deleted inodes and entries: in an image that Linux wrote, and in our own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.forensics import deleted
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin

from ..conftest import NOW

LONG = "a name of more slots than one, so that its end lies in slots of the free list " * 2


def test_what_linux_deleted(linux_image: Callable[[str], Path]) -> None:
    # operations.img (fixtures/linux-jfs/README.md): mkdir d, rename c into it, unlink d/c, and d removed; the entries
    # a, b and c of the root came and went before s, s2, s3 and dev took their slots
    with ImageFile(linux_image("operations")) as image:
        found = deleted(FileSystem.open(image))
    [inode] = found.inodes
    assert (inode.number, inode.stat.nlink, inode.stat.is_directory) == (32, 0, True)
    assert [(e.directory, e.name, e.complete, e.number) for e in found.entries] == [("/", b"a", True, None)]


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_what_we_delete_keeps_its_name_until_the_slots_are_used_again(
    dialect: Dialect, built: Callable[..., Path]
) -> None:
    with ImageFile(built(dialect), writable=True) as image:
        with mount(image, origin=FixedOrigin(NOW)) as fs:
            for name in ("short", LONG[:100], "kept"):
                fs.create(f"/d/{name}", now=NOW)
            number = fs.stat("/d/short").number
            fs.unlink("/d/short", now=NOW)
        found = deleted(FileSystem.open(image))
        assert [(e.directory, e.name, e.complete) for e in found.entries] == [("/d", b"short", True)]
        assert found.entries[0].number == (number if dialect is AIX else None)
        assert image.read(found.entries[0].offset, 32).size == 32
        with mount(image, origin=FixedOrigin(NOW)) as fs:
            fs.unlink(f"/d/{LONG[:100]}", now=NOW)
        names = {e.name: e for e in deleted(FileSystem.open(image)).entries}
        assert LONG[:100].encode() in names and b"kept" not in names
        assert set(names) <= {b"short", LONG[:100].encode()}


def test_a_file_system_without_a_past(built: Callable[..., Path]) -> None:
    for dialect in (AIX, LINUX):
        with ImageFile(built(dialect)) as image:
            found = deleted(FileSystem.open(image))
        assert found.entries == [] and found.inodes == []
