"""Inodes by their numbers, many at once, and all of a file system. Tests of `lvmfmt.jfs2.reading.inodes`."""

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.inventory.builder import InventoryBuilder

FILES = 100


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def image(request: pytest.FixtureRequest, built: Callable[..., Path]) -> Path:
    """100 files with the numbers from 4 on, in four extents of inodes; each has its number as its owner."""
    dialect: Dialect = request.param
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755)
    for i in range(FILES):
        tree.add_entry(0, tree.add_inode(stat.S_IFREG | 0o644, uid=4 + i), b"%d" % i)
    return built(dialect, tree.finish())


def test_many_inodes_in_the_order_that_is_asked_for(image: Path) -> None:
    with ImageFile(image) as device:
        fs = FileSystem.open(device)
        for numbers in ([5], [4, 5, 6], [7, 5, 6], [103, 4, 50, 35, 36, 4], [40, 60, 90], []):
            at, rows = fs.inodes.read_many(np.array(numbers, np.int64))
            assert rows["di_number"].tolist() == rows["di_uid"].tolist() == numbers
            for place, row in zip(at.tolist(), rows, strict=True):
                assert device.read(place, 512).tobytes() == row.tobytes()
        at, _ = fs.inodes.read_many(np.array([31, 32]))
        start = fs.inodes.read_many(np.array([4]))[0][0] - 4 * 512
        assert at[0] == start + 31 * 512 and at[1] % 4096 == 0  # extents of 32 inodes


@pytest.mark.parametrize(
    ("number", "what"), [(104, "inode 104 in use"), (4096, "a number below 4096"), (-1, "a number below")]
)
def test_numbers_without_an_inode(image: Path, number: int, what: str) -> None:
    with ImageFile(image) as device, pytest.raises(CorruptImage, match=what):
        FileSystem.open(device).inodes.read_many(np.array([4, number]))


def test_all_inodes_in_use(image: Path) -> None:
    with ImageFile(image) as device:
        fs = FileSystem.open(device)
        [(numbers, at, rows)] = fs.inodes.tables()
        # 2 is the root directory, 3 lost+found (AIX) or the access control lists (Linux)
        assert numbers.tolist() == rows["di_number"].tolist() == list(range(2, 4 + FILES))
        again, _ = fs.inodes.read_many(numbers)
        assert (again == at).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [("di_number", 77), ("di_fileset", 1), ("di_inostamp", 5), ("di_nlink", 0), ("di_nlink", 1 << 31), ("di_mode", 0),
     ("di_size", -1), ("di_size", (1 << 44))],
)  # fmt: skip
def test_a_field_that_makes_no_sense(image: Path, field: str, value: int) -> None:
    with ImageFile(image, writable=True) as device:
        fs = FileSystem.open(device)
        [at], rows = fs.inodes.read_many(np.array([50]))
        row = rows.copy()
        row[field] = np.array(value).astype(row.dtype[field]) if value < 0 or value >= 1 << 31 else value
        device.write(int(at), row)
        fs = FileSystem.open(device)
        with pytest.raises(CorruptImage) as caught:
            fs.inodes.read_many(np.array([49, 50, 51]))
        assert caught.value.field == field and int(at) <= caught.value.offset < int(at) + 512
        told: list[str] = []
        [(numbers, _, _)] = fs.inodes.tables(told)
        assert told == [f"inode 50: {field} makes no sense"] and 50 not in numbers and 49 in numbers
        with pytest.raises(CorruptImage):
            list(fs.inodes.tables())
