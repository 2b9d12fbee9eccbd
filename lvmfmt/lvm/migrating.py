"""Moving and copying logical volumes between disks and groups (`migratepv`, `migratelp`, `cplv`).

The new partitions are free as far as the group on the disks knows. They are filled first, from good copies and through
the copy plan, and made durable; only then one commit gives them to the LV and takes the old ones away. So an
interruption at any write leaves the LV as it was, or as it shall be, with all its data; there is no state between, and
nothing to resynchronise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..block.copying.runs import Progress
from ..errors import ImageIOError, NotFound, OperationRefused
from ..origin import Origin
from ..units import SECTOR, ceil_div
from .change import Change
from .descriptor.maps import LvMap
from .errors import NotOnDisk
from .lvcb import TAG
from .online.onlinegroup import OnlineGroup
from .sync import copy_ranges
from .transfer import copy_over, import_lv
from .volume import LogicalVolume
from .volumegroup import VolumeGroup


def migrate(
    group: VolumeGroup | OnlineGroup,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    origin: Origin | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Move what LVs have on some disks to others, LV by LV, by the policy of each (`migratepv [-l LV]`).

    Args:
        group: open for writing; one that is varied on does not write its LVs meanwhile.
        sources: PVIDs of the disks to leave.
        targets: PVIDs of the disks to use, in order.
        origin: clock for the stamps; by default that of the system.
        name: move only this LV.
        progress: told of bytes done.

    Returns:
        Names of the LVs that moved.

    Raises:
        NotOnDisk: there is nothing to move.
        AllocationRefused: the targets have not the room, or strictness forbids them; LVs before this one have moved.
        LastGoodCopy: an LP has no good copy within reach.
    """
    base = _base(group)
    numbers = {pv.number for pvid, pv in base.physical_volumes.items() if pvid in sources}
    volumes = base.logical_volumes if name is None else {name: _volume(base, name)}
    moving = [known for known, lv in volumes.items() if numbers & set(lv.pv_numbers)]
    if not moving:
        raise NotOnDisk(name or base.vgid, *sources)
    for known in moving:
        with group.change(origin) as change:
            _fill(base, known, *change.move(known, sources, targets), progress)
    return moving


def migrate_lp(
    group: VolumeGroup | OnlineGroup,
    name: str,
    lp: int,
    pvid: str,
    pp: int | None = None,
    *,
    origin: Origin | None = None,
    copy: int = 1,
) -> None:
    """Move one copy of one LP (`migratelp LV/LP[/copy] PV[/PP]`); see `Change.move_lp`."""
    with group.change(origin) as change:
        _fill(_base(group), name, *change.move_lp(name, lp, pvid, pp, copy=copy), None)


def copy_lv(
    group: VolumeGroup | OnlineGroup,
    name: str,
    new_name: str,
    *,
    origin: Origin | None = None,
    into: VolumeGroup | OnlineGroup | None = None,
    disks: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Copy an LV to a new one with its policies and number of copies (`cplv -y`).

    The new LV has a control block of its own, without a label: two LVs cannot be mounted in one place. It has none if
    an application uses block 0 of the old one and the new one would keep it there. It has as many LPs as the bytes of
    the old one need; what is behind them is undefined, as in every new LV.

    Args:
        group: that has the LV.
        name: of the LV.
        new_name: of the new one.
        origin: clock for the stamps; by default that of the system.
        into: the group for the new LV; default the same.
        disks: PVIDs of the disks for it, in order; default all.
        progress: told of bytes done.

    Raises:
        AlreadyExists, AllocationRefused, BadArgument: as `Change.add_lv`.
        ImageIOError: an LP of the old one has no good copy within reach.
    """
    target = into or group
    base = _base(target)
    before = set(base.state.members)
    try:
        _copy_lv(group, target, name, new_name, origin, disks, progress)
    except ImageIOError:  # nothing has changed; once more where the group goes on without a disk that has died
        if base.keeper is None or before <= set(base.keeper.living()):
            raise
        copy_lv(group, name, new_name, origin=origin, into=into, disks=disks, progress=progress)


def _copy_lv(
    group: VolumeGroup | OnlineGroup,
    target: VolumeGroup | OnlineGroup,
    name: str,
    new_name: str,
    origin: Origin | None,
    disks: Sequence[str] | None,
    progress: Progress | None,
) -> None:
    source, base = _volume(_base(group), name), _base(target)
    lps, most = ceil_div(source.size, base.pp_size), (source.policy.max_lps or 0) * source.pp_size
    policy = replace(
        source.policy,
        contiguous=None,
        mwc=source.policy.mwc or "n",
        schedule="p",
        read_only=False,
        max_lps=max(lps, ceil_div(most, base.pp_size)),
    )
    with target.change(origin) as change:
        change.add_lv(
            new_name, source.type or "copy", lps, source.copies, disks,
            policy=policy, fs=source.fs,
        )  # fmt: skip
        made = _unborn(base, change, new_name)
        first = source.device.read(0, SECTOR).tobytes()
        own_block = first.startswith(TAG) and _base(group).state.vgda.format.lvcb_in_lv
        if not own_block and any(first):
            change.leave_block_0(new_name)
        copy_over(source.device, made.device, start=SECTOR if own_block else 0, progress=progress)


def copy_onto(
    group: VolumeGroup | OnlineGroup,
    name: str,
    target_name: str,
    *,
    origin: Origin | None = None,
    into: VolumeGroup | None = None,
    progress: Progress | None = None,
) -> int:
    """Copy an LV over one that exists and has its size, which keeps its control block (`cplv -e`); see `import_lv`.

    Returns:
        Bytes copied.
    """
    source = _volume(_base(group), name)
    base = into or _base(group)
    target = _volume(base, target_name)
    if base is _base(group) and target.minor == source.minor:
        raise OperationRefused("source and target are one logical volume", where=name)
    return import_lv(base, target, source.device, origin=origin, progress=progress)


def _fill(group: VolumeGroup, name: str, old: LvMap, new: LvMap, progress: Progress | None) -> None:
    """Fill the partitions in which the maps differ, from good copies of the group as it is; with barriers."""
    moved = (old.pv != new.pv) | (old.pp != new.pp)
    minor = _volume(group, name).minor
    ranges = [
        (
            lp,
            0,
            group.pp_size,
            [(int(new.pv[copy, lp]), int(new.pp[copy, lp])) for copy in np.flatnonzero(moved[:, lp])],
        )
        for lp in np.flatnonzero(moved.any(axis=0)).tolist()
    ]
    copy_ranges(group, minor, ranges, progress)


def _unborn(group: VolumeGroup, change: Change, name: str) -> LogicalVolume:
    """An LV that a change is about to make, on the partitions that it will have."""
    draft = VolumeGroup(change.state, [])
    minor = next(m for m in change.state.maps if change.state.vgda.name(m) == name.encode())
    lv = draft.volume(minor)
    return replace(lv, pvs=group.pvs, stale=np.zeros_like(lv.stale))


def _base(group: VolumeGroup | OnlineGroup) -> VolumeGroup:
    return group.group if isinstance(group, OnlineGroup) else group


def _volume(group: VolumeGroup, name: str) -> LogicalVolume:
    lv = group.logical_volumes.get(name)
    if lv is None:
        raise NotFound("no such logical volume", where=name)
    return lv
