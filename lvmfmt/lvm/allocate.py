"""Choosing PPs: AIX's stated policies (`mklv -a -e -s -u`).

* intra: PPs of the region asked for first, then of the regions nearest to it, inner before outer; lowest PP first.
* inter m (minimum): disk after disk, starting with one that can hold everything; inter x (maximum): in turn over all
  disks, up to the upper bound.
* strict y: no two copies of an LP on one disk; s: no two copies of the LV on one disk; n: anything.
* contiguous (boot LVs): one run of PPs on one disk, in the region asked for if there is such a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import NoSpace
from .maps import LvMap
from .regions import INTRA, region_of


@dataclass(frozen=True)
class Policy:
    """What an allocation has to respect.

    Attributes:
        intra: e, m, c, im or ie.
        inter: m or x.
        strict: y, n or s.
        upper_bound: largest number of disks for one copy.
        contiguous: every copy must be one run of PPs.
    """

    intra: str = "m"
    inter: str = "m"
    strict: str = "y"
    upper_bound: int = 32
    contiguous: bool = False


@dataclass
class Pool:
    """The free PPs of a disk.

    Attributes:
        number: PV number.
        free: whether each PP is free, shape (pp_count,), index PP - 1.
    """

    number: int
    free: NDArray[np.bool_]

    def order(self, intra: str) -> NDArray[np.int64]:
        """Free PP numbers, the best first."""
        pps = np.flatnonzero(self.free)
        away = region_of(len(self.free))[pps] - int(INTRA[intra])
        preference = np.where(away < 0, -2 * away, np.maximum(2 * away - 1, 0))  # 0, one in, one out, two in, ...
        return np.asarray(pps[np.lexsort((pps, preference))] + 1)

    def run(self, length: int, intra: str) -> NDArray[np.int64] | None:
        """The PP numbers of a free run: the first in the region, else the first anywhere; None if there is none."""
        for mask in (self.free & (region_of(len(self.free)) == INTRA[intra]), self.free):
            edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
            starts, ends = edges[::2], edges[1::2]
            fitting = np.flatnonzero(ends - starts >= length)
            if len(fitting):
                first = int(starts[fitting[0]]) + 1
                return np.arange(first, first + length)
        return None


def allocate(pools: Sequence[Pool], lps: int, copies: int, policy: Policy, beside: LvMap | None = None) -> LvMap:
    """Choose PPs for new copies of an LV; the pools lose them.

    Args:
        pools: the disks allowed, in the order they should be used.
        lps: number of LPs.
        copies: how many new copies of each LP.
        policy: what to respect.
        beside: copies that exist already.

    Returns:
        The map of the new copies, shape (copies, lps).

    Raises:
        NoSpace: not enough free PPs, or not enough disks for the policy.
    """
    result = LvMap.empty(copies, lps)
    others = beside.pv if beside is not None else np.zeros((0, lps), np.uint16)
    for copy in range(copies):
        taken = np.concatenate((others, result.pv[:copy]))
        _one_copy(pools, taken, policy, result.pv[copy], result.pp[copy])
    return result


def _one_copy(
    pools: Sequence[Pool],
    taken: NDArray[np.uint16],
    policy: Policy,
    pv: NDArray[np.uint16],
    pp: NDArray[np.uint16],
) -> None:
    """Fill the arrays `pv` and `pp`, shape (lps,); `taken` holds the PV numbers of other copies, shape (n, lps)."""
    usable = [p for p in pools if p.free.any() and not (policy.strict == "s" and (taken == p.number).any())]
    if policy.strict == "y":
        allowed = {p.number: ~(taken == p.number).any(axis=0) for p in usable}
    else:
        allowed = {p.number: np.ones(len(pv), np.bool_) for p in usable}
    if policy.contiguous:
        for pool in usable:
            run = pool.run(len(pv), policy.intra) if allowed[pool.number].all() else None
            if run is not None:
                return _take(pool, np.arange(len(pv)), run, pv, pp)
        raise _no_space(f"no free run of {len(pv)} PPs")
    # disks that can hold the whole copy come first, so that a copy is not spread without need
    usable.sort(key=lambda p: not (int(p.free.sum()) >= len(pv) and bool(allowed[p.number].all())))
    usable = usable[: policy.upper_bound]
    if policy.inter == "x" and usable:
        wishes = [np.arange(i, len(pv), len(usable)) for i in range(len(usable))]
        for pool, wish in zip(usable, wishes, strict=True):
            _fill(pool, wish[allowed[pool.number][wish]], policy.intra, pv, pp)
    for pool in usable:
        missing = np.flatnonzero((pv == 0) & allowed[pool.number])
        _fill(pool, missing, policy.intra, pv, pp)
    if not pv.all():
        raise _no_space(f"{int((pv == 0).sum())} LPs of {len(pv)} find no PP")


def _fill(pool: Pool, lps: NDArray[np.int64], intra: str, pv: NDArray[np.uint16], pp: NDArray[np.uint16]) -> None:
    pps = pool.order(intra)[: len(lps)]
    _take(pool, lps[: len(pps)], pps, pv, pp)


def _take(
    pool: Pool, lps: NDArray[np.int64], pps: NDArray[np.int64], pv: NDArray[np.uint16], pp: NDArray[np.uint16]
) -> None:
    pv[lps], pp[lps] = pool.number, pps
    pool.free[pps - 1] = False


def _no_space(evidence: str) -> NoSpace:
    return NoSpace(
        f"not enough free partitions or not enough physical volumes: {evidence}",
        hint="free partitions, add a disk, or ask for another allocation policy",
    )
