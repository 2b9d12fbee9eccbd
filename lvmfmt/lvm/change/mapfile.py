"""Map files: the exact partitions of a logical volume, `PVname:PP[-PP]` a line, copy after copy (`mklv -m`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...escaping import printable
from ..descriptor.maps import LvMap
from ..errors import BadMap
from .pools import Pool

_LINE = re.compile(r"([^\s:]+):(\d{1,10})(?:-(\d{1,10}))?")


class PartitionRange(NamedTuple):
    """Partitions `first` to `last` of a disk; backwards if `last` is the smaller."""

    pvid: str
    first: int
    last: int


def parse_map_file(text: str, pvids: Mapping[str, str]) -> list[PartitionRange]:
    """The partitions that a map file lists, in its order; empty lines do not count.

    Args:
        text: of the file.
        pvids: PVID by the name of the disk.

    Raises:
        BadMap: a line is not understood, or names an unknown disk.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise BadMap(f"line {number}: expected PVname:PP or PVname:PP-PP, found {printable(line.strip())!r}")
        if match[1] not in pvids:
            raise BadMap(f"line {number}: no physical volume {printable(match[1])} in the group")
        found.append(PartitionRange(pvids[match[1]], int(match[2]), int(match[3] or match[2])))
    return found


def place(ranges: Sequence[PartitionRange], pools: Mapping[str, Pool], lps: int, copies: int) -> LvMap:
    """The map of new LPs that lie exactly there; the pools lose the PPs.

    All partitions of a copy come before those of the next one.

    Args:
        ranges: what to use, in order.
        pools: free PPs by PVID.
        lps: number of LPs.
        copies: of each LP.

    Raises:
        BadMap: another number of partitions, a PP that does not exist, is used or is named twice.
    """
    total = sum(abs(r.last - r.first) + 1 for r in ranges)
    if total != lps * copies:
        raise BadMap(f"{total} partitions are listed for {copies} copies of {lps} LPs")
    pv, pp = [], []
    for pvid, first, last in ranges:
        pool = pools.get(pvid)
        if pool is None:
            raise BadMap(f"no physical volume {pvid} to allocate from", pvid=pvid)
        if not (1 <= first <= len(pool.free) and 1 <= last <= len(pool.free)):
            raise BadMap(f"PPs {first} to {last} of PV {pvid}: it has 1 to {len(pool.free)}", pvid=pvid, pp=first)
        step = 1 if first <= last else -1
        numbers = np.arange(first, last + step, step)
        if not pool.free[numbers - 1].all():
            used = int(numbers[~pool.free[numbers - 1]][0])
            raise BadMap(f"PP {used} of PV {pvid} is not free, or is listed twice", pvid=pvid, pp=used)
        pool.take(numbers)
        pv.append(np.full(len(numbers), pool.number))
        pp.append(numbers)
    result = LvMap.empty(copies, lps)
    result.pv[:] = np.concatenate(pv).reshape(copies, lps)
    result.pp[:] = np.concatenate(pp).reshape(copies, lps)
    return result
