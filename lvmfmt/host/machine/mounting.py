"""Mounting, unmounting and freezing as commands do it: what the kernel notes beside what `mounts` does on the disks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import OperationRefused
from ...jfs2.superblock import CLEAN
from ...lvm.disk.identity import NS_PER_S
from ..folder.kernel import Mounted
from .machine import Machine

READ_ONLY = "ro"


def point_of(machine: Machine, device: str) -> str | None:
    """Where a device (/dev/NAME) is mounted, None if it is not."""
    return next((point for known, point in machine.running.mounts if known == device), None)


def device_at(machine: Machine, point: str) -> str | None:
    """What is mounted at a mount point, None for nothing."""
    return next((device for device, known in machine.running.mounts if known == point), None)


def mount(machine: Machine, device: str, point: str, options: str = "") -> None:
    """Mount a file system, and note when and how.

    Args:
        machine: the running machine, open for writing.
        device: /dev/NAME, or the name of a pseudo file system.
        point: an absolute path.
        options: with `ro` among them, nothing on the disk says that it is mounted.

    Raises:
        LvmfmtError: the file system cannot be used; nothing is mounted then.
    """
    how = Mounted(machine.origin.now(), options)
    if device.startswith("/dev/") and READ_ONLY not in options.split(","):
        machine.mount(device.removeprefix("/dev/"), point)
    else:
        machine.note_mount(device, point)
    machine.kernel = machine.running._replace(mounted={**machine.running.mounted, point: how})
    if READ_ONLY in options.split(","):
        try:
            if machine.mounted(point).superblock.state != CLEAN:
                raise OperationRefused("the file system is not clean", where=device)
        except BaseException:
            machine.unmount(point)
            raise


@contextmanager
def at_rest(machine: Machine, point: str | None) -> Iterator[None]:
    """Unmount a file system for as long as the block changes it on its device; users do not see it.

    A stop in between leaves it unmounted on the disk, clean or as the change left it.

    Args:
        machine: the running machine, open for writing.
        point: where it is mounted; None for one that is not.
    """
    if point is None:
        yield
        return
    before = machine.running
    machine.unmount(point)
    try:
        yield
    finally:
        device = next(device for device, known in before.mounts if known == point)
        how = before.mounted.get(point)
        mount(machine, device, point, how.options if how else "")
        machine.kernel = machine.running._replace(mounts=before.mounts, mounted=before.mounted)


def freeze(machine: Machine, point: str, seconds: int) -> None:
    """Bring a file system home and refuse changes to it until it is thawed or the time is over.

    Raises:
        OperationRefused: it is frozen already, or mounted for reading only.
    """
    machine.mounted(point).mount.freeze(seconds * NS_PER_S, now=machine.origin.now())


def refreeze(machine: Machine, point: str, seconds: int) -> None:
    """Give a frozen file system so many seconds from now.

    Raises:
        OperationRefused: it is not frozen.
    """
    machine.mounted(point).mount.refreeze(seconds * NS_PER_S, now=machine.origin.now())


def thaw(machine: Machine, point: str) -> None:
    """Allow changes again.

    Raises:
        OperationRefused: it is not frozen.
    """
    machine.mounted(point).mount.thaw(now=machine.origin.now())


def is_frozen(machine: Machine, point: str) -> bool:
    """Whether a file system is frozen; one whose time is over is not."""
    files = machine.mounted(point)
    until = files.mount.frozen_until if files.is_changed else machine.running.frozen.get(point)
    return until is not None and machine.origin.now() < until


def make_directory(machine: Machine, path: str) -> None:
    """Make a directory and those that it is to lie in, where they are not there."""
    parts = [part for part in path.split("/") if part]
    for count in range(1, len(parts) + 1):
        files, inside = machine.locate("/" + "/".join(parts[:count]))
        if inside != "/" and not files.exists(inside):
            files.mkdir(inside, now=machine.origin.now())
