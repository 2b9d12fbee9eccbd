"""Where moved blocks are, and what says so."""

import numpy as np
import pytest

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.resizing.relocation import Relocation
from lvmfmt.jfs2.volume import Volume

MOVES = Relocation(np.array([(100, 10, 20), (50, 5, 300)]))


def test_blocks_inside_a_run_move_and_no_others():
    old = np.array([49, 50, 54, 55, 99, 100, 109, 110, 0])
    assert MOVES.blocks(old).tolist() == [49, 300, 304, 55, 99, 20, 29, 110, 0]
    assert MOVES.bytes(np.array([100 * 512 + 7, 49 * 512]), 512).tolist() == [20 * 512 + 7, 49 * 512]
    assert Relocation(np.zeros((0, 3), np.int64)).blocks(old) is old


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_addresses_in_structures(dialect):
    table = dialect.structures.pxd.empty_table(3)
    dialect.put_pxd(table, slice(None), np.array([52, 7, 105]), np.array([1, 2, 3]))
    MOVES.pxds(Volume(None, dialect, 4096, 1000), table)
    length, address = dialect.get_pxd(table)
    assert (address.tolist(), length.tolist()) == ([302, 7, 25], [1, 2, 3])
