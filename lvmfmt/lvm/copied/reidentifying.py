"""A new identity for a whole set of disks that storage has copied: the core of `recreatevg`.

New PVIDs, VGID, LVIDs and LV names, and control blocks that agree; metadata only. Both places that a disk has for a
VGDA are used, whether the group counts them or not. The order, with a barrier after each write:

1. The new VGDA into the second place of every disk. The LVM records name the old VGID, so it is no copy of the old
   group, which opens from the first places as before.
2. Disk by disk: the LVM record with the new VGID, backup first, then the new PVID. A stop in between leaves disks of
   two VGIDs whose second places all hold one VGDA: a rerun takes it up and switches the others, which it knows by the
   PV numbers in their records.
3. The control blocks. The new group opens from the second places. A rerun knows what is done by the LVID in a block,
   and the old names from the first places.
4. Disk by disk: the new VGDA into the first place, its first sector last, and where the group does not count the
   second place, that one zeroed: after the first place on the first disk, before it on the others. Until the last
   first sector is there, a first place names another VGID than the LVM records, which tells a rerun to finish.

So a stop at any write leaves the old group, or a state that a rerun with the same arguments finishes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from ...block import BlockDevice, DeviceLike, opened_all
from ...errors import CorruptImage, NotFound, OperationRefused
from ...origin import Origin, origin_or_system
from ...units import SECTOR
from .. import lvcb as lvcbs
from ..change import Change
from ..commit import counted, first_pps
from ..descriptor.areas import Ledger
from ..descriptor.copies import Place
from ..descriptor.entries import gather
from ..descriptor.factor import survey_fitting
from ..descriptor.maps import lv_maps
from ..descriptor.vgda import Vgda
from ..descriptor.vgdalvs import valid_name
from ..disk import recordcopies as lvm_record
from ..disk.barrier import write_sync
from ..disk.boot import pvid_of, read_pvid, write_pvid
from ..disk.identity import check_machine_id, lvid, new_machine_id, new_pvid, new_vgid, uid_bytes, uid_text
from ..disk.record import BACKUP_PSN, PRIMARY_PSN, LvmRecord
from ..firstblock import FirstBlock
from ..groupstate import GroupState
from ..overwriting import refuse_unclear
from ..volumegroup import VolumeGroup
from .naming import Naming

_VGID = slice(4, 20)
"""Where the VGID lies in an LVM record of any kind [lvm 4.1, 4.2]."""


def reidentify(
    devices: DeviceLike | Iterable[DeviceLike],
    *,
    origin: Origin | None = None,
    machine_id: str | None = None,
    lv_prefix: str = "fs",
    label_prefix: str = "/fs",
    names: Mapping[str, str] | None = None,
    keep_pvids: bool = False,
    subset: bool = False,
) -> VolumeGroup:
    """Give the group on a set of disks a new identity, or finish doing so where it was interrupted.

    Args:
        devices: all disks of the group, and no others.
        origin: clock and identities; by default those of the system.
        machine_id: 12 hex digits, part of the identifiers; by default made by `origin`.
        lv_prefix: before every LV name (`recreatevg -Y`); "" leaves the names.
        label_prefix: before every mount point (`-L`); "" leaves them.
        names: new LV names by old ones (`-l`).
        keep_pvids: leave the PVIDs (`-p`).
        subset: some disks may be absent (`-f`): they leave the group, and with them the copies on them and the LVs
            that are not whole without.

    Returns:
        The group as it is now.

    Raises:
        OperationRefused: a disk is missing, there twice, a stranger, or its VGDA is not the newest; a name is too long
            or used twice; a control block cannot be written. Nothing was written.
        ImageIOError: the system refused; a rerun finishes.
    """
    origin = origin_or_system(origin)
    machine = new_machine_id(origin) if machine_id is None else check_machine_id(machine_id)
    with ExitStack() as stack:
        given = stack.enter_context(opened_all(devices, writable=True))
        naming = Naming(lv_prefix, label_prefix, names)
        disks = _disks(given)
        if not disks:
            raise OperationRefused("no disk is given")
        vgda = _unfinished(disks)
        if vgda is None:
            group = VolumeGroup.open(given)
            _refuse_unless_sound(group, given, subset)
            refuse_unclear(group.state)
            vgda = _draft(group, origin, machine, naming, keep_pvids=keep_pvids)
            for place in disks.values():
                Ledger().write(place.device, replace(place, index=1).vgda_offset, vgda.raw)
        vgid = uid_text(vgda.header["vg_id"].tobytes())
        for number, place in disks.items():
            _switch(place.device, vgid, pvid_of(vgda.pvs["pv_id"][number - 1].tobytes()))
        state = VolumeGroup.open(given).state
        _write_control_blocks(state, list(disks.values()), naming, machine, origin)
        _settle_copies(state)
        group = VolumeGroup.open(given)
        group.closes(stack.pop_all(), given)
    return group


def unfinished_names(devices: Iterable[BlockDevice]) -> list[str] | None:
    """The names that the LVs of a group on some disks are to have, where `reidentify` was interrupted; else None.

    Raises:
        OperationRefused: the disks are of several groups, or one is opened for reading.
        NotFound: one is of no group.
    """
    vgda = _unfinished(_disks(list(devices)))
    return None if vgda is None else [_text(vgda.name(minor)) for minor in lv_maps(vgda, gather(vgda))]


def _disks(devices: Sequence[BlockDevice]) -> dict[int, Place]:
    """The first place of each disk, by PV number, in order."""
    found: dict[int, Place] = {}
    for device in devices:
        device.check_writable()
        record = lvm_record.read(device)[0]
        if record is None:
            raise NotFound("no LVM record: a disk of no volume group", where=device.name)
        if record.pv_number in found:
            raise OperationRefused(
                f"PV {record.pv_number} is {found[record.pv_number].device.name} already", where=device.name
            )
        found[record.pv_number] = Place(device, record, 0)
    return dict(sorted(found.items()))


def _header_vgid(place: Place) -> str:
    return uid_text(place.device.read(place.vgda_offset + 8, 16).tobytes())


def _read(place: Place) -> Vgda | None:
    """The VGDA that lies in a place, whatever group it is of."""
    try:
        vgid = _header_vgid(place)
        vgsa = replace(place, index=0).read_vgsa()
        own = replace(place, record=place.record._replace(vgid=vgid))
        return survey_fitting([own], vgsa.factor).newest[0][1]
    except CorruptImage:
        return None


def _unfinished(disks: Mapping[int, Place]) -> Vgda | None:
    """The VGDA of a re-identification that was interrupted after its first step, None if there was none."""
    vgids = {place.record.vgid for place in disks.values()}
    seconds = [_read(replace(place, index=1)) for place in disks.values()]
    if len(vgids) > 1:
        first = seconds[0]
        if first is None or any(v is None or not np.array_equal(v.raw, first.raw) for v in seconds):
            of = ", ".join(f"{place.device.name}: {place.record.vgid}" for place in disks.values())
            raise OperationRefused("the disks belong to different volume groups", hint=of)
        return first
    vgid = uid_bytes(*vgids)
    if all(uid_bytes(_header_vgid(place)) == vgid for place in disks.values()):
        return None
    whole = [v for v in (*seconds, *map(_read, disks.values())) if v is not None]
    return next((v for v in whole if v.header["vg_id"].tobytes() == vgid), None)


def _refuse_unless_sound(group: VolumeGroup, devices: Sequence[BlockDevice], subset: bool) -> None:
    """It repairs nothing [commands 6]: the disks are those that the VGDA names, and the VGDAs are equal."""
    state = group.state
    absent = [pvid for number, pvid in state.pvids.items() if number not in state.members]
    if absent and not subset:
        raise OperationRefused(f"PVs {', '.join(absent)} are not here", hint="name all disks of the group")
    here = [member.device for member in state.members.values()]
    strangers = [device.name for device in devices if not any(device is member for member in here)]
    if strangers:
        raise OperationRefused("not a disk of the group by its newest VGDA", where=", ".join(strangers))
    for member in state.members.values():
        place = Place(member.device, member.record, 0)
        if not np.array_equal(member.device.read(place.vgda_offset, len(state.vgda.raw)), state.vgda.raw):
            raise OperationRefused(
                "the VGDA is not that of the other disks", where=member.device.name, hint="vary the group on first"
            )


def _draft(group: VolumeGroup, origin: Origin, machine: str, naming: Naming, *, keep_pvids: bool) -> Vgda:
    """The new VGDA."""
    change = group.begin(origin, machine)
    _leave_absent(group, change)
    state, _ = change.finish()
    vgda = state.vgda
    vgid = new_vgid(machine, origin, state.record.version)
    taken = set(state.pvids.values())
    for number in state.members if not keep_pvids else ():
        taken.add(pvid := new_pvid(machine, origin, taken))
        vgda.pvs["pv_id"][number - 1] = np.frombuffer(uid_bytes(pvid), np.uint8)
    vgda.header["vg_id"] = np.frombuffer(uid_bytes(vgid), np.uint8)
    used: set[str] = set()
    for minor in state.maps:
        name = naming.lv(_text(vgda.name(minor)))
        if not valid_name(name.encode("utf-8", "surrogateescape")) or name in used:
            raise OperationRefused(
                f"the logical volume would be called {name!r}", hint="a name of its own of 1 to 15 characters"
            )
        used.add(name)
        index = int(vgda.lvs[minor - 1]["lvname"]) if "lvname" in (vgda.lvs.dtype.names or ()) else minor - 1
        vgda.names[index if 0 <= index < len(vgda.names) else minor - 1] = name.encode()
        block = _control_block(group, state, minor, naming, machine, change.now)
        if block is not None:
            vgda.set_control_block(minor, block)
    vgda.stamp = max(change.now, group.stamp + 1)
    return vgda


def _leave_absent(group: VolumeGroup, change: Change) -> None:
    state = group.state
    for number, pvid in state.pvids.items():
        if number not in state.members:
            for name, lv in group.logical_volumes.items():
                if number in lv.pv_numbers and lv.minor in change.state.maps:
                    try:
                        change.unmirror(name, pvid)
                    except OperationRefused:
                        change.remove_lv(name)
            change.remove_pv(pvid)


def _control_block(
    group: VolumeGroup, new: GroupState, minor: int, naming: Naming, machine: str, now: int
) -> bytes | None:
    """The control block of an LV of `group` as it is to be in `new`; None if it has none."""
    first, vgid = FirstBlock.of(group.volume(minor), group.state.vgda.control_block(minor)), new.vgid
    old, lv_map = first.lvcb, new.maps[minor]
    if old is None or old.lvid == lvid(vgid, minor):  # it has its new one already; perhaps another copy has not
        return first.data if old else None
    if not lvcbs.is_ours(first.data, old):
        raise OperationRefused("the control block has a layout that this program cannot write", where=old.name)
    return lvcbs.build(
        old._replace(
            lvid=lvid(vgid, minor),
            name=_text(new.vgda.name(minor)),
            copies=lv_map.copies,
            lps=lv_map.lps,
            label=naming.label(old.label),
            fs=naming.fs(old.fs),
            machine_id=machine[3:].upper(),
            modified=lvcbs.ctime(now),
        )
    )


def _switch(device: BlockDevice, vgid: str, pvid: str) -> None:
    """Step 2 for a disk."""
    record = lvm_record.read(device)[0]
    assert record is not None  # `_disks` has seen it
    sector = _sector(device, record)
    sector[_VGID] = np.frombuffer(uid_bytes(vgid), np.uint8)
    for psn in (BACKUP_PSN, PRIMARY_PSN):
        if not np.array_equal(device.read(psn * SECTOR, SECTOR), sector):
            write_sync(device, psn * SECTOR, sector)
    if read_pvid(device) != pvid:
        write_pvid(device, pvid)


def _sector(device: BlockDevice, record: LvmRecord) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The sector that a record was read from."""
    psn = lvm_record.sound_values(device, record)[1]
    return device.read(psn * SECTOR, SECTOR)


def _write_control_blocks(
    state: GroupState, disks: Sequence[Place], naming: Naming, machine: str, origin: Origin
) -> None:
    """Step 3; each block is one sector, so one barrier behind all of them is enough."""
    if not state.vgda.format.lvcb_in_lv or all(_header_vgid(place) == state.record.vgid for place in disks):
        return
    group, now, touched = VolumeGroup(state, []), origin.now(), set()
    for minor in state.maps:
        block = _control_block(group, state, minor, naming, machine, now)
        for pv, pp in first_pps(state, minor) if block is not None else ():
            device, at = group.pvs[pv].device, group.pvs[pv].offset(pp)
            there = device.read(at, SECTOR).tobytes() if device is not None else b""
            if device is not None and block is not None and there.startswith(lvcbs.TAG) and there != block:
                device.write(at, block)
                touched.add(pv)
    for pv in touched:
        state.members[pv].device.flush()


def _settle_copies(state: GroupState) -> None:
    """Step 4."""
    raw, count = state.vgda.raw, set(counted(state))
    elsewhere = False
    for number in sorted(state.members):
        member = state.members[number]
        first, second = (Place(member.device, member.record, index) for index in (0, 1))
        spare = second not in count and member.device.read(second.vgda_offset, SECTOR).any()
        if spare and elsewhere:
            write_sync(member.device, second.vgda_offset, bytes(SECTOR))
        if not np.array_equal(member.device.read(first.vgda_offset, len(raw)), raw):
            write_sync(member.device, first.vgda_offset + SECTOR, raw[SECTOR:])
            write_sync(member.device, first.vgda_offset, raw[:SECTOR])
        if spare and not elsewhere:
            write_sync(member.device, second.vgda_offset, bytes(SECTOR))
        elsewhere = True


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
