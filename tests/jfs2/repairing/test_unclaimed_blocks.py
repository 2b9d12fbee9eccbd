"""Blocks that nobody has claimed are given out once, the lowest first."""

import numpy as np
import pytest

from lvmfmt.errors import NoSpace
from lvmfmt.jfs2 import AIX
from lvmfmt.jfs2.repairing.unclaimed_blocks import UnclaimedBlocks
from lvmfmt.jfs2.volume import Volume


class Device:
    name = "disk"


def blocks(*ranges):
    free = UnclaimedBlocks(Volume(Device(), AIX, 4096, 100))
    for start, end in ranges:
        free.keep(np.array([start]), np.array([end]))
    return free


def test_gaps_between_claims_that_overlap():
    free = blocks((0, 10), (5, 20), (30, 50), (12, 18))
    assert [free.take(n) for n in (11, 10, 1, 38)] == [50, 20, 61, 62]
    assert free.given == [(50, 61), (20, 30), (61, 62), (62, 100)]
    with pytest.raises(NoSpace, match="no room for 1 blocks in one piece that a repair needs") as caught:
        free.take(1)
    assert caught.value.where == "disk"


def test_what_was_given_out_stays_so_when_more_is_claimed():
    free = blocks((0, 10))
    assert free.take(5) == 10
    free.keep(np.array([15, 90]), np.array([20, 100]))
    assert (free.take(5), free.take(65)) == (20, 25)
    assert blocks().take(100) == 0
