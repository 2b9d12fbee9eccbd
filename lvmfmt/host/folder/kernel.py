"""run/kernel.json: what a running system remembers between two commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from .fields import Fields, write_json

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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


class Kernel(NamedTuple):
    """What the running system remembers.

    Attributes:
        booted: slot of the disk that was booted.
        booted_at: when, in nanoseconds since 1970.
        varied_on: VGIDs of the groups that are varied on, oldest first.
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
    groups: Mapping[str, Varied] = _NOTHING
    logs: Mapping[str, tuple[int, int]] = _NOTHING
    frozen: Mapping[str, int] = _NOTHING
    at_rest: bool = False
    mounted: Mapping[str, Mounted] = _NOTHING


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
        kernel._asdict()
        | {
            "groups": {vgid: varied._asdict() for vgid, varied in kernel.groups.items()},
            "logs": {name: {"serial": serial, "end": end} for name, (serial, end) in kernel.logs.items()},
            "frozen": {point: {"until": until} for point, until in kernel.frozen.items()},
            "mounted": {point: how._asdict() for point, how in kernel.mounted.items()},
        },
    )
