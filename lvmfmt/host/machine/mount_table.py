"""The file systems of a running machine: they stay mounted on the disks from one command to the next.

A mounted file system is marked in its superblock and in its log. Between two commands everything is home and the logs
stand at a sync point, which the kernel remembers; a command that changes something goes on from there. Where that does
not match what is on the disks, the host has lost power, and its boot replays the logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...block import BlockDevice
from ...errors import NotFound, OperationRefused
from ...jfs2.superblock import CLEAN, EXTENDFS, SHRINKFS, Superblock, read_superblock
from ...lvm import VolumeGroup
from ...origin import Origin
from ...system.logs import log_of
from ..folder.kernel import DEV, Kernel, Mounted
from .mounted_file_system import MountedFileSystem
from .varied_groups import VariedGroups

if TYPE_CHECKING:
    from ...jfs2.journal import Mount, SharedLog


RESIZING = (EXTENDFS, SHRINKFS)
"""States of a superblock while its file system gets another size."""


class MountTable:
    """Mounted file systems by mount point.

    Args:
        kernel: knows what is mounted.
        groups: the groups that are varied on.
        origin: clock of the changes.
        writable: whether the machine is used for writing.
    """

    def __init__(self, kernel: Kernel, groups: VariedGroups, origin: Origin, *, writable: bool) -> None:
        self._kernel, self._groups, self._origin, self._writable = kernel, groups, origin, writable
        self._files: dict[str, MountedFileSystem] = {}
        self._logs: dict[str, SharedLog] = {}
        self._open: dict[str, BlockDevice] = {}

    def at(self, point: str) -> MountedFileSystem:
        """The file system that is mounted at a mount point.

        Raises:
            NotFound: nothing, or no file system with blocks, is mounted there.
        """
        if point not in self._files:
            device = self._kernel.device_at(point) or ""
            if not device.startswith(DEV):
                raise NotFound(f"no file system is mounted at {point}")
            volume = device.removeprefix(DEV)
            files = self._mounted(volume, lambda: self._resume(point, volume))
            files.writable = files.writable and not self._kernel.is_read_only(point)
            self._files[point] = files
        return self._files[point]

    def mount(self, device: str, point: str, options: str | None = None) -> None:
        """Mount a file system.

        Args:
            device: /dev/NAME, or the name of a pseudo file system.
            point: an absolute path.
            options: of the command that mounts; with `ro` among them, nothing on the disk says that it is mounted.
                None at boot.

        Raises:
            OperationRefused: something is mounted there, or it is not in order; see `jfs2.journal.mount`.
            LvmfmtError: the file system cannot be used; nothing is mounted then.
        """
        how = None if options is None else Mounted(self._origin.now(), options)
        if device.startswith(DEV) and not (how and how.is_read_only):
            self._mount(device.removeprefix(DEV), point)
        self._kernel.mount(device, point, how)
        if how and how.is_read_only:
            try:
                if self.at(point).superblock.state != CLEAN:
                    raise OperationRefused("the file system is not clean", where=device)
            except BaseException:
                self.unmount(point)
                raise

    def _mount(self, volume: str, point: str) -> None:
        from ...jfs2.journal import mount

        device = f"{DEV}{volume}"
        if self._kernel.point_of(device) is not None or self._kernel.device_at(point) is not None:
            raise OperationRefused(f"{device} or {point} is mounted already")
        self._finish_resize(volume)
        _, superblock, log, number = self._place(volume)
        found = mount(self._device(volume), origin=self._origin, log=self._log(log, superblock), aggregate=number)
        self._files[point] = self._mounted(volume, lambda: found)

    def unmount(self, point: str) -> None:
        """Mark the file system at a mount point as clean, and forget it.

        Raises:
            NotFound: nothing is mounted there.
        """
        device = self._kernel.device_at(point)
        if device is None:
            raise NotFound(f"no file system is mounted at {point}")
        if device.startswith(DEV):
            if not self._kernel.is_read_only(point):
                self.at(point).mount.unmount(now=self._origin.now())
            self._files.pop(point, None)
            volume = device.removeprefix(DEV)
            self._close(volume)
            self._logs.pop(volume, None)  # an inline log; it is closed
            self._kernel.close_log(volume)
        self._kernel.unmount(point)

    @contextmanager
    def away(self, point: str | None) -> Iterator[None]:
        """Unmount a file system for as long as the block changes it on its device; users do not see it.

        A stop in between leaves it unmounted on the disk, clean or as the change left it.

        Args:
            point: where it is mounted; None for one that is not.
        """
        if point is None:
            yield
            return
        device, mounts, mounted = self._kernel.device_at(point) or "", self._kernel.mounts, self._kernel.mounted
        self.unmount(point)
        try:
            yield
        finally:
            self.mount(device, point, mounted[point].options if point in mounted else "")
            self._kernel.show(mounts, mounted)

    def open_logs(self) -> set[str]:
        """Names of the logical volumes with logs that mounted file systems hold open."""
        left = set(self._kernel.logs) - set(self._logs)
        return left | {name for name, log in self._logs.items() if log.is_open}

    def verify(self) -> None:
        """Check that everything lies on the disks as it was left.

        Raises:
            LvmfmtError: it does not.
        """
        from ...jfs2.journal.mountable import check_left

        for volume, point in self._kernel.volumes.items():
            if not self._kernel.is_read_only(point):
                _, superblock, log, _ = self._place(volume)
                check_left(self._device(volume), superblock, frozen=point in self._kernel.frozen)
                self._log(log, superblock)

    def rest(self) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
        """Bring everything home, and say where the open logs stand and what is frozen until when.

        What was opened is to be used no more.
        """
        logs, frozen = dict(self._kernel.logs), dict(self._kernel.frozen)
        for point, files in self._files.items():
            if files.is_changed:
                until = files.mount.frozen_until
                frozen.pop(point, None)
                if until is not None:
                    frozen[point] = until
        for name, log in self._logs.items():
            stands = log.rest()
            logs.pop(name, None)
            if stands is not None:
                logs[name] = stands
        for volume in list(self._open):
            self._close(volume)
        self.drop()
        return logs, frozen

    def lose(self, volumes: set[str]) -> None:
        """Forget what is mounted from logical volumes that cannot be reached any more."""
        for volume, point in self._kernel.volumes.items():
            if volume in volumes:
                self._files.pop(point, None)
                self._kernel.unmount(point)
        for volume in volumes:
            self._logs.pop(volume, None)
            self._open.pop(volume, None)
            self._kernel.close_log(volume)

    def drop(self) -> None:
        """Forget everything, as a power failure does."""
        self._files.clear()
        self._logs.clear()
        self._open.clear()

    def _finish_resize(self, volume: str) -> None:
        """Finish what `chfs` was doing when the system lost power, as the logredo of AIX does."""
        if read_superblock(self._device(volume)).state in RESIZING:
            from ...jfs2.resizing import resize

            resize(self._device(volume))

    def _resume(self, point: str, volume: str) -> Mount:
        from ...jfs2.journal import resume

        _, superblock, log, number = self._place(volume)
        until = self._kernel.frozen.get(point)
        found = resume(self._device(volume), log=self._log(log, superblock), aggregate=number, frozen_until=until)
        found.expire(self._origin.now() if until is not None else 0)
        return found

    def _mounted(self, volume: str, go_on: Callable[[], Mount]) -> MountedFileSystem:
        group, superblock, _, _ = self._place(volume)
        return MountedFileSystem(
            self._device(volume), superblock, writable=self._writable, go_on=go_on,
            plain=lambda: group.logical_volumes[volume].device,
        )  # fmt: skip

    def _place(self, volume: str) -> tuple[VolumeGroup, Superblock, str, int]:
        """Group and superblock of a file system, name of the LV that has its log, and its number in the log."""
        group = self._groups.group_of_volume(volume)
        superblock = read_superblock(self._device(volume))
        log, number = log_of(group, volume, superblock)
        if log is None:
            raise OperationRefused("its group has no such log volume as its superblock names", where=f"/dev/{volume}")
        return group, superblock, log, number

    def _log(self, name: str, superblock: Superblock) -> SharedLog:
        from ...jfs2.journal import Rest, open_inline_log, open_shared_log

        if name not in self._logs:
            open_it = open_inline_log if superblock.geometry.log_blocks else open_shared_log
            log = open_it(self._device(name))
            left = self._kernel.logs.get(name)
            if left is not None:
                log.resume(Rest(*left))
            self._logs[name] = log
        return self._logs[name]

    def _device(self, volume: str) -> BlockDevice:
        if volume not in self._open:
            self._open[volume] = self._groups.volume_device(volume)
        return self._open[volume]

    def _close(self, volume: str) -> None:
        device = self._open.pop(volume, None)
        if device is not None:
            device.close()
