"""Free lists of directory nodes, made anew from what the entries use."""

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.log.free_lists import FreeListBuilder
from lvmfmt.jfs2.volume import Volume

END = 0xFF


class Nowhere:
    name, size = "image", 0


@pytest.fixture
def builder() -> FreeListBuilder:
    return FreeListBuilder(Volume(Nowhere(), AIX, 512, 1000))


def entry(number, name):
    return np.frombuffer((number.to_bytes(8, "big") + bytes([END, len(name)]) + name).ljust(32, b"\0"), np.uint8)


def page():
    """A leaf page of 512 bytes: header, table in slot 1, entries in the slots 4 and 9."""
    raw = np.full(512, 0xEE, np.uint8)
    raw[:32] = 0
    raw[16:22] = [2, 2, 0x55, 0x55, 16, 1]  # leaf, two entries, free count and list unknown, slots, table
    raw[24:32] = np.frombuffer((1).to_bytes(3, "big") + (40).to_bytes(5, "big"), np.uint8)
    raw[32:34] = [4, 9]
    raw[4 * 32 : 5 * 32], raw[9 * 32 : 10 * 32] = entry(5, b"a"), entry(6, b"b")
    return raw


def chain(raw, head):
    found = []
    while head != END:
        found.append(head)
        head = int(raw[head * 32])
    return found


def test_a_page(builder) -> None:
    raw = page()
    builder.page(raw, 40 * 512)
    free = [2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]
    assert raw[18] == len(free) and sorted(chain(raw, int(raw[19]))) == free
    assert np.array_equal(raw[4 * 32 : 5 * 32], entry(5, b"a"))


def test_a_root(builder) -> None:
    raw = np.zeros(288, np.uint8)
    raw[16:20] = [0x83, 1, 0, 0]
    raw[24] = 3
    raw[3 * 32 : 4 * 32] = entry(5, b"a")
    raw[20:24] = [0, 0, 0, 2]
    builder.root(raw, 0x8000)
    assert raw[18] == 7 and sorted(chain(raw, int(raw[19]))) == [1, 2, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(("at", "value"), [(17, 40), (20, 3), (21, 20), (32, 99), (4 * 32 + 8, 9)])
def test_entries_that_make_no_sense(builder, at, value) -> None:
    raw = page()
    raw[at] = value
    with pytest.raises(CorruptImage) as refused:
        builder.page(raw, 40 * 512)
    assert 40 * 512 <= refused.value.offset < 41 * 512


def test_the_order_of_names_hides_no_slot(builder) -> None:
    """Where entries carry an index, its bytes look like the end of a long name here."""
    raw = page()
    raw[4 * 32 : 5 * 32], raw[9 * 32 : 10 * 32] = entry(6, b"b"), entry(5, b"a")
    builder.page(raw, 40 * 512)
    assert raw[18] == 12
