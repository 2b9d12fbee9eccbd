"""`VolumeGroup`: a group that can be made, changed and synchronised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from ..block import DeviceLike, opened_all
from ..errors import NotFound, OperationRefused
from ..origin import Origin, origin_or_system
from .disk.identity import USUAL_MODEL, check_machine_id, machine_of, new_machine_id, new_vgid
from .firstblock import Blocks
from .geometry import GroupGeometry
from .group import GroupView
from .groupstate import GroupState
from .kinds import VgKind
from .problems import Problem

if TYPE_CHECKING:
    from ..block.copying.runs import Progress
    from .change import Change
    from .commit import Changes


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

    def living(self) -> Collection[int]:
        """Numbers of the PVs that it goes on with, without those that do not answer any more.

        Raises:
            ImageIOError: quorum is lost.
        """


class VolumeGroup(GroupView):
    """A volume group on its disks.

    Made by `create` or `open`. After a change the attributes show the new state; PVs and LVs fetched before keep
    showing the old one.

    Attributes:
        keeper: who has it varied on, if anybody; changes go through him then.
    """

    def __init__(self, state: GroupState, problems: list[Problem]) -> None:
        super().__init__(state, problems)
        self.keeper: Keeper | None = None

    @classmethod
    def create(
        cls,
        devices: DeviceLike | Iterable[DeviceLike],
        *,
        origin: Origin | None = None,
        machine_id: str | None = None,
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
            origin: clock and identities; by default those of the system.
            machine_id: 12 hex digits (`uname -m`), part of the identifiers; by default made by `origin`.
            pp_size: bytes of a PP, 1 MiB to 1 GiB, in a scalable group to 128 GiB; for the default see
                `GroupGeometry.of`.
            factor: 1, 2, 4, 8, 16, 32, in a big group 64: multiplies 1,016 PPs a disk, divides 32 or 128 disks.
            version: LVM version; default the usual one of the kind.
            kind: classic, big or scalable; the places inside the VGDA of the latter two are our own choice.
            max_lvs: LVs of a scalable group, 256 to 4,096 with LV 0; default 256.
            max_pps: PPs of a scalable group, 32,768 to 2,097,152; default 32,768.

        Raises:
            OperationRefused: a disk belongs to a group, or the format does not allow this; nothing was written.
        """
        from .change import check_unowned

        origin = origin_or_system(origin)
        machine = new_machine_id(origin) if machine_id is None else check_machine_id(machine_id)
        with ExitStack() as stack:
            disks = stack.enter_context(opened_all(devices, writable=True))
            if not disks:
                raise OperationRefused("a volume group needs a disk")
            for disk in disks:
                check_unowned(disk)
            geometry = GroupGeometry.of(disks, pp_size, factor, version, kind=kind, max_lvs=max_lvs, max_pps=max_pps)
            group = cls(GroupState.empty(geometry, new_vgid(machine, origin, geometry.version)), [])
            with group.change(origin, machine_id=machine) as change:
                for disk in disks:
                    change.add_pv(disk)
            group.closes(stack.pop_all(), disks)
        return group

    @contextmanager
    def change(self, origin: Origin | None = None, *, machine_id: str | None = None) -> Iterator[Change]:
        """Change the group: in memory until the block ends, then on the disks, all or nothing.

        Args:
            origin: clock for stamps and identifiers; default that of the system.
            machine_id: 12 hex digits for PVIDs and control blocks; default the machine that made the group.

        Raises:
            OperationRefused: a disk is missing, was opened for reading, or is an older state of itself and LVs are only
                there; nothing was written.
        """
        if self.keeper is not None:
            with self.keeper.change(origin, machine_id=machine_id) as change:
                yield change
            return
        change = self.begin(origin_or_system(origin), machine_id)
        with change.opened as opened:
            yield change
            state, changes = change.finish()
            self.apply(state, changes, change.now)
            self.closes(opened.pop_all(), [state.members[number].device for number in changes.joined])

    def begin(self, origin: Origin, machine_id: str | None = None) -> Change:
        """The start of a change, for whoever applies it himself; see `change`."""
        machine = check_machine_id(machine_id) if machine_id else machine_of(self.vgid) or self.vgid[:8] + USUAL_MODEL
        # block 0 is ordinary data: an application may have written over it since
        from .change import Change
        from .mirrors import distrust_old_disks

        change = Change(self._state, Blocks(self._state, self.volume), origin, machine)
        distrust_old_disks(change.state)
        return change

    def apply(self, state: GroupState, changes: Changes, now: int, *, missing: Collection[int] | None = None) -> None:
        """Commit what a change came to; see `commit`.

        Raises:
            OperationRefused: a disk that is not marked as missing is not here, or one was opened for reading; nothing
                was written.
            DiskFailed: a disk refused a write; the group on the disks is as it was or as it shall be.
        """
        from .commit import commit

        commit(self._state, state, changes, now=now, missing=missing)
        self._state = state
        self._load_problems = []
        self.refresh()

    def sync(
        self,
        *names: str,
        origin: Origin | None = None,
        pvids: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Fill stale copies from good ones and mark them good, as `syncvg` does; run by run, see `resync`.

        Args:
            names: the LVs; default all.
            origin: clock for the stamps; by default that of the system.
            pvids: only stale PPs on these disks; default all.
            force: fill all PPs from one good copy of each LP, not only the stale ones (`syncvg -f`).
            progress: told of bytes done.

        Returns:
            Bytes copied. What has no good copy or lies on a disk that is not here stays stale.

        Raises:
            NotFound: there is no such LV.
        """
        for name in names:
            if name not in self.logical_volumes:
                raise NotFound(f"no logical volume is called {name!r}", where=self.vgid)
        if self.keeper is not None:
            return self.keeper.sync(*names, pvids=pvids, force=force, progress=progress)
        from .sync import distrust_copies, fill, mark_good, stale_runs

        origin = origin_or_system(origin)
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
