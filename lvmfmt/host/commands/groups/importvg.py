"""`importvg`, `exportvg`, `redefinevg`, `synclvodm`: what the ODM knows of a group, from its disks, or nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from .... import lvm
from ....errors import CorruptImage
from ....lvm import PvState, PvStatus, VolumeGroup
from ....lvm.copied.naming import LOG
from ...machine import imfs, varying
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import devices
from ...odm.devices import Disk, Group
from ...syntax import Command, demand, flags, refuse
from ..aixwords import as_aix
from ..operands import check_free_name, default_prefix, disk_called, finish, known_group, new_name, varied_on_group
from .mkvg import check_major
from .varyonvg import bring_up, status_lines


@dataclass(frozen=True)
class GroupOnDisks:
    """A group found on disks.

    Attributes:
        group: what is on them.
        disks: its disks that are here.
        missing: PVIDs of those that are not.
    """

    group: VolumeGroup
    disks: list[Disk]
    missing: list[str]


def find(machine: Machine, disk: Disk) -> GroupOnDisks:
    """The group that a disk belongs to by what is on it; the others by the PVIDs in its VGDA.

    Raises:
        CommandFailed: the disk cannot be read, or has no VGDA.
        OperationRefused: two disks have the PVID of one member.
    """
    images = {d.name: varying.readable(machine, d) for d in machine.disks()}
    image = images[disk.name]
    if image is None:
        raise refusal("disk-unreadable")
    try:
        found = lvm.members_of(image, [device for device in images.values() if device is not None])
        group = VolumeGroup.open(found)
    except (CorruptImage, FileNotFoundError) as error:
        raise refusal("import-no-descriptors") from error
    here = [d for d in machine.disks() if any(images[d.name] is device for device in found)]
    missing = [pvid for number, pvid in group.state.pvids.items() if number not in group.state.members]
    return GroupOnDisks(group, here, missing)


def importvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make the ODM know the group of a disk, vary it on, add its file systems, and print its name."""
    given, operands = flags(argv, "y:V:nfFRcCIOL:xp:", operands=1)
    demand(not {"y", "L"} <= set(given))
    if "L" in given:
        return _learn(machine, given["L"], operands[0])
    name = given.get("y") or new_name(machine, "vg")
    with as_aix("importvg", message("import-failed", disk=operands[0], group=name)):
        refuse(given, "importvg", "cCxp")
        disk = disk_called(machine, operands[0], "importvg")
        check_free_name(machine, name)
        major = check_major(machine, given, "importvg")
        found = find(machine, disk)
        if any(known.vgid == found.group.vgid for known in machine.groups()):
            raise refusal("name-used")
        if found.missing and "f" not in given and "n" not in given:
            statuses = _statuses(found)
            raise CommandFailed(*status_lines(machine, statuses), message("no-quorum"))
        renamed = new_names(machine, found.group)
        if not found.missing:
            _settle(machine, found.group, renamed)
    for old, new in renamed.items():
        print(message("volume-renamed", old=old, new=new), file=stderr)
    define(machine, name, found.group, found.disks, major, "importvg", stderr)
    for line in imfs.add(machine, found.group.logical_volumes.values()):
        print(line, file=stderr)
    if "n" not in given:
        bring_up(machine, known_group(machine, name, "importvg"), force="f" in given, sync=True)
    print(name, file=stdout)
    return 0


def define(
    machine: Machine, name: str, group: VolumeGroup, disks: Sequence[Disk], major: int | None, program: str,
    stderr: TextIO,
) -> None:  # fmt: skip
    """Put a group that was found on disks into the ODM, with the PVIDs that are on them."""
    pvids = machine.pvids_on_disk()
    for disk in disks:
        own = pvids.get(disk.slot, disk.pvid)  # one that has died meanwhile keeps what the ODM has
        if disk.pvid != own:
            devices.set_pvid(machine.odm, disk.name, own)
            if program == "importvg":
                print(message("pvid-changed", program=program), file=stderr)
    devices.define_group(machine.odm, name, group.vgid, list(group.physical_volumes), auto_on=True, major=major)
    finish(machine, name, group)


def new_names(machine: Machine, group: VolumeGroup) -> dict[str, str]:
    """New names for the logical volumes of a group whose names other devices have."""
    taken = {str(o["name"]) for o in machine.odm.get("CuDv")}
    clashes = [name for name in group.logical_volumes if name in taken]
    taken |= set(group.logical_volumes)
    renamed = {}
    for name in clashes:
        prefix = default_prefix(group.logical_volumes[name].type)
        renamed[name] = next(new for n in range(len(taken) + 1) if (new := f"{prefix}{n:02}") not in taken)
        taken.add(renamed[name])
    return renamed


def _settle(machine: Machine, group: VolumeGroup, renamed: dict[str, str]) -> None:
    """Give volumes their new names, and the group quorum checking and varyon at boot, as every import does.

    A JFS2 file system is told the new name of its log; the log of a JFS has to be named by hand.
    """
    with group.change(machine.origin) as change:
        for old, new in renamed.items():
            change.rename_lv(old, new)
        for name, volume in group.logical_volumes.items():
            log = LOG.search(volume.fs)
            if log and log[1] in renamed and volume.type == "jfs2":
                fs = LOG.sub(f"log=/dev/{renamed[log[1]]}", volume.fs)
                change.set_lvcb(renamed.get(name, name), fs=fs)
        if not (group.quorum and group.auto_varyon):
            change.set_options(quorum=True, auto_varyon=True)


def _statuses(found: GroupOnDisks) -> list[PvStatus]:
    return [
        PvStatus(n, pvid, "", PvState.NOT_FOUND if pvid in found.missing else PvState.ACTIVE)
        for n, pvid in found.group.state.pvids.items()
    ]


def _learn(machine: Machine, name: str, disk_name: str) -> int:
    """`importvg -L`: a group that is known, but was changed by another host."""
    with as_aix("importvg", message("import-failed", disk=disk_name, group=name)):
        known = known_group(machine, name, "importvg")
        found = find(machine, disk_called(machine, disk_name, "importvg"))
        if found.group.vgid != known.vgid:
            raise refusal("import-known", program="importvg", disk=disk_name, group=found.group.vgid)
    finish(machine, name, found.group)
    return 0


def exportvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Let the ODM and /etc/filesystems forget a group; nothing is written to its disks."""
    _, operands = flags(argv, "b", operands=1)
    known = known_group(machine, operands[0], "exportvg")
    if machine.is_varied_on(known):
        raise refusal("export-varied-on")
    forget(machine, known)


def forget(machine: Machine, known: Group) -> None:
    """Remove a group, whose volumes are closed, from the running system, and see to it that it stays so.

    The stanzas go first: while the ODM knows the group it can be forgotten again.
    """
    if volumes := devices.volumes(machine.odm, known.name):
        imfs.remove(machine, volumes)
    devices.remove_group(machine.odm, known.name)
    machine.save_odm()
    varying.vary_off(machine, known)


def redefinevg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Let the ODM say of a group what the VGDA on a disk (`-d`), or of a VGID (`-i`), says."""
    given, (name,) = flags(argv, "d:i:", operands=1)
    demand(len(given) == 1)
    disk = disk_called(machine, given["d"], "redefinevg") if "d" in given else _disk_of(machine, given["i"])
    with as_aix("redefinevg"):
        found = find(machine, disk)
        other = next((g.name for g in machine.groups() if g.vgid == found.group.vgid and g.name != name), None)
        if other is not None:
            raise refusal("import-known", program="redefinevg", disk=disk.name, group=other)
        if devices.group(machine.odm, name) is None:
            check_free_name(machine, name)
    finish(machine, name, found.group)


def _disk_of(machine: Machine, vgid: str) -> Disk:
    for disk in machine.disks():
        image = varying.readable(machine, disk)
        if image is not None and lvm.scan([image])[0].vgid == vgid:
            return disk
    raise refusal("group-unknown", program="redefinevg", group=vgid)


def synclvodm(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Let the ODM say of the logical volumes of a group what VGDA and control blocks say; `-v` tells what differed."""
    given, operands = flags(argv, "vFPDRk:K")
    demand(operands)
    group = varied_on_group(machine, operands[0], "synclvodm")
    for volume in operands[1:]:
        if volume not in group.logical_volumes:
            raise refusal("volume-unknown", program="synclvodm", volume=volume)
    notes = devices.reconcile(machine.odm, operands[0], group)
    machine.save_odm()
    for line in notes if "v" in given else ():
        print(line, file=stdout)


COMMANDS = {
    "importvg": Command(importvg, changes=True),
    "exportvg": Command(exportvg, changes=True),
    "redefinevg": Command(redefinevg, changes=True),
    "synclvodm": Command(synclvodm, changes=True),
}
