"""What changes devices: `cfgmgr`, `mkdev`, `rmdev`, `chdev`, `rendev`."""

from __future__ import annotations

import re
from typing import TextIO

from .... import lvm
from ....errors import LvmfmtError
from ....escaping import printable
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import configure, devices
from ...odm.configure import AVAILABLE, DEFINED, STATUS
from ...odm.devices import Disk
from ...syntax import Command, demand, flags, repeated
from .lsdev import device_called, kind_of, status_of

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,14}")


def cfgmgr(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Find disks that are new, and read their PVIDs; a known disk keeps the PVID that the ODM has."""
    given, _ = flags(argv, "vl:i:s", operands=0)
    if "l" in given:
        device_called(machine, "cfgmgr", given["l"])
    busy = {
        pvid for g in machine.groups() if machine.is_varied_on(g) for pvid in machine.group(g.name).physical_volumes
    }
    refuse = busy if machine.profile.refuses_duplicate_pvid else ()
    refused = configure.configure_disks(machine.odm, machine.pvids_on_disk(), busy=refuse, reread=False)
    machine.save_odm()
    for one in refused:
        print(message("cfg-duplicate-pvid", slot=one.slot, pvid=one.pvid), file=stderr)
    if "v" in given:
        for disk in machine.disks():
            print(
                f"{printable(disk.name)}: {STATUS[status_of(device_called(machine, 'cfgmgr', disk.name))]}", file=stdout
            )
    return 1 if refused else 0


def mkdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a device that is Defined available."""
    given, _ = flags(argv, "l:", operands=0)
    demand("l" in given)
    name = given["l"]
    device = device_called(machine, "mkdev", name)
    disk = machine.disk(name)
    if disk is not None:
        try:
            pvid = lvm.read_pvid(machine.device(disk.slot))
        except LvmfmtError as error:
            raise refusal("device-does-not-answer", program="mkdev", device=name, reason=error) from error
        if disk.pvid is None and pvid is not None:
            devices.set_pvid(machine.odm, name, pvid)
    configure.set_status(machine.odm, str(device["name"]), AVAILABLE)
    machine.save_odm()
    print(message("device-available", device=name), file=stdout)


def rmdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a device Defined, or forget it (`-d`); its disk is not touched."""
    given, _ = flags(argv, "l:dRSg", operands=0)
    demand("l" in given)
    name = given["l"]
    device_called(machine, "rmdev", name)
    disk = machine.disk(name)
    children = machine.odm.get("CuDv", parent=name)
    if (disk is not None and _busy(machine, disk)) or (children and "R" not in given):
        raise refusal("device-busy", method="ucfgdevice")
    gone = [*(str(o["name"]) for o in children), name]
    if any((d := machine.disk(child)) is not None and _busy(machine, d) for child in gone):
        raise refusal("device-busy", method="ucfgdevice")
    for one in gone:
        if "d" in given:
            for class_ in ("CuDv", "CuAt"):
                machine.odm.delete(class_, name=one)
            machine.odm.delete("CuDvDr", value3=one)
        else:
            configure.set_status(machine.odm, one, DEFINED)
    machine.save_odm()
    for one in gone:
        print(message("device-deleted" if "d" in given else "device-defined", device=one), file=stdout)


def chdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Change attributes of a device (`-a name=value`); `pv=yes` and `pv=clear` write and clear a disk's PVID."""
    given, values, operands = repeated(argv, "l:Pa:", "a")
    demand(not operands and "l" in given and values)
    name = given["l"]
    device = device_called(machine, "chdev", name)
    kind, disk = kind_of(device), machine.disk(name)
    changes = []
    for word in (w for value in values for w in value.split()):
        attribute, equals, value = word.partition("=")
        demand(equals)
        changes.append((attribute, value))
    for attribute, value in changes:
        if attribute == "pv" and disk is not None and value in ("yes", "clear"):
            continue
        known = kind.attributes.get(attribute)
        if known is None or not known.changeable or not known.allows(value):
            raise refusal("attribute-value", attribute=attribute)
    busy = disk is not None and _busy(machine, disk)
    if busy and any(a != "pv" or v == "clear" for a, v in changes) and "P" not in given:
        raise refusal("device-busy-attribute", attribute=changes[0][0])
    for attribute, value in changes:
        if attribute == "pv" and disk is not None:
            _set_pvid(machine, disk, clear=value == "clear")
        else:
            default = kind.attributes[attribute].default
            machine.odm.set_attribute(name, attribute, None if value == default else value)
    machine.save_odm()
    print(message("device-changed", device=name), file=stdout)


def rendev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Give a disk another name."""
    given, _ = flags(argv, "l:n:u", operands=0)
    demand("l" in given and "n" in given)
    old, new = given["l"], given["n"]
    device_called(machine, "rendev", old)
    disk = machine.disk(old)
    if disk is None or _busy(machine, disk):
        raise refusal("device-busy", method="chgdevice")
    if not _NAME.fullmatch(new) or machine.odm.get("CuDv", name=new):
        raise refusal("device-name", device=new)
    devices.rename(machine.odm, old, new)
    machine.save_odm()
    print(message("device-renamed", device=new), file=stdout)


def _set_pvid(machine: Machine, disk: Disk, *, clear: bool) -> None:
    try:
        device = machine.device(disk.slot)
        if clear:
            lvm.clear_pvid(device)
            pvid = None
        else:  # a disk that has a PVID keeps it; the ODM learns it
            pvid = lvm.read_pvid(device)
            if pvid is None:
                taken = {d.pvid for d in machine.disks() if d.pvid}
                pvid = lvm.new_pvid(machine.settings.machine_id, machine.origin, taken)
                lvm.write_pvid(device, pvid)
    except LvmfmtError as error:
        raise refusal("device-does-not-answer", program="chdev", device=disk.name, reason=error) from error
    devices.set_pvid(machine.odm, disk.name, pvid)


def _busy(machine: Machine, disk: Disk) -> bool:
    name = devices.group_of(machine.odm, disk.pvid)
    known = devices.group(machine.odm, name) if name else None
    return known is not None and machine.is_varied_on(known)


COMMANDS = {
    "cfgmgr": Command(cfgmgr, changes=True),
    "mkdev": Command(mkdev, changes=True),
    "rmdev": Command(rmdev, changes=True),
    "chdev": Command(chdev, changes=True),
    "rendev": Command(rendev, changes=True),
}
