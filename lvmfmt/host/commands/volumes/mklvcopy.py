"""`mklvcopy`, `rmlvcopy`, `cplv`, `migratepv`, `migratelp`: copies of logical volumes, and where they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TextIO

from .... import lvm
from ....lvm import VolumeGroup
from ....lvm.errors import NotOnDisk
from ....system.volume_types import BOOT_TYPE
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import message, refusal
from ...odm import devices
from ...syntax import Command, UsageError, demand, flags, refuse, with_flag
from ..aixwords import as_aix
from ..operands import (
    ask,
    check_free_name,
    default_prefix,
    disk_called,
    finish,
    group_of_volume,
    member,
    members,
    new_name,
    varied_on_group,
)
from ..syncing import synchronise, tell_left
from .mklv import policy_options

_PLACE = re.compile(r"([^/\s]+)/(\d{1,9})(?:/(\d))?")


def mklvcopy(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Give each LP of a volume so many copies in all; the new ones are stale until they are synchronised (`-k`)."""
    given, operands = flags(argv, "a:e:ks:u:m:")
    demand(len(operands) >= 2 and operands[1] in ("2", "3"))
    name, copies, *disks = operands
    options = policy_options({flag: value for flag, value in given.items() if flag in "aes"})
    with as_aix("mklvcopy", message("mklvcopy-failed")):
        refuse(given, "mklvcopy", "um")
        group_name, group = group_of_volume(machine, name, "mklvcopy")
        pvids = members(machine, group, disks, "mklvcopy")
        with group.change(machine.origin) as change:
            change.mirror(name, *pvids, copies=int(copies), policy=replace(change.policy(name), **options))
    finish(machine, group_name, group)
    return tell_left(synchronise(machine, group, name), stderr) if "k" in given else 0


def rmlvcopy(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Leave each LP of a volume with so many copies; those on the disks named go."""
    given, operands = flags(argv, "p:")
    demand(len(operands) >= 2 and operands[1] in ("1", "2") and not given)
    name, copies, *disks = operands
    with as_aix("rmlvcopy", message("rmlvcopy-failed")):
        group_name, group = group_of_volume(machine, name, "rmlvcopy")
        pvids = members(machine, group, disks, "rmlvcopy") or None
        with group.change(machine.origin) as change:
            change.remove_copies(name, int(copies), pvids)
    finish(machine, group_name, group)
    if group.logical_volumes[name].type == BOOT_TYPE:
        print(message("chpv-reminder", volume=name), file=stderr)


def cplv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Copy a volume to a new one, or over one that exists (`-e`)."""
    given, (name,) = flags(argv, "v:y:Y:e:fp:", operands=1)
    demand("p" not in given and len({"y", "Y", "e"} & set(given)) <= 1)
    with as_aix("cplv", message("cplv-failed", volume=name)):
        own_name, group = group_of_volume(machine, name, "cplv")
        volume = group.logical_volumes[name]
        if "e" in given:
            new = given["e"]
            target_name, target = group_of_volume(machine, new, "cplv")
            if new in open_volumes(machine, target):
                raise refusal("volume-open", program="cplv", volume=new)
            if "f" not in given and not ask(machine, stderr, message("cplv-question", volume=new)):
                return 1
            lvm.copy_onto(group, name, new, origin=machine.origin, into=target)
        else:
            target_name = given.get("v", own_name)
            target = varied_on_group(machine, target_name, "cplv")
            new = given.get("y") or new_name(machine, given.get("Y") or default_prefix(volume.type))
            check_free_name(machine, new)
            lvm.copy_lv(group, name, new, origin=machine.origin, into=target)
    finish(machine, target_name, target)
    print(message("cplv-done", volume=name, new=new), file=stdout)
    return 0


def migratepv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Move what lies on a disk, or one volume of it (`-l`), to other disks of the group; by default to any of them."""
    given, operands = flags(argv, "il:p:")
    if "i" in given:
        operands = [*operands, *machine.stdin.read().split()]
    demand(operands and "p" not in given)
    source, *targets = operands
    with as_aix("migratepv", message("migratepv-failed", program="migratepv")):
        group_name, group = _group_of_disk(machine, source, "migratepv")
        pvid = member(machine, group, source, "migratepv")
        volume = given.get("l")
        if volume is not None and volume not in group.logical_volumes:
            raise refusal("volume-unknown", program="migratepv", volume=volume)
        others = members(machine, group, targets, "migratepv") or [p for p in group.physical_volumes if p != pvid]
        try:
            moved = lvm.migrate(group, [pvid], others, origin=machine.origin, name=volume)
        except NotOnDisk:
            if volume is not None:
                raise
            moved = []  # the disk is empty already
        finally:  # volumes before the one that could not be moved have moved
            finish(machine, group_name, group)
    for name in moved:
        if group.logical_volumes[name].type == BOOT_TYPE:
            target = machine.disk_names(_holders(group, name, others))[0]
            print(message("migratepv-reminder", volume=name, disk=source), file=stderr)
            print(message("migratepv-boot", volume=name, disk=target), file=stdout)


def migratelp(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Move one partition: `migratelp LV/LP[/copy] PV[/PP]`."""
    _, operands = flags(argv, "")
    source = _PLACE.fullmatch(operands[0]) if len(operands) == 2 else None
    if source is None:
        raise UsageError
    disk, _, pp = operands[1].partition("/")
    demand(not pp or pp.isdecimal())
    with as_aix("migratelp", message("migratepv-failed", program="migratelp")):
        group_name, group = group_of_volume(machine, source[1], "migratelp")
        pvid = member(machine, group, disk, "migratelp")
        lvm.migrate_lp(
            group, source[1], int(source[2]), pvid, int(pp) if pp else None,
            origin=machine.origin, copy=int(source[3] or 1),
        )  # fmt: skip
    finish(machine, group_name, group)


def _group_of_disk(machine: Machine, name: str, program: str) -> tuple[str, VolumeGroup]:
    disk = disk_called(machine, name, program)
    group_name = devices.group_of(machine.odm, disk.pvid)
    if group_name is None:
        raise refusal("disk-without-group", program=program, disk=disk.name)
    return group_name, varied_on_group(machine, group_name, program)


def _holders(group: VolumeGroup, name: str, pvids: list[str]) -> list[str]:
    numbers = group.logical_volumes[name].pv_numbers
    return [pvid for pvid in pvids if group.physical_volumes[pvid].number in numbers]


COMMANDS = {
    "mklvcopy": Command(mklvcopy, changes=True),
    "rmlvcopy": Command(rmlvcopy, changes=True),
    "cplv": Command(cplv, changes=True),
    "migratepv": Command(migratepv, changes=True, listens=with_flag("i")),
    "migratelp": Command(migratelp, changes=True),
}
