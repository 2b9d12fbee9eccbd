"""What commands that work on volume groups have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...lvm import LogicalVolume, PhysicalVolume, VolumeGroup, region_of
from .. import devices
from ..machine import Machine
from ..messages import CommandFailed, message

FILE_SYSTEMS = ("jfs", "jfs2")
LOGS = ("jfslog", "jfs2log")


def varied_on_group(machine: Machine, name: str, program: str) -> VolumeGroup:
    """The group called `name`.

    Raises:
        CommandFailed: there is none, or it is not varied on; with AIX's message.
    """
    known = devices.group(machine.odm, name)
    if known is None:
        raise CommandFailed(message("group-unknown", program=program, group=name))
    if not machine.is_varied_on(known):
        raise CommandFailed(message("not-varied-on", program=program))
    return machine.group(name)


def group_of_volume(machine: Machine, name: str, program: str) -> tuple[str, VolumeGroup]:
    """Name and group of the logical volume called `name`.

    Raises:
        CommandFailed: the ODM has no such logical volume, or its group is not varied on; with AIX's message.
    """
    for known in machine.groups():
        if name in devices.volumes(machine.odm, known.name):
            return known.name, varied_on_group(machine, known.name, program)
    raise CommandFailed(message("volume-unknown", program=program, volume=name))


def open_volumes(machine: Machine, group: VolumeGroup) -> set[str]:
    """Names of the logical volumes that are in use: mounted ones, their logs, paging space."""
    mounted = {device.removeprefix("/dev/") for device, _ in machine.running.mounts}
    volumes = group.logical_volumes.values()
    logs_open = any(v.name in mounted for v in volumes)
    return {v.name for v in volumes if v.name in mounted or v.type == "paging" or (v.type in LOGS and logs_open)}


def mount_point(volume: LogicalVolume) -> str:
    """Where listings say that a logical volume is mounted: its label if it holds a file system."""
    return (volume.label or "N/A") if volume.type in FILE_SYSTEMS else "N/A"


def pv_state(pv: PhysicalVolume) -> str:
    """The state of a disk as listings print it."""
    return "active" if pv.device is not None else "missing"


def by_region(pv: PhysicalVolume, wanted: NDArray[np.bool_]) -> Sequence[int]:
    """How many of the wanted PPs are in each region; `wanted` has shape (pp_count,), index PP - 1."""
    return [int(n) for n in np.bincount(region_of(pv.pp_count)[wanted], minlength=5)]
