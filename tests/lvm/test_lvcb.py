"""The reader of control blocks works in any layout; the writer's own layout is checked by vector 9 (tests/layout)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.lvm import Lvcb, lvcb

VALUE = Lvcb(
    type="jfs2",
    lvid="00cebffe00004c000000010363f50ac5.12",
    name="hd4",
    created="Fri May 20 14:40:47 2005\n",
    modified="Sat May 21 04:40:07 2005\n",
    machine_id="553C54C00",
    lps=20,
    copies=2,
    label="/",
    fs="vfs=jfs2:log=/dev/hd8",
)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=15)


@given(
    type=st.sampled_from(["jfs", "jfs2", "jfs2log", "boot", "paging", "sysdump"]),
    name=names,
    minor=st.integers(1, 255),
    vgid=st.sampled_from(["00cebffe00004c000000010363f50ac5", "000921765f1d266c"]),
    numbers=st.tuples(st.integers(1, 1024), st.integers(0, 32512), st.integers(1, 3)),
    relocatable=st.booleans(),
    inter=st.sampled_from("mx"),
    intra=st.sampled_from(["e", "m", "c", "im", "ie"]),
    strict=st.sampled_from("yns"),
    label=st.sampled_from(["None", "/", "/usr", "/a.1", "primary_bootlv"]),
    fs=st.sampled_from(["", "log=/dev/hd8:options=rw:account=false", "vfs=jfs2:log=INLINE:mount=auto"]),
)
def test_what_is_written_is_read(type, name, minor, vgid, numbers, relocatable, inter, intra, strict, label, fs):
    upper, lps, copies = numbers
    value = Lvcb(
        type, f"{vgid}.{minor}", name, VALUE.created, VALUE.modified, VALUE.machine_id, relocatable, inter, intra,
        strict, upper, lps, copies, label, fs,
    )  # fmt: skip
    block = lvcb.build(value)
    assert lvcb.read(block) == value
    assert lvcb.is_ours(block, value)


def shifted(block: bytes) -> bytes:
    """The same members in the same order with other widths: every run of NULs between texts becomes another."""
    parts = re.split(b"\0{4,}", block)
    return b"\0\0\0".join(parts).ljust(512, b"\0")


def test_another_layout():
    block = lvcb.build(VALUE)
    other = shifted(block)
    assert other != block
    assert lvcb.read(other) == VALUE
    assert not lvcb.is_ours(other, VALUE)


def test_policies_in_either_order():
    block = bytearray(lvcb.build(VALUE))
    at = 0xC1  # inter before intra in our layout
    for letters, inter, intra in (
        (b"cx", "x", "c"),
        (b"xc", "x", "c"),
        (b"em", "m", "e"),
        (b"mm", "m", "m"),
        (b"mx", "x", "m"),
    ):
        block[at : at + 2] = letters
        value = lvcb.read(bytes(block))
        assert (value.inter, value.intra) == (inter, intra)


@pytest.mark.parametrize(
    ("offset", "data", "field"),
    [
        (0, b"NOT LVCB", "tag"), (0x70, bytes(32), "modified"), (0x90, bytes(32), "modified"),
        (0x70, bytes(64), "created"),
        (0x10, bytes(32), "lvname"), (0x10, bytes(96), "type"), (0xB0, bytes(16), "machine_id"),
        (0xC0, b"q", "relocatable"), (0xC2, b"z", "relocatable"), (0xC4, bytes(6), "upperbound"),
        (0xC8, b"\xff\xff", "upperbound"), (0x1D0, bytes(32), "lvid_rest"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_named(offset: int, data: bytes, field: str):
    block = bytearray(lvcb.build(VALUE))
    block[offset : offset + len(data)] = data
    with pytest.raises(CorruptImage) as caught:
        lvcb.read(bytes(block), where="hd4")
    assert (caught.value.structure, caught.value.field) == ("lvcb", field)


@given(st.binary(max_size=504))
def test_rubbish_behind_the_tag(rest: bytes):
    with pytest.raises(CorruptImage):
        lvcb.read((b"AIX LVCB" + rest).ljust(512, b"\0"))


@pytest.mark.parametrize("field", ["type", "name", "label", "fs"])
def test_texts_too_long(field: str):
    with pytest.raises(OperationRefused, match="longer"):
        lvcb.build(VALUE._replace(**{field: "x" * 128}))
