"""Filling stale partitions from good copies, in runs.

A run is copied, made durable, and only then its partitions are marked good in the VGSA: an interruption keeps what was
done and leaves the rest stale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, CopyPlan, Mirror, Source, Window
from ..block.copying.runs import Progress
from ..block.plan import PLAN_ROW
from ..errors import ImageIOError
from ..units import MIB
from .commit import write_vgsa
from .groupstate import GroupState
from .volume import LogicalVolume, PhysicalVolume

if TYPE_CHECKING:
    from .change import Change
    from .group import GroupView

RUN = 64 * MIB
"""Bytes of a run, or one PP if that is more."""


class StaleRun(NamedTuple):
    """Stale partitions of one LV on one PV that are filled together.

    Attributes:
        minor: of the LV.
        number: of the PV.
        pps: PP numbers, and the index of the LP that each holds.
    """

    minor: int
    number: int
    pps: list[tuple[int, int]]


def within_reach(pvs: dict[int, PhysicalVolume], number: int, pp: int) -> bool:
    """Whether a PP lies on a disk that is here."""
    pv = pvs.get(number)
    return pv is not None and pp <= pv.reachable


def good_copies(group: GroupView, minor: int, lp: int) -> list[tuple[int, int]]:
    """PV and PP number of the copies of an LP (index from 0) that are not stale and within reach."""
    lv_map, stale, pvs = group.state.maps[minor], group.state.stale, group.pvs
    places = zip(lv_map.pv[:, lp].tolist(), lv_map.pp[:, lp].tolist(), strict=True)
    return [(pv, pp) for pv, pp in places if pv and not stale[pv - 1, pp - 1] and within_reach(pvs, pv, pp)]


def stale_runs(
    group: GroupView, names: Collection[str] = (), pvids: Collection[str] | None = None
) -> Iterator[StaleRun]:
    """What can be filled: stale partitions within reach of LPs that have a good copy.

    Args:
        group: the group as it is; each run is worked out when it is asked for.
        names: of LVs; default all.
        pvids: of disks; default all.
    """
    limit = max(1, RUN // group.pp_size)
    minors = {lv.minor for name, lv in group.logical_volumes.items() if not names or name in names}
    for minor in sorted(minors):
        lv_map = group.state.maps[minor]
        for copy in range(lv_map.copies):
            stale = np.flatnonzero(lv_map.look_up(group.state.stale)[copy]).tolist()
            by_pv: dict[int, list[tuple[int, int]]] = {}
            for lp in stale:
                number, pp = int(lv_map.pv[copy, lp]), int(lv_map.pp[copy, lp])
                wanted = pvids is None or (number in group.pvs and group.pvs[number].pvid in pvids)
                if wanted and within_reach(group.pvs, number, pp) and good_copies(group, minor, lp):
                    by_pv.setdefault(number, []).append((pp, lp))
            for number, pps in by_pv.items():
                yield from (StaleRun(minor, number, pps[at : at + limit]) for at in range(0, len(pps), limit))


def distrust_copies(
    change: Change, group: GroupView, names: Collection[str] = (), pvids: Collection[str] | None = None
) -> None:
    """Declare all partitions stale but one good copy of each LP within reach, as `syncvg -f` does before it fills them.

    Args:
        change: of the group.
        group: the group as it is.
        names: of LVs; default all.
        pvids: only partitions on these disks; the copy that stays good lies elsewhere where it can. Default all.
    """
    for lv, which in _all_but_one(group, names, pvids):
        change.mark_stale(lv.name, which)


def all_but_one(
    group: GroupView, names: Collection[str] = (), pvids: Collection[str] | None = None
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The same partitions: minor number, index of the LP, PV and PP number."""
    for lv, which in _all_but_one(group, names, pvids):
        for lp, copy in np.argwhere(which.T).tolist():
            yield lv.minor, lp, (int(lv.map.pv[copy, lp]), int(lv.map.pp[copy, lp]))


def _all_but_one(
    group: GroupView, names: Collection[str], pvids: Collection[str] | None
) -> Iterator[tuple[LogicalVolume, NDArray[np.bool_]]]:
    for name, lv in group.logical_volumes.items():
        if (names and name not in names) or lv.copies < 2:
            continue
        good = lv.within_reach(lv.map.held & ~lv.stale)
        wanted = np.isin(lv.map.pv, [pv.number for pvid, pv in group.physical_volumes.items()
                                     if pvids is None or pvid in pvids])  # fmt: skip
        # the one to believe: the first good copy, if possible not on a disk that is to be filled
        rank = np.where(good, np.arange(lv.copies)[:, None] + (lv.copies if pvids is not None else 0) * wanted, 99)
        source = np.arange(lv.copies)[:, None] == rank.argmin(axis=0)
        if (which := good & wanted & ~source).any():
            yield lv, which


def fill(group: GroupView, run: StaleRun, progress: Progress | None = None) -> int:
    """Copy the data of good copies over a run of stale partitions and punch what is a hole there; then a barrier.

    Returns:
        Bytes copied.

    Raises:
        ImageIOError: no good copy can be read, or the disk cannot be written.
    """
    return copy_ranges(group, run.minor, [(lp, 0, group.pp_size, [(run.number, pp)]) for pp, lp in run.pps], progress)


def copy_ranges(
    group: GroupView,
    minor: int,
    ranges: list[tuple[int, int, int, list[tuple[int, int]]]],
    progress: Progress | None = None,
) -> int:
    """Copy ranges of LPs from a good copy to other copies.

    Args:
        group: the group.
        minor: of the LV.
        ranges: (index of the LP, byte offset in it, length, targets); a target is a PV and a PP number, and is never
            the source.
        progress: told of bytes done.

    Returns:
        Bytes copied.
    """
    sources: list[Source] = []
    rows: dict[int, list[tuple[int, int, int, int]]] = {}
    for lp, inside, length, targets in ranges:
        windows = [
            Window(device, group.pvs[pv].offset(pp) + inside, length)
            for pv, pp in good_copies(group, minor, lp)
            if (pv, pp) not in targets and (device := group.pvs[pv].device) is not None
        ]
        if not windows:
            raise ImageIOError("no disk that is here has a good copy", where=f"LV {minor} LP {lp + 1}")
        source = windows[0] if len(windows) == 1 else Mirror(windows, name=f"LV {minor} LP {lp + 1}")
        sources.append(source)
        for number, pp in targets:
            device = _disk(group, number)
            at = group.pvs[number].offset(pp) + inside
            for extent in source.extents():
                if extent.is_data:
                    row = (len(sources) - 1, extent.offset, at + extent.offset, extent.length)
                    rows.setdefault(number, []).append(row)
                else:
                    device.punch(at + extent.offset, extent.length)
                    rows.setdefault(number, [])
    done = 0
    for number, values in rows.items():
        target = _disk(group, number)
        plan = CopyPlan(sources, np.array(values, PLAN_ROW))
        done += plan.execute(target, progress=progress).bytes_copied
        target.flush()
    return done


def _disk(group: GroupView, number: int) -> BlockDevice:
    device = group.pvs[number].device
    if device is None:
        raise ImageIOError("the disk is not here", where=group.pvs[number].pvid)
    return device


def mark_good(state: GroupState, run: StaleRun, now: int) -> None:
    """Declare the partitions of a run good, durably."""
    for pp, _ in run.pps:
        state.stale[run.number - 1, pp - 1] = False
    write_vgsa(state, now)
