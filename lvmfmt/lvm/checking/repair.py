"""Repair of a group: what disagrees is rewritten from the side that is right; nothing without a sound source is.

Everything is worked out first, and proved in memory: it writes only where something was found, and a second repair
has nothing to do. Then the undo file is written, then the rewrites, with a barrier after each:

1. Boot records that lost their PVID and bad block directories, which mean nothing to the group.
2. VGSA, then VGDA. A copy that is not what the others are becomes as they are; while it is written it is not valid. If
   what they say changes, all get a new time stamp, those that are not sound first (as in `commit`). So one sound copy
   is there at every moment, and the first complete new one is the newest. A VGDA with errors in it is no source.
3. LVM records, backup first; each is one sector.
4. Control blocks, one sector each, only over what bears the tag and the LVID of the LV.
5. Copies that are not counted and of which the VGDA is older: their first sectors, zeroed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np

from ...block import BlockDevice, Bytes, DeviceLike, opened_all
from ...block.undo import Rewrite, save
from ...errors import CorruptImage, OperationRefused
from ...layout.lvm_disk import BOOT_RECORD
from ...origin import Origin, origin_or_system
from ...units import SECTOR
from .. import lvcb as lvcbs
from ..commit import counted, in_order
from ..descriptor.areas import area_parts
from ..descriptor.copies import Area, Place
from ..descriptor.entries import names_lv
from ..descriptor.vgdalvs import valid_name
from ..descriptor.vgsa import Vgsa
from ..disk import badblocks
from ..disk.boot import IBMA, read_pvid
from ..disk.identity import lvid, uid_bytes
from ..disk.record import BACKUP_PSN, PRIMARY_PSN
from ..disk.recordcopies import sound_values
from ..group import GroupView
from ..groupstate import GroupState, MemberDisk
from ..lvcb import Lvcb
from ..mirrors import distrust_old_disks
from ..opening import load
from ..problems import Problem
from ..unnamed import UNNAMED, clear, refusal
from ..volume import LogicalVolume
from .correction import corrected
from .evidence import Span, effective, prove, spans, touch
from .findings import check, first_blocks, kept_fields


def repair(
    devices: DeviceLike | Sequence[DeviceLike],
    undo: str | os.PathLike[str],
    *,
    origin: Origin | None = None,
    force: bool = False,
    numbers: Mapping[int, str] | None = None,
) -> int:
    """Rewrite what has a sound source.

    Args:
        devices: the disks of the group, open for writing; more than half of its VGDA copies must be on them.
        undo: the undo file to make; it is not made if there is nothing to rewrite.
        origin: clock for the time stamp of rewritten copies; by default that of the system.
        force: make zero what no field of VGSA and VGDA names; without it a group that has such bytes is not written.
        numbers: which device is which PV as a person says it: names of devices by PV number.

    Returns:
        The number of writes; what remains wrong, `check` tells.

    Raises:
        CorruptImage: the group cannot be opened.
        OperationRefused: half of the VGDA copies or more are not here, a disk is cut or not writable, the undo file
            exists, or VGSA or VGDA would have to be written and have bytes that no field names; nothing was written.
        ImageIOError: the system refused; `undo` puts back what was written until then.
    """
    with opened_all(devices, writable=True) as disks:
        rewrites = plan(disks, now=origin_or_system(origin).now(), force=force, numbers=numbers)
        if rewrites:
            save(undo, rewrites, marks=[0, PRIMARY_PSN * SECTOR, BACKUP_PSN * SECTOR], order=disks)
        for rewrite in rewrites:
            rewrite.execute()
    return len(rewrites)


def plan(
    devices: Sequence[BlockDevice], *, now: int, force: bool = False, numbers: Mapping[int, str] | None = None
) -> list[Rewrite]:
    """The writes of a repair, in their order, proved; see `repair`."""
    proposed, found, allowed = _propose(devices, now, force, numbers)
    rewrites, after = effective(devices, proposed)
    strange = [problem for problem in found if problem.rule == UNNAMED]
    if strange and not force and touch(rewrites, load(devices, infer=True, numbers=numbers)[0]):
        raise refusal(strange)
    if rewrites:
        prove(after, rewrites, found, allowed, lambda disks: _again(disks, now, force, numbers))
    return rewrites


def _again(
    devices: Sequence[BlockDevice], now: int, force: bool, numbers: Mapping[int, str] | None
) -> tuple[list[Rewrite], list[Problem]]:
    proposed, found, _ = _propose(devices, now, force, numbers)
    return effective(devices, proposed)[0], found


def _propose(
    devices: Sequence[BlockDevice], now: int, force: bool, numbers: Mapping[int, str] | None
) -> tuple[list[Rewrite], list[Problem], list[Span]]:
    """Rewrites, some of which may change nothing, the findings, and where those allow writes."""
    found = check(devices, numbers=numbers)
    rules = {problem.rule for problem in found}
    if shifted := [problem for problem in found if problem.rule == "pv-shifted"]:
        raise OperationRefused(
            shifted[0].text, where=shifted[0].where, hint="the disk or the start of its PPs is wrong"
        )
    state, _ = load(devices, infer=True, numbers=numbers)
    _refuse_unless_safe(state)
    blocks = _block_spans(state)
    sectors = {number: _record_sector(state, number, member) for number, member in state.members.items()}
    for number, member in state.members.items():
        own = member.record
        record = state.record._replace(pv_number=number, reloc_psn=own.reloc_psn, reloc_len=own.reloc_len)
        state.members[number] = member._replace(record=record)
    allowed = spans(state, [problem for problem in found if force or problem.rule != UNNAMED], blocks)
    # between copies that cannot be told apart nothing is chosen, and nothing derived from one
    believed = not rules & {"vgda-tie", "vgsa-tie"}
    control_blocks = _control_blocks(state)
    new = corrected(state, control_blocks) if believed else None
    rewrites = [*_boot_records(state), *_bad_blocks(state)]
    if new is not None:
        distrust_old_disks(new)
        if force:
            clear(new)
        _keep_control_blocks(new, control_blocks)
        rewrites += _areas(new, _sound_vgsa(new), state.vgsa.raw, Place.read_vgsa, lambda p: p.vgsa_offset, now)
        read_vgda = partial(Place.read_vgda, factor=new.vgda.factor)
        rewrites += _areas(new, new.vgda, state.vgda.raw, read_vgda, lambda p: p.vgda_offset, now)
    for number, sector in sectors.items():
        device = state.members[number].device
        if number in state.assumed or not state.version_known:
            continue
        rewrites += [Rewrite(device, psn * SECTOR, sector) for psn in (BACKUP_PSN, PRIMARY_PSN)]
    if new is not None:
        for lv in GroupView(new, []).logical_volumes.values() if new.vgda.format.lvcb_in_lv else ():
            rewrites += _first_blocks(lv, new.vgda.control_block(lv.minor))
        rewrites += _left_over(new)
    return rewrites, found, allowed


def _block_spans(state: GroupState) -> dict[str, list[Span]]:
    """Where the control blocks of each LV lie, by its name."""
    if not state.vgda.format.lvcb_in_lv:
        return {}
    volumes = GroupView(state, []).logical_volumes.values()
    return {lv.name: [(d.name, at, at + SECTOR) for d, at, _ in first_blocks(lv)] for lv in volumes}


def _refuse_unless_safe(state: GroupState) -> None:
    """Disks may be missing while more than half of the VGDA copies are here: the newest then is too."""
    missing = [pvid for number, pvid in state.pvids.items() if number not in state.members]
    votes, here = (sum(max(0, state.vgda.vgda_count(n)) for n in of) for of in (state.pvids, state.members))
    twice = len(set(state.pvids.values())) < len(state.pvids)
    if missing and (2 * here <= votes or twice):
        raise OperationRefused(
            f"PVs {', '.join(missing)} are not here, with {votes - here} of {votes} VGDA copies",
            hint="one of them may hold the newest copy: repair needs more than half of them",
        )
    for member in state.members.values():
        member.device.check_writable()
        if member.device.size < state.record.first_pp_psn * SECTOR:
            raise OperationRefused("the disk ends before its first PP", where=member.device.name)


def _record_sector(state: GroupState, number: int, member: MemberDisk) -> bytes:
    """The LVM record that a disk should have: what is its own stays, the rest is the group's."""
    values, _ = sound_values(member.device, member.record)
    if values is None:
        return member.record.build()
    record = state.record
    own = {name: values[name] for name in kept_fields(record.kind) if name in values}
    return record.structure.build({**values, **record.values(), **own, "pv_num": number})


def _control_blocks(state: GroupState) -> dict[int, Lvcb]:
    """The control blocks by minor number, found by the PP entries alone: the LV entries may be what is wrong."""
    vgda = state.vgda
    found: dict[int, Lvcb] = {}
    for minor in (np.flatnonzero(vgda.lv_used) + 1).tolist() if vgda.lvcbs is not None else ():
        with suppress(CorruptImage):
            lvcb = lvcbs.read(vgda.control_block(minor) or b"")
            if lvcb.lvid == lvid(state.record.vgid, minor):
                found[minor] = lvcb
    if not vgda.format.lvcb_in_lv:
        return found
    for index, pp in np.argwhere(names_lv(vgda) & (vgda.pps["lp_num"] == 1) & ~state.stale).tolist():
        member = state.members.get(index + 1)
        start = (int(vgda.pvs["psn_part1"][index]) * SECTOR) + (pp << state.record.pp_shift)
        if member is None or start + SECTOR > member.device.size:
            continue
        minor = int(vgda.pps["lv_index"][index, pp])
        try:
            lvcb = lvcbs.read(member.device.read(start, SECTOR).tobytes())
        except CorruptImage:
            continue
        if lvcb.lvid == lvid(state.record.vgid, minor):
            found.setdefault(minor, lvcb)
    return found


def _keep_control_blocks(new: GroupState, known: dict[int, Lvcb]) -> None:
    """Let the control blocks that a VGDA holds be there and say what the rest of it says."""
    vgda = new.vgda
    for minor, lv_map in new.maps.items() if vgda.lvcbs is not None else ():
        lvcb = known.get(minor)
        if lvcb is None:
            continue
        name = vgda.name(minor)
        right = lvcb._replace(
            name=name.decode() if valid_name(name) else lvcb.name,
            lps=min(lv_map.lps, lvcbs.MOST_LPS),
            copies=lv_map.copies,
        )
        block = vgda.control_block(minor) or b""
        try:
            wrong = lvcbs.read(block) != right
        except CorruptImage:
            wrong = True
        if wrong:
            vgda.set_control_block(minor, lvcbs.build(right))


def _boot_records(new: GroupState) -> Iterator[Rewrite]:
    for number, member in new.members.items():
        pvid, device = new.pvids[number], member.device
        if read_pvid(device) != pvid and number not in new.assumed:
            values = BOOT_RECORD.parse(device.read(0, SECTOR))
            sector = BOOT_RECORD.build({**values, "IPL_record_id": IBMA, "pv_id": uid_bytes(pvid)})
            yield Rewrite(device, 0, sector)


def _bad_blocks(new: GroupState) -> Iterator[Rewrite]:
    for member in new.members.values():
        copies = {psn: badblocks.read(member.device, psn) for psn in badblocks.PSNS}
        whole = []
        for psn, raw in copies.items():
            try:
                badblocks.check(raw, psn, member.device.name)
            except CorruptImage:
                continue
            whole.append(psn)
        if len(whole) == 1:
            other = next(psn for psn in copies if psn not in whole)
            yield Rewrite(member.device, other * SECTOR, copies[whole[0]].tobytes())


def _sound_vgsa(new: GroupState) -> Vgsa:
    vgsa = new.vgsa.copy()
    if not vgsa.stamp or (new.stale & ~vgsa.stale(new.vgda.slots)).any():
        vgsa.put_stale(new.stale)
    for number in vgsa.all_missing:
        if number not in new.pvids:
            vgsa.mark_missing(number, False)
    return vgsa


def _areas(
    new: GroupState,
    area: Area,
    believed: Bytes,
    read: Callable[[Place], Area],
    offset: Callable[[Place], int],
    now: int,
) -> Iterator[Rewrite]:
    """All copies with a new time stamp if what they say changes, else those that are not what they should be."""

    def holds(place: Place, raw: Bytes) -> bool:
        return np.array_equal(place.device.read(offset(place), len(raw)), raw)

    if area.stamp and np.array_equal(area.raw, believed):
        for place in counted(new):
            if not holds(place, area.raw):
                (first, begin), *rest = area_parts(offset(place), area.raw)
                yield Rewrite(place.device, first, bytes(len(begin)))  # with an equal stamp it might look whole
                for at, part in (*rest, (first, begin)):
                    yield Rewrite(place.device, at, part.tobytes())
        return
    area.stamp = max(now, area.stamp + 1)
    for place in in_order(new, lambda p: np.array_equal(read(p).raw, believed)):
        for at, part in area_parts(offset(place), area.raw):
            yield Rewrite(place.device, at, part.tobytes())


def _first_blocks(lv: LogicalVolume, known: bytes | None) -> Iterator[Rewrite]:
    """One control block for all good copies: one that agrees with the VGDA, or one of our layout made to.

    Args:
        lv: the volume.
        known: the control block in the VGDA of a big group, which comes first.
    """
    blocks = [found for found in first_blocks(lv) if lvcbs.is_of(found[2], lv.lvid)]
    if known is not None and not any(block.startswith(lvcbs.TAG) for *_, block in blocks):
        return  # an application has block 0
    wanted = None
    for block in (*([known] if known else ()), *(block for *_, block in blocks)):
        try:
            lvcb = lvcbs.read(block)
        except CorruptImage:
            continue
        name = lv.name if valid_name(lv.name.encode("utf-8", "surrogateescape")) else lvcb.name
        right = lvcb._replace(name=name, lvid=lv.lvid, lps=lv.lps, copies=lv.copies)
        if right == lvcb:
            wanted = block
            break
        if wanted is None and lvcbs.is_ours(block, lvcb):
            wanted = lvcbs.build(right)
    if wanted is not None:
        yield from (Rewrite(device, offset, wanted) for device, offset, _ in blocks)


def _left_over(new: GroupState) -> Iterator[Rewrite]:
    keep = set(counted(new))
    newest = new.vgda.stamp
    for member in new.members.values():
        for index in (0, 1):
            place = Place(member.device, member.record, index)
            if place not in keep and place.vgda_stamp()[0] < newest:
                for offset in (place.vgda_offset, place.vgsa_offset):
                    yield Rewrite(member.device, offset, bytes(SECTOR))
