"""A group that is varied on: its open logical volumes, and what commands do to it meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ...block import BlockDevice, Buffer, Extent
from ...block.copying.runs import Progress
from ...block.device import byte_view
from ...errors import ImageIOError, NotFound, OperationRefused
from ...origin import Origin
from ..change import Change
from ..commit import Changes
from ..descriptor.pptable import PpTable
from ..disk.barrier import DiskFailed
from ..groupstate import GroupState, MemberDisk
from ..mirrors import distrust_old_disks
from ..sync import all_but_one, copy_ranges, fill, good_copies, stale_runs
from ..volume import LogicalVolume
from ..volumegroup import VolumeGroup
from .mirroring import Mirroring
from .spans import Span


class OnlineGroup(Mirroring):
    """A volume group that is varied on; made by `varyon`. Safe to use from several threads.

    Attributes:
        group: the group as it is now; its own `change` and `sync` go through those here.
        repaired: what `varyon` made equal after an unclean stop: (LV name, byte offset, length).
        old: numbers of the PVs that came with older VGDAs: what differed is stale, what only they have may be old.
        down: why the group is not usable any more, "" while it is.
    """

    def __init__(self, group: VolumeGroup, *, origin: Origin, votes: int) -> None:
        super().__init__(group, origin=origin, votes=votes)
        group.keeper = self
        self.repaired: list[tuple[str, int, int]] = []
        self.old: set[int] = set()
        self._open: dict[OnlineVolume, int] = {}

    # ---- logical volumes

    @property
    def open_lvs(self) -> list[str]:
        """Names of the LVs that are open."""
        return sorted({lv.name for lv in self._open})

    def open_lv(self, name: str) -> OnlineVolume:
        """Open an LV; a device that writes all copies and reads any good one.

        Raises:
            NotFound: no LV has this name.
            ImageIOError: the group is down.
        """
        with self._lock:
            self.check_up()
            lv = self.group.logical_volumes.get(name)
            if lv is None:
                raise NotFound("no such logical volume", where=name)
            volume = OnlineVolume(self, lv)
            self._open[volume] = lv.minor
            return volume

    def release(self, volume: OnlineVolume) -> None:
        """Forget an LV that was closed; the last one closed makes all that was written durable."""
        with self._lock:
            if self._open.pop(volume, None) is not None and not self._open and not self.down:
                self.barrier()

    # ---- the group

    @contextmanager
    def change(self, origin: Origin | None = None, *, machine_id: str | None = None) -> Iterator[Change]:
        """Change the group as `VolumeGroup.change` does; a disk that fails meanwhile is missing from then on."""
        with self._lock, ExitStack() as stack:
            self.barrier()
            change = self.group.begin(origin or self._origin, machine_id)
            opened = stack.enter_context(change.opened)
            yield change
            state, changes = change.finish()
            gone = [volume.name for volume, minor in self._open.items() if minor not in state.maps]
            if gone:
                raise OperationRefused(f"logical volumes are open: {', '.join(gone)}", hint="close them")
            disks = set(self.group.state.pvids.values()), set(self.group.state.members)
            self._commit(state, changes, change.now)
            if disks != (set(self.group.state.pvids.values()), set(self.group.state.members)):
                self.votes = self.group.state.quorum_votes
            self.group.closes(opened.pop_all(), [state.members[number].device for number in changes.joined])
            self._follow()

    def take_back(self, found: Mapping[int, MemberDisk], stale: PpTable) -> None:
        """Go on with disks that were missing; what is open stays open.

        Args:
            found: the disks, by PV number.
            stale: what is stale then.
        """
        with self._lock:
            self.barrier()
            state = self.group.state.copy()
            state.members.update(found)
            state.stale = stale
            state.settle()
            self._commit(state, Changes(), self._origin.now())
            self.votes = self.group.state.quorum_votes
            self._follow()
            self.clear_mwc()

    def distrust_old(self) -> None:
        """Make stale what differs on disks that came back as older states of themselves while the group was at rest."""
        with self._lock:
            state = self.group.state.copy()
            self.old |= state.behind
            if state.behind:
                distrust_old_disks(state, force=True)
                self._commit(state, Changes(), self._origin.now())
                self._follow()

    def _commit(self, state: GroupState, changes: Changes, now: int) -> None:
        """Commit a state; a disk that fails meanwhile is missing from then on."""
        while True:
            try:
                self.group.apply(state, changes, now, missing=state.absent)
                return
            except DiskFailed as error:
                number = next((n for n, member in state.members.items() if member.device is error.device), None)
                if number is None or number in changes.joined:
                    self._doubt()
                    raise
                if number in self.group.state.members:
                    self._drop(number)
                    self._tell()
                state = state.copy()  # some disks have got what it was
                state.members.pop(number)
                if not state.members:  # the others are split off: nobody has got the change
                    self._doubt()
                    raise
                state.stale |= self.group.state.stale & state.vgda.allocated
                state.vgsa = self.group.state.vgsa.copy()
                now = self._origin.now()
            except ImageIOError:
                self._doubt()
                raise

    def _follow(self) -> None:
        """Let caches and open LVs be those of the group as it is now."""
        self._caches()
        for volume, minor in self._open.items():
            volume.follow(self.group.volume(minor))

    def sync(
        self,
        *names: str,
        pvids: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Fill stale partitions from good copies, as `syncvg` does.

        Args:
            names: of LVs; default all.
            pvids: only what is stale on these disks; default all.
            force: fill all partitions from one good copy of each LP, not only the stale ones.
            progress: told of bytes done.

        Returns:
            Bytes copied. What could not be filled stays stale: `stale_pps` of the LVs tells.
        """
        done = 0
        if force:
            for minor, lp, target in list(all_but_one(self.group, names, pvids)):
                done += self._refill(minor, lp, target, progress)
        for run in stale_runs(self.group, names, pvids):
            with self._lock:
                self.barrier()
                try:
                    done += fill(self.group, run, progress)
                except ImageIOError:
                    self._look_for_dead(run.minor, run.pps[0][1], [(run.number, run.pps[0][0])])
                    continue  # stays stale
                self._mark_good(run)
        if done or force:
            with self.change():
                pass  # the marks of staleness in the VGDA follow the VGSA
        return done

    def _refill(self, minor: int, lp: int, target: tuple[int, int], progress: Progress | None) -> int:
        """Write a good copy over another one, which stays good: should the source fail, there may be no third."""
        with self._lock:
            self.barrier()
            try:
                return copy_ranges(self.group, minor, [(lp, 0, self.group.pp_size, [target])], progress)
            except ImageIOError:
                self._look_for_dead(minor, lp)
                if any(place != target for place in good_copies(self.group, minor, lp)):
                    self._mark_stale([target])
                return 0

    def varyoff(self) -> None:
        """Leave the group so that the next `varyon` has nothing to repair.

        Raises:
            OperationRefused: an LV is open.
        """
        with self._lock:
            if self._open:
                raise OperationRefused(
                    f"logical volumes are open: {', '.join(self.open_lvs)}", where=self.group.vgid, hint="close them"
                )
            if not self.down:
                self.barrier()
                with self.change():
                    pass
                self.clear_mwc()
            self.down = "the volume group is varied off"
            self.group.keeper = None
            self.group.close()

    def _doubt(self) -> None:
        self.down = "a change failed on the way, and the disks may hold the old group or the new one"


class OnlineVolume(BlockDevice):
    """An LV of a group that is varied on, open; `OnlineGroup.open_lv` makes it.

    A write has reached all good copies when it returns, and survives a crash after `flush`.
    """

    def __init__(self, online: OnlineGroup, lv: LogicalVolume) -> None:
        self._online = online
        self.follow(lv)

    def follow(self, lv: LogicalVolume) -> None:
        """Become what a change has made of the LV."""
        self._lv = lv
        self.name = lv.name
        self.size = lv.size
        self.writable = not lv.policy.read_only

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        self.check_range(offset, len(byte_view(buffer, fill=True)))
        self._online.read_into(self._lv, offset, buffer)

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        self.check_writable()
        view = byte_view(buffer)
        self.check_range(offset, len(view))

        def act(device: BlockDevice, at: int, span: Span) -> None:
            device.write(at, view[span.offset - offset : span.offset - offset + span.length])

        self._online.write(self._lv, offset, len(view), act)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes of good copies."""
        device = self._online.group.volume(self._lv.minor).device
        return device.extents(offset, self.length_of(offset, length))

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self.check_writable()
        self.check_range(offset, length)
        self._online.write(self._lv, offset, length, lambda device, at, span: device.punch(at, span.length))

    def flush(self) -> None:
        """See `BlockDevice.flush`."""
        self._online.barrier()

    def close(self) -> None:
        """Give the LV back; the group is not varied off."""
        self._online.release(self)
