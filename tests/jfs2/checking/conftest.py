"""Images to check: good ones, and a way to break one field of them."""

import functools
import lzma
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, Extent
from lvmfmt.jfs2 import AIX, LINUX, Dialect, Inventory, InventoryBuilder, build
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.layout.record import Record
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[2] / "fixtures" / "linux-jfs"
NOW = 1_700_000_000_123_456_789
SUPERBLOCKS = (0x8000, 0xF000)


class MemoryDevice(BlockDevice):
    """Bytes in memory as a device."""

    def __init__(self, data: bytearray, name: str = "memory") -> None:
        self.data = data
        self.name = name
        self.size = len(data)
        self.writable = True

    def read_into(self, offset: int, buffer: Any) -> None:
        view = memoryview(buffer).cast("B")
        self.check_range(offset, len(view))
        view[:] = memoryview(self.data)[offset : offset + len(view)]

    def write(self, offset: int, buffer: Any) -> None:
        view = memoryview(buffer).cast("B") if memoryview(buffer).nbytes else memoryview(b"")
        self.check_range(offset, len(view))
        self.data[offset : offset + len(view)] = view

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        yield Extent(offset, self.size - offset if length is None else length, True)

    def punch(self, offset: int, length: int) -> None:
        self.write(offset, bytes(length))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Pattern:
    """File data of any length."""

    def read_into(self, offset: int, buffer: Any) -> None:
        view = memoryview(buffer).cast("B")
        view[:] = b"x" * len(view)


def rich_tree() -> Inventory:
    """One of everything: directories of three levels, long names, links of all kinds, trees with pages, devices."""
    tree = InventoryBuilder()
    root = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    pattern = tree.add_source(_Pattern())

    def add(parent: int, name: bytes, mode: int, **values: Any) -> int:
        row = tree.add_inode(mode, mtime=NOW, **values)
        tree.add_entry(parent, row, name)
        return row

    file = stat.S_IFREG | 0o644
    one = add(root, b"one", stat.S_IFDIR | 0o755)
    add(one, b"file", file)
    two = add(root, b"two", stat.S_IFDIR | 0o755)
    add(two, b"a", file)
    add(two, b"b", file)
    add(root, b"empty", stat.S_IFDIR | 0o755)
    twice = add(one, b"twice", file)
    tree.add_entry(root, twice, b"hard")
    for name, size in ((b"data", 20_000), (b"more", 20_000)):
        tree.add_extent(add(root, name, file, size=size), 0, size, pattern, 0)
    sparse = add(root, b"sparse", file, size=600 * 8192)
    for i in range(600):
        tree.add_extent(sparse, i * 8192, 4096, pattern, 0)
    few = add(root, b"few", file, size=5 * 8192)
    for i in range(5):
        tree.add_extent(few, i * 8192, 4096, pattern, 0)
    tree.links[add(root, b"short", stat.S_IFLNK | 0o777)] = b"one/file"
    tree.links[add(root, b"long", stat.S_IFLNK | 0o777)] = b"l" * 300
    add(root, b"device", stat.S_IFCHR | 0o600, rdev=5 << 32 | 6)
    add(root, b"pipe", stat.S_IFIFO | 0o600)
    add(root, b"name-that-needs-more-than-two-slots-" * 3, file)
    many = add(root, b"many", stat.S_IFDIR | 0o755)
    for i in range(4300):
        add(many, b"entry%04d" % i, file)
    return tree.finish()


def small_tree() -> Inventory:
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    tree.add_entry(0, tree.add_inode(stat.S_IFREG | 0o644), b"file")
    return tree.finish()


def built(inventory: Inventory, dialect: Dialect, size: int = 16 * MIB, **options: Any) -> bytes:
    device = MemoryDevice(bytearray(size))
    build(device, inventory, dialect=dialect, origin=FixedOrigin(NOW), **options)
    return bytes(device.data)


def written_by_linux(name: str) -> bytes:
    folder = HERE if name == "indexed" else FIXTURES
    return lzma.decompress((folder / f"{name}.img.xz").read_bytes())


@functools.cache
def base(name: str) -> bytes:
    """A good image: `aix`, `linux`, `aix-small`, `aix-wide` (two allocation groups), ..., or one that Linux wrote."""
    kind, _, variant = name.partition("-")
    if kind not in ("aix", "linux"):
        return written_by_linux(name)
    dialect = AIX if kind == "aix" else LINUX
    if not variant:
        return built(rich_tree(), dialect)
    return built(small_tree(), dialect, 48 * MIB if variant == "wide" else 16 * MIB)


class Image:
    """A copy of a good image whose fields can be changed by name."""

    def __init__(self, name: str) -> None:
        self.data = bytearray(base(name))
        self.device = MemoryDevice(self.data, name)
        self.fs = FileSystem.open(self.device)
        self.dialect = self.fs.dialect
        self.s = self.dialect.structures
        self.geometry = self.fs.superblock.geometry
        self.block_size = self.geometry.block_size

    @property
    def is_linux(self) -> bool:
        return self.dialect is LINUX

    def view(self, record: Record, at: int) -> Any:
        """A structure in place, shape (1,)."""
        return np.frombuffer(memoryview(self.data), record.dtype, 1, at)

    def pxd(self, record: Record, at: int, field: str, address: int, length: int, row: int | None = None) -> None:
        table = self.view(record, at)[field]
        self.dialect.put_pxd(
            table[0] if row is not None else table, slice(None) if row is None else row, address, length
        )

    def get_pxd(self, record: Record, at: int, field: str) -> tuple[int, int]:
        length, address = self.dialect.get_pxd(self.view(record, at)[field][0])
        return int(address), int(length)

    def superblock(self, *, primary_only: bool = False, **fields: Any) -> None:
        for at in SUPERBLOCKS[: 1 if primary_only else 2]:
            for name, value in fields.items():
                self.view(self.s.superblock, at)[name] = value

    def inode_at(self, path: str | int) -> int:
        return self.fs.inode(path).at if isinstance(path, str) else self.fs.inodes.read(path).at

    def number(self, path: str) -> int:
        return self.fs.inode(path).number

    def inode(self, path: str | int, **fields: Any) -> None:
        for name, value in fields.items():
            self.view(self.s.inode, self.inode_at(path))[name] = value

    def attributes_in_an_extent(self, path: str) -> None:
        """Make the last block of a file with one extent the place of the attribute user.x, Linux dialect."""
        at, xad = self.inode_at(path), self.xad(path, 0)
        length, address = self.dialect.get_pxd(xad)
        self.dialect.put_pxd(xad, slice(None), address, length - 1)
        block = int((address + length - 1)[0])
        entry = bytes((0, 6, 5, 0)) + b"user.x\0vvvvv"  # flag, name and value length, as in `operations`
        listed = (4 + len(entry)).to_bytes(4, "little") + entry
        self.data[block * self.block_size : block * self.block_size + len(listed)] = listed
        dxd = self.view(self.s.inode, at)["di_ea"]
        dxd["flag"], dxd["size"] = 0x20, len(listed)
        self.dialect.put_pxd(dxd["xd"], slice(None), block, 1)

    def aggregate(self, number: int, *, second: bool = False) -> int:
        at = self.geometry.ait2 * self.block_size if second else 0xB000
        return at + number * 512

    def iag(self, k: int) -> Any:
        return self.view(self.s.iag, self.fs.inodes.map_offset(k))

    def control(self) -> Any:
        return self.view(self.s.dinomap, self.fs.inodes.map_offset(-1))

    def block_map(self, page: int) -> int:
        return 0x10000 + page * 4096

    def xtree_page(self, path: str, index: int) -> int:
        """Byte offset of a page below the root of a file's extent tree."""
        return self.xad(path, index)["addr_lo"][0].item() * self.block_size

    def xad(self, path: str, index: int) -> Any:
        return self.view(self.s.xad, self.inode_at(path) + 224 + (2 + index) * 16)

    def dtree_leaves(self, path: str) -> list[int]:
        """Byte offsets of the leaves of a directory with pages, from left to right."""
        at = self.dtree_left(path)
        while self.data[at + 16] != 2:
            at = self.dtree_child(at, self.slot(at, 0))
        leaves = []
        while at:
            leaves.append(at)
            at = self.view(self.s.dtree_page_header, at)["next"][0].item() * self.block_size
        return leaves

    def dtree_left(self, path: str) -> int:
        root = self.inode_at(path) + 224
        return self.dtree_child(root, self.data[root + 24])

    def dtree_child(self, at: int, slot: int) -> int:
        address, _ = self.get_pxd(self.s.internal_slot, at + slot * 32, "pxd")
        return address * self.block_size

    def slot(self, page: int, position: int) -> int:
        """Slot of an entry of a page."""
        return self.data[page + self.data[page + 21] * 32 + position]

    def root_entry(self, path: str, position: int = 0) -> int:
        """Byte offset of the head slot of an entry in a directory's root."""
        root = self.inode_at(path) + 224
        return root + self.data[root + 24 + position] * 32


@pytest.fixture
def image() -> type[Image]:
    return Image


@pytest.fixture
def good() -> Callable[[str], bytes]:
    """`good("linux")`: the bytes of a good image."""
    return base


@pytest.fixture
def memory() -> type[MemoryDevice]:
    return MemoryDevice
