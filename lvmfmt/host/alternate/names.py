"""What an alternate rootvg is called, asleep and awake, and how its parts are found.

Asleep it is a rootvg like any other: names and labels in VGDA, control blocks and superblocks are those that it boots
with. Awake, and while it is being made, its logical volumes are called `alt_hd4` and its file systems belong below
`/alt_inst`, so that they can stand beside those of the running system [commands 5.5 to 5.7]. Which of the
two it is can be read on the disk, so a process that finds it goes on where another one stopped.
"""

from __future__ import annotations

from ...errors import NotFound
from ...lvm import LogicalVolume, VolumeGroup
from ...system.volume_types import LOG_TYPE
from ..machine.running import Machine
from ..machine.varying import members
from ..messages import refusal
from ..odm import devices
from ..odm.devices import Group
from ..odm.filesystems import INLINE
from ..rootvg import BOOT_VOLUME

ALT_GROUP, OLD_GROUP = "altinst_rootvg", "old_rootvg"
PREFIX = "alt_"
ALT_ROOT = "/alt_inst"
MAX_NAME = 15 - len(PREFIX)
_LOG = "log=/dev/"


def alt_path(mount_point: str) -> str:
    """Where a file system of the alternate rootvg is mounted while that is awake."""
    return ALT_ROOT if mount_point == "/" else ALT_ROOT + mount_point


def own_path(label: str) -> str:
    """The mount point of a file system when its rootvg runs, from its label awake or asleep."""
    if label == ALT_ROOT:
        return "/"
    return label.removeprefix(ALT_ROOT) if label.startswith(ALT_ROOT + "/") else label


def own_name(volume: str) -> str:
    """The name of a logical volume when its rootvg runs, from its name awake or asleep."""
    return volume.removeprefix(PREFIX)


def alt_attributes(fs: str) -> str:
    """Attributes of a file system in its control block while it is awake, from those it has asleep."""
    return fs.replace(_LOG, _LOG + PREFIX)


def own_attributes(fs: str) -> str:
    """The same the other way."""
    return fs.replace(_LOG + PREFIX, _LOG)


def is_awake(group: VolumeGroup) -> bool:
    """Whether the disks of a group say that it is awake, or was when its system lost power."""
    return any(name.startswith(PREFIX) for name in group.logical_volumes)


def file_systems(group: VolumeGroup) -> dict[str, LogicalVolume]:
    """Its file systems by the mount points that they have when it runs, in order."""
    volumes = (v for v in group.logical_volumes.values() if v.type == "jfs2" and v.label.startswith("/"))
    return dict(sorted((own_path(v.label), v) for v in volumes))


def volume(group: VolumeGroup, name: str) -> LogicalVolume:
    """The logical volume that is called `name` when its rootvg runs.

    Raises:
        NotFound: there is none.
    """
    found = group.logical_volumes.get(PREFIX + name) or group.logical_volumes.get(name)
    if found is None:
        raise NotFound(f"the alternate rootvg has no logical volume {name}")
    return found


def log_of(group: VolumeGroup, file_system: LogicalVolume) -> LogicalVolume:
    """The log of a file system as its control block has it: a log volume, or the file system's own for an inline log.

    Raises:
        NotFound: it names none, and the group has none.
    """
    named = dict(part.partition("=")[::2] for part in file_system.fs.split(":")).get("log", "")
    if named.upper() == INLINE:
        return file_system
    logs = {v.name: v for v in group.logical_volumes.values() if v.type == LOG_TYPE}
    if not logs:
        raise NotFound("rootvg has no log volume")
    return logs.get(named.removeprefix("/dev/")) or next(iter(logs.values()))


def read_group(machine: Machine, known: Group) -> VolumeGroup | None:
    """A group as its disks describe it, varied on or not; None if no disk of it can be read."""
    if machine.is_varied_on(known):
        return machine.group(known.name)
    found = members(machine, known)
    return VolumeGroup.open(list(found.values())) if found else None


def of_disk(machine: Machine, program: str, name: str) -> Group:
    """The group of a disk, which is not the running rootvg and has a boot logical volume.

    Raises:
        CommandFailed: the disk is unknown, in no group, or in one that is no rootvg.
    """
    disk = machine.disk(name)
    if disk is None:
        raise refusal("alt-disk-unknown", program=program, disk=name)
    known = next((g for g in machine.groups() if disk.pvid in g.pvids), None)
    if known is None:
        raise refusal("alt-disk-without-group", program=program, disk=disk.name)
    group = read_group(machine, known)
    if group is None or not {BOOT_VOLUME, PREFIX + BOOT_VOLUME} & set(group.logical_volumes):
        raise refusal("alt-no-rootvg", program=program, group=known.name)
    return known


def awake_group(machine: Machine, program: str) -> VolumeGroup:
    """The alternate rootvg that is awake.

    Raises:
        CommandFailed: none is.
    """
    known = devices.group(machine.odm, ALT_GROUP)
    if known is None or not machine.is_varied_on(known):
        raise refusal("alt-not-awake", program=program)
    return machine.group(ALT_GROUP)
