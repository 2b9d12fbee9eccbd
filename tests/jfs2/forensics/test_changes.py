"""The log's history, against what the makers of the images say they did."""

from collections.abc import Callable
from pathlib import Path

from lvmfmt.block import ImageFile
from lvmfmt.jfs2.forensics import LoggedChange, changes
from lvmfmt.jfs2.log import Ring, find_any_log, history


def found(path: Path) -> list[LoggedChange]:
    with ImageFile(path) as image:
        records, _ = history(Ring(find_any_log(image)))
        return changes(records, indexed=True)


def test_operations_that_linux_logged_one_by_one(linux_image: Callable[[str], Path]) -> None:
    # fixtures/linux-jfs/README.md: create, link, rename (same and other directory), mkdir, unlink, symlinks, mknod
    all_changes = found(linux_image("operations"))
    assert all(change.committed for change in all_changes)
    steps = [(c.names, c.removed) for c in all_changes]
    assert steps[:10] == [
        ([(2, b"a", 4)], []),  # create /a
        ([(2, b"b", 4)], []),  # link /a /b
        ([(2, b"c", 4)], [(2, b"b")]),  # rename /b /c
        ([(2, b"d", 32)], []),  # mkdir /d
        ([(32, b"c", 4)], [(2, b"c")]),  # rename /c /d/c
        ([], [(32, b"c")]),  # unlink /d/c
        ([(2, b"s", 5)], []),  # the three symlinks
        ([(2, b"s2", 6)], []),
        ([(2, b"s3", 7)], []),
        ([(2, b"dev", 8)], []),  # mknod /dev
    ]
    assert "inode 4: file, 2 links, 0 bytes, mode 0644" in all_changes[1].inodes
    assert "inode 5: symlink, 1 link, 5 bytes, mode 0777" in all_changes[6].inodes
    assert "inode 8: character device, 1 link, 0 bytes, mode 0644" in all_changes[9].inodes


def test_a_crashed_log_names_every_file_of_its_directory(linux_image: Callable[[str], Path]) -> None:
    # dirty.img: mkdir d, then 60 files in it, named 00000 to 00059 and 25 x "n"
    names = {name for change in found(linux_image("dirty")) for _, name, _ in change.names}
    assert {f"{i:05}{'n' * 25}".encode() for i in range(60)} <= names
