"""Opening a group: which copies of VGSA and VGDA are believed, and which disk is which PV."""

from __future__ import annotations

from collections.abc import Sequence

from ..block import BlockDevice
from ..errors import CorruptImage, OperationRefused, UnsupportedFeature
from ..units import SECTOR
from .descriptor.copies import Place, choose, choose_vgsa, survey_vgsa
from .descriptor.factor import survey_fitting, vgsa_with_factor
from .descriptor.pptable import PpTable
from .descriptor.vgda import PP_STALE
from .descriptor.vgsa import Vgsa
from .disk.record import PRIMARY_PSN, LvmRecord
from .disk.scan import DiskInfo, scan
from .groupstate import GroupState, Member
from .kinds import VgKind
from .problems import Problem


def load(devices: Sequence[BlockDevice]) -> tuple[GroupState, list[Problem]]:
    """Read the group that the disks belong to; see `VolumeGroup.open`."""
    infos = scan(devices)
    problems = [problem for info in infos for problem in info.problems]
    members = _of_one_group(infos)
    places = [
        Place(i.device, i.record, index)
        for i in members
        if i.record is not None
        for index in ((0, 1) if i.record.vgda_psn[0] <= i.record.vgda_psn[1] else (1, 0))
    ]
    first = places[0]
    if first.record.kind is not VgKind.CLASSIC and not any(place.bears_our_mark for place in places):
        raise _not_ours(first.record, first.device.name)
    vgsas = survey_vgsa(places)
    factor = vgsas.newest[vgsas.best([0] * len(vgsas.newest))[0]][1].factor if vgsas.newest else 1
    vgdas = survey_fitting(places, factor)
    chosen = choose(vgdas)
    vgda = chosen.vgda
    problems += chosen.problems
    believed, tie = choose_vgsa(vgsas, vgda) if vgsas.newest else (0, False)
    if not vgsas.newest:
        text = "no copy is valid; staleness is taken from the PP entries"
        problems.append(Problem("vgsa-lost", "vgsa", "", places[0].vgsa_offset, text, places[0].device.name))
        vgsa = Vgsa.empty(chosen.place.record, factor)
        stale = PpTable((vgda.pps.flat["pp_state"] & PP_STALE) != 0, vgda.slots)
    else:
        vgsa = vgsas.newest[believed][1]
        stale = vgsa.stale(vgda.slots)
        if vgsa.factor != vgda.factor:  # a change of the factor was stopped
            vgsa = vgsa_with_factor(vgsa, chosen.place.record, vgda.factor, stale)
    state = GroupState(vgda, vgsa, stale & vgda.allocated, {}, chosen.maps, chosen.place.record)
    state.source = chosen.place.device.name, chosen.place.vgda_offset
    for place in vgdas.holders[chosen.believed]:
        state.ledger.learn(place.device, place.vgda_offset, vgda.raw)
    for place in vgsas.holders[believed] if vgsas.newest else ():
        state.ledger.learn(place.device, place.vgsa_offset, vgsas.newest[believed][1].raw)
    problems += _attach(state, infos, members)

    numbers = {id(member.device): number for number, member in state.members.items()}

    def active(place: Place) -> bool:
        number = numbers.get(id(place.device))
        return number is not None and place.index < vgda.vgda_count(number)

    problems += vgsas.problems("vgsa", vgsa.record, believed, tie, active, lambda place: place.vgsa_offset)
    header = vgda.format.header
    problems += vgdas.problems("vgda", header, chosen.believed, chosen.tie, active, lambda place: place.vgda_offset)
    return state, problems


def _of_one_group(infos: list[DiskInfo]) -> list[DiskInfo]:
    members = [info for info in infos if info.record is not None and info.record.described]
    vgids = {info.vgid for info in members}
    if len(vgids) > 1:
        of = ", ".join(f"{info.device.name}: {info.vgid}" for info in members)
        raise OperationRefused("the disks belong to different volume groups", hint=of)
    if members:
        kinds = {info.record.kind: info for info in members if info.record is not None}
        # damage may make one disk's record look like another kind's
        most = max(kinds, key=lambda kind: sum(info.record.kind is kind for info in members if info.record))
        return [info for info in members if info.record is not None and info.record.kind is most]
    for info in infos:
        if info.record is not None:
            raise _not_ours(info.record, info.device.name)
    for problem in (p for info in infos for p in info.problems):
        if problem.cause is not None and problem.structure == "lvm_record":
            raise problem.cause
    raise CorruptImage(
        "lvm_record",
        "lvm_id",
        offset=PRIMARY_PSN * SECTOR,
        expected="_LVM, there or in the backup",
        found="none: not a disk of a volume group",
        where=", ".join(info.device.name for info in infos),
    )


def _not_ours(record: LvmRecord, where: str) -> UnsupportedFeature:
    """What a group is that we recognise and do not read."""
    what = f"{record.kind} volume group {record.vgid} (LVM version {record.version})"
    if record.kind is VgKind.FOREIGN:
        return UnsupportedFeature(what, where=where, hint="another volume manager's")
    return UnsupportedFeature(
        f"{what}: the layout of its VGDA is not published, and it is not ours",
        where=where,
        hint="`lvmfmt layout` shows the LVM record, `lvmfmt vg salvage` what a scan of the disk finds",
    )


def _attach(state: GroupState, infos: list[DiskInfo], members: list[DiskInfo]) -> list[Problem]:
    """Find the disk of each PV: by PVID, or by PV number if the disk has lost its PVID."""
    problems: list[Problem] = []
    spare = [info for info in infos if info.record is None or info in members]
    for number, pvid in state.pvids.items():
        info = next((i for i in spare if i.pvid == pvid), None) or next(
            (i for i in spare if i.pvid is None and i.record is not None and i.record.pv_number == number), None
        )
        if number in state.split_off:  # goes its own way until it is joined
            spare = [other for other in spare if other is not info]
            continue
        if info is None:
            text = f"PV {number} ({pvid}) is not here"
            problems.append(Problem("pv-absent", "pv_header", "pv_id", None, text))
            continue
        spare.remove(info)
        record = info.record
        if record is None:
            record = state.record.for_disk(info.device.size, number)
            text = f"no LVM record, but the group knows the disk as PV {number}"
            problems.append(Problem("record-missing", "lvm_record", "", PRIMARY_PSN * SECTOR, text, info.device.name))
        elif record.pv_number != number:
            text = f"expected {number}, found {record.pv_number}"
            at = PRIMARY_PSN * SECTOR + record.structure.offset_of("pv_num")
            problems.append(Problem("record-number", record.structure.name, "pv_num", at, text, info.device.name))
        state.members[number] = Member(info.device, record)
        pv = state.vgda.pvs[number - 1]
        end = int(pv["psn_part1"]) * SECTOR + (int(pv["pp_count"]) << state.record.pp_shift)
        if end > info.device.size:
            text = f"its PPs end at byte {end}, the disk at byte {info.device.size}"
            problems.append(Problem("pv-size", "pv_header", "pp_count", None, text, info.device.name))
    for info in spare:
        if info.record is not None:
            text = f"PVID {info.pvid} is not a member by the newest VGDA"
            problems.append(Problem("disk-stranger", "lvm_record", "", PRIMARY_PSN * SECTOR, text, info.device.name))
    return problems
