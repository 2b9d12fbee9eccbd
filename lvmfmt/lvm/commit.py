"""Writing a changed group so that stopping after any sector leaves the group as it was or as it shall be.

Everything is prepared in memory first. Then, with a barrier after every step:

1. PVIDs and bad block directories of new disks, which mean nothing to the group.
2. Control blocks of new LVs, into PPs that the old group calls free.
3. VGSA with what is stale before *or* after: a PP that the new group calls stale must not be read as fresh once the
   VGDA names it. Stale bits of free PPs mean nothing.
4. VGDA, one copy after the other: header with the new time stamp, then the body, then the trailer with the stamp. A
   copy between header and trailer is not valid, and all others are old; the first complete new copy is the newest
   and so makes the group new. Copies on new disks come first: they count only when the rest names the disk.
5. VGSA with what is stale after, if that is less.
6. LVM records of new disks, backup first. Until then the disks are found by the PVID that the VGDA names; of a new
   group the first record is what makes it exist.
7. LVM records, VGSA and VGDA of removed disks, zeroed; the newest VGDA does not name them any more.
8. Control blocks of LVs that existed before: one sector each.
9. Copies that the group no longer counts (a disk that had two and now has one), zeroed.

A VGSA goes out the same way as a VGDA; see `areas`.

A disk that is not here must be marked as missing (`varyon` does that after it has counted the copies). It keeps the
old group, which the newer stamps on the others tell. Where a control block lies on it, its PP becomes stale in step
3. If only one place is left to write a copy to, the other place of that disk gets the copy first, so that a sound one
is there while the counted one is written; step 9 zeroes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..arguments import expect
from ..block import BlockDevice, Bytes
from ..errors import CorruptImage, OperationRefused
from ..units import SECTOR
from .descriptor.areas import Delta, changed_sectors, same
from .descriptor.copies import Place
from .descriptor.factor import with_factor
from .descriptor.pptable import PpTable
from .disk import recordcopies as lvm_record
from .disk.barrier import write_sync
from .disk.boot import read_pvid, write_pvid
from .groupstate import GroupState, MemberDisk
from .overwriting import refuse_unclear

_BAD_BLOCK_PSNS = (8, 71)
_EMPTY_DIRECTORY = b"DEFECT\0\0"


@dataclass
class Changes:
    """What a commit writes besides VGSA and VGDA.

    Attributes:
        joined: PV numbers of new disks.
        left: disks that are no members any more.
        new_lvcbs: control blocks of new LVs, by minor number.
        lvcbs: control blocks of LVs that existed before.
    """

    joined: set[int] = field(default_factory=set)
    left: list[MemberDisk] = field(default_factory=list)
    new_lvcbs: dict[int, bytes] = field(default_factory=dict)
    lvcbs: dict[int, bytes] = field(default_factory=dict)


def commit(
    old: GroupState, new: GroupState, changes: Changes, *, now: int, missing: Iterable[int] | None = None
) -> None:
    """Write `new` over `old`.

    Args:
        old: the group as it is on the disks.
        new: the group as it shall be; it gets its time stamps here.
        changes: what else is to be written.
        now: the time stamp, nanoseconds since 1970.
        missing: numbers of the PVs to mark as missing; default those that are marked now.

    Raises:
        OperationRefused: a disk that is not marked as missing is not here, one is not writable, or the areas have bytes
            that no field names, or copies of them are in a tie; nothing was written.
        DiskFailed: a disk refused a write; the group is as it was or as it shall be.
    """
    expect(changes, Changes, "changes of a group")
    marked = set(new.vgsa.all_missing)
    known = (marked if missing is None else set(missing)) & set(new.vgda.numbers.tolist()) - changes.joined
    _check_writable(new, changes, known)
    if changes != Changes():
        refuse_unclear(old, new)
    _stale_where_unreachable(new, changes)
    places = counted(new)
    _look_again(new, places)
    for number in sorted(changes.joined):
        _prepare(new.members[number].device, new.pvids[number])
    for minor, block in changes.new_lvcbs.items():
        _write_control_block(new, minor, block)
    before = old.stale if new.vgda.factor == old.vgda.factor else with_factor(old.stale, new.vgda.slots)
    was_stale = before.any()
    both = new.stale | before if was_stale else new.stale
    _put_vgsa(old, new, places, now, stale=both, joined=changes.joined)
    _put_vgda(old, new, places, now, joined=changes.joined)
    if was_stale or known != marked:
        _put_vgsa(old, new, places, now, stale=new.stale, missing=known, joined=changes.joined)
    for number in sorted(changes.joined):
        lvm_record.write(new.members[number].device, new.members[number].record)
    for member in changes.left:
        _leave(member)
    for minor, block in changes.lvcbs.items():
        _write_control_block(new, minor, block)
    for member, count in _counts(new):
        for index in range(count, 2):
            place = Place(member.device, member.record, index)
            for offset in (place.vgda_offset, place.vgsa_offset):
                new.ledger.clear(place.device, offset)


def write_vgsa(
    state: GroupState,
    now: int,
    *,
    stale: PpTable | None = None,
    missing: Iterable[int] | None = None,
    joined: Iterable[int] = (),
) -> None:
    """Write all copies of the VGSA unless each of them says this already.

    Args:
        state: the group; its `vgsa` becomes what was written.
        now: the time stamp, nanoseconds since 1970.
        stale: whether each PP is stale, shape of `vgda.pps`; default `state.stale`.
        missing: numbers of the PVs that are missing; default as the VGSA has it.
        joined: numbers of new disks, which come first.

    Raises:
        OperationRefused: the areas have bytes that no field names, or their copies are in a tie; nothing was written.
        DiskFailed: a disk refused; the copies on others may have been written.
    """
    places = counted(state)
    _look_again(state, places)
    said = state.stale if stale is None else stale
    _put_vgsa(state, state, places, now, stale=said, missing=missing, joined=joined)


def _put_vgsa(
    old: GroupState,
    state: GroupState,
    places: Sequence[Place],
    now: int,
    *,
    stale: PpTable,
    missing: Iterable[int] | None = None,
    joined: Iterable[int] = (),
) -> None:
    """See `write_vgsa`; of the places the ledger knows what they hold."""
    vgsa = state.vgsa.copy()
    vgsa.put_stale(stale)
    if missing is not None:
        vgsa.set_missing(set(missing))
    before = state.vgsa.raw
    held = _held(state, before, lambda place: place.vgsa_offset)
    if same(vgsa.raw, before) and all(map(held, places)):
        return
    refuse_unclear(old, state)
    # should a disk fail, the next attempt needs a newer stamp than what the others have got by then
    vgsa.stamp = max(now, state.vgsa.stamp + 1)
    state.vgsa = vgsa
    delta = Delta.between(before, vgsa.raw)
    for place in _spared(_in_order(state, places, joined, held)):
        state.ledger.write(place.device, place.vgsa_offset, vgsa.raw, delta)


def _put_vgda(old: GroupState, new: GroupState, places: Sequence[Place], now: int, *, joined: Iterable[int]) -> None:
    """Write all copies of the VGDA unless it says what it said and nobody joins."""
    before, after = old.vgda, new.vgda
    idle = max(before.idle[0], after.idle[0]), min(before.idle[1], after.idle[1])
    sectors = changed_sectors(before.raw, after.raw, idle)
    if not joined and not sectors:
        return
    refuse_unclear(old, new)
    after.stamp = max(now, before.stamp + 1)
    stamped = (at // SECTOR for at in (*after.format.begins, *after.format.ends))
    delta = Delta.of(before.raw, sorted({*sectors, *stamped}))
    held = _held(new, before.raw, lambda place: place.vgda_offset)
    for place in _spared(_in_order(new, places, joined, held)):
        new.ledger.write(place.device, place.vgda_offset, after.raw, delta)
    new.behind = frozenset()


def _check_writable(new: GroupState, changes: Changes, missing: set[int]) -> None:
    numbers = set(new.vgda.numbers.tolist()) - set(new.members) - missing
    if numbers:
        absent = [pvid for number, pvid in new.pvids.items() if number in numbers]
        raise OperationRefused(
            f"PVs {', '.join(absent)} are not here",
            hint="bring them, or vary the group on without them, which marks them as missing",
        )
    for member in (*new.members.values(), *changes.left):
        member.device.check_writable()


def _stale_where_unreachable(new: GroupState, changes: Changes) -> None:
    """The first PPs of LVs whose control blocks change become stale on disks that are not here."""
    behind = []
    for minor in (*changes.new_lvcbs, *changes.lvcbs):
        places = first_pps(new, minor)
        if any(pv in new.members for pv, _ in places):  # never the last good copy
            behind += [(pv, pp) for pv, pp in places if pv not in new.members]
    if behind:
        for pv, pp in behind:
            new.stale[pv - 1, pp - 1] = True
        new.settle()


def first_pps(state: GroupState, minor: int) -> list[tuple[int, int]]:
    """PV and PP number of every good copy of the first LP, where the control block lies."""
    lv_map = state.maps[minor]
    if not lv_map.lps:
        return []
    first = zip(lv_map.pv[:, 0].tolist(), lv_map.pp[:, 0].tolist(), strict=True)
    return [(pv, pp) for pv, pp in first if pv and not state.stale[pv - 1, pp - 1]]


def _write_control_block(state: GroupState, minor: int, block: bytes) -> None:
    for pv, pp in first_pps(state, minor):
        if member := state.members.get(pv):
            psn_part1 = int(state.vgda.pvs["psn_part1"][pv - 1])
            write_sync(member.device, psn_part1 * SECTOR + (pp - 1 << state.record.pp_shift), block)


def _counts(state: GroupState) -> list[tuple[MemberDisk, int]]:
    """The disks that are there, and how many copies each has."""
    return [(member, max(0, state.vgda.vgda_count(number))) for number, member in state.members.items()]


def counted(state: GroupState) -> list[Place]:
    """The places that hold the copies of a group: a PV with one copy has it in the first."""
    return [Place(member.device, member.record, index) for member, count in _counts(state) for index in range(count)]


def _look_again(state: GroupState, places: Sequence[Place]) -> None:
    for place in places:
        for offset in (place.vgsa_offset, place.vgda_offset):
            state.ledger.look_again(place.device, offset)


def in_order(new: GroupState, holds_old: Callable[[Place], bool]) -> list[Place]:
    """Where to write: places without a sound old copy, then the others.

    So one sound copy of the old group is left while a place is being written.
    """
    return _in_order(new, counted(new), (), holds_old)


def _in_order(
    new: GroupState, places: Sequence[Place], joined_numbers: Iterable[int], holds_old: Callable[[Place], bool]
) -> list[Place]:
    """The same, and new disks before all others."""
    joined = {id(new.members[number].device) for number in joined_numbers}

    def rank(place: Place) -> int:
        if id(place.device) in joined:
            return 0
        try:
            return 2 if holds_old(place) else 1
        except CorruptImage:
            return 1

    return sorted(places, key=rank)


def _held(state: GroupState, raw: Bytes, offset: Callable[[Place], int]) -> Callable[[Place], bool]:
    """Whether a place is known to hold a copy."""
    return lambda place: state.ledger.holds(place.device, offset(place), raw)


def _spared(places: Sequence[Place]) -> Iterator[Place]:
    """The places in their order, and before an only one the other place of its disk."""
    if len(places) == 1:
        yield replace(places[0], index=1 - places[0].index)
    yield from places


def _prepare(device: BlockDevice, pvid: str) -> None:
    """Give a new disk its PVID and an empty bad block directory with its trailer (place assumed) and backup."""
    if read_pvid(device) != pvid:
        write_pvid(device, pvid)
    for psn in _BAD_BLOCK_PSNS:
        if bytes(device.read(psn * SECTOR, 6)) != _EMPTY_DIRECTORY[:6]:
            write_sync(device, psn * SECTOR, (2 * _EMPTY_DIRECTORY).ljust(SECTOR, b"\0"))


def _leave(member: MemberDisk) -> None:
    device, record = member.device, member.record
    lvm_record.clear(device)
    for index in (0, 1):
        device.punch(record.vgsa_psn[index] * SECTOR, record.vgsa_len * SECTOR)
        device.punch(record.vgda_psn[index] * SECTOR, record.vgda_len * SECTOR)
    device.flush()
