"""`chpv`: changes a disk: whether it gives partitions, whether it is used, its boot record, its owner."""

from __future__ import annotations

from typing import TextIO

from .... import lvm
from ....lvm import VolumeGroup
from ....units import SECTOR
from ...machine import varying
from ...machine.running import Machine
from ...messages import refusal
from ...odm import devices
from ...syntax import Command, demand, flags, refuse
from ..aixwords import as_aix
from ..operands import disk_called, varied_on_group


def chpv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Change disks: `-a` allocation, `-v` available or removed, `-c` clear boot record, `-C` clear the group's data."""
    given, operands = flags(argv, "a:v:cCh:p:P")
    demand(operands and given and given.get("a", "y") in ("y", "n") and given.get("v", "a") in ("a", "r"))
    for name in operands:
        with as_aix("chpv"):
            refuse(given, "chpv", "hpP")
            _change(machine, name, given)
    machine.slots.forget()


def _change(machine: Machine, name: str, given: dict[str, str]) -> None:
    disk = disk_called(machine, name, "chpv")
    image = varying.readable(machine, disk)
    owner = devices.group_of(machine.odm, disk.pvid)
    if image is None:
        raise refusal("disk-unreadable")
    if "C" in given:
        if owner is not None:
            raise refusal("chpv-in-group", disk=disk.name, group=owner)
        lvm.free_group_metadata(image)
    if {"a", "v"} & set(given):
        if owner is None or disk.pvid is None:
            raise refusal("disk-without-group", program="chpv", disk=disk.name)
        group = varied_on_group(machine, owner, "chpv")
        removed = given["v"] == "r" if "v" in given else None
        if removed and not _quorum_without(group, disk.pvid):
            raise refusal("chpv-quorum", disk=disk.name)
        with group.change(machine.origin) as change:
            change.set_disk(disk.pvid, allocatable=given["a"] == "y" if "a" in given else None, removed=removed)
    if "c" in given and any(image.read(0, SECTOR)):
        lvm.clear_boot_record(image)


def _quorum_without(group: VolumeGroup, pvid: str) -> bool:
    """Whether more than half of the VGDAs are on other disks; without quorum checking one is enough."""
    left = sum(pv.vgda_count for pv in group.physical_volumes.values() if pv.pvid != pvid and pv.device is not None)
    return left > group.total_vgdas // 2 if group.quorum else left > 0


COMMANDS = {"chpv": Command(chpv, changes=True)}
