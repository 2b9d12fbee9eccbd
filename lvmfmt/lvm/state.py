"""What an open group consists of: the believed VGSA and VGDA, the disks, the maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice
from ..errors import CorruptImage, OperationRefused, UnsupportedFeature
from ..units import SECTOR
from .check.problems import Problem
from .descriptor.areas import Ledger
from .descriptor.copies import Place, choose, choose_vgsa, survey_vgsa
from .descriptor.factor import survey_fitting, vgsa_with_factor
from .descriptor.maps import LvMap
from .descriptor.pptable import PpTable
from .descriptor.vgda import PP_ALLOCATED, PP_STALE, PV_SPLIT, PV_STALE, Vgda
from .descriptor.vgsa import Vgsa
from .disk.boot import pvid_of
from .disk.identity import uid_text
from .disk.record import PRIMARY_PSN, LvmRecord
from .disk.scan import DiskInfo, scan
from .geometry import Geometry, vgda_counts
from .kinds import VgKind


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
        stale: whether each PP is stale, index [PV number - 1, PP - 1].
        vgsa: the believed copy; its stale bits are not used, `stale` is.
        members: the disks that are there, by PV number.
        maps: where the LVs are, by minor number.
        record: an LVM record of the group; what it says of the group is true for all disks.
        source: image and byte offset of the believed VGDA; of a new group there is none.
        ledger: what the disks are known to hold; all states of a group have the same one.
    """

    vgda: Vgda
    vgsa: Vgsa
    stale: PpTable
    members: dict[int, Member]
    maps: dict[int, LvMap]
    record: LvmRecord
    source: tuple[str, int] = ("", 0)
    ledger: Ledger = field(default_factory=Ledger)

    @classmethod
    def empty(cls, geometry: Geometry, vgid: str) -> GroupState:
        """A group without disks, of which nothing is written yet."""
        record = geometry.record(vgid)
        vgda = Vgda.empty(record.vgda_format(geometry.factor), record, geometry.max_lvs, geometry.max_pps)
        return cls(vgda, Vgsa.empty(record, geometry.factor), vgda.table(), {}, {}, record)

    @property
    def geometry(self) -> Geometry:
        """The numbers that a new disk must fit."""
        record, vgda = self.record, self.vgda
        return Geometry(record.pp_shift, vgda.factor, record.version, record.kind, vgda.max_lvs, vgda.max_pps)

    def copy(self) -> GroupState:
        """An independent copy; the devices are the same."""
        vgda = self.vgda.copy()
        return GroupState(
            vgda,
            self.vgsa.copy(),
            PpTable(self.stale.flat.copy(), vgda.slots),
            dict(self.members),
            dict(self.maps),
            self.record,
            self.source,
            self.ledger,
        )

    @property
    def vgid(self) -> str:
        """Identifier: 32 hex digits, 16 for a group made before LVM version 8."""
        return uid_text(self.vgda.header["vg_id"].tobytes())

    @property
    def pvids(self) -> dict[int, str]:
        """PVID by PV number."""
        return {int(i) + 1: pvid_of(self.vgda.pvs["pv_id"][i].tobytes()) for i in np.flatnonzero(self.vgda.pv_used)}

    @property
    def absent(self) -> set[int]:
        """Numbers of the PVs whose disks are not here."""
        return set(self.vgda.numbers.tolist()) - set(self.members)

    def votes(self, numbers: Iterable[int]) -> int:
        """VGDA copies on PVs, by their numbers."""
        return sum(max(0, self.vgda.vgda_count(number)) for number in numbers)

    @property
    def quorum_votes(self) -> int:
        """VGDAs that the quorum of a group which is varied on now is counted against.

        All of them; of a group that goes on with half or less, those that are here.
        """
        votes, here = self.votes(self.vgda.numbers.tolist()), self.votes(self.members)
        return votes if 2 * here > votes else here

    def settle(self, placed: Iterable[int] | None = None) -> None:
        """Bring everything in the VGDA that follows from the rest up to date: counts, copies, marks of staleness.

        Args:
            placed: minor numbers of the LVs whose number of copies may be another; default all.
        """
        vgda = self.vgda
        self.stale.flat &= vgda.allocated.flat
        stale = self.stale.flat.nonzero()[0]
        self._mark_pps()
        self._settle_pvs(stale)
        self._settle_lvs(stale)
        for minor in self.maps if placed is None else placed:
            if minor in self.maps:
                vgda.set_copies(minor, self.maps[minor].copies)
        vgda.settle_entries()

    def _settle_pvs(self, stale: NDArray[np.int64]) -> None:
        """Copies of the VGDA and state of every PV in use; `stale` are the rows of stale PPs."""
        pvs, header = self.vgda.pvs, self.vgda.header
        used = self.vgda.numbers - 1
        counts = list(vgda_counts(used.tolist()).values())
        states = pvs["pv_state"].astype(np.int64) & ~PV_STALE
        states[self.vgda.slots.locate(stale)[0]] |= PV_STALE
        pvs["pvnum_vgdas"][used] = counts
        pvs["pv_state"][used] = states[used]
        header["numpvs"], header["total_vgdas"] = len(used), sum(counts)

    def _settle_lvs(self, stale: NDArray[np.int64]) -> None:
        """State of every LV in use; `stale` are the rows of stale PPs."""
        minors = np.array(list(self.maps), np.int64)
        named = np.unique(self.vgda.pps.flat["lv_index"][stale]).tolist() if len(stale) else ()
        which = [n for n in named if n in self.maps and self.maps[n].look_up(self.stale).any()]
        self.vgda.header["numlvs"] = len(minors)
        self.vgda.set_states(minors, np.isin(minors, which) if which else np.zeros(len(minors), np.bool_))

    def _mark_pps(self) -> None:
        """What the PP entries say of staleness."""
        end = self.vgda.last_row
        marks, held = self.vgda.pps.flat["pp_state"][:end], self.vgda.allocated.flat[:end]
        right = np.where(self.stale.flat[:end], PP_STALE, PP_ALLOCATED).astype(marks.dtype)
        np.copyto(marks, right, where=held)


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
        if int(state.vgda.pvs["pv_state"][number - 1]) & PV_SPLIT:  # goes its own way until it is joined
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
