"""What becomes of an ODM on the disk it was copied to: its own group is rootvg, where it came from is `old_rootvg`.

This is why the names of two rootvgs seem to change at a boot [commands 5.7]: each has an ODM of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...lvm import VolumeGroup
from ..machine.running import Machine
from ..messages import message
from ..odm import devices
from ..odm.database import Odm
from ..rootvg import ROOTVG
from . import names as alternate
from .names import ALT_GROUP, ALT_ROOT, OLD_GROUP


def modify(
    machine: Machine, say: Callable[[str], None], *, reset_devices: bool = False, console: str | None = None
) -> None:
    """Write the ODM of the clone that is awake ("Modifying ODM on cloned disk.").

    Args:
        machine: the running machine.
        say: prints a line of the command's output.
        reset_devices: for another machine: forget all disks and other groups, which its first boot configures.
        console: device of its console, if it is to have one of its own.
    """
    say(message("alt-modifying-odm"))
    odm = cloned(machine.odm, machine.group(ROOTVG), machine.group(ALT_GROUP))
    adapt(odm, reset_devices=reset_devices, console=console)
    odm.save(machine.mounted(ALT_ROOT), now=machine.origin.now())


def adapt(odm: Odm, *, reset_devices: bool = False, console: str | None = None) -> None:
    """Change an ODM for where its disks are going.

    Args:
        odm: of a clone.
        reset_devices: forget all disks and other groups, which the first boot on another machine configures.
        console: device of its console, if it is to have one of its own.
    """
    if reset_devices:
        for group in devices.groups(odm):
            if group.name != ROOTVG:
                devices.remove_group(odm, group.name)
        for disk in devices.disks(odm):
            odm.delete("CuDv", name=disk.name)
            odm.delete("CuAt", name=disk.name)
    if console is not None:
        odm.set_attribute("sys0", "syscons", console)  # AIX keeps it in a class SWservAt; the place here is ours


def cloned(running: Odm, source: VolumeGroup, clone: VolumeGroup) -> Odm:
    """The ODM of a clone.

    Args:
        running: that of the system it was copied from.
        source: the group it was copied from.
        clone: its own group, under the names that it has awake.
    """
    odm = running.copy()
    for name in (ALT_GROUP, OLD_GROUP):
        devices.remove_group(odm, name)
    for name in devices.volumes(odm, ROOTVG):
        devices.remove_volume(odm, name)
    odm.set_attribute(ROOTVG, "vgserial_id", clone.vgid)
    devices.set_members(odm, ROOTVG, list(clone.physical_volumes))
    for name, volume in clone.logical_volumes.items():
        label = alternate.own_path(volume.label) or "None"
        block = volume.lvcb._replace(label=label) if volume.lvcb else None
        devices.define_volume(odm, ROOTVG, replace(volume, name=alternate.own_name(name), lvcb=block))
    devices.define_group(odm, OLD_GROUP, source.vgid, list(source.physical_volumes), auto_on=False)
    return odm
