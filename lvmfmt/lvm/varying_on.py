"""Varying a volume group on: which disks are here, whether that is enough, which copies are believed, what is repaired.

All disks must be here unless it is forced (lvm-format 11, I6; commands 2.6). While the group is on, more than half of
its VGDAs must stay; forced on with half or less, only those that are here count from then on (which AIX does by putting
the other disks in removed state; that it does is from memory of its manual, grade C).

The order of what is written, so that a stop leaves a group that the next `varyon` finishes:

1. The VGSA and VGDA copies that are older or damaged, from the newest; LVM records of members that have none.
2. VGSA and VGDA with what is missing and stale, as a commit does. Stale become: on a disk that is not here, the
   partitions that the MWC records name; on a disk that was missing and went on alone meanwhile, all that have
   another good copy, for what was written to either side since then the other does not know.
3. The LTGs that the MWC records name, from one good copy over the others.
4. Empty MWC records.
5. What is stale, unless that is not wanted (`syncvg`).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..block import BlockDevice
from ..block.plan import Progress
from ..errors import CorruptImage, ImageIOError, OperationRefused
from ..origin import Origin
from ..units import SECTOR
from . import mwc
from . import record as lvm_record
from .areas import DiskFailed
from .boot import read_pvid
from .commit import Changes, counted, write_vgsa
from .copies import Place
from .disk import scan
from .group import VolumeGroup
from .online import OnlineGroup
from .pptable import PpTable
from .spans import Span, lv_spans
from .state import GroupState, Member, load
from .sync import copy_ranges, good_copies
from .views import is_split


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
    devices: Sequence[BlockDevice],
    *,
    origin: Origin,
    force: bool = False,
    sync: bool = True,
    progress: Progress | None = None,
) -> OnlineGroup:
    """Vary on the group that the disks belong to.

    Args:
        devices: its disks, open for writing; others among them are left alone. One that cannot be read is not here.
        origin: clock for stamps, then and as long as it is on.
        force: go on without the disks that are not here (`varyonvg -f`).
        sync: fill what is stale (`varyonvg -n` does not).
        progress: told of bytes done by that.

    Raises:
        NoQuorum: a disk is not here, and it is not forced; or none is.
        OperationRefused: two disks have one PVID, or one was opened for reading.
        CorruptImage: no valid VGDA (AIX: "there are no good copies of the descriptor area").
        ImageIOError: a disk failed meanwhile and it is not forced.
    """
    here = [device for device in devices if _readable(device)]
    _refuse_duplicates(here)
    state, _ = load(here)
    statuses = [_status(state, number, pvid) for number, pvid in state.pvids.items()]
    missing = {status.number for status in statuses if status.state is not PvState.ACTIVE}
    away = {number for number in missing if is_split(state, number)}
    if not state.members or (missing - away and not force):
        raise NoQuorum(state.record.vgid, statuses)
    for member in state.members.values():
        member.device.check_writable()
    try:
        online = _start(state, missing, origin)
    except DiskFailed as error:
        if not force:
            raise
        rest = [device for device in here if device is not error.device]
        return varyon(rest, origin=origin, force=True, sync=sync, progress=progress)
    if sync:
        online.sync(progress=progress)
    return online


def refresh(online: OnlineGroup, devices: Sequence[BlockDevice], *, origin: Origin, sync: bool = True) -> OnlineGroup:
    """Vary on a group that is on already, to take back disks that were missing, as `varyonvg` does.

    Its LVs may be open and stay so. A group that is down is varied on anew, for which they must be closed.

    Args:
        online: the group.
        devices: its disks, open for writing; others among them are left alone.
        origin: clock for the stamps.
        sync: fill what is stale.

    Returns:
        The group to use from now on: `online` unless it was down.

    Raises:
        OperationRefused: two disks have one PVID, one was opened for reading, or LVs of a group that is down are open.
        ImageIOError: a disk failed meanwhile.
    """
    if online.down:
        online.varyoff()
        return varyon(devices, origin=origin, force=True, sync=sync)
    _refuse_duplicates([device for device in devices if _readable(device)])
    group, found = online.group, _returned(online, devices)
    if found:
        state = group.state.copy()
        state.members.update(found)
        whole = VolumeGroup(state, [])
        for number in found:
            if _went_alone(state, number):
                _distrust(whole, number, state.stale)
        # what was under way on them when they went: what their MWC records name
        for minor, span in _unequal(whole, found):
            fresh = _fresh(state, minor, span.lp)
            for pv, pp in fresh if any(pv not in found for pv, _ in fresh) else ():
                state.stale[pv - 1, pp - 1] |= pv in found
        online.take_back(found, state.stale)
        for member in found.values():
            if lvm_record.read(member.device)[0] is None:
                lvm_record.write(member.device, member.record)
    if sync:
        online.sync()
    return online


def _returned(online: OnlineGroup, devices: Sequence[BlockDevice]) -> dict[int, Member]:
    """The disks among `devices` that the group goes on without although they are its members, by PV number."""
    state = online.group.state
    missing = {state.pvids[number]: number for number in online.missing if not is_split(state, number)}
    found = {}
    for info in scan([device for device in devices if _readable(device)]):
        number = missing.get(info.pvid or "")
        if number is not None and (info.record is None or info.vgid == state.vgid):
            info.device.check_writable()
            found[number] = Member(info.device, info.record or state.record.for_disk(info.device.size, number))
    return found


def _start(state: GroupState, missing: set[int], origin: Origin) -> OnlineGroup:
    alone = [number for number in state.members if _went_alone(state, number)]
    _renew_copies(state, origin)
    group = VolumeGroup(state, [])
    regions = list(_unequal(group))
    after = state.copy()
    for minor, span in regions:
        good = good_copies(group, minor, span.lp)
        for pv, pp in _fresh(state, minor, span.lp) if good else ():
            after.stale[pv - 1, pp - 1] |= (pv, pp) not in good
    for number in alone:
        _distrust(group, number, after.stale)
    after.settle()
    group.apply(after, Changes(), origin.now(), missing=missing)
    online = OnlineGroup(group, origin=origin, votes=state.quorum_votes)
    online.repaired = _repair(group, regions)
    online.clear_mwc()
    return online


def _readable(device: BlockDevice) -> bool:
    try:
        device.read(0, min(SECTOR, device.size))
    except ImageIOError:
        return False
    return True


def _refuse_duplicates(devices: Sequence[BlockDevice]) -> None:
    names: dict[str, str] = {}
    for device in devices:
        pvid = read_pvid(device)
        if pvid in names:
            raise OperationRefused(
                f"PVID {pvid} is on {names[pvid]} too", where=device.name, hint="one is a copy: leave it out"
            )
        if pvid is not None:
            names[pvid] = device.name


def _status(state: GroupState, number: int, pvid: str) -> PvStatus:
    if number in state.members:
        return PvStatus(number, pvid, state.members[number].device.name, PvState.ACTIVE)
    return PvStatus(number, pvid, "", PvState.MISSING if state.vgsa.missing(number) else PvState.NOT_FOUND)


def _went_alone(state: GroupState, number: int) -> bool:
    """Whether a disk was missing by the believed VGSA, and missed others itself that this one does not miss.

    Then it, or they, were changed without the other. (It is also so where it only saw an older absence of theirs; the
    price of that is that more is synchronised than must be.)
    """
    member = state.members[number]
    if not state.vgsa.missing(number):
        return False
    for index in (0, 1):
        try:
            own = Place(member.device, member.record, index).read_vgsa()
        except CorruptImage:
            continue
        if any(own.missing(other) and not state.vgsa.missing(other) for other in state.pvids):
            return True
    return False


def _distrust(group: VolumeGroup, number: int, stale: PpTable) -> None:
    """Make all partitions of a disk stale that have a good copy elsewhere."""
    for minor, lv_map in group.state.maps.items():
        for copy, lp in zip(*(lv_map.pv == number).nonzero(), strict=True):
            if any(pv != number for pv, _ in good_copies(group, minor, int(lp))):
                stale[number - 1, int(lv_map.pp[copy, lp]) - 1] = True


def _renew_copies(state: GroupState, origin: Origin) -> None:
    """Step 1."""
    if not state.vgsa.stamp:  # no copy was valid
        write_vgsa(state, origin.now())
    for place in counted(state):
        for offset, raw in ((place.vgsa_offset, state.vgsa.raw), (place.vgda_offset, state.vgda.raw)):
            if not state.ledger.holds(place.device, offset, raw):
                state.ledger.write(place.device, offset, raw)
    for member in state.members.values():
        if lvm_record.read(member.device)[0] is None:
            lvm_record.write(member.device, member.record)


def _fresh(state: GroupState, minor: int, lp: int) -> list[tuple[int, int]]:
    """PV and PP number of the copies of an LP that are not stale, wherever they are."""
    lv_map = state.maps[minor]
    places = zip(lv_map.pv[:, lp].tolist(), lv_map.pp[:, lp].tolist(), strict=True)
    return [(pv, pp) for pv, pp in places if pv and not state.stale[pv - 1, pp - 1]]


def _unequal(group: VolumeGroup, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Span]]:
    """What the MWC records of some PVs, default all, name: minor number and part of an LP, in order."""
    record, state = group.record, group.state
    members = [member for number, member in state.members.items() if numbers is None or number in numbers]
    named = {ltg for member in members for ltg in mwc.read(member.device, record.kind)[1]}
    for minor, number in sorted(named):
        lv_map = state.maps.get(minor)
        if lv_map is None or lv_map.copies < 2:
            continue
        size = lv_map.lps * group.pp_size
        start, length = (0, size) if number == mwc.WHOLE else (number << record.ltg_shift, 1 << record.ltg_shift)
        yield from ((minor, span) for span in lv_spans(group, minor, start, min(length, max(0, size - start))))


def _repair(group: VolumeGroup, regions: Sequence[tuple[int, Span]]) -> list[tuple[str, int, int]]:
    """Step 3. Returns what was made equal: LV name, byte offset, length."""
    repaired = []
    for minor, span in regions:
        good = good_copies(group, minor, span.lp)
        if len(good) > 1:
            copy_ranges(group, minor, [(span.lp, span.inside, span.length, good[1:])])
            repaired.append((group.volume(minor).name, span.offset, span.length))
    return repaired
