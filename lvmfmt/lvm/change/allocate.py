"""Choosing PPs: AIX's stated policies (`mklv -a -e -s -u -S`).

* intra: PPs of the region asked for first, then of the regions nearest to it, inner before outer; lowest PP first.
* inter m (minimum): the first disk that can hold all of a copy; if none can, as few disks as possible.
* inter x (maximum): in turn over all disks, up to the upper bound; the next copy begins one disk further.
* upper bound: that many disks for a copy, those that it lies on already included; the first ones in the order given,
  or, if these have not the room, those with the most.
* strict y: no two copies of an LP on one disk; s: no two copies of the LV on one disk; n: anything.
* contiguous (boot LVs): one run of PPs on one disk, in the region asked for if there is such a run.
* striped: LP n of a copy on disk n mod width, and no disk shared by two copies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..descriptor.maps import LvMap
from ..errors import AllocationRefused
from ..policy import LvPolicy
from .pools import Indices, Pool, Row


def allocate(pools: Sequence[Pool], lps: int, copies: int, policy: LvPolicy) -> LvMap:
    """Choose PPs for a new LV; the pools lose them.

    Args:
        pools: the disks allowed, in the order they should be used.
        lps: number of LPs.
        copies: of each LP.
        policy: what to respect.

    Returns:
        Its map, shape (copies, lps).

    Raises:
        AllocationRefused: not enough free PPs, or not enough disks for the policy.
    """
    if policy.strict != "y" or copies < 2 or policy.contiguous or policy.width:
        return add_copies(pools, LvMap.empty(copies, lps), copies, policy)
    before = [pool.copy() for pool in pools]
    try:
        return add_copies(pools, LvMap.empty(copies, lps), copies, policy)
    except AllocationRefused:
        found = _wrapped(before, lps, copies, policy)
        if found is None:
            raise
        for pool, other in zip(pools, before, strict=True):
            pool.free, pool.room = other.free, other.room
        return found


def add_copies(pools: Sequence[Pool], old: LvMap, copies: int, policy: LvPolicy) -> LvMap:
    """Give PPs to what an LV lacks of `copies` copies; what has a PP keeps it.

    Args:
        pools: the disks allowed, in the order they should be used; they lose the PPs.
        old: the map until now; rows without PPs are copies yet to be made.
        copies: wanted, `old.copies` or more.
        policy: what to respect.

    Returns:
        The new map, shape (copies, old.lps).

    Raises:
        AllocationRefused: not enough free PPs, or not enough disks for the policy.
    """
    new = LvMap.empty(max(copies, old.copies), old.lps)
    new.pv[: old.copies], new.pp[: old.copies] = old.pv, old.pp
    for copy in range(copies):
        lps = (new.pv[copy] == 0).nonzero()[0]
        if not len(lps):
            continue
        mates = [i for i in range(new.copies) if i != copy]
        columns = new.pv[copy][-policy.width :] if policy.width else new.pv[copy][:0]
        row = Row(
            np.zeros(len(lps), np.uint16), np.zeros(len(lps), np.uint32), new.pv[mates][:, lps],
            _numbers(new.pv[mates]), _numbers(new.pv[copy]), int(lps[0]), copy,
            columns.tolist() if len(columns) and columns.all() else (),
        )  # fmt: skip
        fill_row(pools, row, policy)
        new.pv[copy, lps], new.pp[copy, lps] = row.pv, row.pp
    return new


def extend(pools: Sequence[Pool], old: LvMap, lps: int, policy: LvPolicy) -> LvMap:
    """Give an LV more LPs in all its copies; see `add_copies` for the arguments.

    Returns:
        The new map, shape (old.copies, old.lps + lps).

    Raises:
        AllocationRefused: not enough free PPs, or not enough disks for the policy.
    """
    new = LvMap.empty(old.copies, old.lps + lps)
    new.pv[:, : old.lps], new.pp[:, : old.lps] = old.pv, old.pp
    added = np.arange(old.lps, old.lps + lps)
    for copy in range(old.copies):
        mates = [i for i in range(old.copies) if i != copy]
        columns = old.pv[copy][-policy.width :].tolist() if policy.width else ()
        row = Row(
            new.pv[copy, old.lps :], new.pp[copy, old.lps :], new.pv[mates][:, added],
            _numbers(new.pv[mates]), _numbers(old.pv[copy]), old.lps, copy, columns,
        )  # fmt: skip
        fill_row(pools, row, policy)
    return new


def fill_row(pools: Sequence[Pool], row: Row, policy: LvPolicy) -> None:
    """Choose PPs for one copy.

    Raises:
        AllocationRefused: not enough free PPs, or not enough disks for the policy.
    """
    apart = policy.strict == "s" or policy.width
    usable = [p for p in pools if p.room and not (apart and p.number in row.barred)]
    if policy.contiguous:
        _contiguous(usable, row, policy)
    elif policy.width:
        _striped(usable, row, policy)
    elif policy.inter == "x":
        _maximum(usable, row, policy)
    else:
        _minimum(usable, row, policy)
    if not row.pv.all():
        raise AllocationRefused(f"{int((row.pv == 0).sum())} LPs of {len(row)} find no PP")


def _contiguous(usable: Sequence[Pool], row: Row, policy: LvPolicy) -> None:
    for pool in usable:
        run = pool.run(len(row), policy.intra) if row.allowed(pool, policy.strict).all() else None
        if run is not None:
            return row.give(pool, np.arange(len(row)), run)
    raise AllocationRefused(f"no free run of {len(row)} PPs")


def _striped(usable: Sequence[Pool], row: Row, policy: LvPolicy) -> None:
    width = policy.width
    depth = len(row) // width
    if row.columns:
        by_number = {pool.number: pool for pool in usable}
        chosen = [by_number[n] for n in row.columns if n in by_number]
    else:
        chosen = [pool for pool in usable if pool.room >= depth][:width]
    if len(chosen) < width:
        raise AllocationRefused(f"{width} disks with {depth} free PPs each are needed, there are {len(chosen)}")
    for column, pool in enumerate(chosen):
        pps = pool.best(policy.intra, depth)
        if len(pps) < depth:
            raise AllocationRefused(f"{depth} LPs of a stripe need PPs of one disk, it has {len(pps)}")
        row.give(pool, np.arange(column, len(row), width), pps)


def _maximum(usable: Sequence[Pool], row: Row, policy: LvPolicy) -> None:
    chosen = _bounded(usable, row, policy)
    base = row.first + row.copy
    for shift in range(len(chosen)):
        for index, pool in enumerate(chosen):
            lps = np.arange((index - base - shift) % len(chosen), len(row), len(chosen))
            lps = lps[row.pv[lps] == 0]
            _fill(pool, row, lps[row.allowed(pool, policy.strict)[lps]], policy)
        if row.pv.all():
            return


def _minimum(usable: Sequence[Pool], row: Row, policy: LvPolicy) -> None:
    chosen = _bounded(usable, row, policy)
    first = [pool for pool in chosen if pool.number in row.own]
    whole = next((pool for pool in chosen if not first and row.capacity(pool, policy.strict) == len(row)), None)
    if whole is not None:
        return _fill(whole, row, np.arange(len(row)), policy)
    room = {pool.number: row.capacity(pool, policy.strict) for pool in chosen}
    lacking = len(row) - sum(room[pool.number] for pool in first)
    others = [pool for pool in chosen if pool not in first]
    alone = next((pool for pool in others if room[pool.number] >= lacking > 0), None)
    needed: list[Pool] = [alone] if alone is not None else []
    for pool in sorted(others, key=lambda p: -room[p.number]) if alone is None else ():
        if lacking > 0:
            needed.append(pool)
            lacking -= room[pool.number]
    order = [*first, *(p for p in others if p in needed), *(p for p in others if p not in needed)]
    later = np.zeros(len(row), np.int32)
    for pool in order:
        later += row.allowed(pool, policy.strict)
    for pool in order:
        mask = row.allowed(pool, policy.strict)
        later -= mask
        missing = ((row.pv == 0) & mask).nonzero()[0]
        # those first that the fewest of the disks behind can take, so that strictness leaves no LP without a place
        _fill(pool, row, missing[np.argsort(later[missing], kind="stable")], policy)
        if row.pv.all():
            return


def _bounded(usable: Sequence[Pool], row: Row, policy: LvPolicy) -> list[Pool]:
    """The disks that the upper bound leaves, in the order given."""
    others = [pool for pool in usable if pool.number not in row.own]
    own = [pool for pool in usable if pool.number in row.own]
    bound = max(policy.bound - len(row.own), 0)
    if len(others) > bound:
        room = {pool.number: row.capacity(pool, policy.strict) for pool in usable}
        need = len(row) - sum(room[pool.number] for pool in own)
        if policy.inter == "m" or sum(room[pool.number] for pool in others[:bound]) < need:
            by_room = sorted(others, key=lambda pool: -room[pool.number])[:bound]
            whole = next((pool for pool in others if room[pool.number] >= need), None)
            # one disk that can hold all is enough, and the first such disk is meant
            keep = [whole] if policy.inter == "m" and whole is not None and bound else by_room
        else:
            keep = others[:bound]
        others = keep
    return [pool for pool in usable if pool in own or pool in others]


def _fill(pool: Pool, row: Row, lps: Indices, policy: LvPolicy) -> None:
    """Give the first of these LPs the disk's best PPs, in the order of the LPs."""
    if len(lps):
        pps = pool.best(policy.intra, len(lps))
        row.give(pool, np.sort(lps[: len(pps)]), pps)


def _wrapped(pools: Sequence[Pool], lps: int, copies: int, policy: LvPolicy) -> LvMap | None:
    """A strict map by McNaughton's rule, which finds one wherever there is one; None if there is none.

    All copies in one row, disk after disk, none for more than `lps` of them: so no disk meets an LP twice.
    """
    result = LvMap.empty(copies, lps)
    pv, pp = result.pv.reshape(-1), result.pp.reshape(-1)
    at = 0
    for pool in sorted(pools, key=lambda pool: -pool.room):
        pps = pool.best(policy.intra, min(lps, len(pv) - at))
        pv[at : at + len(pps)], pp[at : at + len(pps)] = pool.number, pps
        pool.take(pps)
        at += len(pps)
    spread = max(len(_numbers(row)) for row in result.pv)
    return result if at == len(pv) and spread <= policy.bound else None


def violated(lv_map: LvMap, policy: LvPolicy) -> str:
    """Which part of a policy a map breaks, as a sentence; "" if none."""
    pv, held = lv_map.pv.astype(np.int64), lv_map.held
    # an LP without a PP in a copy has a place of its own
    pv = np.where(held, pv, -1 - np.arange(lv_map.copies)[:, None])
    if policy.strict == "y" and (np.diff(np.sort(pv, axis=0), axis=0) == 0).any():
        return "two copies of an LP would lie on one disk"
    disks = [set(row[mask].tolist()) for row, mask in zip(lv_map.pv, held, strict=True)]
    if (policy.strict == "s" or policy.width) and sum(map(len, disks)) > len(set().union(*disks)):
        return "two copies of the LV would share a disk"
    if any(len(row) > policy.bound for row in disks):
        return f"a copy would lie on more than {policy.bound} disks"
    width = policy.width
    if width and not all(len({int(row[i]) for i in range(c, lv_map.lps, width)}) == 1
                         for row in lv_map.pv for c in range(width)):  # fmt: skip
        return "the LPs of a column of stripes would lie on several disks"
    steps = np.diff(lv_map.pp.astype(np.int64), axis=1)
    if policy.contiguous and ((steps != 1).any() or any(len(row) > 1 for row in disks)):
        return "a copy would not be one run of PPs"
    return ""


def _numbers(pv: NDArray[np.uint16]) -> frozenset[int]:
    return frozenset(np.bincount(pv.reshape(-1)).nonzero()[0].tolist()) - {0} if pv.size else frozenset()
