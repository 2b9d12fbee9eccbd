"""Rows of the inode table."""

import stat

import numpy as np
import pytest

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.inodes.inode_table import (
    blank_inodes,
    device_number,
    empty_root,
    fill_special,
    get_generator,
    mode_attributes,
    set_extent,
    set_generator,
    shorten_roots,
    stamp_of,
    system_inodes,
)

BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
NOW = 1_700_000_000_000_000_009


def test_the_stamp_is_the_second() -> None:
    assert stamp_of(NOW) == 1_700_000_000
    assert stamp_of((1 << 32) * 10**9 + 5 * 10**9) == 5


@BOTH
def test_new_inodes_of_the_file_system_itself(dialect) -> None:
    row = system_inodes(dialect, [3, 5], fileset=16, now=NOW, generation=9)[1]
    assert (row["di_number"], row["di_fileset"], row["di_gen"], row["di_nlink"]) == (5, 16, 9, 1)
    assert (row["di_inostamp"], row["di_mode"]) == (1_700_000_000, stat.S_IFREG | 0x10000)
    assert dialect.get_time(row["di_mtime"]) // 10**9 == 1_700_000_000
    root = dialect.structures.xtree_header.table(row["root"][:32])
    assert (root["flag"][0], root["nextindex"][0], root["maxentry"][0]) == (0x83, 2, 18)


def test_linux_counts_index_entries_from_2() -> None:
    assert system_inodes(LINUX, [4], fileset=16, now=NOW)["di_next_index"].tolist() == [2]


@BOTH
def test_blank_inodes_have_identity_only(dialect) -> None:
    table = blank_inodes(dialect, np.array([40, 41]), fileset=16, stamp=7, generation=np.array([5, 6]))
    assert table["di_number"].tolist() == [40, 41] and table["di_gen"].tolist() == [5, 6]
    table["di_number"] = table["di_gen"] = table["di_fileset"] = table["di_inostamp"] = 0
    assert not table.view(np.uint8).any()


@BOTH
def test_one_extent(dialect) -> None:
    root = empty_root(dialect).copy()
    set_extent(dialect, root, 0x123456789, 77)
    header = dialect.structures.xtree_header.table(root[:32])
    assert header["nextindex"][0] == 3
    offset, length, address, flag = dialect.get_xad(root[32:48].view(dialect.structures.xad.dtype))
    assert (offset[0], length[0], address[0], flag[0]) == (0, 77, 0x123456789, 0)


@BOTH
def test_the_generator(dialect) -> None:
    row = dialect.structures.inode.empty_table(1)[0]
    set_generator(dialect, row, 0x01020304)
    assert get_generator(dialect, row) == 0x01020304
    name, at = {"aix": ("ea", 40), "linux": ("dirtable", 8)}[dialect.name]
    order = {"aix": "big", "linux": "little"}[dialect.name]
    assert row[name][at : at + 4].tobytes() == (0x01020304).to_bytes(4, order)


def test_modes_of_new_files() -> None:
    modes = np.array([stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK])
    assert mode_attributes(AIX, modes).tolist() == [0x20000, 0x20000, 0x20000]
    assert mode_attributes(LINUX, modes).tolist() == [0x20000000, 0x60000, 0x60000]


@BOTH
def test_devices_and_links_lie_in_the_root(dialect) -> None:
    table = dialect.structures.inode.empty_table(4)
    table["di_mode"] = 0x40000
    table["root"] = 0xEE
    kinds = np.array([stat.S_IFCHR, stat.S_IFLNK, stat.S_IFBLK, stat.S_IFLNK])
    rdev = np.array([4 << 32 | 64, 0, 8 << 32 | 300, 0], np.uint64)
    fill_special(dialect, table, kinds, rdev, {1: b"x" * 127, 3: b"y" * 128})
    assert device_number(dialect, table["root"][[0, 2]]).tolist() == [4 << 32 | 64, 8 << 32 | 300]
    assert not table["root"][0, :32].any() and not table["root"][2, 40:].any()
    assert table["root"][1, 32:160].tobytes() == b"x" * 127 + b"\xee"
    assert table["root"][3, 32:161].tobytes() == b"y" * 128 + b"\xee"
    # a target of 128 bytes takes the place of inline attributes; only Linux has a mark for that
    assert table["di_mode"].tolist() == [0x40000] * 3 + [0x40000 if dialect is AIX else 0]


def test_short_roots_of_linux_leave_room() -> None:
    table = LINUX.structures.inode.empty_table(3)
    table["di_mode"] = 0x40000
    table["root"] = empty_root(LINUX)
    shorten_roots(LINUX, table, np.array([0, 8, 9]))
    limits = [int(LINUX.structures.xtree_header.table(root[:32])["maxentry"][0]) for root in table["root"]]
    assert limits == [10, 10, 18]
    assert table["di_mode"].tolist() == [0x40000, 0x40000, 0]
    same = AIX.structures.inode.empty_table(1)
    same["root"] = empty_root(AIX)
    shorten_roots(AIX, same, np.array([0]))
    assert np.array_equal(same["root"][0], empty_root(AIX))
