"""run/kernel.json: what a running system remembers between two commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from .fields import Fields, write_json

DEV = "/dev/"
READ_ONLY = "ro"
"""The option with which nothing on the disk says that a file system is mounted."""


class Varied(NamedTuple):
    """How a group that is varied on was left, see `lvm.Standing`.

    Attributes:
        votes: VGDAs that its quorum is counted against.
        missing: numbers of the PVs that it goes on without.
        slots: where its disks are.
    """

    votes: int
    missing: tuple[int, ...] = ()
    slots: tuple[str, ...] = ()


class Mounted(NamedTuple):
    """How a file system was mounted by a command: when, in nanoseconds since 1970, and with which options."""

    at: int
    options: str = ""

    @property
    def is_read_only(self) -> bool:
        """Whether it is mounted for reading only."""
        return READ_ONLY in self.options.split(",")


@dataclass
class Kernel:
    """What the running system remembers; every change of it is a method.

    Attributes:
        booted: slot of the disk that was booted.
        booted_at: when, in nanoseconds since 1970.
        varied_on: VGIDs of the groups that are varied on, oldest first; the first is that of rootvg.
        mounts: (device, mount point) in the order of mounting; the device is /dev/NAME or a pseudo file system.
        groups: how the groups that are varied on were left, by VGID.
        logs: where the open logs stand: number of their use, and address of their end, by LV name.
        frozen: instants until which file systems are frozen, by mount point.
        at_rest: whether all that follows from the commands so far is on the disks. Otherwise a process is at work, or
            has died, which is a power failure.
        mounted: what was mounted by commands, and not at boot as /etc/filesystems has it, by mount point.
    """

    booted: str
    booted_at: int = 0
    varied_on: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    groups: Mapping[str, Varied] = field(default_factory=dict)
    logs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    frozen: Mapping[str, int] = field(default_factory=dict)
    at_rest: bool = False
    mounted: Mapping[str, Mounted] = field(default_factory=dict)

    @property
    def volumes(self) -> dict[str, str]:
        """Mount points of the logical volumes that are mounted, by their names, in the order of mounting."""
        return {device.removeprefix(DEV): point for device, point in self.mounts if device.startswith(DEV)}

    def point_of(self, device: str) -> str | None:
        """Where a device (/dev/NAME) is mounted, None if it is not."""
        return next((point for known, point in self.mounts if known == device), None)

    def device_at(self, point: str) -> str | None:
        """What is mounted at a mount point, None for nothing."""
        return next((device for device, known in self.mounts if known == point), None)

    def is_read_only(self, point: str) -> bool:
        """Whether a file system is mounted for reading only: nothing on its disk says that it is mounted."""
        return point in self.mounted and self.mounted[point].is_read_only

    def vary_on(self, vgid: str) -> None:
        """Know a group as the newest that is varied on."""
        self.vary_off(vgid)
        self.varied_on += (vgid,)

    def vary_off(self, vgid: str) -> None:
        """Forget a group."""
        self.varied_on = tuple(known for known in self.varied_on if known != vgid)

    def mount(self, device: str, point: str, how: Mounted | None = None) -> None:
        """Know of a mount.

        Args:
            device: /dev/NAME or a pseudo file system.
            point: where.
            how: when and how a command mounted it; None at boot.
        """
        self.mounts += ((device, point),)
        if how is not None:
            self.mounted = {**self.mounted, point: how}

    def unmount(self, point: str) -> None:
        """Forget what is mounted at a mount point."""
        self.mounts = tuple((device, known) for device, known in self.mounts if known != point)
        self.frozen, self.mounted = _without(self.frozen, point), _without(self.mounted, point)

    def show(self, mounts: tuple[tuple[str, str], ...], mounted: Mapping[str, Mounted]) -> None:
        """List mounts as they were before, after some were away for a moment and have come back."""
        self.mounts, self.mounted = mounts, mounted

    def close_log(self, volume: str) -> None:
        """Forget where the log on a logical volume stands."""
        self.logs = _without(self.logs, volume)

    def leave(
        self, groups: Mapping[str, Varied], logs: Mapping[str, tuple[int, int]], frozen: Mapping[str, int]
    ) -> None:
        """Note how everything is left that comes to rest: groups, logs and what is frozen."""
        self.groups = {vgid: how for vgid, how in groups.items() if vgid in self.varied_on}
        self.logs, self.frozen = logs, frozen


def _without(known: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {key: value for key, value in known.items() if key != name}


def read_kernel(path: Path) -> Kernel | None:
    """The running system in a file, or None: the host has no power.

    Raises:
        CorruptImage: the file cannot be read as one.
    """
    found = Fields.read(path)
    booted = found.name("booted") if found else None
    if found is None or booted is None:
        return None
    return Kernel(
        booted,
        found.count("booted_at"),
        found.names("varied_on"),
        found.pairs("mounts"),
        {
            vgid: Varied(one.count("votes"), one.counts("missing"), one.names("slots"))
            for vgid, one in found.objects("groups").items()
        },
        {name: (log.count("serial"), log.count("end")) for name, log in found.objects("logs").items()},
        {point: until.count("until") for point, until in found.objects("frozen").items()},
        found.flag("at_rest"),
        {point: Mounted(one.count("at"), one.name("options") or "") for point, one in found.objects("mounted").items()},
    )


def write_kernel(path: Path, kernel: Kernel) -> None:
    """Replace the file."""
    write_json(
        path,
        {one.name: getattr(kernel, one.name) for one in fields(kernel)}
        | {
            "groups": {vgid: varied._asdict() for vgid, varied in kernel.groups.items()},
            "logs": {name: {"serial": serial, "end": end} for name, (serial, end) in kernel.logs.items()},
            "frozen": {point: {"until": until} for point, until in kernel.frozen.items()},
            "mounted": {point: how._asdict() for point, how in kernel.mounted.items()},
        },
    )
