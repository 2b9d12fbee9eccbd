"""Whatever the bytes are: a report or an error of ours, in bounded time and memory, and nothing is written."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage, LvmfmtError
from lvmfmt.jfs2.checking import check

NAMES = ("aix-small", "linux-small", "aix", "linux", "simple", "operations", "indexed")


@pytest.fixture(scope="module")
def metadata(request):
    """Bytes that are not zero, or next to one, of each image: that is where its metadata is."""
    known = {}

    def places(name, data):
        if name not in known:
            array = np.frombuffer(data, np.uint8)
            known[name] = np.flatnonzero((array != 0) & (array != ord("x")))
        return known[name]

    return places


@settings(max_examples=60)
@given(
    name=st.sampled_from(NAMES),
    flips=st.lists(
        st.tuples(st.integers(0, 1 << 30), st.integers(-8, 8), st.integers(0, 255)), min_size=1, max_size=12
    ),
)
def test_flipped_bytes(good, memory, metadata, name, flips):
    data = bytearray(good(name))
    places = metadata(name, bytes(data))
    for which, shift, value in flips:
        data[min(max(int(places[which % len(places)]) + shift, 0), len(data) - 1)] = value
    before = bytes(data)
    try:
        report = check(memory(data))
        assert all(f.text.isprintable() for f in report.findings)
    except LvmfmtError as error:
        assert str(error)
    assert data == before


@pytest.mark.parametrize("size", [0, 512, 0x8000, 0x9000, 0x10000, 1 << 20])
def test_short_devices(good, memory, size):
    with pytest.raises(LvmfmtError):
        check(memory(bytearray(good("aix-small")[:size])))


def test_no_file_system(memory):
    with pytest.raises(CorruptImage):
        check(memory(bytearray(1 << 24)))


@pytest.mark.parametrize("name", ["aix-small", "linux-small"])
def test_no_map_of_inodes(image, name):
    i = image(name)
    for second in (False, True):
        at = i.aggregate(16, second=second)
        i.data[at : at + 512] = bytes(512)
    with pytest.raises(CorruptImage, match="inode"):
        check(i.device)


def test_one_page_as_every_page(image, memory):
    """All inode extents and all pages of an extent tree in one place: told, read once, and soon over."""
    i = image("linux")
    inoext = i.iag(0)["inoext"]
    i.dialect.put_pxd(inoext[0], slice(None), int(i.dialect.get_pxd(inoext[0])[1][0]), 4)
    sparse = i.xad("/sparse", 1)
    sparse["addr_lo"] = i.xad("/sparse", 0)["addr_lo"]
    report = check(i.device)
    assert "block-owners" in report.counts


def test_memory_is_bounded(good, memory):
    """An inode map whose extents cover the whole file system again and again: 64 MiB of it in less than 256 MB."""
    i = _claim_everything(good, memory)
    tracemalloc.start()
    check(i)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256e6


def _claim_everything(good, memory):
    """The page behind the root of the imap says 254 times: the whole file system."""
    from lvmfmt.jfs2 import LINUX

    data = bytearray(good("linux-wide"))
    s = LINUX.structures
    at = 0xB000 + 16 * 512 + 224
    header = np.frombuffer(memoryview(data), s.xtree_header.dtype, 1, at)
    header["nextindex"] = 18
    xads = np.frombuffer(memoryview(data), s.xad.dtype, 16, at + 32)
    blocks = len(data) // 4096 - 500
    LINUX.put_xad(xads, slice(None), np.arange(16) * blocks, 1, blocks)
    return memory(data)
