"""Structures of AIX: published words and derived vectors parse to what [jfs2 6.4, 6.5] say they mean."""

from lvmfmt.layout.jfs2.j2 import EA_HEAD, J2, LOG_AIMAP, LOG_XDTABLE


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


def test_an_extent_descriptor() -> None:
    assert pxd(J2.pxd.parse(hexes("0000040000000018"))) == (4, 24)  # 4@24 [jfs2 2.1]


def test_records_that_only_aix_has_are_as_long_as_its_log_records() -> None:
    assert LOG_XDTABLE.size == LOG_AIMAP.size == J2.log_record.size == 56  # [jfs2 2.8]
    assert [record.offset_of("type") for record in (LOG_XDTABLE, LOG_AIMAP, J2.log_redopage)] == [16, 16, 16]


def test_what_nobody_has_published_is_our_own_choice() -> None:
    assert {f.grade for f in J2.log_super.fields()} == {"B"}
    assert {(f.grade, f.source) for f in EA_HEAD.fields()} == {("C", "own")}
