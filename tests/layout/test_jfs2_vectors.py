"""The byte vectors of the reference, section 6, parse to what it says they mean."""

import lzma
from pathlib import Path

import numpy as np

from lvmfmt.layout.jfs2 import J2, JFS1, LEAF_SLOT_INDEXED

IMAGE = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs" / "simple.img.xz"
SIMPLE = lzma.decompress(IMAGE.read_bytes())
"""The image that section 6.1 dumps."""


def pxd(value) -> tuple[int, int]:
    return value.len, value.addr_hi << 32 | value.addr_lo


def hexes(text: str) -> bytes:
    return bytes.fromhex(text)


def test_published_aix_superblock_words() -> None:
    # 6.4: byte 0x8000 of an AIX file system of June 2008, and byte 0x80A0 of another
    raw = bytearray(2048)
    raw[:16] = hexes("4A324653 00000001 00000000 4845D182")
    raw[0xA0:0xB0] = hexes("00000001 00000000 00000000 00000000")
    s = J2.superblock.parse(bytes(raw))
    assert (s.s_magic, s.s_version, s.s_time.tv_sec, s.s_fscklog, s.s_xsize) == (b"J2FS", 1, 0x4845D182, 1, 0)


def test_derived_aix_superblock() -> None:
    raw = bytearray(2048)
    for offset, text in {
        0: "4a324653", 4: "00000001", 8: "0000000049a50fa7 0000000000000000", 56: "000000000000fe60", 64: "00001000",
        68: "0000000c", 72: "00000200", 76: "00000009", 80: "00000003", 84: "00002000", 88: "00000100",
        96: "000004000000000b", 104: "0000040000000016", 144: "0000340000001fcc", 156: "00000032",
    }.items():  # fmt: skip
        raw[offset : offset + len(hexes(text))] = hexes(text)
    s = J2.superblock.parse(bytes(raw))
    assert (s.s_size, s.s_bsize, s.s_agsize, s.s_flag, s.s_time.tv_sec) == (65120, 4096, 8192, 0x100, 1235554215)
    assert (pxd(s.s_ait), pxd(s.s_ait2), pxd(s.s_fsckpxd)) == ((4, 11), (4, 22), (52, 8140))
    assert s.s_fsckloglen == 50


def test_derived_aix_inode_map() -> None:
    control = J2.dinomap.parse(
        hexes("ffffffff 00000001 00000040 00000034 00000004 00000002").ljust(2048, b"\0")
        + hexes("00000000 00000000 00000040 00000034").ljust(2048, b"\0")
    )
    assert (control.in_freeiag, control.in_numinos, control.in_numfree) == (-1, 64, 52)
    assert (control.in_agctl[0].numinos, control.in_agctl[0].numfree) == (64, 52)
    raw = bytearray(4096)
    raw[32:48] = hexes("3fffffff ffffffff ffffffff ffffffff")
    raw[48:52] = hexes("c0000000")
    raw[64:72] = hexes("00000034 0000007e")
    raw[2048:2056] = hexes("f8008000 f8008000")
    raw[3072:3088] = hexes("000004000000000b 0000040000000016")
    iag = J2.iag.parse(bytes(raw))
    assert (iag.nfreeinos, iag.nfreeexts, iag.inosmap[0], iag.extsmap[0]) == (52, 126, 0x3FFFFFFF, 0xC0000000)
    assert iag.wmap[:2] == [0xF8008000, 0xF8008000]
    assert [pxd(x) for x in iag.inoext[:3]] == [(4, 11), (4, 22), (0, 0)]


def test_derived_aix_root_directory() -> None:
    raw = bytearray(512)
    for offset, text in {
        0: "0000000000000002", 8: "00000001", 12: "00000010", 16: "49a50fa7", 24: "000004000000001a",
        32: "0000000000000100", 56: "00000003", 60: "000341ed", 64: "0000000049a50fa7", 0xE0: "0000000000000002",
        0xF0: "83010702 00000000 01", 0x100: "0000000000000003 ff0a 6c6f73742b666f756e64", 0x120: "0301",
    }.items():  # fmt: skip
        raw[offset : offset + len(hexes(text))] = hexes(text)
    inode = J2.inode.parse(bytes(raw))
    assert (inode.di_number, inode.di_fileset, inode.di_size, inode.di_nlink) == (2, 16, 256, 3)
    assert (inode.di_mode, pxd(inode.di_ixpxd), inode.di_atime.tv_sec) == (0x341ED, (4, 26), 0x49A50FA7)
    root = J2.dtree_root.parse(inode.root)
    assert (root.idotdot, root.flag, root.nextindex, root.freecnt, root.freelist) == (2, 0x83, 1, 7, 2)
    slot = J2.leaf_slot.parse(inode.root[32 * root.stbl[0] :])
    assert (slot.inumber, slot.next, slot.namlen, slot.name[:10]) == (3, -1, 10, b"lost+found")
    free = J2.continuation_slot.parse(inode.root[64:])
    assert (free.next, free.cnt) == (3, 1)


def test_derived_aix_long_name() -> None:
    head = J2.leaf_slot.parse(hexes("0000000000000007 0417") + b"abcdefghijklmnopqrstuv")
    assert (head.inumber, head.next, head.namlen, head.name) == (7, 4, 23, b"abcdefghijklmnopqrstuv")
    rest = J2.continuation_slot.parse(hexes("ff00") + b"w".ljust(30, b"\0"))
    assert (rest.next, rest.name[:1]) == (-1, b"w")


def test_derived_aix_log() -> None:
    s = J2.log_super.parse(hexes("4a32584c 00000001 00000000 00000040 00000900 00000001 00002040").ljust(512, b"\0"))
    assert (s.magic, s.version, s.size, s.flag, s.state, s.end) == (b"J2XL", 1, 64, 0x900, 1, 8256)
    page = hexes("0000003d 0000 0040")
    header = J2.log_page_header.parse(page)
    assert (header.page, header.eor) == (61, 0x40)
    record = J2.log_syncpt.parse(hexes("00" * 16 + "4000").ljust(56, b"\0"))
    assert (record.type, record.sync) == (0x4000, 0)


def test_linux_superblock() -> None:
    s = JFS1.superblock.parse(SIMPLE[0x8000:])
    assert (s.s_magic, s.s_version, s.s_size, s.s_bsize, s.s_l2bsize) == (b"JFS1", 1, 30304, 4096, 12)
    assert (s.s_l2bfactor, s.s_pbsize, s.s_l2pbsize, s.s_agsize, s.s_flag) == (3, 512, 9, 8192, 0x10200900)
    assert (pxd(s.s_ait2), pxd(s.s_aim2), pxd(s.s_logpxd), pxd(s.s_fsckpxd)) == (
        (4, 24),
        (2, 22),
        (256, 3840),
        (52, 3788),
    )
    assert (s.s_logdev, s.s_logserial, s.s_time.tv_sec, s.s_fsckloglen, s.s_fscklog) == (0xFE10, 1, 1795308414, 50, 2)
    assert s.s_uuid[:4] == hexes("a140b47c")


def test_linux_aggregate() -> None:
    control = JFS1.dinomap.parse(SIMPLE[0x9000:])
    assert (control.in_freeiag, control.in_nextiag, control.in_numinos, control.in_numfree) == (-1, 1, 32, 26)
    assert control.in_agctl[1].inofree == -1
    iag = JFS1.iag.parse(SIMPLE[0xA000:])
    assert (iag.inofreefwd, iag.iagfree, iag.nfreeinos, iag.nfreeexts, iag.wmap[0]) == (-1, -1, 26, 127, 0xF8008000)
    assert pxd(iag.inoext[0]) == (4, 11)
    inode = JFS1.inode.parse(SIMPLE[0xD000:])
    assert (inode.di_number, inode.di_fileset, inode.di_size, inode.di_mode) == (16, 1, 8192, 0x18000)
    header = JFS1.xtree_header.parse(inode.root)
    assert (header.flag, header.nextindex, header.maxentry) == (0x83, 3, 18)
    xad = JFS1.xad.parse(inode.root[32:])
    assert (xad.flag, xad.off_lo, pxd(xad)) == (0, 0, (2, 32))


def test_linux_block_map() -> None:
    control = JFS1.dbmap.parse(SIMPLE[0x10000:])
    assert (control.dn_mapsize, control.dn_nfree, control.dn_numag, control.dn_agstart) == (3788, 3749, 1, 341)
    assert (control.dn_agl2size, control.dn_agfree[0], control.dn_agsize, control.dn_maxfreebud) == (13, 3749, 8192, 10)
    level = JFS1.dmapctl.parse(SIMPLE[0x13000:])
    assert (level.nleafs, level.leafidx, level.height, level.budmin) == (1024, 341, 5, 13)
    assert level.stree[:7] == [10, 10, -1, -1, -1, 10, -1]
    dmap = JFS1.dmap.parse(SIMPLE[0x14000:])
    assert (dmap.nblocks, dmap.nfree, dmap.start, dmap.tree.budmin) == (3788, 3749, 0, 5)
    assert dmap.tree.stree[:5] == [10, 10, 10, -1, -1]
    assert dmap.tree.stree[85:94] == [-1, 4, 6, -1, 7, -1, -1, -1, 8]
    assert dmap.wmap[:3] == [0xFFFFFFFF, 0xCF800000, 0] and dmap.wmap[118] == 0x000FFFFF


def test_linux_files() -> None:
    root = JFS1.inode.parse(SIMPLE[28 * 4096 + 1024 :])
    assert (root.di_number, root.di_nlink, root.di_size, root.di_next_index, root.di_mode) == (2, 3, 8, 3, 0x141ED)
    header = JFS1.dtree_root.parse(root.root)
    assert (header.flag, header.nextindex, header.freecnt, header.freelist, header.idotdot) == (0x83, 1, 7, 2, 2)
    slot = LEAF_SLOT_INDEXED.parse(root.root[32:])
    assert (slot.inumber, slot.next, slot.namlen, slot.name[:2], slot.index) == (32, -1, 1, b"d\0", 2)
    table = JFS1.inode.table(SIMPLE, 32, 36 * 4096)
    assert table["di_number"].tolist() == list(range(32, 64))
    assert (table["di_gen"][1], table["di_size"][1], table["di_mode"][1]) == (2, 6, 0x681A4)
    assert JFS1.xtree_header.parse(table["root"][1].tobytes()).maxentry == 10


def test_linux_log() -> None:
    s = JFS1.log_super.parse(SIMPLE[0xF01000:])
    assert (s.magic, s.version, s.serial, s.size, s.bsize) == (0x87654321, 1, 1, 256, 4096)
    assert (s.l2bsize, s.flag, s.state, s.end) == (12, 0x10200900, 1, 10664)
    page = SIMPLE[0xF02000:0xF03000]
    header = JFS1.log_page_header.parse(page)
    assert (header.page, header.eor) == (253, 0x9A8)
    assert JFS1.log_syncpt.parse(page[8:]).type == 0x4000
    mount = JFS1.log_record.parse(page[0x50:])
    assert (mount.type, mount.aggregate) == (0x2000, 0xFE10)
    changed = JFS1.log_range.parse(page[0x194:])
    assert (changed.offset, changed.length) == (0, 9)
    record = JFS1.log_redopage.parse(page[0x198:])
    assert (record.logtid, record.backchain, record.type, record.length) == (1, 0, 0x0800, 292)
    assert (record.fileset, record.inode, record.subtype, record.l2linesize) == (16, 32, 0x14, 5)
    assert pxd(record.pxd) == (1, 36)
    commit = JFS1.log_record.parse(page[0x3F8:])
    assert (commit.type, commit.backchain) == (0x8000, 0x23F8)


def test_linux_directory_pages() -> None:
    # 6.2: an internal page and a leaf of a legacy directory
    header = JFS1.dtree_page_header.parse(hexes("00" * 16 + "04096818 80090000 0100000044000000"))
    assert (header.flag, header.nextindex, header.freecnt, header.freelist) == (4, 9, 104, 24)
    assert (header.maxslot, header.stblindex, pxd(header.self)) == (128, 9, (1, 68))
    router = JFS1.internal_slot.parse(hexes("0100000034000000 ff05 3000300031003200320000000000000000000000 0000"))
    assert (pxd(router.pxd), router.next, router.namlen) == ((1, 52), -1, 5)
    assert router.name[:10].decode("utf-16-le") == "00122"
    head = JFS1.leaf_slot.parse(hexes("d8000000 0614 30003000310038003300 6e006e006e006e006e006e006e006e00"))
    assert (head.inumber, head.next, head.namlen) == (216, 6, 20)
    assert head.name.decode("utf-16-le") == "00183" + "n" * 8


def test_linux_extent_tree_page() -> None:
    # 6.3
    page = hexes("00" * 16 + "02002a0000010000 010000003e000000" + "00000000000000000100 00002d000000")
    page += hexes("0000000002000000 010000002e000000")
    header = JFS1.xtree_header.parse(page)
    assert (header.flag, header.nextindex, header.maxentry, pxd(header.self)) == (2, 42, 256, (1, 62))
    xads = JFS1.xad.table(page, 2, 32)
    assert xads["off_lo"].tolist() == [0, 2] and xads["addr_lo"].tolist() == [45, 46]
    assert np.array_equal(xads["len"], [[1, 0, 0], [1, 0, 0]])


def test_pxd_example() -> None:
    # 2.1: 4@24
    assert pxd(JFS1.pxd.parse(hexes("0400000018000000"))) == (4, 24)
    assert pxd(J2.pxd.parse(hexes("0000040000000018"))) == (4, 24)
