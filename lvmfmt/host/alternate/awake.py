"""Waking an alternate rootvg up beside the running system, and putting it to sleep again.

The disk is always one or the other for whoever boots: the names in the VGDA decide. They are the first to become
those of a waking group and the last to become those of a sleeping one, so that a group in between cannot be booted.
"""

from __future__ import annotations

from collections.abc import Callable

from ...errors import LvmfmtError, NotFound
from ...jfs2 import FileSystem
from ...jfs2.dialect.log_members import MINOR
from ...lvm import VolumeGroup
from ..boot import content
from ..boot import volume as boot_volume
from ..machine import varying
from ..machine.paths import read_file
from ..machine.replay import replay_logs
from ..machine.running import Machine
from ..messages import message
from ..odm import devices
from ..odm.database import Odm
from ..odm.devices import Group
from ..rootvg import BOOT_VOLUME, ROOTVG, identity
from . import names as alternate
from .names import ALT_GROUP, PREFIX, alt_path, own_name

Say = Callable[[str], None]


def wake(machine: Machine, known: Group, complain: Say) -> None:
    """Vary an alternate rootvg on as `altinst_rootvg`, give its parts other names, and mount its file systems.

    Args:
        machine: the running machine.
        known: the group, under whatever name.
        complain: told of a file system that cannot be mounted.

    Raises:
        NoQuorum: not all of its disks are here.
        LvmfmtError: its metadata make no sense.
    """
    _vary_on(machine, known, complain)
    mount(machine, complain)


def mount(machine: Machine, complain: Say) -> None:
    """Mount the file systems of the group that is awake, those that can be.

    Args:
        machine: the running machine.
        complain: told of one that cannot.
    """
    for point, volume in alternate.file_systems(machine.group(ALT_GROUP)).items():
        try:
            machine.mount(f"/dev/{volume.name}", alt_path(point))
        except LvmfmtError as error:
            complain(message("alt-mount-failed", mount_point=alt_path(point), reason=error))


def put_to_sleep(machine: Machine, say: Say, *, renaming: bool = False, boot_image: bool = False) -> None:
    """Unmount the file systems of the group that is awake, and make a rootvg of it that can be booted.

    Args:
        machine: the running machine.
        say: prints a line of the command's output.
        renaming: print the line about the names in the VGDA, as alt_disk_copy does.
        boot_image: build its boot image first.
    """
    if not machine.is_varied_on(_known(machine)):
        wake(machine, _known(machine), say)  # the system lost power while the group was awake
    if boot_image:
        build_boot_image(machine, say)
    points = unmount(machine)
    for point in [*points, *points[-1:]]:  # AIX names the alternate root twice
        say(message("forced-unmount", mount_point=point))
    if renaming:
        say(message("alt-changing-names"))
    say(message("alt-fixing-lvcb"))
    say(message("alt-fixing-superblocks"))
    _label(machine, machine.group(ALT_GROUP), awake=False)
    _rename(machine, machine.group(ALT_GROUP), awake=False)
    for volume in devices.volumes(machine.odm, ALT_GROUP):
        devices.remove_volume(machine.odm, volume)
    machine.save_odm()
    varying.vary_off(machine, _known(machine))


def build_boot_image(machine: Machine, say: Say) -> None:
    """Build the boot image of the group that is awake, of its own files and ODM."""
    say(message("alt-building-boot-image"))
    root = machine.mounted(alternate.ALT_ROOT)

    def read(path: str) -> bytes | None:
        return read_file(lambda inside: machine.locate(alternate.ALT_ROOT + inside), path)

    image = content.compose(read, Odm.load(root).files(), machine.origin)
    boot_volume.install(alternate.volume(machine.group(ALT_GROUP), BOOT_VOLUME), image)


def unmount(machine: Machine) -> list[str]:
    """Unmount everything below the alternate root; returns the mount points, the last mounted first."""
    points = [point for _, point in machine.running.mounts if point == alternate.ALT_ROOT or _below(point)]
    for point in sorted(points, reverse=True):
        machine.unmount(point)
    return sorted(points, reverse=True)


def _below(point: str) -> bool:
    return point.startswith(alternate.ALT_ROOT + "/")


def _known(machine: Machine) -> Group:
    known = devices.group(machine.odm, ALT_GROUP)
    if known is None:
        raise NotFound(f"no volume group {ALT_GROUP}")
    return known


def _vary_on(machine: Machine, known: Group, complain: Say) -> None:
    """Vary the group on, give it the names of a group that is awake, and replay its logs."""
    varying.vary_on(machine, known)
    if known.name != ALT_GROUP:
        devices.rename(machine.odm, known.name, ALT_GROUP)
        machine.save_odm()
    group = machine.group(ALT_GROUP)
    _rename(machine, group, awake=True)  # before anything goes by a name: rootvg has the same ones
    replay_logs(machine, group, complain)
    _label(machine, group, awake=True)
    define_volumes(machine)


def define_volumes(machine: Machine) -> None:
    """Let the running ODM know the logical volumes of the group that is awake."""
    for volume in devices.volumes(machine.odm, ALT_GROUP):
        devices.remove_volume(machine.odm, volume)
    for created in machine.group(ALT_GROUP).logical_volumes.values():
        devices.define_volume(machine.odm, ALT_GROUP, created)
    machine.save_odm()


def _rename(machine: Machine, group: VolumeGroup, *, awake: bool) -> None:
    prefix = PREFIX if awake else ""
    with group.change(machine.origin) as change:
        for name, volume in group.logical_volumes.items():
            new = prefix + own_name(name)
            if new != name:
                change.rename_lv(name, new)
            if volume.lvcb is not None:
                own = alternate.own_path(volume.label)
                label = alt_path(own) if awake and own.startswith("/") else own
                fs = alternate.own_attributes(volume.fs)
                change.set_lvcb(new, label=label, fs=alternate.alt_attributes(fs) if awake else fs)
        change.set_options(auto_varyon=not awake)


def _label(machine: Machine, group: VolumeGroup, *, awake: bool) -> None:
    major = devices.major_of(machine.odm, ALT_GROUP if awake else ROOTVG)
    for point, volume in alternate.file_systems(group).items():
        own = own_name(volume.name)
        names = identity(alt_path(point), PREFIX + own) if awake else identity(point, own)
        with machine.volume_device(volume.name) as device:
            try:
                files = FileSystem.open(device, writable=True)
            except LvmfmtError:
                continue  # it is not in order; it keeps its names, and cannot be mounted before fsck
            log = major << 32 | int(files.superblock.values["s_logdev"]) & MINOR
            files.set_identity(fname=names.fname, fpack=names.fpack, logdev=log)
