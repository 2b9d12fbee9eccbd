"""`VolumeGroup`: one or more disks with one VGDA."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from ..block import BlockDevice
from ..errors import OperationRefused
from ..origin import Origin, SystemOrigin
from . import views
from .check.problems import Problem
from .disk.identity import check_machine_id, machine_of, new_vgid
from .disk.record import LvmRecord
from .firstblock import Blocks, FirstBlock
from .geometry import Geometry
from .kinds import VgKind
from .state import GroupState, load
from .volume import LogicalVolume, PhysicalVolume

if TYPE_CHECKING:
    from ..block.plan import Progress
    from .change import Change
    from .descriptor.commit import Changes

_USUAL_MODEL = "4c00"
"""The last four digits of the machine id of nearly all machines; used where a group does not tell them."""


class Keeper(Protocol):
    """Who has a group varied on, and has to know of its changes; see `OnlineGroup`."""

    def change(self, origin: Origin | None = None, *, machine_id: str | None = None) -> AbstractContextManager[Change]:
        """As `VolumeGroup.change`."""

    def sync(
        self,
        *names: str,
        pvids: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """As `VolumeGroup.sync`."""


class VolumeGroup:
    """A classic volume group on open devices, which stay the caller's.

    Made by `create` or `open`. After a change the attributes show the new state; PVs and LVs fetched before keep
    showing the old one.

    Attributes:
        keeper: who has it varied on, if anybody; changes go through him then.
    """

    def __init__(self, state: GroupState, problems: list[Problem]) -> None:
        self._state = state
        self._load_problems = problems
        self.keeper: Keeper | None = None

    @classmethod
    def open(cls, devices: Sequence[BlockDevice]) -> VolumeGroup:
        """Open the group that the disks belong to, with what is there of it.

        The newest valid copies of VGDA and VGSA are believed. Missing disks, older or damaged copies and whatever
        does not add up are in `problems`.

        Raises:
            CorruptImage: no disk has a valid LVM record, or none a valid VGDA.
            UnsupportedFeature: a big or scalable group, or another volume manager's.
            OperationRefused: the disks belong to different groups.
        """
        return cls(*load(devices))

    @classmethod
    def create(
        cls,
        devices: Sequence[BlockDevice],
        *,
        origin: Origin,
        machine_id: str,
        pp_size: int | None = None,
        factor: int = 1,
        version: int | None = None,
        kind: VgKind = VgKind.CLASSIC,
        max_lvs: int = 0,
        max_pps: int = 0,
    ) -> VolumeGroup:
        """Make a group of disks that belong to none.

        Args:
            devices: the disks, PV 1 first; those without a PVID get one.
            origin: clock for identifiers and stamps.
            machine_id: 12 hex digits (`uname -m`), part of the identifiers.
            pp_size: bytes of a PP, 1 MiB to 1 GiB, in a scalable group to 128 GiB; see `Geometry.of` for the default.
            factor: 1, 2, 4, 8, 16, 32, in a big group 64: multiplies 1,016 PPs a disk, divides 32 or 128 disks.
            version: LVM version; default the usual one of the kind.
            kind: classic, big or scalable; the places inside the VGDA of the latter two are our own choice.
            max_lvs: LVs of a scalable group, 256 to 4,096 with LV 0; default 256.
            max_pps: PPs of a scalable group, 32,768 to 2,097,152; default 32,768.

        Raises:
            OperationRefused: a disk belongs to a group, or the format does not allow this; nothing was written.
        """
        if not devices:
            raise OperationRefused("a volume group needs a disk")
        from .change import check_unowned

        for device in devices:
            check_unowned(device)
        geometry = Geometry.of(devices, pp_size, factor, version, kind=kind, max_lvs=max_lvs, max_pps=max_pps)
        vgid = new_vgid(check_machine_id(machine_id), origin, geometry.version)
        group = cls(GroupState.empty(geometry, vgid), [])
        with group.change(origin, machine_id=machine_id) as change:
            for device in devices:
                change.add_pv(device)
        return group

    @property
    def state(self) -> GroupState:
        """What the group consists of, for the modules of this package; whoever changes it calls `refresh`."""
        return self._state

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong with it: found when it was opened, and with the control blocks as they are now."""
        blocks = self._blocks if self._state.members else {}
        return self._load_problems + [
            problem for minor, block in blocks.items() for problem in block.problems(self.volume(minor, block))
        ]

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
        return views.physical_volumes(self._state)

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

    @contextmanager
    def change(self, origin: Origin | None = None, *, machine_id: str | None = None) -> Iterator[Change]:
        """Change the group: in memory until the block ends, then on the disks, all or nothing.

        Args:
            origin: clock for stamps and identifiers; default that of the system.
            machine_id: 12 hex digits for PVIDs and control blocks; default the machine that made the group.

        Raises:
            OperationRefused: a disk is missing or was opened for reading; nothing was written.
        """
        if self.keeper is not None:
            with self.keeper.change(origin, machine_id=machine_id) as change:
                yield change
            return
        change = self.begin(origin or SystemOrigin(), machine_id)
        yield change
        self.apply(*change.finish(), change.now)

    def begin(self, origin: Origin, machine_id: str | None = None) -> Change:
        """The start of a change, for whoever applies it himself; see `change`."""
        machine = check_machine_id(machine_id) if machine_id else machine_of(self.vgid) or self.vgid[:8] + _USUAL_MODEL
        # block 0 is ordinary data: an application may have written over it since
        from .change import Change

        return Change(self._state, Blocks(self), origin, machine)

    def apply(self, state: GroupState, changes: Changes, now: int, *, missing: Collection[int] | None = None) -> None:
        """Commit what a change came to; see `commit`.

        Raises:
            OperationRefused: a disk that is not marked as missing is not here, or one was opened for reading; nothing
                was written.
            DiskFailed: a disk refused a write; the group on the disks is as it was or as it shall be.
        """
        from .descriptor.commit import commit

        commit(self._state, state, changes, now=now, missing=missing)
        self._state = state
        self._load_problems = []
        self.refresh()

    def refresh(self) -> None:
        """Forget what was derived from the state."""
        for name in ("physical_volumes", "logical_volumes", "problems", "_blocks", "_pvs"):
            self.__dict__.pop(name, None)

    def sync(
        self,
        origin: Origin,
        *names: str,
        pvids: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Fill stale copies from good ones and mark them good, as `syncvg` does; run by run, see `resync`.

        Args:
            origin: clock for the stamps.
            names: the LVs; default all.
            pvids: only stale PPs on these disks; default all.
            force: fill all PPs from one good copy of each LP, not only the stale ones (`syncvg -f`).
            progress: told of bytes done.

        Returns:
            Bytes copied. What has no good copy or lies on a disk that is not here stays stale.
        """
        if self.keeper is not None:
            return self.keeper.sync(*names, pvids=pvids, force=force, progress=progress)
        from .online.sync import distrust_copies, fill, mark_good, stale_runs

        if force:
            with self.change(origin) as change:
                distrust_copies(change, self, names, pvids)
        done, runs = 0, 0
        for run in stale_runs(self, names, pvids):
            runs, done = runs + 1, done + fill(self, run, progress)
            mark_good(self._state, run, origin.now())
            self.refresh()
        if runs:
            with self.change(origin):
                pass  # the marks of staleness in the VGDA follow the VGSA
        return done

    @property
    def pvs(self) -> dict[int, PhysicalVolume]:
        """The PVs by number."""
        return self._pvs

    @cached_property
    def _pvs(self) -> dict[int, PhysicalVolume]:
        return {pv.number: pv for pv in self.physical_volumes.values()}

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks(self)

    def volume(self, minor: int, block: FirstBlock | None = None) -> LogicalVolume:
        """The LV with a minor number; without its control block unless `block` has it."""
        return views.logical_volume(self._state, minor, self._pvs, block.lvcb if block else None)
