"""What an open group consists of: the believed VGSA and VGDA, the disks, the maps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice
from ..oneline import one_line
from .descriptor.areas import Ledger
from .descriptor.maps import LvMap
from .descriptor.pptable import PpTable
from .descriptor.vgda import PP_ALLOCATED, PP_STALE, PV_SPLIT, PV_STALE, Vgda
from .descriptor.vgsa import Vgsa
from .disk.boot import pvid_of
from .disk.identity import uid_text
from .disk.record import LvmRecord
from .geometry import GroupGeometry, vgda_counts
from .problems import Problem


class MemberDisk(NamedTuple):
    """A disk that is there, as a member of its group."""

    device: BlockDevice
    record: LvmRecord

    def __repr__(self) -> str:
        return one_line(self)


@dataclass(repr=False)
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
        assumed: numbers of the PVs whose disks are taken for them only because no other PV is left.
        tied: copies of an area that differ from the believed one, and nothing tells which is right.
        version_known: whether a disk tells the LVM version, or there is only one; else no LVM record can be written.
        behind: numbers of the PVs on whose disks every VGDA is older than the believed one: their data may be old, too.
        named: VGSA and VGDA were found to have no bytes that no field names; see `unnamed`.
    """

    vgda: Vgda
    vgsa: Vgsa
    stale: PpTable
    members: dict[int, MemberDisk]
    maps: dict[int, LvMap]
    record: LvmRecord
    source: tuple[str, int] = ("", 0)
    ledger: Ledger = field(default_factory=Ledger)
    behind: frozenset[int] = frozenset()
    named: bool = False
    assumed: frozenset[int] = frozenset()
    version_known: bool = True
    tied: tuple[Problem, ...] = ()

    __repr__ = one_line

    @classmethod
    def empty(cls, geometry: GroupGeometry, vgid: str) -> GroupState:
        """A group without disks, of which nothing is written yet."""
        record = geometry.record(vgid)
        vgda = Vgda.empty(record.vgda_format(geometry.factor), record, geometry.max_lvs, geometry.max_pps)
        return cls(vgda, Vgsa.empty(record, geometry.factor), vgda.table(), {}, {}, record)

    @property
    def geometry(self) -> GroupGeometry:
        """The numbers that a new disk must fit."""
        record, vgda = self.record, self.vgda
        return GroupGeometry(record.pp_shift, vgda.factor, record.version, record.kind, vgda.max_lvs, vgda.max_pps)

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
            self.behind,
            self.named,
            self.assumed,
            self.version_known,
            self.tied,
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

    @property
    def split_off(self) -> set[int]:
        """Numbers of the PVs that are split off (`splitvg`)."""
        return {number for number in self.pvids if int(self.vgda.pvs["pv_state"][number - 1]) & PV_SPLIT}

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

    def _settle_pvs(self, stale: NDArray[np.int64]) -> None:
        """Copies of the VGDA and state of every PV in use; `stale` are the rows of stale PPs."""
        pvs, header = self.vgda.pvs, self.vgda.header
        used = self.vgda.numbers - 1
        counts = list(vgda_counts(used.tolist()).values())
        states = pvs["pv_state"].astype(np.int64) & ~PV_STALE
        states[self.vgda.slots.locate(stale)[0]] |= PV_STALE
        for index in np.flatnonzero(pvs["pvnum_vgdas"][used] != counts).tolist():
            if self.vgda.vgda_count(int(used[index]) + 1) != counts[index]:  # it may stand elsewhere
                pvs["pvnum_vgdas"][used[index]] = counts[index]
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
        stale = self.stale.flat[:end]
        right = np.where(stale, PP_STALE, PP_ALLOCATED).astype(marks.dtype)
        # a mark that agrees stays: what else it may say is not known well
        np.copyto(marks, right, where=held & ((marks & PP_STALE != 0) != stale | (marks == 0)))
