"""Varying a volume group on: which disks are here, whether that is enough, which copies are believed, what is repaired.

All disks must be here unless it is forced ([lvm 11], I6; [commands 2.6]). While the group is on, more than half of
its VGDAs must stay; forced on with half or less, only those that are here count from then on (which AIX does by putting
the other disks in removed state; that it does is from memory of its manual, grade C).

The order of what is written, so that a stop leaves a group that the next `varyon` finishes:

1. On disks whose VGDAs are behind: what differs from other copies is stale, since such a disk may be an older state of
   itself. Then the VGSA and VGDA copies that are older or damaged, from the newest; LVM records of members without one.
2. VGSA and VGDA with what is missing and stale, as a commit does. Stale become: on a disk that is not here, the
   partitions that the MWC records name; on a disk that was missing and went on alone meanwhile, all that have
   another good copy, for what was written to either side since then the other does not know.
3. The LTGs that the MWC records name, and control blocks that differ, from the first good copy over the others: a
   commit that was stopped has written its control blocks to the first copies only.
4. Empty MWC records.
5. What is stale, unless that is not wanted (`syncvg`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ...block import BlockDevice, DeviceLike, opened_all
from ...block.copying.runs import Progress
from ...errors import OperationRefused
from ...origin import Origin, origin_or_system
from ..commit import Changes, counted, write_vgsa
from ..disk import recordcopies as lvm_record
from ..disk.barrier import DiskFailed
from ..disk.scan import answers, scan
from ..groupstate import GroupState, MemberDisk
from ..matching import match, refuse_copies
from ..mirrors import distrust_old_disks
from ..opening import load
from ..overwriting import refuse_unclear
from ..sync import copy_ranges, good_copies
from ..volumegroup import VolumeGroup
from .onlinegroup import OnlineGroup
from .recovery import distrust, fresh, unequal, unequal_blocks, went_alone
from .spans import Span


class PvState(enum.StrEnum):
    """What a varyon says of a disk, in the words that AIX prints."""

    ACTIVE = "PVACTIVE"
    MISSING = "PVMISSING"
    """Not here, and marked as missing before."""
    NOT_FOUND = "PVNOTFND"


@dataclass(frozen=True)
class PvStatus:
    """A disk of the group.

    Attributes:
        number: of the PV.
        pvid: 16 hex digits.
        name: of its device, "" if it is not here.
        state: what it is.
    """

    number: int
    pvid: str
    name: str
    state: PvState


class NoQuorum(OperationRefused):
    """Not enough disks are here to vary the group on; nothing was written.

    Attributes:
        statuses: of all disks, in the order of their numbers.
    """

    def __init__(self, vgid: str, statuses: Sequence[PvStatus]) -> None:
        absent = ", ".join(status.pvid for status in statuses if status.state is not PvState.ACTIVE)
        super().__init__(f"PVs {absent} are not here", where=vgid, hint="bring them, or force it without them")
        self.statuses = list(statuses)


def varyon(
    devices: DeviceLike | Iterable[DeviceLike],
    *,
    origin: Origin | None = None,
    force: bool = False,
    sync: bool = True,
    progress: Progress | None = None,
) -> OnlineGroup:
    """Vary on the group that the disks belong to.

    Args:
        devices: its disks, for writing; others among them are left alone. One that cannot be read is not here. What
            is opened here is closed when the group is varied off.
        origin: clock for stamps, then and as long as it is on; by default that of the system.
        force: go on without the disks that are not here (`varyonvg -f`).
        sync: fill what is stale (`varyonvg -n` does not).
        progress: told of bytes done by that.

    Raises:
        NoQuorum: a disk is not here, and it is not forced; or none is.
        OperationRefused: two images may be one disk, one was opened for reading, VGSA or VGDA would have to be written
            and have bytes that no field names, or a disk is an older state of itself and LVs are only there.
        CorruptImage: no valid VGDA (AIX: "there are no good copies of the descriptor area").
        ImageIOError: a disk failed meanwhile and it is not forced.
    """
    with ExitStack() as stack:
        disks = stack.enter_context(opened_all(devices, writable=True))
        online = _varyon(disks, origin_or_system(origin), force)
        if sync:
            online.sync(progress=progress)
        online.group.closes(stack.pop_all(), disks)
    return online


def _varyon(devices: Sequence[BlockDevice], origin: Origin, force: bool) -> OnlineGroup:
    here = [device for device in devices if answers(device)]
    state, problems = load(here)
    refuse_copies(problems)
    statuses = [_status(state, number, pvid) for number, pvid in state.pvids.items()]
    missing = {status.number for status in statuses if status.state is not PvState.ACTIVE}
    away = missing & state.split_off
    if not state.members or (missing - away and not force):
        raise NoQuorum(state.record.vgid, statuses)
    try:
        online = _start(state, missing, origin, force)
    except DiskFailed as error:
        rest = [device for device in here if device is not error.device]
        left = state.votes(number for number, member in state.members.items() if member.device in rest)
        if not force and (not left or (VolumeGroup(state, []).quorum and 2 * left <= state.quorum_votes)):
            raise
        return _varyon(rest, origin, True)  # all were here when it began; without one it goes on, as it would later
    online.lost.update(status.number for status in statuses if status.state is PvState.NOT_FOUND)
    return online


def refresh(
    online: OnlineGroup,
    devices: DeviceLike | Iterable[DeviceLike],
    *,
    origin: Origin | None = None,
    sync: bool = True,
) -> OnlineGroup:
    """Vary on a group that is on already, to take back disks that were missing, as `varyonvg` does.

    Its LVs may be open and stay so. A group that is down is varied on anew, for which they must be closed.

    Args:
        online: the group.
        devices: its disks, for writing; others among them are left alone, and the paths of those that it holds
            mean those. What is opened here is closed when the group is varied off.
        origin: clock for the stamps; by default that of the system.
        sync: fill what is stale.

    Returns:
        The group to use from now on: `online` unless it was down.

    Raises:
        OperationRefused: two images may be one disk, one was opened for reading, or LVs of a group that is down are
            open.
        ImageIOError: a disk failed meanwhile.
    """
    if online.down:
        online.varyoff()
        return varyon(devices, origin=origin, force=True, sync=sync)
    with ExitStack() as stack:
        disks = stack.enter_context(opened_all(devices, writable=True, held=online.group.held))
        _take_back(online, _returned(online, disks))
        online.group.closes(stack.pop_all(), disks)
    if sync:
        online.sync()
    return online


def _take_back(online: OnlineGroup, found: dict[int, MemberDisk]) -> None:
    group = online.group
    if found:
        state = group.state.copy()
        state.members.update(found)
        whole = VolumeGroup(state, [])
        for number in found:
            if went_alone(state, number):
                distrust(whole, number, state.stale)
        # what was under way on them when they went: what their MWC records name
        for minor, span in unequal(whole, found):
            places = fresh(state, minor, span.lp)
            for pv, pp in places if any(pv not in found for pv, _ in places) else ():
                state.stale[pv - 1, pp - 1] |= pv in found
        online.old |= distrust_old_disks(state, found.keys(), force=True)
        online.take_back(found, state.stale)
        for member in found.values():
            if lvm_record.read(member.device)[0] is None:
                lvm_record.write(member.device, member.record)


def _returned(online: OnlineGroup, devices: Sequence[BlockDevice]) -> dict[int, MemberDisk]:
    """The disks among `devices` that the group goes on without although they are its members, by PV number."""
    state = online.group.state
    infos = scan([device for device in devices if answers(device)])
    disks, problems = match(state, [info for info in infos if info.vgid in (None, state.vgid)])
    refuse_copies(problems)
    found = {}
    for number in disks.keys() & online.missing - state.split_off:
        device, record = disks[number].device, disks[number].record
        device.check_writable()
        found[number] = MemberDisk(device, record or state.record.for_disk(device.size, number))
    return found


def _start(state: GroupState, missing: set[int], origin: Origin, force: bool) -> OnlineGroup:
    alone = [number for number in state.members if went_alone(state, number)]
    old = set(state.behind)
    _distrust_old(state, origin, force)
    _renew_copies(state, origin)
    group = VolumeGroup(state, [])
    regions = [*unequal(group), *unequal_blocks(group)]
    after = state.copy()
    for minor, span in regions:
        good = good_copies(group, minor, span.lp)
        for pv, pp in fresh(state, minor, span.lp) if good else ():
            after.stale[pv - 1, pp - 1] |= (pv, pp) not in good
    for number in alone:
        distrust(group, number, after.stale)
    after.settle()
    group.apply(after, Changes(), origin.now(), missing=missing)
    online = OnlineGroup(group, origin=origin, votes=state.quorum_votes)
    online.old = old
    online.repaired = _repair(group, regions)
    online.clear_mwc()
    return online


def _status(state: GroupState, number: int, pvid: str) -> PvStatus:
    if number in state.members:
        return PvStatus(number, pvid, state.members[number].device.name, PvState.ACTIVE)
    return PvStatus(number, pvid, "", PvState.MISSING if state.vgsa.missing(number) else PvState.NOT_FOUND)


def _distrust_old(state: GroupState, origin: Origin, force: bool) -> None:
    """Make stale what differs on disks that are behind, in the VGSA, before anything says that they are not."""
    after = state.copy()
    under_way = {(minor, span.lp) for minor, span in unequal(VolumeGroup(state, []))} if state.behind else set()
    distrust_old_disks(after, under_way=under_way, force=force)
    if (after.stale.flat & ~state.stale.flat).any():
        state.stale.flat |= after.stale.flat
        write_vgsa(state, origin.now())


def _renew_copies(state: GroupState, origin: Origin) -> None:
    """Step 1."""
    if not state.vgsa.stamp:  # no copy was valid
        write_vgsa(state, origin.now())
    for place in counted(state):
        for offset, raw in ((place.vgsa_offset, state.vgsa.raw), (place.vgda_offset, state.vgda.raw)):
            if not state.ledger.holds(place.device, offset, raw):
                refuse_unclear(state)
                state.ledger.write(place.device, offset, raw)
    state.behind = frozenset()
    for member in state.members.values():
        if lvm_record.read(member.device)[0] is None:
            lvm_record.write(member.device, member.record)


def _repair(group: VolumeGroup, regions: Sequence[tuple[int, Span]]) -> list[tuple[str, int, int]]:
    """Step 3. Returns what was made equal: LV name, byte offset, length."""
    repaired = []
    for minor, span in regions:
        good = good_copies(group, minor, span.lp)
        if len(good) > 1:
            copy_ranges(group, minor, [(span.lp, span.inside, span.length, good[1:])])
            repaired.append((group.volume(minor).name, span.offset, span.length))
    return repaired
