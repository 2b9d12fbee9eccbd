"""Extents by `struct` are those of the layout's tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.nodes.extent_node import file_extents
from lvmfmt.jfs2.nodes.packed_extents import PackedExtents

BITS40, BITS24 = st.integers(0, (1 << 40) - 1), st.integers(0, (1 << 24) - 1)


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@given(pieces=st.lists(st.tuples(BITS40, BITS24, BITS40, st.integers(0, 255)), max_size=4))
def test_entries(dialect, pieces):
    packed = PackedExtents(dialect)
    raw = packed.put_entries(pieces)
    assert file_extents(dialect, dialect.structures.xad.table(raw, len(pieces))).tolist() == pieces
    assert packed.entries(b"?" * 3 + raw, 3, 0, len(pieces)) == pieces


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@given(address=BITS40, length=BITS24)
def test_pxd(dialect, address, length):
    raw = PackedExtents(dialect).pxd(address, length)
    table = np.frombuffer(raw, dialect.structures.pxd.dtype)
    assert [int(v[0]) for v in dialect.get_pxd(table)] == [length, address]
    assert PackedExtents(dialect).get_pxd(b"..." + raw, 3) == (address, length)


def test_a_known_entry():
    """Offset 0x123456789A, 0xABCDEF blocks at 0x9876543210: high bytes of offset and address lie apart."""
    piece = (0x123456789A, 0xABCDEF, 0x9876543210, 4)
    assert PackedExtents(AIX).put_entries([piece]) == bytes.fromhex("04 0000 12 3456789a abcdef 98 76543210")
    assert PackedExtents(LINUX).put_entries([piece]) == bytes.fromhex("04 0000 12 9a785634 efcdab 98 10325476")
