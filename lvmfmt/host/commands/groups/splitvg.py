"""`splitvg`, `joinvg`: one copy of a mirrored group as a group of its own, and back."""

from __future__ import annotations

from typing import TextIO

from .... import lvm
from ....lvm import VolumeGroup
from ....system.volume_types import PAGING_TYPE
from ...machine import imfs, varying
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import refusal
from ...odm import devices
from ...rootvg import ROOTVG
from ...syntax import Command, demand, flags, refuse
from ..aixwords import as_aix
from ..operands import check_free_name, finish, known_group, new_name, varied_on_group
from .importvg import forget


def splitvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a group of the disks that hold one copy (`-c`, default 2) of everything, and print its name.

    Its logical volumes get the prefix fs and its mount points /fs, as with `recreatevg`.
    """
    given, operands = flags(argv, "y:c:fi")
    copy = given.get("c", "2")
    demand(len(operands) == 1 and copy in ("1", "2", "3"))
    name, new = operands[0], given.get("y") or new_name(machine, "vg")
    with as_aix("splitvg"):
        refuse(given, "splitvg", "i")
        check_free_name(machine, new)
        group = varied_on_group(machine, name, "splitvg")
        in_use = [v for v in group.logical_volumes.values() if v.type == PAGING_TYPE]
        if name == ROOTVG or any(v.name in open_volumes(machine, group) for v in in_use):
            raise refusal("splitvg-refused", group=name)
        pvids = _holders(group, int(copy))
        taken = {str(o["name"]) for o in machine.odm.get("CuDv")}
        for volume in group.logical_volumes:
            if f"fs{volume}" in taken:
                raise refusal("name-used")
        snapshot = lvm.split_group(group, pvids, origin=machine.origin, machine_id=machine.settings.machine_id)
    finish(machine, name, group)
    devices.define_group(machine.odm, new, snapshot.vgid, pvids, auto_on=True)
    finish(machine, new, snapshot)
    for line in imfs.add(machine, snapshot.logical_volumes.values()):
        print(line, file=stderr)
    for one in (name, new):  # the group goes on without those disks
        varying.vary_on(machine, known_group(machine, one, "splitvg"))
    print(new, file=stdout)


def _holders(group: VolumeGroup, copy: int) -> list[str]:
    """The disks that hold a copy of every logical volume.

    Raises:
        CommandFailed: a volume has not so many copies.
    """
    numbers: set[int] = set()
    for name, volume in group.logical_volumes.items():
        if volume.copies < copy:
            raise refusal("splitvg-copy", volume=name, copy=copy)
        numbers |= {int(n) for n in volume.map.pv[copy - 1] if n}
    return [pvid for pvid, pv in group.physical_volumes.items() if pv.number in numbers]


def joinvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Take the disks back that were split off a group; what was changed on them since then is lost."""
    _, (name,) = flags(argv, "f", operands=1)
    with as_aix("joinvg"):
        group = varied_on_group(machine, name, "joinvg")
        away = {group.state.pvids[number] for number in group.split_off}
        snapshot = next((g for g in machine.groups() if away and set(g.pvids) == away), None)
        if not away:
            raise refusal("joinvg-whole", group=name)
        active = snapshot is not None and machine.is_varied_on(snapshot)
        if snapshot is not None and active and open_volumes(machine, machine.group(snapshot.name)):
            raise refusal("varyoff-open")
        if snapshot is not None:  # before its disks go: what is on them can be joined again whoever knows of it
            forget(machine, snapshot)
            group = machine.group(name)
        images = [image for d in machine.disks() if d.pvid in away and (image := varying.readable(machine, d))]
        lvm.join_group(group, images, origin=machine.origin)
    finish(machine, name, group)
    machine.slots.forget()
    varying.vary_on(machine, known_group(machine, name, "joinvg"))


COMMANDS = {"splitvg": Command(splitvg, changes=True), "joinvg": Command(joinvg, changes=True)}
