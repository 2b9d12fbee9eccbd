"""Coding of names, extents and times in both dialects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.dialect.definition import Dialect

BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


@BOTH
@given(name=st.binary(max_size=60) | st.text(max_size=40).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_every_name_comes_back(dialect: Dialect, name: bytes) -> None:
    assert dialect.decode_name(dialect.encode_name(name)) == name


@given(units=st.lists(st.integers(1, 0xFFFF).filter(lambda unit: unit != 0xDCED), max_size=20))
def test_every_linux_name_on_a_disk_can_be_asked_for(units: list[int]) -> None:
    coded = np.array(units, "<u2").tobytes()
    assert LINUX.encode_name(LINUX.decode_name(coded)) == coded


@given(a=st.lists(st.integers(1, 0xFFFF), max_size=6), b=st.lists(st.integers(1, 0xFFFF), max_size=6))
def test_linux_names_are_ordered_by_unit(a: list[int], b: list[int]) -> None:
    keys = [LINUX.sort_key(np.array(x, "<u2").tobytes()) for x in (a, b)]
    assert (keys[0] < keys[1]) == (a < b)


@BOTH
@given(names=st.lists(st.lists(st.integers(1, 0xFFFF), max_size=6), max_size=5))
def test_keys_of_several_names(dialect: Dialect, names: list[list[int]]) -> None:
    coded = [np.array(units, "<u2").tobytes() for units in names]
    assert dialect.sort_keys(coded) == [dialect.sort_key(name) for name in coded]


@BOTH
@given(
    offset=st.integers(0, (1 << 40) - 1),
    length=st.integers(1, (1 << 24) - 1),
    address=st.integers(0, (1 << 40) - 1),
    flag=st.integers(0, 255),
)
def test_extents(dialect: Dialect, offset: int, length: int, address: int, flag: int) -> None:
    xads = dialect.structures.xad.empty_table(3)
    dialect.put_xad(xads, 1, offset, address, length, flag)
    assert [column.tolist() for column in dialect.get_xad(xads)] == [
        [0, offset, 0],
        [0, length, 0],
        [0, address, 0],
        [0, flag, 0],
    ]
    parsed = dialect.structures.xad.parse(xads[1:2].tobytes())
    assert (parsed.len, parsed.addr_hi << 32 | parsed.addr_lo) == (length, address)
    assert parsed.off_hi << 32 | parsed.off_lo == offset


@given(ns=st.integers(-(1 << 62), 1 << 62))
def test_times_of_aix(ns: int) -> None:
    times = AIX.structures.time.empty_table(1)
    AIX.put_time(times, ns)
    assert AIX.get_time(times)[0] == ns


@pytest.mark.parametrize(
    ("ns", "kept"), [(5 * 10**9 + 7, 5 * 10**9 + 7), (-(10**9), 0), (1 << 62, (2**32 - 1) * 10**9)]
)
def test_times_of_linux_have_32_bits(ns: int, kept: int) -> None:
    times = LINUX.structures.time.empty_table(1)
    LINUX.put_time(times, ns)
    assert LINUX.get_time(times)[0] // 10**9 == kept // 10**9


def test_times_beyond_what_can_be_said() -> None:
    times = AIX.structures.time.empty_table(2)
    times["tv_sec"], times["tv_nsec"] = [1 << 62, -(1 << 62)], [-5, 2**31 - 1]
    late, early = AIX.get_time(times).tolist()
    assert late > 9 * 10**18 and early < -9 * 10**18
    times["tv_sec"], times["tv_nsec"] = 5, [-5, 2**31 - 1]
    assert AIX.get_time(times).tolist() == [5 * 10**9, 6 * 10**9 - 1]  # nanoseconds are those of one second


def test_names_that_are_no_text() -> None:
    # a lone surrogate of a disk is three bytes and comes back; bytes that are no UTF-8 become lone surrogates each
    assert LINUX.decode_name(b"\x00\xd8") == b"\xed\xa0\x80" and LINUX.encode_name(b"\xed\xa0\x80") == b"\x00\xd8"
    assert LINUX.encode_name(b"\xed\xa0") == b"\xed\xdc\xa0\xdc"
    assert LINUX.encode_name(b"\xed\xb3\x80") == b"\xed\xdc\xb3\xdc\x80\xdc"  # would come back as the byte 0xC0


def test_numbers_of_inodes() -> None:
    assert (AIX.inode_number.pack(258), LINUX.inode_number.pack(258)) == (b"\0\0\0\0\0\0\1\2", b"\2\1\0\0")
    assert (AIX.inode_number_dtype, LINUX.inode_number_dtype) == (np.dtype(">u8"), np.dtype("<u4"))
