"""Where moved blocks are, and what says so."""

import numpy as np
import pytest

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.nodes.index_slots import free_index_slot, index_slot
from lvmfmt.jfs2.resizing.relocation import Relocation, relocate_index
from lvmfmt.jfs2.volume import Volume

MOVES = Relocation(np.array([(100, 10, 20), (50, 5, 300)]))


def test_blocks_inside_a_run_move_and_no_others():
    old = np.array([49, 50, 54, 55, 99, 100, 109, 110, 0])
    assert MOVES.blocks(old).tolist() == [49, 300, 304, 55, 99, 20, 29, 110, 0]
    assert MOVES.bytes(np.array([100 * 512 + 7, 49 * 512]), 512).tolist() == [20 * 512 + 7, 49 * 512]
    assert [MOVES.block(block) for block in (49, 50, 109)] == [49, 300, 29]
    assert Relocation(np.zeros((0, 3), np.int64)).blocks(old) is old


def test_an_index_names_leaves_where_they_are_now():
    """A free slot names an index, not a block: it stays."""

    def table(*blocks: int) -> bytes:
        slots = [index_slot(block, position) for position, block in enumerate(blocks)]
        return b"".join([*slots, free_index_slot(104)])

    raw = np.frombuffer(table(104, 0, 60), np.uint8).copy()
    relocate_index(raw, MOVES)
    assert raw.tobytes() == table(24, 0, 60)


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_addresses_in_structures(dialect):
    table = dialect.structures.pxd.empty_table(3)
    dialect.put_pxd(table, slice(None), np.array([52, 7, 105]), np.array([1, 2, 3]))
    MOVES.pxds(Volume(None, dialect, 4096, 1000), table)
    length, address = dialect.get_pxd(table)
    assert (address.tolist(), length.tolist()) == ([302, 7, 25], [1, 2, 3])
