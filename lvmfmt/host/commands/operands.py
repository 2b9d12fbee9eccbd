"""What commands that work on volume groups have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ...lvm import LogicalVolume, PhysicalVolume, VolumeGroup, region_of
from ...system.volume_types import FILE_SYSTEMS, LOGS
from ..machine.running import Machine
from ..messages import refusal
from ..odm import devices
from ..odm.devices import Disk, Group

MISSING, REMOVED, NO_ALLOCATION = 2, 4, 8
"""States of a disk in the VGDA [lvm 8.3]."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")


def known_group(machine: Machine, name: str, program: str) -> Group:
    """What the ODM says of the group called `name`, varied on or not.

    Raises:
        CommandFailed: there is none; with AIX's message.
    """
    known = devices.group(machine.odm, name)
    if known is None:
        raise refusal("group-unknown", program=program, group=name)
    return known


def varied_on_group(machine: Machine, name: str, program: str) -> VolumeGroup:
    """The group called `name`.

    Raises:
        CommandFailed: there is none, or it is not varied on; with AIX's message.
    """
    if not machine.is_varied_on(known_group(machine, name, program)):
        raise refusal("not-varied-on", program=program)
    return machine.group(name)


def group_of_volume(machine: Machine, name: str, program: str) -> tuple[str, VolumeGroup]:
    """Name and group of the logical volume called `name`.

    Raises:
        CommandFailed: the ODM has no such logical volume, or its group is not varied on; with AIX's message.
    """
    for known in machine.groups():
        if name in devices.volumes(machine.odm, known.name):
            return known.name, varied_on_group(machine, known.name, program)
    raise refusal("volume-unknown", program=program, volume=name)


def mount_point(volume: LogicalVolume) -> str:
    """Where listings say that a logical volume is mounted: its label if it holds a file system."""
    return (volume.label or "N/A") if volume.type in FILE_SYSTEMS else "N/A"


def pv_state(pv: PhysicalVolume) -> str:
    """The state of a disk as listings print it."""
    if pv.state & REMOVED:
        return "removed"
    return "active" if pv.device is not None and not pv.state & MISSING else "missing"


def by_region(pv: PhysicalVolume, wanted: NDArray[np.bool_]) -> Sequence[int]:
    """How many of the wanted PPs are in each region; `wanted` has shape (pp_count,), index PP - 1."""
    return [int(n) for n in np.bincount(region_of(pv.pp_count)[wanted], minlength=5)]


def disk_called(machine: Machine, name: str, program: str) -> Disk:
    """The disk called `name`.

    Raises:
        CommandFailed: the ODM has no such disk.
    """
    disk = machine.disk(name)
    if disk is None:
        raise refusal("disk-unknown", program=program, disk=name)
    return disk


def member(machine: Machine, group: VolumeGroup, name: str, program: str) -> str:
    """PVID of the disk of a group that goes by a name, or by its PVID where it has lost its name.

    Raises:
        CommandFailed: there is no such disk, or it is not in the group.
    """
    if machine.disk(name) is None and name in group.physical_volumes:
        return name
    pvid = disk_called(machine, name, program).pvid
    if pvid is None or pvid not in group.physical_volumes:
        raise refusal("disk-without-group", program=program, disk=name)
    return pvid


def members(machine: Machine, group: VolumeGroup, names: Sequence[str], program: str) -> list[str]:
    """PVIDs of several disks, each once."""
    return list(dict.fromkeys(member(machine, group, name, program) for name in names))


def finish(machine: Machine, name: str, group: VolumeGroup) -> None:
    """Let the ODM say of a changed group what the VGDA says."""
    devices.reconcile(machine.odm, name, group)
    machine.save_odm()


def new_name(machine: Machine, prefix: str) -> str:
    """A device name that AIX makes: the prefix and the first free number of two digits."""
    taken = {str(o["name"]) for o in machine.odm.get("CuDv")}
    return next(name for n in range(len(taken) + 1) if (name := f"{prefix}{n:02}") not in taken)


def default_prefix(type: str) -> str:
    """What AIX lets the name of a logical volume begin with that was given none."""
    return "loglv" if type in LOGS else {"jfs2": "fslv", "paging": "paging"}.get(type, "lv")


def check_free_name(machine: Machine, name: str) -> None:
    """Raise `CommandFailed` if a device has this name, or it is not one."""
    if not _NAME.fullmatch(name):
        raise refusal("name-invalid", name=name)
    if machine.odm.get("CuDv", name=name):
        raise refusal("name-used")


def ask(machine: Machine, stderr: TextIO, *lines: str) -> bool:
    """Put a question and read the answer; the end of input means no."""
    print("\n".join(lines), end=" ", file=stderr)
    answer = machine.stdin.readline()
    if not answer.endswith("\n"):
        print(file=stderr)
    return answer.strip().lower() in ("y", "yes")
