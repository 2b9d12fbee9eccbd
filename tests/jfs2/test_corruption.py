"""Every field of every structure on the way to a file, set to 0, to its maximum and to a random value.

What must come of it: a named error of ours, or the tree as it was, with a note where the reader had to look elsewhere.
Fields that are themselves content (times, owners, sizes, names) may change the tree, and nothing else.
"""

import stat
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, Buffer, Extent
from lvmfmt.errors import CorruptImage, LvmfmtError, UnsupportedFeature
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.building.build import build
from lvmfmt.jfs2.dialect import AIX, LINUX, Dialect
from lvmfmt.jfs2.extracting.data_order import iter_file_data
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.layout.record import Record
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_123_456_789

CONTENT = {
    "inode": {"di_uid", "di_gid", "di_mode", "di_size", "di_atime", "di_ctime", "di_mtime", "di_otime", "di_gen",
              "di_nlink", "di_nblocks", "root"},
    "dtree_leaf_slot": {"inumber", "namlen", "name"},
    "dtree_continuation_slot": {"name"},
    "xad": {"off_hi", "off_lo", "len", "addr_hi", "addr_lo", "flag"},
    "superblock": {"s_flag"},
}  # fmt: skip
"""Fields whose value is what the tree says; no reader can know a better one."""


class Memory(BlockDevice):
    """A device in memory."""

    def __init__(self, data: bytes, *, writable: bool = False) -> None:
        self.data = bytearray(data)
        self.name, self.size, self.writable = "memory", len(data), writable

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        self.check_range(offset, len(view))
        view[:] = self.data[offset : offset + len(view)]

    def write(self, offset: int, buffer: Buffer) -> None:
        assert self.writable, "written to an image opened for reading"
        view = memoryview(buffer).cast("B")
        self.check_range(offset, len(view))
        self.data[offset : offset + len(view)] = view

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        yield Extent(offset, self.size - offset if length is None else length, True)

    def punch(self, offset: int, length: int) -> None:
        raise AssertionError("written to an image opened for reading")

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Pattern:
    """Bytes that tell where they come from."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        view[:] = bytes((offset >> 12) + i & 0xFF for i in range(len(view)))


@lru_cache
def image(dialect: Dialect) -> bytes:
    """A directory with routers and leaves, a file with a tree page, a plain file, a link of each kind."""
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    big = b.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    b.add_entry(0, big, b"big")
    for i in range(14):
        b.add_entry(big, b.add_inode(stat.S_IFREG | 0o644), b"%03d" % i + b"x" * 40)
    source = b.add_source(Pattern())
    pieces = b.add_inode(stat.S_IFREG | 0o644, size=40 * 8192)
    b.add_entry(0, pieces, b"pieces")
    for i in range(40):
        b.add_extent(pieces, i * 8192, 4096, source, i * 8192)
    plain = b.add_inode(stat.S_IFREG | 0o644, size=5000)
    b.add_entry(0, plain, b"plain")
    b.add_extent(plain, 0, 5000, source, 77 << 12)
    for size in (100, 400):
        link = b.add_inode(stat.S_IFLNK | 0o777, size=size)
        b.links[link] = b"t" * size
        b.add_entry(0, link, b"link%d" % size)
    device = Memory(bytes(16 * MIB), writable=True)
    build(device, b.finish(), dialect=dialect, origin=FixedOrigin(NOW))
    return bytes(device.data)


def read_all(device: BlockDevice) -> tuple[dict[str, object], list[str]]:
    """Everything a reader can see, both ways of reading, and the notes."""
    fs = FileSystem.open(device)
    seen: dict[str, object] = {}
    for path, s in fs.walk():
        if s.is_symlink:
            seen[path] = fs.readlink(path)
        elif s.is_file and 0 < s.size < MIB:
            seen[path] = fs.read(path)
        else:
            seen[path] = s.mode
    inventory = fs.inventory()
    if inventory.inodes["size"].max() < MIB:
        chunks: dict[int, bytes] = {}
        for row, chunk in iter_file_data(inventory):
            chunks[row] = chunks.get(row, b"") + bytes(chunk)
        paths = inventory.entry_paths()
        seen |= {"inventory": {p: chunks.get(int(e["child"])) for p, e in zip(paths, inventory.entries, strict=True)}}
    seen["counts"] = fs.statfs()
    return seen, fs.problems


def places(fs: FileSystem) -> Iterator[tuple[Record, int]]:
    """Structures on the way to files, and where they lie."""
    s, block = fs.dialect.structures, fs.block_size
    yield s.superblock, 0x8000
    yield s.inode, 0xB000 + 16 * 512
    yield s.xtree_header, 0xB000 + 16 * 512 + 224
    yield s.xad, 0xB000 + 16 * 512 + 256
    yield s.dinomap, fs.inodes.map_offset(-1)
    yield s.iag, fs.inodes.map_offset(0)
    yield s.dbmap, 0x10000
    for path in ("/", "/big", "/plain", "/pieces"):
        yield s.inode, fs.inode(path).at
    root, big, pieces = fs.inode("/"), fs.inode("/big"), fs.inode("/pieces")
    yield s.dtree_root, root.root_at
    yield s.leaf_slot, root.root_at + 32
    yield s.dtree_root, big.root_at
    yield s.internal_slot, big.root_at + 32
    page = int(fs.dialect.get_pxd(s.internal_slot.table(big.root, 1, 32)["pxd"])[1][0]) * block
    yield s.dtree_page_header, page
    yield s.leaf_slot, page + 5 * 32
    yield s.continuation_slot, page + 6 * 32
    yield s.xtree_header, fs.inode("/plain").root_at
    yield s.xad, fs.inode("/plain").root_at + 32
    yield s.xtree_header, pieces.root_at
    yield s.xad, pieces.root_at + 32
    page = int(fs.dialect.get_xad(s.xad.table(pieces.root, 1, 32))[2][0]) * block
    yield s.xtree_header, page
    yield s.xad, page + 5 * 16


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_any_field_wrong(dialect: Dialect) -> None:
    device = Memory(image(dialect))
    original, notes = read_all(device)
    assert notes == []
    random = np.random.default_rng(20)
    wrong, errors, tried = [], 0, 0
    for record, base in list(places(FileSystem.open(device))):
        kind = record.name.split("_", 1)[1]
        for info in record.fields():
            at = base + info.offset
            for value in (bytes(info.size), b"\xff" * info.size, random.bytes(info.size)):
                kept = bytes(device.data[at : at + info.size])
                if kept == value:
                    continue
                device.data[at : at + info.size] = value
                tried += 1
                try:
                    seen, notes = read_all(device)
                    if seen != original and not notes and info.name not in CONTENT.get(kind, ()):
                        counts_only = {**seen, "counts": original["counts"]} == original
                        if not (kind in ("dbmap", "dinomap") and counts_only):
                            wrong.append(f"{record.name}.{info.name} at {at:#x} = {value[:8].hex()}: read otherwise")
                except (CorruptImage, UnsupportedFeature) as error:
                    errors += 1
                    assert str(error)
                except LvmfmtError as error:
                    wrong.append(f"{record.name}.{info.name} = {value[:8].hex()}: {type(error).__name__} {error}")
                finally:
                    device.data[at : at + info.size] = kept
    assert not wrong, "\n".join(wrong)
    assert errors > tried / 4


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_random_pages(dialect: Dialect) -> None:
    device = Memory(image(dialect))
    random = np.random.default_rng(7)
    used = [n for n in range(8, 80) if any(device.data[n * 4096 : n * 4096 + 4096])]
    for page in used:
        at = page * 4096
        kept = bytes(device.data[at : at + 4096])
        for value in (bytes(4096), b"\xff" * 4096, random.bytes(4096)):
            device.data[at : at + 4096] = value
            try:
                read_all(device)
            except LvmfmtError as error:
                assert isinstance(error, CorruptImage | UnsupportedFeature), error
        device.data[at : at + 4096] = kept


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@pytest.mark.parametrize("size", [0, 1, 511, 0x8000, 0x8800, 0x9000, 0xF000, 0x10000, 1 * MIB, 14 * MIB])
def test_truncated(dialect: Dialect, size: int) -> None:
    data = image(dialect)[:size]
    with pytest.raises(CorruptImage, match="superblock"):
        FileSystem.open(Memory(data))


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_trees_that_go_in_circles(dialect: Dialect) -> None:
    device = Memory(image(dialect))
    fs = FileSystem.open(device)
    s = dialect.structures
    for inode, header in ((fs.inode("/pieces"), s.xtree_header), (fs.inode("/big"), s.internal_slot)):
        is_file = header is s.xtree_header
        entry = inode.root_at + 32
        table = (s.xad if is_file else s.internal_slot).table(inode.root, 1, 32)
        address = int(dialect.get_pxd(table if is_file else table["pxd"])[1][0])
        kept = bytes(device.data)
        page = address * 4096
        # the page becomes an internal one whose first entry is the page itself
        device.data[page + 16] = 4
        at = page + (32 if is_file else 32 * device.data[page + 32])
        device.data[at : at + 16 if is_file else at + 8] = device.data[entry : entry + 16 if is_file else entry + 8]
        with pytest.raises(CorruptImage):
            read_all(device)
        device.data[:] = kept
