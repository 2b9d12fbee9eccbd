"""Splitting one copy of a mirrored group off, as a group of its own, and taking it back (`splitvg`, `joinvg`).

The group keeps the disks in its VGDA with the state *split* (64, H), marked as missing, and with all their partitions
stale. So it goes on without them, and writes its LVs as if it had one copy less. The disks get VGSA, VGDA and LVM
records of a group with a VGID of its own; PVIDs, PV numbers and the places of the partitions stay. Where AIX marks
what changed on either side since then is not published; here joining compares the two, partition by partition, and
resynchronises those that differ (grade C).

What is written in which order, so that all data can be read from the group whenever it is stopped:

1. Split: VGSA and VGDA of the group on the disks that stay (one commit: old or new). From here on nothing of the group
   depends on the other disks.
2. Control blocks, VGSA, VGDA and LVM records of the new group, the last of which makes it exist.
3. Join: the LVM records of the other group are cleared, then one commit makes its disks members again, with what
   differs stale; then that is filled.

A stop within 2 or 3 leaves a group that is split; joining finishes from any of these states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, DeviceLike, opened_all
from ..block.copying.runs import Progress
from ..errors import OperationRefused
from ..origin import Origin, origin_or_system
from . import lvcb as lvcbs
from .commit import Changes, commit
from .descriptor.maps import LvMap, store
from .descriptor.vgdalvs import valid_name
from .disk import recordcopies as lvm_record
from .disk.boot import read_pvid
from .disk.identity import USUAL_MODEL, lvid, machine_of, new_vgid, uid_bytes
from .errors import SnapshotGroup
from .groupstate import GroupState, MemberDisk
from .lvcb import Lvcb
from .mirrors import same_content
from .volume import LogicalVolume
from .volumegroup import VolumeGroup

_SNAPSHOTS = 10
"""LVM version that brought snapshot groups [lvm 4.3]."""
_LOG = re.compile(r"(?<=log=/dev/)[^:]+")


def split_group(
    group: VolumeGroup,
    pvids: Sequence[str],
    *,
    origin: Origin | None = None,
    machine_id: str | None = None,
    prefix: str = "fs",
    label_prefix: str = "/fs",
) -> VolumeGroup:
    """Make a group of the disks that hold one copy of everything (`splitvg`).

    Args:
        group: whole, open for writing; no LV of it is written meanwhile.
        pvids: the disks to split off: one good copy of every LP of the group is on them, and another one is not.
        origin: clock for stamps and the VGID; by default that of the system.
        machine_id: 12 hex digits for the VGID; default the machine that made the group.
        prefix: put before the LV names.
        label_prefix: put before the mount points.

    Returns:
        The group of those disks.

    Raises:
        SnapshotGroup: a part of the group is split off already.
        OperationRefused: the disks do not hold exactly one good copy, or a name becomes too long; nothing was written.
    """
    origin, state = origin_or_system(origin), group.state
    numbers = {pv.number for pvid, pv in group.physical_volumes.items() if pvid in pvids}
    if len(numbers) != len(set(pvids)) or not numbers or numbers == set(state.members):
        raise OperationRefused("name some of the disks of the group, not all", where=group.vgid)
    if group.split_off:
        raise SnapshotGroup("a part of the group is split off", where=group.vgid, hint="join it first")
    if not group.complete:
        raise OperationRefused("a disk of the group is not here", where=group.vgid)
    for lv in group.logical_volumes.values():
        _check_copies(lv, numbers)
    machine = machine_id or machine_of(group.vgid) or group.vgid[:8] + USUAL_MODEL
    version = max(state.record.version, _SNAPSHOTS)
    vgid = new_vgid(machine, origin, version)
    new, changes = _snapshot(group, numbers, vgid, version, prefix, label_prefix, origin)
    with group.change(origin) as change:
        change.split_off(sorted(numbers))
    commit(replace(new, members={}), new, changes, now=origin.now())
    return VolumeGroup.open([member.device for member in new.members.values()])


def join_group(
    group: VolumeGroup,
    devices: DeviceLike | Iterable[DeviceLike],
    *,
    origin: Origin | None = None,
    progress: Progress | None = None,
) -> int:
    """Take disks back that were split off (`joinvg`); what was changed on them since then is lost.

    Args:
        group: open for writing, without those disks; no LV of it is written meanwhile.
        devices: disks that were split off, for writing. What is opened here is closed with the group.
        origin: clock for the stamps; by default that of the system.
        progress: told of bytes copied.

    Returns:
        Bytes copied to make them equal again.

    Raises:
        OperationRefused: a disk was not split off from this group; nothing was written.
    """
    origin = origin_or_system(origin)
    with ExitStack() as stack:
        disks = stack.enter_context(opened_all(devices, writable=True, held=group.held))
        pvids = _join(group, disks, origin)
        group.closes(stack.pop_all(), disks)
    return group.sync(pvids=pvids, origin=origin, progress=progress)


def _join(group: VolumeGroup, devices: Sequence[BlockDevice], origin: Origin) -> list[str]:
    split = group.split_off
    known = {pvid: number for number, pvid in group.state.pvids.items() if number in split}
    found: dict[int, BlockDevice] = {}
    for device in devices:
        pvid = read_pvid(device)
        if pvid not in known or known[pvid] in found:
            raise OperationRefused("the disk was not split off from this group", where=device.name)
        found[known[pvid]] = device
    equal = {lv.minor: _equal(lv, found) for lv in group.logical_volumes.values()}
    for device in found.values():
        lvm_record.clear(device)
    with group.change(origin) as change:
        change.rejoin(found, equal)
    return [group.state.pvids[number] for number in found]


def _check_copies(lv: LogicalVolume, numbers: set[int]) -> None:
    there = lv.map.held & np.isin(lv.map.pv, sorted(numbers))
    good = lv.map.held & ~lv.stale
    if (there.sum(axis=0) != 1).any() or not (there & good).any(axis=0).all() or not (~there & good).any(axis=0).all():
        raise OperationRefused(
            "the disks must hold one good copy of every logical partition, and the others another one", where=lv.name,
            hint="mirror what is not, and synchronise it",
        )  # fmt: skip


def _snapshot(
    group: VolumeGroup, numbers: set[int], vgid: str, version: int, prefix: str, label_prefix: str, origin: Origin
) -> tuple[GroupState, Changes]:
    """The group that the disks become, and what its first commit writes besides."""
    new = group.state.copy()
    vgda = new.vgda
    new.record = new.record._replace(vgid=vgid, version=version)
    vgda.header["vg_id"] = np.frombuffer(uid_bytes(vgid), np.uint8)
    changes = Changes(joined=set(numbers))
    names = {lv.name: prefix + lv.name for lv in group.logical_volumes.values()}
    now = lvcbs.ctime(origin.now())
    for lv in group.logical_volumes.values():
        kept = lv.map.where(np.isin(lv.map.pv, sorted(numbers))).packed()
        store(vgda, lv.minor, new.maps[lv.minor], LvMap.empty(1, lv.lps), new.stale)
        new.maps[lv.minor] = kept
        name = names[lv.name].encode("utf-8", "surrogateescape")
        if not valid_name(name):
            raise OperationRefused(f"{names[lv.name]} is not a name for a logical volume", where=lv.name)
        vgda.lvs["lvname"][lv.minor - 1] = lv.minor - 1
        vgda.names[lv.minor - 1] = name
        if lv.lvcb is not None:
            lvcb = lv.lvcb._replace(lvid=lvid(vgid, lv.minor), name=names[lv.name], modified=now, copies=1)
            block = lvcbs.build(_renamed(lvcb, names, label_prefix))
            vgda.set_control_block(lv.minor, block)
            if vgda.format.lvcb_in_lv:
                changes.new_lvcbs[lv.minor] = block
    for number in new.pvids:
        if number not in numbers:
            vgda.remove_pv(number)
            new.members.pop(number, None)
    for minor, kept in new.maps.items():
        store(vgda, minor, None, kept, new.stale)
    for number in numbers:
        device = new.members[number].device
        new.members[number] = MemberDisk(device, new.record.for_disk(device.size, number))
    new.settle()
    return new, changes


def _renamed(lvcb: Lvcb, names: dict[str, str], label_prefix: str) -> Lvcb:
    label = lvcb.label
    if label.startswith("/"):
        label = (label_prefix + label).rstrip("/") or "/"
    return lvcb._replace(label=label, fs=_LOG.sub(lambda log: names.get(log[0], log[0]), lvcb.fs))


def _equal(lv: LogicalVolume, found: dict[int, BlockDevice]) -> NDArray[np.bool_]:
    """Which partitions on those disks hold what the group has, shape (copies, lps)."""
    source = lv.partitions
    result = np.zeros(lv.stale.shape, np.bool_)
    for copy, lp in np.argwhere(np.isin(lv.map.pv, sorted(found)) & lv.map.held).tolist():
        number = int(lv.map.pv[copy, lp])
        at = lv.pvs[number].offset(int(lv.map.pp[copy, lp]))
        result[copy, lp] = same_content(source, lp * lv.pp_size, found[number], at, lv.pp_size)
    return result
