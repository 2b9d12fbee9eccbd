"""Repair of a group: what disagrees is rewritten from the side that is right; nothing without a sound source is.

Everything is worked out first; then the undo file is written, then the rewrites, with a barrier after each:

1. Boot records that lost their PVID and bad block directories, which mean nothing to the group.
2. VGSA, then VGDA. If a counted copy is not exactly what it should be, all get a new time stamp, those that are not
   sound first, each so that it is not valid while it is being written (as in `commit`). So one sound copy is there at
   every moment, and the first complete new one is the newest.
3. LVM records, backup first; each is one sector.
4. Control blocks, one sector each.
5. Copies that are not counted: their first sectors, zeroed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from ..block import BlockDevice, Bytes
from ..block.undo import Rewrite, save
from ..errors import CorruptImage, OperationRefused
from ..layout.lvm_disk import BOOT_RECORD, LVM_RECORD
from ..units import SECTOR
from . import badblocks
from . import lvcb as lvcbs
from .boot import IBMA, read_pvid
from .check import NAME, check, first_blocks
from .commit import area_parts, counted, in_order
from .copies import Place
from .group import VolumeGroup
from .identity import lvid, uid_bytes
from .lvcb import Lvcb
from .maps import names_lv
from .mend import mended
from .record import BACKUP_PSN, PRIMARY_PSN, sound_values
from .state import GroupState, Member, load
from .vgda import Vgda
from .vgsa import Vgsa
from .volume import LogicalVolume

T = TypeVar("T", Vgsa, Vgda)


def repair(devices: Sequence[BlockDevice], undo: str | os.PathLike[str], *, now: int) -> int:
    """Rewrite what has a sound source.

    Args:
        devices: all disks of the group, open for writing.
        undo: the undo file to make; it is not made if there is nothing to rewrite.
        now: time stamp of rewritten copies, nanoseconds since 1970.

    Returns:
        The number of writes; what remains wrong, `check` tells.

    Raises:
        CorruptImage: the group cannot be opened.
        OperationRefused: a disk is not here, cut or not writable, or the undo file exists; nothing was written.
        ImageIOError: the system refused; `undo` puts back what was written until then.
    """
    rewrites = plan(devices, now=now)
    if rewrites:
        save(undo, rewrites)
    for rewrite in rewrites:
        rewrite.execute()
    return len(rewrites)


def plan(devices: Sequence[BlockDevice], *, now: int) -> list[Rewrite]:
    """The writes of a repair, in their order; see `repair`."""
    rules = {problem.rule for problem in check(devices)}
    state, _ = load(devices)
    _refuse_unless_whole(state)
    sectors = {number: _record_sector(state, number, member) for number, member in state.members.items()}
    for number, member in state.members.items():
        own = member.record
        record = replace(state.record, pv_number=number, reloc_psn=own.reloc_psn, reloc_len=own.reloc_len)
        state.members[number] = replace(member, record=record)
    # between copies that cannot be told apart nothing is chosen, and nothing derived from one
    believed = not rules & {"vgda-tie", "vgsa-tie"}
    new = mended(state, _control_blocks(state)) if believed else state.copy()
    rewrites = [*_boot_records(new), *_bad_blocks(new)]
    if believed:
        rewrites += _areas(new, _sound_vgsa(new), state.vgsa.raw, Place.read_vgsa, lambda p: p.vgsa_offset, now)
        read_vgda = partial(Place.read_vgda, factor=new.vgda.factor)
        rewrites += _areas(new, new.vgda, state.vgda.raw, read_vgda, lambda p: p.vgda_offset, now)
    for number, sector in sectors.items():
        device = new.members[number].device
        rewrites += [Rewrite(device, psn * SECTOR, sector) for psn in (BACKUP_PSN, PRIMARY_PSN)]
    if believed:
        for lv in VolumeGroup(new, []).logical_volumes.values():
            rewrites += _first_blocks(lv)
        rewrites += _left_over(new)
    return [rewrite for rewrite in rewrites if rewrite.changes]


def _refuse_unless_whole(state: GroupState) -> None:
    missing = [pvid for number, pvid in state.pvids.items() if number not in state.members]
    if missing:
        raise OperationRefused(
            f"PVs {', '.join(missing)} are not here", hint="a group is repaired only when all its disks can be written"
        )
    for member in state.members.values():
        member.device.check_writable()
        if member.device.size < state.record.first_pp_psn * SECTOR:
            raise OperationRefused("the disk ends before its first PP", where=member.device.name)


def _record_sector(state: GroupState, number: int, member: Member) -> bytes:
    """The LVM record that a disk should have: what is its own stays, the rest is the group's."""
    values, _ = sound_values(member.device, member.record)
    if values is None:
        return member.record.build()
    record = state.record
    return LVM_RECORD.build(
        {
            **values,
            "lvmarea_len": 2 * (record.vgda_len + record.vgsa_len),
            "vgda_len": record.vgda_len,
            "vgda_psn": record.vgda_psn,
            "vgsa_len": record.vgsa_len,
            "vgsa_psn": record.vgsa_psn,
            "pp_size": record.pp_shift,
            "version": record.version,
            "pv_num": number,
        }
    )


def _control_blocks(state: GroupState) -> dict[int, Lvcb]:
    """The control blocks by minor number, found by the PP entries alone: the LV entries may be what is wrong."""
    vgda = state.vgda
    found: dict[int, Lvcb] = {}
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
            found[minor] = lvcb
    return found


def _boot_records(new: GroupState) -> Iterator[Rewrite]:
    for number, pvid in new.pvids.items():
        device = new.members[number].device
        if read_pvid(device) != pvid:
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
    if not vgsa.stamp:
        stale = np.zeros_like(vgsa.stale)
        stale[: len(new.stale)] = new.stale
        vgsa.stale = stale
    vgsa.fields["pv_missing"] = int(vgsa.fields["pv_missing"]) & sum(1 << (number - 1) for number in new.pvids)
    return vgsa


def _areas(
    new: GroupState,
    area: T,
    believed: Bytes,
    read: Callable[[Place], T],
    offset: Callable[[Place], int],
    now: int,
) -> Iterator[Rewrite]:
    """All copies with a new time stamp, unless each of them is just what it should be."""

    def holds(place: Place, raw: Bytes) -> bool:
        return np.array_equal(place.device.read(offset(place), len(raw)), raw)

    if area.stamp and all(holds(place, area.raw) for place in counted(new)):
        return
    area.stamp = max(now, area.stamp + 1)
    for place in in_order(new, (), lambda p: np.array_equal(read(p).raw, believed)):
        for at, part in area_parts(offset(place), area.raw):
            yield Rewrite(place.device, at, part.tobytes())


def _first_blocks(lv: LogicalVolume) -> Iterator[Rewrite]:
    """One control block for all good copies: one that agrees with the VGDA, or one of our layout made to."""
    blocks = first_blocks(lv)
    wanted = None
    for _, _, block in blocks:
        try:
            lvcb = lvcbs.read(block)
        except CorruptImage:
            continue
        name = lv.name if NAME.fullmatch(lv.name.encode("utf-8", "surrogateescape")) else lvcb.name
        right = replace(lvcb, name=name, lvid=lv.lvid, lps=lv.lps, copies=lv.copies)
        if right == lvcb:
            wanted = block
            break
        if wanted is None and lvcbs.is_ours(block, lvcb):
            wanted = lvcbs.build(right)
    if wanted is not None:
        yield from (Rewrite(device, offset, wanted) for device, offset, _ in blocks)


def _left_over(new: GroupState) -> Iterator[Rewrite]:
    keep = set(counted(new))
    for member in new.members.values():
        for index in (0, 1):
            place = Place(member.device, member.record, index)
            if place not in keep:
                for offset in (place.vgda_offset, place.vgsa_offset):
                    yield Rewrite(member.device, offset, bytes(SECTOR))
