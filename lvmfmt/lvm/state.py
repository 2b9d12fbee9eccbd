"""What an open group consists of: the believed VGSA and VGDA, the disks, the maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice
from ..errors import CorruptImage, OperationRefused, UnsupportedFeature
from ..layout.lvm_disk import VGSA_CLASSIC
from ..layout.vgda import VGDA_HEADER
from ..units import SECTOR
from .boot import pvid_of
from .copies import Place, choose, choose_vgsa, survey_vgda, survey_vgsa
from .disk import DiskInfo, scan
from .geometry import vgda_counts
from .maps import LvMap
from .problems import Problem
from .record import PRIMARY_PSN, LvmRecord, VgKind
from .vgda import LV_DEFINED, LV_STALE, PP_ALLOCATED, PP_STALE, PV_STALE, Vgda
from .vgsa import Vgsa


@dataclass(frozen=True)
class Member:
    """A disk that is there, as a member of its group."""

    device: BlockDevice
    record: LvmRecord


@dataclass
class GroupState:
    """A group in memory. A change works on a copy of it.

    Attributes:
        vgda: the believed copy.
        stale: whether each PP is stale, shape of `vgda.pps`.
        vgsa: the believed copy; its stale bits are not used, `stale` is.
        members: the disks that are there, by PV number.
        maps: where the LVs are, by minor number.
        record: an LVM record of the group; what it says of the group is true for all disks.
        source: image and byte offset of the believed VGDA; of a new group there is none.
    """

    vgda: Vgda
    vgsa: Vgsa
    stale: NDArray[np.bool_]
    members: dict[int, Member]
    maps: dict[int, LvMap]
    record: LvmRecord
    source: tuple[str, int] = ("", 0)

    def copy(self) -> GroupState:
        """An independent copy; the devices are the same."""
        return GroupState(
            self.vgda.copy(),
            self.vgsa.copy(),
            self.stale.copy(),
            dict(self.members),
            dict(self.maps),
            self.record,
            self.source,
        )

    @property
    def pvids(self) -> dict[int, str]:
        """PVID by PV number."""
        return {int(i) + 1: pvid_of(self.vgda.pvs["pv_id"][i].tobytes()) for i in np.flatnonzero(self.vgda.pv_used)}

    def settle(self) -> None:
        """Bring everything in the VGDA that follows from the rest up to date: counts, copies, marks of staleness."""
        vgda = self.vgda
        self.stale &= vgda.allocated
        vgda.pps["pp_state"][vgda.allocated] = np.where(self.stale[vgda.allocated], PP_STALE, PP_ALLOCATED)
        for number, count in vgda_counts(self.pvids).items():
            pv = vgda.pvs[number - 1]
            pv["pvnum_vgdas"] = count
            pv["pv_state"] = int(pv["pv_state"]) & ~PV_STALE | (PV_STALE if self.stale[number - 1].any() else 0)
        for minor, lv_map in self.maps.items():
            others = vgda.small_fields(minor)[0] & ~(LV_DEFINED | LV_STALE)
            lv_state = LV_DEFINED | (LV_STALE if lv_map.look_up(self.stale).any() else 0)
            vgda.set_small_fields(minor, others | lv_state, lv_map.copies)
        vgda.header["numlvs"] = vgda.lv_used.sum()
        vgda.header["numpvs"] = vgda.pv_used.sum()
        vgda.header["total_vgdas"] = vgda.pvs["pvnum_vgdas"].sum()


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
    vgsas = survey_vgsa(places)
    factor = vgsas.newest[vgsas.best([0] * len(vgsas.newest))[0]][1].factor if vgsas.newest else 1
    vgdas = survey_vgda(places, factor)
    chosen = choose(vgdas)
    vgda = chosen.vgda
    problems += chosen.problems
    believed, tie = choose_vgsa(vgsas, vgda) if vgsas.newest else (0, False)
    if not vgsas.newest:
        text = "no copy is valid; staleness is taken from the PP entries"
        problems.append(Problem("vgsa-lost", "vgsa", "", places[0].vgsa_offset, text, places[0].device.name))
        vgsa = Vgsa.empty(factor)
        stale = np.asarray((vgda.pps["pp_state"] & PP_STALE) != 0)
    else:
        vgsa = vgsas.newest[believed][1]
        stale = vgsa.stale[: len(vgda.pvs)]
    state = GroupState(vgda, vgsa, stale & vgda.allocated, {}, chosen.maps, chosen.place.record)
    state.source = chosen.place.device.name, chosen.place.vgda_offset
    problems += _attach(state, infos, members)

    numbers = {id(member.device): number for number, member in state.members.items()}

    def active(place: Place) -> bool:
        number = numbers.get(id(place.device))
        return number is not None and place.index < vgda.vgda_count(number)

    problems += vgsas.problems(VGSA_CLASSIC, believed, tie, active, lambda place: place.vgsa_offset)
    problems += vgdas.problems(VGDA_HEADER, chosen.believed, chosen.tie, active, lambda place: place.vgda_offset)
    return state, problems


def _of_one_group(infos: list[DiskInfo]) -> list[DiskInfo]:
    members = [info for info in infos if info.record is not None and info.record.kind is VgKind.CLASSIC]
    vgids = {info.vgid for info in members}
    if len(vgids) > 1:
        of = ", ".join(f"{info.device.name}: {info.vgid}" for info in members)
        raise OperationRefused("the disks belong to different volume groups", hint=of)
    if members:
        return members
    for info in infos:
        if info.record is not None:
            raise UnsupportedFeature(
                f"{info.record.kind} volume group {info.vgid} (LVM version {info.record.version})",
                where=info.device.name,
            )
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


def _attach(state: GroupState, infos: list[DiskInfo], members: list[DiskInfo]) -> list[Problem]:
    """Find the disk of each PV: by PVID, or by PV number if the disk has lost its PVID."""
    problems: list[Problem] = []
    spare = [info for info in infos if info.record is None or info in members]
    for number, pvid in state.pvids.items():
        info = next((i for i in spare if i.pvid == pvid), None) or next(
            (i for i in spare if i.pvid is None and i.record is not None and i.record.pv_number == number), None
        )
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
            problems.append(Problem("record-number", "lvm_record", "pv_num", 0xE2C, text, info.device.name))
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
