"""The builder in the AIX dialect against the derived vectors [jfs2 6.5], and its refusals.

What builds is `lvmfmt.jfs2.building.build` with `lvmfmt.jfs2.building.tree_writer`.

Modules: `lvmfmt.jfs2.building.aggregate`, `lvmfmt.jfs2.building.dtree_build`, `lvmfmt.jfs2.building.dtree_slots`,
`lvmfmt.jfs2.building.numbering`, `lvmfmt.jfs2.building.placement`, `lvmfmt.jfs2.building.xtree_build`.
"""

import io

import numpy as np
import pytest

from lvmfmt.block import FileDevice, ImageFile
from lvmfmt.errors import NoSpace, OperationRefused
from lvmfmt.jfs2 import AIX, ExternalLog, InlineLog, InventoryBuilder, build, check, size_for
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

STAMP = 0x49A50FA7
NOW = STAMP * 10**9


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """32 MiB, external log, time 0x49A50FA7."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
    with ImageFile.create(tmp_path_factory.mktemp("empty") / "image", 32 * MIB) as device:
        device.write(0, b"AIX LVCB" + bytes(504))
        report = build(device, tree.finish(), origin=FixedOrigin(NOW), log=ExternalLog(0))
        assert report.free_blocks == 8108
        yield bytes(device.read(0, device.size))


def words(data, offset, text):
    expected = bytes.fromhex(text)
    assert data[offset : offset + len(expected)].hex() == expected.hex()


def test_superblocks(empty):
    for at in (0x8000, 0xF000):
        words(empty, at, "4a324653 00000001 0000000049a50fa7 00000000 00000000")
        words(
            empty, at + 56, "000000000000fe60 00001000 0000000c 00000200 00000009 00000003 00002000 00000100 00000000"
        )
        words(empty, at + 96, "000004000000000b 0000040000000016")
        words(empty, at + 144, "0000340000001fcc 00000000 00000032")


def test_volume_managers_sector_is_kept(empty):
    assert empty[:8] == b"AIX LVCB"
    assert empty[512:0x8000] == bytes(0x8000 - 512)


def test_aggregate_map(empty):
    words(empty, 0x9000, "ffffffff 00000001 00000040 00000034 00000004 00000002")
    words(empty, 0x9800, "00000000 00000000 00000040 00000034 ffffffff ffffffff 00000000 00000000")
    words(empty, 0xA00C, "ff" * 20 + "3fffffff" + "ff" * 12 + "c0000000" + "00" * 12 + "00000034 0000007e")
    words(empty, 0xA800, "f8008000 f8008000 00000000")
    words(empty, 0xAA00, "f8008000 f8008000 00000000")
    words(empty, 0xAC00, "000004000000000b 0000040000000016 00000000")


def test_aggregate_inode_2(empty):
    words(empty, 0xB400, "0000000000000002 00000001 00000001 49a50fa7 00000000 000004000000000b 0000000000006000")
    words(empty, 0xB428, "0000000000000006 00000000 00000000 00000001 00038000 0000000049a50fa7")
    words(empty, 0xB400 + 224, "00" * 16 + "83000003 00120000 00000000 00000000" + "0000000000000000 0000060000000010")


def test_root_directory_with_lost_found(empty):
    at = 26 * 4096 + 0x400
    words(empty, at, "0000000000000002 00000001 00000010 49a50fa7 00000000 000004000000001a 0000000000000100")
    words(empty, at + 56, "00000003 000341ed 0000000049a50fa7")
    words(empty, at + 0xE0, "0000000000000002 0000000000000000 83010702 00000000 0100000000000000")
    words(empty, at + 0x100, "0000000000000003 ff0a 6c6f73742b666f756e64")
    words(empty, at + 0x120, "0301" + "00" * 30 + "0401" + "00" * 30 + "0501")
    words(empty, at + 0x1E0, "ff01")


def test_dmap(empty):
    words(empty, 20 * 4096, "00001fcc 00001fac 0000000000000000")
    tree = np.frombuffer(empty, np.int8, 341, 20 * 4096 + 33)
    assert tree[:5].tolist() == [11, 10, 11, 11, 10]
    assert tree[85:93].tolist() == [-1, 5, 6, -1, 7, -1, -1, -1]
    words(empty, 20 * 4096 + 2048, "ffffffff 00000000")


def test_long_names_never_live_in_a_root(tmp_path):
    """A name of 233 bytes needs 9 slots, a root has 8 [jfs2 6.5]; the entry's bytes for 23 are given there."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    a, b = tree.add_inode(0o040755), tree.add_inode(0o040755)
    tree.add_entry(0, a, b"a")
    tree.add_entry(0, b, b"b")
    tree.add_entry(a, tree.add_inode(0o100644), b"x" * 233)
    for i in range(2):
        tree.add_entry(b, tree.add_inode(0o100644), b"short%d" % i)
    tree.add_entry(b, tree.add_inode(0o100644), b"abcdefghijklmnopqrstuvw")
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device:
        build(device, tree.finish(), origin=FixedOrigin(NOW))
        inodes = device.read(26 * 4096, 32 * 512).reshape(32, 512)
    # numbers follow the entries: lost+found 3, a 4, b 5, x... 6, short0 7, short1 8, abc... 9
    assert inodes[4, 240] == 0x85  # internal root
    assert inodes[5, 240] == 0x83
    first = int(inodes[5, 248])
    head = inodes[5, 224 + 32 * first :]
    assert bytes(head[:10]).hex() == f"{9:016x}" + f"{first + 1:02x}17"
    assert bytes(head[10:32]) == b"abcdefghijklmnopqrstuv"
    assert bytes(head[32:35]) == b"\xff\x01w"


def test_size_for_is_the_smallest_that_fits(tmp_path):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    row = tree.add_inode(0o100644, size=40 * MIB)
    tree.add_entry(0, row, b"f")
    tree.add_extent(row, 0, 40 * MIB, tree.add_source(_Nothing()), 0)
    inventory = tree.finish()
    size = size_for(inventory)
    with ImageFile.create(tmp_path / "fits", size) as device:
        assert build(device, inventory, origin=FixedOrigin(NOW)).free_blocks >= 0
    with ImageFile.create(tmp_path / "not", size - MIB) as device:
        before = bytes(device.read(0, 1 << 20))
        with pytest.raises(NoSpace, match="more than the volume"):
            build(device, inventory, origin=FixedOrigin(NOW))
        assert bytes(device.read(0, 1 << 20)) == before


class _Nothing:
    def read_into(self, offset, buffer):
        pass


def test_stale_bytes_of_the_volume_are_not_seen_in_files(tmp_path):
    """The tail of a last block, and the part of a block before data that starts inside it, become zeros."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    row = tree.add_inode(0o100644, size=10_000)
    tree.add_entry(0, row, b"f")
    tree.add_extent(row, 1536, 100, tree.add_source(_Ones()), 0)
    tree.add_extent(row, 8704, 96, 0, 0)
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device:
        device.write(0, np.full(16 * MIB, 0xA5, np.uint8))
        build(device, tree.finish(), origin=FixedOrigin(NOW))
        image = device.read(0, device.size)
    inode = image[26 * 4096 + 4 * 512 :][:512]
    first, second = (int.from_bytes(bytes(inode[256 + 16 * i + 12 :][:4]), "big") for i in (0, 1))
    block = bytes(image[first * 4096 :][:4096])
    assert block == bytes(1536) + b"\1" * 100 + bytes(4096 - 1636)
    assert bytes(image[second * 4096 :][:4096]) == bytes(512) + b"\1" * 96 + bytes(4096 - 608)


class _Ones:
    def read_into(self, offset, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = b"\1" * len(view)


@pytest.mark.parametrize("case", ["orphan", "two parents", "cycle to root", "no root", "island"])
def test_what_is_no_tree_is_refused(tmp_path, case):
    tree = InventoryBuilder()
    tree.add_inode(0o100644 if case == "no root" else 0o040755)
    row = tree.add_inode(0o040755)
    if case in ("two parents", "cycle to root"):
        tree.add_entry(0, row, b"a")
        tree.add_entry(0, row if case == "two parents" else 0, b"b")
    if case == "island":  # two directories that hold each other
        other = tree.add_inode(0o040755)
        tree.add_entry(row, other, b"a")
        tree.add_entry(other, row, b"b")
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device:
        with pytest.raises(OperationRefused, match="not a tree"):
            build(device, tree.finish(), origin=FixedOrigin(NOW))
        assert list(device.extents()) == [(0, 16 * MIB, False)]


def test_inline_log_of_a_tenth_is_refused(tmp_path):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device, pytest.raises(OperationRefused, match="tenth"):
        build(device, tree.finish(), origin=FixedOrigin(NOW), log=InlineLog(2 * MIB))


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(tmp_path, block_size):
    """Metadata pages stay 4096 bytes apart; the root inode lies in the third extent behind the block map."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device:
        build(device, tree.finish(), origin=FixedOrigin(NOW), block_size=block_size)
        superblock = AIX.structures.superblock.parse(device.read(0x8000, 4096))
        assert superblock.s_bsize == block_size
        ait2 = superblock.s_ait2.addr_lo * block_size
        root = AIX.structures.inode.parse(device.read(ait2 + 16384 + 2 * 512, 512))
        assert (root.di_number, root.di_nlink, root.di_ixpxd.len) == (2, 3, 16384 // block_size)


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"a\0b", b"n" * 256])
def test_names_that_no_directory_can_hold_are_refused(tmp_path, name):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    tree.add_entry(0, tree.add_inode(0o100644), name)
    with ImageFile.create(tmp_path / "x", 16 * MIB) as device:
        with pytest.raises(OperationRefused, match="cannot hold the name"):
            build(device, tree.finish(), origin=FixedOrigin(NOW))
        assert list(device.extents()) == [(0, 16 * MIB, False)]


def test_of_two_entries_with_one_name_the_second_is_left_out():
    """A damaged file system may have them, and no directory can hold both."""
    builder = InventoryBuilder()
    root = builder.add_inode(0o40755)
    for name in (b"a", b"twice\x1b", b"b", b"twice\x1b"):
        builder.add_entry(root, builder.add_inode(0o100644), name)
    device = FileDevice(io.BytesIO(bytes(32 * MIB)), writable=True)
    report = build(device, builder.finish())
    assert [str(line) for line in report.problems] == [r"/twice\x1b: an entry has this name, left out"]
    assert report.inodes == 5 and check(device).findings == []  # with lost+found
