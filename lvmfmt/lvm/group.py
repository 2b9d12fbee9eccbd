"""`GroupView`: a volume group as its disks describe it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import Self

from ..arguments import Checked
from ..block import BlockDevice, DeviceLike, opened_all
from ..errors import NotFound
from ..units import format_size
from .descriptor.lvpolicy import policy_of
from .descriptor.vgda import PV_MISSING, PV_STALE
from .descriptor.vgdalvs import LV_STALE
from .disk.identity import lvid
from .disk.record import LvmRecord
from .firstblock import Blocks, FirstBlock
from .groupstate import GroupState
from .lostentries import restored
from .matching import refuse_copies
from .opening import load
from .problems import Problem
from .volume import LogicalVolume, PhysicalVolume


class GroupView(Checked):
    """A group on its disks: its PVs, its LVs, what is wrong with it. `close` closes the disks that `open` opened.

    Nothing here writes; `VolumeGroup` changes what this shows.
    """

    def __init__(self, state: GroupState, problems: list[Problem]) -> None:
        self._state = state
        self._load_problems = problems
        self._opened = ExitStack()
        self._held: list[BlockDevice] = []

    @classmethod
    def open(
        cls,
        devices: DeviceLike | Iterable[DeviceLike],
        *,
        writable: bool = False,
        infer: bool = False,
        numbers: Mapping[int, str] | None = None,
    ) -> Self:
        """Open the group that the disks belong to, with what is there of it.

        The newest valid copies of VGDA and VGSA are believed. Missing disks, older or damaged copies and whatever
        does not add up are in `problems`.

        Args:
            devices: the disks, one or several.
            writable: for changes, too.
            infer: know disks that lost their LVM record, or have another PVID, and LVs that lost their entry, by what
                else is there; `problems` says which, and by what evidence.
            numbers: which device is which PV as a person says it: names of devices by PV number.

        Raises:
            CorruptImage: no disk has a valid LVM record, or none a valid VGDA.
            UnsupportedFeature: a big or scalable group, or another volume manager's.
            OperationRefused: the disks belong to different groups.
        """
        with ExitStack() as stack:
            disks = stack.enter_context(opened_all(devices, writable=writable))
            state, problems = load(disks, infer=infer, numbers=numbers)
            if infer:
                problems += restored(state)
            group = cls(state, problems)
            group.closes(stack.pop_all(), disks)
        return group

    def __repr__(self) -> str:
        disks, here = len(self._state.pvids), len(self._state.members)
        missing = "" if disks == here else f" ({disks - here} not here)"
        lvs = len(self._state.maps)
        return (
            f"<{type(self).__name__} {self.vgid}: {self.record.kind}, {disks} disks{missing}, {lvs} LVs, "
            f"PPs of {format_size(self.pp_size)}>"
        )

    def closes(self, stack: ExitStack, disks: Collection[BlockDevice]) -> None:
        """Take over what was opened for the group, `disks`."""
        self._opened.enter_context(stack)
        self._held += disks

    @property
    def held(self) -> list[BlockDevice]:
        """The disks of the group, and what was opened for it besides: no one else may open them for writing."""
        return [*self._held, *(member.device for member in self._state.members.values())]

    def close(self) -> None:
        """Close the disks that were opened for it; devices that were given stay open."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def state(self) -> GroupState:
        """What the group consists of, for the modules of this package; whoever changes it calls `refresh`."""
        return self._state

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong with it: found when it was opened, and with the control blocks as they are now."""
        blocks = self._blocks if self._state.members else {}
        return self._load_problems + [
            problem.about(lvs=[minor])
            for minor, block in blocks.items()
            for problem in block.problems(self.volume(minor, block))
        ]

    def refuse_copies(self) -> None:
        """Refuse to go on where an image is a copy of another one, or not what its PVID says.

        Raises:
            OperationRefused: there is one; both are named.
        """
        refuse_copies(self._load_problems)

    @property
    def vgid(self) -> str:
        """Identifier: 32 hex digits, 16 for a group made before LVM version 8."""
        return self._state.vgid

    @property
    def record(self) -> LvmRecord:
        """An LVM record of the group; what it says of the group is true for all disks."""
        return self._state.record

    @property
    def pp_size(self) -> int:
        """Bytes of a PP."""
        return 1 << self.record.pp_shift

    @property
    def version(self) -> int:
        """LVM version."""
        return self.record.version

    @property
    def factor(self) -> int:
        """What multiplies 1,016 PPs a disk and divides 32 disks."""
        return self._state.vgda.factor

    @property
    def stamp(self) -> int:
        """Time stamp of the VGDA, nanoseconds since 1970."""
        return self._state.vgda.stamp

    @property
    def total_vgdas(self) -> int:
        """VGDA copies in the whole group."""
        return int(self._state.vgda.header["total_vgdas"])

    @property
    def quorum(self) -> bool:
        """Whether quorum checking is on."""
        return int(self._state.vgda.header["quorum"]) != 0

    @property
    def auto_varyon(self) -> bool:
        """Whether it is varied on at start."""
        return int(self._state.vgda.header["auto_varyon"]) != 0

    @property
    def complete(self) -> bool:
        """Whether every disk is here."""
        return set(self._state.pvids) == set(self._state.members)

    @cached_property
    def physical_volumes(self) -> dict[str, PhysicalVolume]:
        """The disks by PVID, in the order of their numbers, those that are not here included."""
        state = self._state
        vgda, allocated = state.vgda, state.vgda.allocated
        result: dict[str, PhysicalVolume] = {}
        for number, pvid in state.pvids.items():
            pv = vgda.pvs[number - 1]
            count, stale = vgda.pp_count(number), state.stale[number - 1]
            member = state.members.get(number)
            # PPs that would lie over the metadata are not to be believed, and never to be written
            sane = int(pv["psn_part1"]) >= state.record.first_pp_psn
            result[pvid] = PhysicalVolume(
                pvid=pvid,
                number=number,
                device=member.device if member is not None and sane else None,
                pp_count=count,
                pp_size=1 << state.record.pp_shift,
                first_psn=int(pv["psn_part1"]),
                vgda_count=max(0, vgda.vgda_count(number)),
                state=int(pv["pv_state"]) & ~(PV_STALE | PV_MISSING)
                | (PV_STALE if stale.any() else 0)
                | (PV_MISSING if state.vgsa.missing(number) else 0),
                used=allocated[number - 1, :count],
                stale=stale[:count],
                behind=number in state.behind,
            )
        return result

    @property
    def split_off(self) -> set[int]:
        """Numbers of the PVs that are split off (`splitvg`)."""
        return self._state.split_off

    @cached_property
    def logical_volumes(self) -> dict[str, LogicalVolume]:
        """The LVs by name, in the order of their minor numbers.

        An LV without a name, or with one that another has, goes by `#` and its minor number.
        """
        result: dict[str, LogicalVolume] = {}
        for minor in sorted(self._state.maps):
            lv = self.volume(minor, self._blocks[minor])
            result[lv.name if lv.name and lv.name not in result else f"#{minor}"] = lv
        return result

    def refresh(self) -> None:
        """Forget what was derived from the state."""
        for name in ("physical_volumes", "logical_volumes", "problems", "_blocks", "_pvs"):
            self.__dict__.pop(name, None)

    @property
    def pvs(self) -> dict[int, PhysicalVolume]:
        """The PVs by number."""
        return self._pvs

    @cached_property
    def _pvs(self) -> dict[int, PhysicalVolume]:
        return {pv.number: pv for pv in self.physical_volumes.values()}

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks(self._state, self.volume)

    def volume(self, minor: int, block: FirstBlock | None = None) -> LogicalVolume:
        """The LV with a minor number; without its control block unless `block` has it."""
        state = self._state
        if minor not in state.maps:
            raise NotFound(f"no logical volume has the minor number {minor}", where=self.vgid)
        lv_state, lvcb = state.vgda.small_fields(minor)[0], block.lvcb if block else None
        stale = state.maps[minor].look_up(state.stale)
        return LogicalVolume(
            name=state.vgda.name(minor).decode("utf-8", "surrogateescape"),
            minor=minor,
            lvid=lvid(state.vgid, minor),
            pp_size=1 << state.record.pp_shift,
            state=lv_state & ~LV_STALE | (LV_STALE if stale.any() else 0),  # the VGSA decides what is stale
            policy=policy_of(state.vgda, minor, lvcb),
            map=state.maps[minor],
            stale=stale,
            lvcb=lvcb,
            pvs=self._pvs,
        )
