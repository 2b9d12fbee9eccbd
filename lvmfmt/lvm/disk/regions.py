"""The five regions of a disk, from the outer edge (PP 1) to the inner edge ([lvm 14], checked with D10)."""

from __future__ import annotations

import enum
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import BadArgument
from ..kinds import LIMITS, VgKind

MOST_PPS = LIMITS[VgKind.SCALABLE].pps[-1]
"""PPs of the largest disk: all of a scalable group."""


class Region(enum.IntEnum):
    """A region, in the order of the PPs."""

    OUTER_EDGE = 0
    OUTER_MIDDLE = 1
    CENTER = 2
    INNER_MIDDLE = 3
    INNER_EDGE = 4


INTRA = {
    "e": Region.OUTER_EDGE,
    "m": Region.OUTER_MIDDLE,
    "c": Region.CENTER,
    "im": Region.INNER_MIDDLE,
    "ie": Region.INNER_EDGE,
}
"""The intra-policy letters of `mklv -a` and the region they stand for."""

_EXTRA_FIRST = (Region.OUTER_EDGE, Region.INNER_EDGE, Region.OUTER_MIDDLE, Region.INNER_MIDDLE)


def region_sizes(pp_count: int) -> tuple[int, int, int, int, int]:
    """PPs of each region: a fifth each, and what remains one by one to the edges, then to the middles."""
    if not 0 <= pp_count <= MOST_PPS:
        raise BadArgument("PPs", pp_count, f"0 to {MOST_PPS}")
    size, extra = divmod(pp_count, 5)
    sizes = [size] * 5
    for region in _EXTRA_FIRST[:extra]:
        sizes[region] += 1
    return (sizes[0], sizes[1], sizes[2], sizes[3], sizes[4])


@lru_cache(maxsize=256)
def nearest_first(pp_count: int, intra: str) -> tuple[tuple[int, int], ...]:
    """The regions of a disk, the one that a policy asks for first, then the nearest, inner before outer.

    Returns:
        Index of the first PP of each, and of the one behind its last.
    """
    spans = list(pairwise(accumulate(region_sizes(pp_count), initial=0)))
    wanted = int(INTRA[intra])
    return tuple(spans[i] for i in sorted(range(len(spans)), key=lambda i: (abs(i - wanted), i < wanted)))


def region_of(pp_count: int) -> NDArray[np.int64]:
    """The region of every PP, shape (pp_count,), index PP - 1."""
    return np.repeat(np.arange(5), region_sizes(pp_count))
