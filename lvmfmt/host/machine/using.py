"""Which logical volumes are in use: mounted ones, the logs that these hold open, the paging space of rootvg."""

from __future__ import annotations

from ...jfs2.superblock import read_superblock
from ...lvm import VolumeGroup
from ...system.logs import log_of
from ...system.volume_types import PAGING_TYPE
from ..odm import devices
from .running import Machine

PAGING = "paging space"


def open_volumes(machine: Machine, group: VolumeGroup) -> set[str]:
    """Names of the logical volumes of a varied-on group that are in use."""
    name = next((known.name for known in machine.groups() if known.vgid == group.vgid), "")
    used = (machine.running.volumes.keys() | machine.open_logs()) & set(devices.volumes(machine.odm, name))
    if group.vgid == machine.running.varied_on[0]:
        used |= {name for name, volume in group.logical_volumes.items() if volume.type == PAGING_TYPE}
    return used


def user_of(machine: Machine, group: VolumeGroup, name: str) -> str | None:
    """Who uses a logical volume: the mount point of a file system that lies in it or has its log there, or paging.

    Returns:
        None if it is not in use.
    """
    if name not in open_volumes(machine, group):
        return None
    points = machine.running.volumes
    if name in points:
        return points[name]
    for volume, point in points.items():
        known = group.logical_volumes.get(volume)
        if known is not None and log_of(group, volume, read_superblock(known.device))[0] == name:
            return point
    return PAGING
