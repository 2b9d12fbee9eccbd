"""Structures of Linux: bytes that Linux and jfs_mkfs wrote parse to what [jfs2 6.1 to 6.3] say they mean."""

import lzma
from pathlib import Path

import numpy as np

from lvmfmt.layout.jfs2.jfs1 import JFS1, LEAF_SLOT_INDEXED

IMAGE = Path(__file__).resolve().parents[3] / "fixtures" / "linux-jfs" / "simple.img.xz"
SIMPLE = lzma.decompress(IMAGE.read_bytes())
"""The image that [jfs2 6.1] dumps."""


def pxd(value) -> tuple[int, int]:
    return value.len, value.addr_hi << 32 | value.addr_lo


def hexes(text: str) -> bytes:
    return bytes.fromhex(text)


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


def test_an_extent_descriptor() -> None:
    assert pxd(JFS1.pxd.parse(hexes("0400000018000000"))) == (4, 24)  # 4@24 [jfs2 2.1]
