"""Regular files as they are written on this machine: parcels of about the same work, and files without data."""

import os
import stat
from pathlib import Path

import pytest

from lvmfmt.jfs2.extracting.facts import Facts, Trouble
from lvmfmt.jfs2.extracting.files import MOST_PARCELS, FileWriter
from lvmfmt.jfs2.extracting.folders import Folders
from lvmfmt.jfs2.inventory.builder import InventoryBuilder

OWNER = {"uid": os.geteuid(), "gid": os.getegid()}
MIB = 1 << 20


def writer(*sizes: int, data: bool = True, **fields: int) -> FileWriter:
    """A writer of files f0, f1, ... of these sizes, all data or all hole."""
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755, **OWNER)
    for i, size in enumerate(sizes):
        row = b.add_inode(stat.S_IFREG | 0o640, size=size, **{**OWNER, **fields})
        b.add_entry(0, row, b"f%d" % i)
        if data and size:
            b.add_extent(row, 0, size, 0, i << 40)
    inventory = b.finish()
    return FileWriter(inventory, Facts(inventory, set_id=True))


@pytest.mark.parametrize(
    ("sizes", "parcels"),
    [
        ((), 0),
        ((5,), 1),
        ((31 * MIB,), 1),
        ((40 * MIB,) * 3, 3),  # four shares of 30 MiB, but a file is never cut
        ((200 * MIB, 1, 1), 1),  # a parcel begins with the file that its share begins in
        ((1, 1, 200 * MIB), 2),
        ((33 * MIB,) * 400, MOST_PARCELS),
    ],
)
def test_work_is_shared_out_in_parcels(sizes: tuple[int, ...], parcels: int) -> None:
    assert writer(*sizes).parcels == parcels


@pytest.mark.parametrize("size", [0, 1, 3 * MIB])
def test_files_without_data_have_their_size_and_time(size: int, tmp_path: Path) -> None:
    made = writer(size, size, data=False, atime=10**9, mtime=2 * 10**9)
    trouble, told = Trouble(str(tmp_path)), []
    with Folders(str(tmp_path), {}, {}) as folders:
        for parcel in range(made.parcels):
            made.write(parcel, folders, trouble, told.append)
    for path in (tmp_path / "f0", tmp_path / "f1"):
        found = path.stat()
        assert (found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (size, 2 * 10**9, 0o640)
        assert found.st_blocks == 0
    assert trouble.problems == [] and sum(told) == 0


def test_a_name_that_is_taken_is_told_and_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "f0").write_text("mine")
    made, trouble = writer(0, 0), Trouble(str(tmp_path))
    with Folders(str(tmp_path), {}, {}) as folders:
        made.write(0, folders, trouble, lambda count: None)
    assert (tmp_path / "f0").read_text() == "mine" and (tmp_path / "f1").exists()
    assert len(trouble.problems) == 1 and trouble.problems[0].startswith("f0: ")
