"""Whether the copies of mirrored LVs hold the same, byte by byte."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from ..block import BlockDevice
from ..block.copying.mover import BUFFER
from ..errors import ImageIOError, OperationRefused
from .group import GroupView
from .groupstate import GroupState
from .problems import Problem
from .volume import LogicalVolume


class UnequalCopy(NamedTuple):
    """A copy of an LP that differs from another one.

    Attributes:
        lp: from 1.
        good: PV and PP number of the copy that it was compared with, on a disk with the newest VGDA if there is one.
        other: of the copy that differs.
    """

    lp: int
    good: tuple[int, int]
    other: tuple[int, int]


def differences(lv: LogicalVolume, behind: frozenset[int] = frozenset()) -> Iterator[UnequalCopy]:
    """Good copies within reach that differ from the first one, each once; those on disks that are behind come last."""
    good = lv.within_reach(lv.map.held & ~lv.stale)
    for lp in np.flatnonzero(good.sum(axis=0) > 1).tolist():
        copies = np.flatnonzero(good[:, lp]).tolist()
        places = sorted(
            ((int(lv.map.pv[copy, lp]), int(lv.map.pp[copy, lp])) for copy in copies), key=lambda p: p[0] in behind
        )
        for place in places[1:]:
            if not _equal(lv, places[0], place):
                yield UnequalCopy(lp + 1, places[0], place)


def _equal(lv: LogicalVolume, a: tuple[int, int], b: tuple[int, int]) -> bool:
    (one, first), (two, second) = ((lv.pvs[pv].device, lv.pvs[pv].offset(pp)) for pv, pp in (a, b))
    assert one is not None and two is not None  # within reach
    try:
        return same_content(one, first, two, second, lv.pp_size)
    except ImageIOError:
        return False


def same_content(a: BlockDevice, a_at: int, b: BlockDevice, b_at: int, length: int) -> bool:
    """Whether two ranges have one content; what is a hole in both is not read.

    Raises:
        ImageIOError: the system refused.
    """
    for done in range(0, length, BUFFER):
        part = min(BUFFER, length - done)
        data = any(e.is_data for device, at in ((a, a_at), (b, b_at)) for e in device.extents(at + done, part))
        if data and not np.array_equal(a.read(a_at + done, part), b.read(b_at + done, part)):
            return False
    return True


def unequal(group: GroupView) -> Iterator[Problem]:
    """A finding for each LV whose copies differ."""
    for lv in group.logical_volumes.values():
        found = list(differences(lv, group.state.behind)) if lv.copies > 1 else []
        if found:
            lp, (pv, pp), (other, at) = found[0]
            text = f"{len(found)} copies of LPs differ, the first of LP {lp}: PV {pv} PP {pp}, PV {other} PP {at}"
            problem = Problem("mirror-differs", group.state.vgsa.record.name, "", None, text, lv.name)
            yield problem.about(lvs=[lv.minor])


def distrust_old_disks(
    state: GroupState,
    numbers: Collection[int] | None = None,
    *,
    under_way: Collection[tuple[int, int]] = (),
    force: bool = False,
) -> set[int]:
    """Mark stale what differs on disks that may be older states of themselves.

    Args:
        state: the group; what is stale is brought up to date in it.
        numbers: of their PVs; default those whose VGDAs are behind.
        under_way: minor number and index from 0 of LPs whose copies a stop may have left unequal.
        force: go on although LVs have their only good copy there.

    Returns:
        The PVs that are proved old: something differs that no write under way explains.

    Raises:
        OperationRefused: such a disk has LPs that only it has, and it is not forced.
    """
    behind = state.behind if numbers is None else frozenset(numbers)
    volumes = GroupView(state, []).logical_volumes.values() if behind else ()
    old: dict[int, int] = {}
    marked = False
    for lv in volumes:
        for lp, (good, _), (pv, pp) in list(differences(lv, behind)) if lv.copies > 1 else ():
            if pv in behind and good not in behind:
                if (lv.minor, lp - 1) not in under_way:
                    old[pv] = old.get(pv, 0) + 1
                state.stale[pv - 1, pp - 1] = marked = True
    for number, count in old.items():
        only = [lv.name for lv in volumes if alone(lv, number)]
        if only and not force:
            raise OperationRefused(
                f"PV {number} is an older state of the disk: {count} copies of LPs differ, and only it has LPs of "
                f"{', '.join(only)}",
                where=state.members[number].device.name,
                hint="leave it out, or bring its newest state",
            )
    if marked:
        state.settle()
    return set(old)


def alone(lv: LogicalVolume, number: int) -> bool:
    """Whether a PV has the only good copy of an LP."""
    good = lv.map.held & ~lv.stale
    here = good & (lv.map.pv == number)
    return bool((here.any(axis=0) & (good.sum(axis=0) == 1)).any())
