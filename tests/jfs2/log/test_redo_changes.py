"""Replay of single kinds of changes, in both dialects: with its log, the file system before gives the one after.

The maps are made anew by `lvmfmt.jfs2.log.map_rebuild`.
"""

import stat
from itertools import pairwise

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, UnsupportedFeature
from lvmfmt.jfs2 import AIX, LINUX, InventoryBuilder, build
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin

PAGE, INODE, ROOT = 4096, 512, 224
NOW = 1_257_847_200_000_000_000
MIB = 1 << 20


@pytest.fixture
def files(tmp_path, dialect):
    """A file system with the files /a and /b and the directory /d, not mounted."""
    tree = InventoryBuilder()
    top = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    tree.add_entry(top, tree.add_inode(stat.S_IFDIR | 0o700, mtime=NOW), b"d")
    path = tmp_path / "files.img"
    with ImageFile.create(path, 16 * MIB) as image:
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
    device = Overlay(ImageFile(path))
    fs = FileSystem.open(device, writable=True)
    fs.write_file("/a", b"a" * 5000, now=NOW)
    fs.write_file("/b", b"b" * 50000, now=NOW)
    return device


def pxd(address, length=1):
    return {"len": length, "addr_hi": address >> 32, "addr_lo": address & 0xFFFFFFFF}


class Differ:
    """Writes into a log what turns one file system into another."""

    def __init__(self, before, after, dialect, changed_slots):
        self.before, self.after, self.dialect = before, after, dialect
        self.slots = lambda *ranges, slot: changed_slots(*ranges, slot=slot, order=dialect.order)
        self.geometry = read_superblock(before).geometry
        self.s = dialect.structures

    def inode_pages(self):
        """Pages of the fileset's first two inode extents that differ."""
        iag = self.after.read((self.geometry.imap + 1) * PAGE, PAGE).view(self.s.iag.dtype)
        lengths, addresses = self.dialect.get_pxd(iag["inoext"][0])
        for e in np.flatnonzero(lengths):
            for pn in range(4):
                block = int(addresses[e]) + pn
                old, new = (d.read(block * PAGE, PAGE).reshape(8, INODE) for d in (self.before, self.after))
                yield int(e) * 32 + pn * 8, block, old, new

    def records(self):
        base = 128 if self.dialect is LINUX else 160
        slot = 128 if self.dialect is LINUX else 16
        l2 = slot.bit_length() - 1
        roots, bases = [], []
        for first, block, old, new in self.inode_pages():
            for j in range(8):
                if (old[j] == new[j]).all():
                    continue
                if (old[j, :base] != new[j, :base]).any():
                    data = self.slots((j * INODE // slot, new[j, :base].tobytes()), slot=slot)
                    part = {"fileset": 1, "inode": 16, "pxd": pxd(block), "subtype": 1, "l2linesize": l2}
                    bases.append(("REDOPAGE", data, part))
                row = new[j].view(self.s.inode.dtype)
                if row["di_nlink"][0] == 0:
                    continue
                root = new[j, ROOT:].copy()
                is_dir = stat.S_ISDIR(int(row["di_mode"][0]) & 0xFFFF)
                if is_dir:
                    data = self.slots((0, root.tobytes()), slot=32)
                else:
                    count = int(root[:32].view(self.s.xtree_header.dtype)["nextindex"][0])
                    for index in range(2, count):
                        root[16 * index] |= 1  # NEW: allocated by this transaction [jfs2 3.6.4]
                    data = self.slots((0, root[:32].tobytes()), (2, root[32 : 16 * count].tobytes()), slot=16)
                part = {"fileset": 16, "inode": first + j, "pxd": pxd(block), "subtype": 0x14 if is_dir else 0x12}
                roots.append(("REDOPAGE", data, {**part, "l2linesize": 5 if is_dir else 4}))
        return [*roots, *self.frees(), *bases]

    def bits(self, device):
        dmap = device.read(0x10000 + 4 * PAGE, PAGE).view(self.s.dmap.dtype)
        return np.unpackbits(dmap["pmap"].astype(">u4").view(np.uint8)).astype(np.int8)

    def frees(self):
        change = np.diff((self.bits(self.after) < self.bits(self.before)).astype(np.int8), prepend=0, append=0)
        for a, b in zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True):
            yield "UPDATEMAP", b"", {"fileset": 16, "inode": 33, "subtype": 1, "nxd": 1, "pxd": pxd(a, b - a)}

    def copy_data(self):
        """File data go home before their commit; inode pages and maps do not."""
        metadata = {block for _, block, _, _ in self.inode_pages()} | set(range(self.geometry.first_free))
        for block in np.flatnonzero(self.bits(self.after)).tolist():
            if block not in metadata and block < self.geometry.blocks:
                self.before.write(block * PAGE, self.after.read(block * PAGE, PAGE))


def check_same(ours, theirs, differ):
    a, b = FileSystem.open(ours), FileSystem.open(theirs)
    assert a.problems == []
    assert list(a.walk()) == list(b.walk())
    for path, status in b.walk():
        if stat.S_ISREG(status.mode):
            assert a.read(path) == b.read(path)
    assert a.statfs() == b.statfs()
    for at in (0x10000, 0x13000, 0x14000, differ.geometry.imap * PAGE, (differ.geometry.imap + 1) * PAGE):
        assert bytes(ours.read(at, PAGE)) == bytes(theirs.read(at, PAGE)), hex(at)
    for _, _, x, y in differ.inode_pages():  # of `ours`, which was the side before the change
        in_use = y.view(differ.s.inode.dtype)["di_nlink"][:, 0] > 0
        assert (x[in_use] == y[in_use]).all()


def remove_a(fs):
    fs.remove("/a", now=NOW + 10**9)


def create_c(fs):
    fs.write_file("/c", b"c" * 30000, now=NOW + 10**9)


def rewrite_b(fs):
    fs.write_file("/b", b"B" * 90000, now=NOW + 10**9)


def several(fs):
    remove_a(fs)
    create_c(fs)
    rewrite_b(fs)
    fs.write_file("/d/x", b"in d", now=NOW + 2 * 10**9)


@pytest.mark.parametrize("change", [remove_a, create_c, rewrite_b, several])
def test_a_logged_change_is_made(files, dialect, crash, changed_slots, change):
    after = Overlay(files)
    change(FileSystem.open(after, writable=True))
    before = Overlay(files)
    differ = Differ(before, after, dialect, changed_slots)
    records = list(differ.records())
    writer = crash(before)
    writer.transaction(1, records)
    writer.flush()
    differ.copy_data()
    redo(before)
    check_same(before, after, differ)


def test_a_change_without_its_commit_is_not_made(files, dialect, crash, changed_slots):
    after, before, untouched = Overlay(files), Overlay(files), Overlay(files)
    several(FileSystem.open(after, writable=True))
    differ = Differ(before, after, dialect, changed_slots)
    records = list(differ.records())
    writer = crash(before)
    writer.transaction(1, records, commit=False)
    writer.flush()
    redo(before)
    differ.after = untouched
    check_same(before, untouched, differ)


def test_the_newest_transaction_wins(files, dialect, crash, changed_slots):
    """Remove, then make again: three logged steps over the same inodes, slots and blocks."""
    states = [Overlay(files)]
    for change in (remove_a, create_c, rewrite_b):
        states.append(Overlay(states[-1]))
        change(FileSystem.open(states[-1], writable=True))
    ours = Overlay(files)
    steps = [list(Differ(a, b, dialect, changed_slots).records()) for a, b in pairwise(states)]
    differ = Differ(ours, states[-1], dialect, changed_slots)
    writer = crash(ours)
    for tid, records in enumerate(steps, 1):
        writer.transaction(tid, records)
    writer.flush()
    differ.copy_data()
    redo(ours)
    check_same(ours, states[-1], differ)


def extent_one(device):
    """Number 1 of the inode extents: its block, and byte offset of the IAG that has it."""
    superblock = read_superblock(device)
    at = (superblock.geometry.imap + 1) * PAGE
    iag = device.read(at, PAGE).view(superblock.dialect.structures.iag.dtype)
    return int(superblock.dialect.get_pxd(iag["inoext"][0])[1][1]), at


def many_files(tmp_path, dialect):
    tree = InventoryBuilder()
    top = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    for i in range(40):
        tree.add_entry(top, tree.add_inode(stat.S_IFREG | 0o644, mtime=NOW), b"%d" % i)
    path = tmp_path / "many.img"
    with ImageFile.create(path, 16 * MIB) as image:
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
    return Overlay(ImageFile(path))


def test_a_freed_inode_extent_takes_its_older_records_along(tmp_path, dialect, crash, changed_slots):
    """NOREDOINOEXT in the Linux dialect, XDTABLE in that of AIX [jfs2 2.8, 3.10.6]."""
    device = many_files(tmp_path, dialect)
    address, iag_at = extent_one(device)
    page = device.read(address * PAGE, PAGE)
    base = page[:128] if dialect is LINUX else page[:160]
    slot = 128 if dialect is LINUX else 16
    changed = base.copy()
    changed[dialect.structures.inode.offset_of("di_size")] = 1
    writer = crash(device)
    data = changed_slots((0, changed.tobytes()), slot=slot, order=dialect.order)
    writer.transaction(
        1, [("REDOPAGE", data, {"fileset": 1, "inode": 16, "pxd": pxd(address), "subtype": 1,
                                "l2linesize": slot.bit_length() - 1})],
    )  # fmt: skip
    if dialect is LINUX:
        gone = ("NOREDOINOEXT", b"", {"fileset": 16, "iag": 0, "index": 1, "pxd": pxd(address, 4)})
    else:
        gone = ("XDTABLE", b"", {"parent": pxd(iag_at // PAGE), "entry_index": 1, "subtype": 2,
                                 "source": pxd(address, 4)})  # fmt: skip
    writer.transaction(2, [gone])
    writer.flush()
    free = FileSystem.open(device).statfs().free_blocks
    redo(device)
    s = dialect.structures
    iag = device.read(iag_at, PAGE).view(s.iag.dtype)
    assert int(dialect.get_pxd(iag["inoext"][0])[1][1]) == 0
    assert (iag["pmap"][0, 1], iag["wmap"][0, 1]) == (0, 0)
    assert iag["extsmap"][0, 0] == 0x80000000
    dmap = device.read(0x10000 + 4 * PAGE, PAGE).view(s.dmap.dtype)
    bits = np.unpackbits(dmap["pmap"].astype(">u4").view(np.uint8))
    assert not bits[address : address + 4].any()
    assert device.read(0x10000, PAGE).view(s.dbmap.dtype)["dn_nfree"][0] == free + 4
    assert (device.read(address * PAGE, PAGE) == page).all()


def test_a_page_given_up_is_left_alone(files, dialect, crash, changed_slots):
    """NOREDOPAGE (and AIX's NOREDOFREE) of a directory page: older records of it are ignored, its block is free."""
    block = 3000
    files.write(block * PAGE, b"somebody's data" * 100)
    before = files.read(block * PAGE, PAGE)
    writer = crash(files)
    part = {"fileset": 16, "inode": 32, "pxd": pxd(block), "l2linesize": 5}
    header = bytes(16) + bytes([2, 1, 0, 0, 128, 1, 0, 0]) + bytes(8)
    data = changed_slots((0, header + bytes(32)), slot=32, order=dialect.order)
    writer.transaction(1, [("REDOPAGE", data, {**part, "subtype": 0x104})])
    kind = "NOREDOPAGE" if dialect is LINUX else "NOREDOFREE"
    writer.transaction(2, [(kind, b"", {**part, "subtype": 4})])
    writer.flush()
    redo(files)
    assert (files.read(block * PAGE, PAGE) == before).all()
    dmap = files.read(0x10000 + 4 * PAGE, PAGE).view(dialect.structures.dmap.dtype)
    assert np.unpackbits(dmap["pmap"].astype(">u4").view(np.uint8))[block] == 0


def test_a_deleted_file_takes_its_tree_pages_along(files, dialect, crash, changed_slots):
    """NOREDOFILE: pages of its trees may be somebody else's by now."""
    block = 3000
    writer = crash(files)
    header = np.zeros(32, np.uint8)
    header[16] = 2
    header.view(dialect.structures.xtree_header.dtype)["nextindex"] = 2
    data = changed_slots((0, header.tobytes()), slot=16, order=dialect.order)
    part = {"fileset": 16, "inode": 33, "pxd": pxd(block), "subtype": 2, "l2linesize": 4}
    writer.transaction(1, [("REDOPAGE", data, part)])
    before = files.read(block * PAGE, PAGE)
    copy = Overlay(files)
    writer.flush()
    redo(copy)
    assert bytes(copy.read(block * PAGE, 32)) == header.tobytes()
    writer.transaction(2, [("NOREDOFILE", b"", {"fileset": 16, "inode": 33})])
    writer.flush()
    redo(files)
    assert (files.read(block * PAGE, PAGE) == before).all()


def test_an_aggregate_inode_comes_and_goes(volume, crash):
    """AIMAP: bits of the aggregate inode map (AIX)."""
    device = volume(AIX)
    writer = crash(device)
    writer.transaction(1, [("AIMAP", b"", {"subtype": 1, "inode": 20}), ("AIMAP", b"", {"subtype": 1, "inode": 21})])
    writer.transaction(2, [("AIMAP", b"", {"subtype": 2, "inode": 21})])
    writer.flush()
    redo(device)
    iag = device.read(0xA000, PAGE).view(AIX.structures.iag.dtype)
    assert iag["pmap"][0, 0] == iag["wmap"][0, 0] == 0xF8008000 | 1 << 31 - 20
    assert (iag["nfreeinos"][0], iag["extsmap"][0, 0]) == (51, 0xC0000000)


@pytest.mark.parametrize(
    ("record", "error", "text"),
    [
        (("REDOPAGE", b"", {"subtype": 1, "l2linesize": 3, "pxd": pxd(500)}), CorruptImage, "l2linesize"),
        (("REDOPAGE", b"", {"subtype": 2, "l2linesize": 4, "pxd": pxd(15)}), CorruptImage, "pxd"),
        (("REDOPAGE", b"", {"subtype": 2, "l2linesize": 4, "pxd": pxd(8)}), CorruptImage, "pxd"),
        (("REDOPAGE", b"", {"subtype": 2, "l2linesize": 4, "pxd": pxd(4090)}), CorruptImage, "pxd"),
        (("REDOPAGE", b"", {"subtype": 2, "l2linesize": 4, "pxd": pxd(500, 2)}), CorruptImage, "pxd"),
        (("REDOPAGE", b"", {"subtype": 0x20, "l2linesize": 4, "pxd": pxd(500)}), UnsupportedFeature, "0x20"),
        (("REDOPAGE", b"", {"subtype": 0x11, "l2linesize": 4, "pxd": pxd(500)}), CorruptImage, "subtype"),
        (("UPDATEMAP", b"", {"subtype": 0x10, "nxd": 1, "pxd": pxd(4090)}), CorruptImage, "pxd"),
        (("UPDATEMAP", b"", {"subtype": 0x10, "nxd": 1, "pxd": pxd(500, 1 << 23)}), CorruptImage, "pxd"),
    ],
)
def test_records_that_make_no_sense_are_named(volume, dialect, crash, record, error, text):
    device = volume(dialect)
    writer = crash(device)
    writer.transaction(1, [record])
    writer.flush()
    before = bytes(device.read(0, device.size))
    with pytest.raises(error, match=text):
        redo(device)
    assert bytes(device.read(0, device.size)) == before
