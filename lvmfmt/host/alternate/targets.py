"""Whether a clone can be made, and with which geometry: everything that is checked before a byte is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import lvm
from ...block import BlockDevice
from ...errors import OperationRefused
from ...lvm import GroupGeometry, VolumeGroup
from ...lvm.geometry import pp_count
from ...lvm.kinds import LIMITS
from ...units import MIB
from ..archive.imagedata import ImageData
from ..machine.running import Machine
from ..messages import CommandFailed, refusal
from ..odm import devices, filesets
from ..odm.devices import Disk
from ..rootvg import BOOT_VOLUME, ROOT_VOLUME, ROOTVG
from .names import ALT_GROUP, ALT_ROOT, MAX_NAME, PREFIX

FILESETS = ("bos.alt_disk_install.rte", "bos.alt_disk_install.boot_images")


def check(machine: Machine, program: str, targets: Sequence[str], data: ImageData) -> list[Disk]:
    """The target disks, if a clone can be made on them.

    Args:
        machine: the running machine.
        program: the command that speaks.
        targets: names of disks.
        data: what is to be made on them.

    Raises:
        CommandFailed: a fileset is missing, a target is unknown or in use, a clone exists, or a name does not allow it.
    """
    check_filesets(machine, program)
    disks: list[Disk] = []
    for name in targets:
        disk = machine.disk(name)
        if disk is None:
            raise _failed(program, "alt-disk-unknown", disk=name)
        group = devices.group_of(machine.odm, disk.pvid)
        if group is not None:
            raise _failed(program, "alt-disk-in-group", disk=disk.name, group=group)
        if disk in disks:
            raise _failed(program, "alt-disk-twice", disk=disk.name)
        _check_unowned(machine, program, disk)
        disks.append(disk)
    if devices.group(machine.odm, ALT_GROUP) is not None:
        raise _failed(program, "alt-exists")
    _check_names(machine, program, [volume.name for volume in data.volumes])
    return disks


def check_filesets(machine: Machine, program: str) -> None:
    """Raise `CommandFailed` if the filesets of the alternate disk tools are not installed."""
    installed = filesets.installed(machine.read_file)
    for name in FILESETS:
        if name not in installed:
            raise _failed(program, "alt-fileset", fileset=name)


def _check_names(machine: Machine, program: str, planned: Sequence[str]) -> None:
    for name in dict.fromkeys([*machine.group(ROOTVG).logical_volumes, *planned]):
        if name.startswith(PREFIX):
            raise _failed(program, "alt-name-in-use", what=f"The logical volume {name}")
        if len(name) > MAX_NAME:
            raise _failed(program, "alt-name-too-long", name=name, limit=MAX_NAME)
        if machine.odm.get("CuDv", name=PREFIX + name):
            raise _failed(program, "alt-name-in-use", what=f"The device {PREFIX}{name}")
    for entry in machine.file_system_entries():
        if entry.mount_point == ALT_ROOT or entry.mount_point.startswith(ALT_ROOT + "/"):
            raise _failed(program, "alt-name-in-use", what=f"The file system {entry.mount_point}")
    for name in (BOOT_VOLUME, ROOT_VOLUME):
        if name not in planned:
            raise _failed(program, "alt-no-volume", volume=name)


def _check_unowned(machine: Machine, program: str, disk: Disk) -> None:
    """A disk can hold a group that only its PVID hides; one that is varied on is never written over."""
    vgid = lvm.scan([machine.device(disk.slot)])[0].vgid
    for group in machine.groups():
        if group.vgid == vgid and machine.is_varied_on(group):
            raise _failed(program, "alt-disk-in-group", disk=disk.name, group=group.name)


def check_sizes(data: ImageData, targets: Sequence[BlockDevice], geometry: GroupGeometry) -> None:
    """Compare what image.data asks for, its mirror copies included, with what the targets have.

    Raises:
        CommandFailed: they have less.
    """
    required = sum(v.pps for v in data.volumes) * data.pp_size
    available = sum(pp_count(d.size, geometry.pp_shift) for d in targets) << geometry.pp_shift
    if required > available:
        raise refusal("alt-no-space", required=required // MIB, available=available // MIB)


def choose_geometry(targets: Sequence[BlockDevice], pp_size: int, source: VolumeGroup) -> GroupGeometry:
    """PP size of the source with the smallest factor that the disks need; larger PPs where no factor does.

    Raises:
        OperationRefused: no geometry of a classic group fits the disks.
    """
    shift = pp_size.bit_length() - 1
    for factor in (f for f in LIMITS[source.record.kind].factors if f >= source.factor):
        try:
            geometry = GroupGeometry(shift, factor, source.version)
        except OperationRefused:
            break
        if all(pp_count(d.size, shift) <= geometry.max_pps for d in targets) and len(targets) <= geometry.max_pvs:
            return geometry
    return GroupGeometry.of(targets, None, 1, source.version)


def _failed(program: str, key: str, **values: Any) -> CommandFailed:
    return refusal(key, program=program, **values)
