"""The file systems of a running machine: they stay mounted on the disks from one command to the next.

A mounted file system is marked in its superblock and in its log. Between two commands everything is home and the logs
stand at a sync point, which the kernel remembers; a command that changes something goes on from there. Where that does
not match what is on the disks, the host has lost power, and its boot replays the logs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...block import BlockDevice
from ...errors import NotFound, OperationRefused
from ...jfs2.superblock import EXTENDFS, SHRINKFS, Superblock, read_superblock
from ...lvm import VolumeGroup
from ...system.logs import log_of
from .mounted import MountedFileSystem

if TYPE_CHECKING:
    from ...jfs2.journal import Mount, SharedLog
    from .running import Running


RESIZING = (EXTENDFS, SHRINKFS)
"""States of a superblock while its file system gets another size."""


class Mounts:
    """Mounted file systems by mount point.

    Args:
        machine: the running machine.
    """

    def __init__(self, machine: Running) -> None:
        self._machine = machine
        self._files: dict[str, MountedFileSystem] = {}
        self._logs: dict[str, SharedLog] = {}
        self._open: dict[str, BlockDevice] = {}

    def at(self, point: str) -> MountedFileSystem:
        """The file system that is mounted at a mount point.

        Raises:
            NotFound: nothing, or no file system with blocks, is mounted there.
        """
        if point not in self._files:
            device = next((d for d, at in self._machine.running.mounts if at == point), "")
            if not device.startswith("/dev/"):
                raise NotFound(f"no file system is mounted at {point}")
            files = self._mounted(device.removeprefix("/dev/"), lambda: self._resume(point, device))
            files.writable = files.writable and not self._read_only(point)
            self._files[point] = files
        return self._files[point]

    def mount(self, volume: str, point: str) -> MountedFileSystem:
        """Mount the file system of a logical volume; the kernel knows.

        Raises:
            OperationRefused: something is mounted there, or it is not in order; see `jfs2.journal.mount`.
        """
        from ...jfs2.journal import mount

        machine, device = self._machine, f"/dev/{volume}"
        if any(point == at or device == d for d, at in machine.running.mounts):
            raise OperationRefused(f"{device} or {point} is mounted already")
        self._finish_resize(volume)
        _, superblock, log, number = self._place(volume)
        found = mount(self._device(volume), origin=machine.origin, log=self._log(log, superblock), aggregate=number)
        machine.kernel = machine.running._replace(mounts=(*machine.running.mounts, (device, point)))
        files = self._files[point] = self._mounted(volume, lambda: found)
        return files

    def unmount(self, point: str) -> None:
        """Mark the file system at a mount point as clean; the kernel forgets it.

        Raises:
            NotFound: nothing is mounted there.
        """
        machine = self._machine
        device = next((d for d, at in machine.running.mounts if at == point), None)
        if device is None:
            raise NotFound(f"no file system is mounted at {point}")
        if device.startswith("/dev/"):
            if not self._read_only(point):
                self.at(point).mount.unmount(now=machine.origin.now())
            self._files.pop(point, None)
            volume = device.removeprefix("/dev/")
            self._close(volume)
            self._logs.pop(volume, None)  # an inline log; it is closed
            logs = {name: stands for name, stands in machine.running.logs.items() if name != volume}
            machine.kernel = machine.running._replace(logs=logs)
        self._forget(lambda at: at == point)

    def open_logs(self) -> set[str]:
        """Names of the logical volumes with logs that mounted file systems hold open."""
        left = set(self._machine.running.logs) - set(self._logs)
        return left | {name for name, log in self._logs.items() if log.is_open}

    def verify(self) -> None:
        """Check that everything lies on the disks as it was left.

        Raises:
            LvmfmtError: it does not.
        """
        from ...jfs2.journal.mountable import check_left

        frozen = self._machine.running.frozen
        for device, point in self._machine.running.mounts:
            if device.startswith("/dev/") and not self._read_only(point):
                volume = device.removeprefix("/dev/")
                _, superblock, log, _ = self._place(volume)
                check_left(self._device(volume), superblock, frozen=point in frozen)
                self._log(log, superblock)

    def rest(self) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
        """Bring everything home, and say where the open logs stand and what is frozen until when.

        What was opened is to be used no more.
        """
        running = self._machine.running
        logs, frozen = dict(running.logs), dict(running.frozen)
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
        gone = {point for device, point in self._machine.running.mounts if device.removeprefix("/dev/") in volumes}
        for point in gone:
            self._files.pop(point, None)
        for volume in volumes:
            self._logs.pop(volume, None)
            self._open.pop(volume, None)
        running = self._machine.running
        logs = {name: stands for name, stands in running.logs.items() if name not in volumes}
        self._machine.kernel = running._replace(logs=logs)
        self._forget(lambda at: at in gone)

    def drop(self) -> None:
        """Forget everything, as a power failure does."""
        self._files.clear()
        self._logs.clear()
        self._open.clear()

    def _finish_resize(self, volume: str) -> None:
        """Finish what `chfs` was doing when the system lost power, as the logredo of AIX does."""
        if read_superblock(self._device(volume)).state in RESIZING:
            from ...jfs2.resize import resize

            resize(self._device(volume))

    def _read_only(self, point: str) -> bool:
        """Whether a file system is mounted for reading only: nothing on its disk says that it is mounted."""
        how = self._machine.running.mounted.get(point)
        return how is not None and "ro" in how.options.split(",")

    def _resume(self, point: str, device: str) -> Mount:
        from ...jfs2.journal import resume

        volume = device.removeprefix("/dev/")
        _, superblock, log, number = self._place(volume)
        until = self._machine.running.frozen.get(point)
        found = resume(self._device(volume), log=self._log(log, superblock), aggregate=number, frozen_until=until)
        found.expire(self._machine.origin.now() if until is not None else 0)
        return found

    def _mounted(self, volume: str, go_on: Callable[[], Mount]) -> MountedFileSystem:
        group, superblock, _, _ = self._place(volume)
        return MountedFileSystem(
            self._device(volume), superblock, writable=self._machine.writable, go_on=go_on,
            plain=lambda: group.logical_volumes[volume].device,
        )  # fmt: skip

    def _place(self, volume: str) -> tuple[VolumeGroup, Superblock, str, int]:
        """Group and superblock of a file system, name of the LV that has its log, and its number in the log."""
        group = self._machine.group_of_volume(volume)
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
            left = self._machine.running.logs.get(name)
            if left is not None:
                log.resume(Rest(*left))
            self._logs[name] = log
        return self._logs[name]

    def _device(self, volume: str) -> BlockDevice:
        if volume not in self._open:
            self._open[volume] = self._machine.volume_device(volume)
        return self._open[volume]

    def _close(self, volume: str) -> None:
        device = self._open.pop(volume, None)
        if device is not None:
            device.close()

    def _forget(self, gone: Callable[[str], bool]) -> None:
        running = self._machine.running
        kept = tuple((device, point) for device, point in running.mounts if not gone(point))
        frozen = {point: until for point, until in running.frozen.items() if not gone(point)}
        mounted = {point: how for point, how in running.mounted.items() if not gone(point)}
        self._machine.kernel = running._replace(mounts=kept, frozen=frozen, mounted=mounted)
