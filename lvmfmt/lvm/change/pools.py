"""What an allocation works on: the free PPs of a disk, the LPs of a copy that need PPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..disk.regions import nearest_first

Indices = NDArray[np.int64]


class Pool:
    """The free PPs of a disk.

    Attributes:
        number: PV number.
        free: whether each PP is free, shape (pp_count,), index PP - 1; `take` changes it.
        room: how many are free.
    """

    def __init__(self, number: int, free: NDArray[np.bool_]) -> None:
        self.number = number
        self.free = free
        self.room = int(np.count_nonzero(free))

    def copy(self) -> Pool:
        """An independent copy."""
        return Pool(self.number, self.free.copy())

    def take(self, pps: Indices) -> None:
        """Give free PPs away, by their numbers."""
        self.free[pps - 1] = False
        self.room -= len(pps)

    def best(self, intra: str, count: int) -> Indices:
        """So many free PP numbers, or as many as there are, the best first."""
        found: list[Indices] = []
        for first, end in nearest_first(len(self.free), intra):
            pps = self.free[first:end].nonzero()[0][:count]
            if len(pps):
                found.append(pps + (first + 1))
                count -= len(pps)
            if not count:
                break
        return np.concatenate(found) if len(found) > 1 else found[0] if found else np.zeros(0, np.int64)

    def run(self, length: int, intra: str) -> Indices | None:
        """The PP numbers of a free run: the first in the region, else the first anywhere; None if there is none."""
        for first, end in (nearest_first(len(self.free), intra)[0], (0, len(self.free))):
            edges = np.flatnonzero(np.diff(np.concatenate(([0], self.free[first:end].astype(np.int8), [0]))))
            starts, ends = edges[::2], edges[1::2]
            fitting = np.flatnonzero(ends - starts >= length)
            if len(fitting):
                start = first + int(starts[fitting[0]]) + 1
                return np.arange(start, start + length)
        return None


@dataclass
class Row:
    """One copy of some LPs that needs PPs.

    Attributes:
        pv: the PV numbers to fill in, shape (lps,).
        pp: the PP numbers to fill in, same shape.
        taken: PV numbers of the other copies of these LPs, shape (copies, lps).
        barred: PV numbers of the other copies of the whole LV.
        own: PV numbers that this copy has already, for its other LPs.
        first: index of the first of these LPs in the LV.
        copy: which copy it is, from 0.
        columns: of a striped copy that is there already, the PV number of each column.
    """

    pv: NDArray[np.uint16]
    pp: NDArray[np.uint32]
    taken: NDArray[np.uint16]
    barred: frozenset[int] = frozenset()
    own: frozenset[int] = frozenset()
    first: int = 0
    copy: int = 0
    columns: Sequence[int] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.pv)

    def give(self, pool: Pool, lps: Indices, pps: Indices) -> None:
        """Let LPs (indices into this row) lie on PPs of a disk."""
        self.pv[lps], self.pp[lps] = pool.number, pps
        pool.take(pps)

    def allowed(self, pool: Pool, strict: str) -> NDArray[np.bool_]:
        """Which LPs may lie on a disk, shape (lps,)."""
        if strict == "y" and len(self.taken):
            return ~np.asarray((self.taken == pool.number).any(axis=0))
        return self._all

    @cached_property
    def _all(self) -> NDArray[np.bool_]:
        return np.ones(len(self), np.bool_)

    def capacity(self, pool: Pool, strict: str) -> int:
        """How many LPs can lie on a disk."""
        return min(pool.room, int(np.count_nonzero(self.allowed(pool, strict))))
