"""Opening a group: which copies of VGSA and VGDA are believed, and which disk is which PV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..block import BlockDevice
from ..errors import CorruptImage, OperationRefused, UnsupportedFeature
from ..units import SECTOR
from .agreement import agreed
from .descriptor.contrast import in_maps, in_states
from .descriptor.copies import Place, choose, choose_vgsa, survey_vgsa
from .descriptor.factor import survey_fitting, vgsa_with_factor
from .descriptor.pptable import PpTable
from .descriptor.vgda import PP_STALE
from .descriptor.vgsa import Vgsa
from .disk.record import PRIMARY_PSN, LvmRecord
from .disk.scan import DiskInfo, scan
from .groupstate import GroupState
from .inference import inferred
from .kinds import VgKind
from .matching import attach
from .problems import Problem


def load(
    devices: Sequence[BlockDevice], *, infer: bool = False, numbers: Mapping[int, str] | None = None
) -> tuple[GroupState, list[Problem]]:
    """Read the group that the disks belong to; see `VolumeGroup.open`."""
    infos = scan(devices)
    if infer or numbers:
        infos = inferred(infos, numbers)
    members = agreed(_of_one_group(infos))
    infos = [next((m for m in members if m.device is info.device), info) for info in infos]
    problems = [problem for info in infos for problem in info.problems]
    places = [
        Place(i.device, i.record, index)
        for i in sorted(members, key=lambda i: (i.record is not None and i.record.pv_number, i.pvid or ""))
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
    problems += attach(state, [i for i in infos if i.record is None or i in members], infer=infer)

    newest: dict[BlockDevice, int] = {}
    for place, stamp in vgdas.stamps.items():
        newest[place.device] = max(stamp, newest.get(place.device, 0))
    state.behind = frozenset(n for n, m in state.members.items() if 0 < newest.get(m.device, 0) < vgda.stamp)
    for number in sorted(state.behind):
        text = f"every VGDA on PV {number} is older than the newest: its data may be as old"
        problems.append(
            Problem("disk-behind", vgda.format.header.name, "", None, text, state.members[number].device.name).about(
                pvs=[number]
            )
        )

    number_of = {id(member.device): number for number, member in state.members.items()}

    def active(place: Place) -> bool:
        number = number_of.get(id(place.device))
        return number is not None and place.index < vgda.vgda_count(number)

    problems += vgsas.problems(
        "vgsa", vgsa.record, believed, tie, active, lambda p: p.vgsa_offset, partial(in_states, vgda, vgsa)
    )
    header, in_them = vgda.format.header, partial(in_maps, vgda, chosen.maps)
    problems += vgdas.problems("vgda", header, chosen.believed, chosen.tie, active, lambda p: p.vgda_offset, in_them)
    state.tied = tuple(problem for problem in problems if problem.rule in ("vgsa-tie", "vgda-tie"))
    return state, problems


def _of_one_group(infos: list[DiskInfo]) -> list[DiskInfo]:
    members = [info for info in infos if info.record is not None and info.record.described]
    vgids = {info.vgid for info in members}
    if len(vgids) > 1:
        of = ", ".join(f"{info.device.name}: {info.vgid}" for info in members)
        raise OperationRefused("the disks belong to different volume groups", hint=of)
    if members:
        # damage may make a disk's record look like another kind's: what it says of areas is weighed
        of_it = [i for i in infos if i.vgid in vgids and i.record is not None and i.record.kind is not VgKind.FOREIGN]
        return sorted(of_it, key=lambda info: info not in members)
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
        hint="`lvmfmt layout` shows the LVM record, `lvmfmt vg scan` what a scan of the disk finds",
    )
