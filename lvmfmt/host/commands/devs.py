"""Devices: `cfgmgr`, `lsdev`, `lsattr`, `lscfg`, `mkdev`, `rmdev`, `chdev`, `rendev`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from ... import lvm
from ...errors import LvmfmtError, printable
from ...units import MIB
from ..machine.machine import Machine
from ..messages import CommandFailed, message
from ..odm import configure, devices, predefined
from ..odm.configure import AVAILABLE, DEFINED, STATUS
from ..odm.devices import Disk
from ..odm.odm import OdmObject
from ..odm.predefined import Kind
from ..registry import Command, UsageError, flags, repeated

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,14}")
_FIELDS = ("name", "status", "physloc", "location", "description", "class", "subclass", "type", "parent")


def cfgmgr(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Find disks that are new, and read their PVIDs; a known disk keeps the PVID that the ODM has."""
    given, operands = flags(argv, "vl:i:s")
    if operands:
        raise UsageError
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
            print(f"{printable(disk.name)}: {STATUS[_status(_object(machine, 'cfgmgr', disk.name))]}", file=stdout)
    return 1 if refused else 0


def lsdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List the devices that are customised (`-C`), by class, subclass, type, name, parent or state."""
    given, operands = flags(argv, "CPHc:s:t:l:p:S:F:r:")
    if operands or ("P" in given and "C" in given):
        raise UsageError
    rows = [_facts(kind) for kind in predefined.kinds().values()] if "P" in given else _customised(machine)
    keys = {"c": "class", "s": "subclass", "t": "type", "l": "name", "p": "parent", "S": "state"}
    for flag, key in keys.items():
        wanted = {"0": "Defined", "1": "Available", "d": "Defined", "a": "Available"}.get(
            given.get(flag, ""), given.get(flag, "")
        )
        if flag in given:
            rows = [row for row in rows if row["status" if key == "state" else key].lower() == wanted.lower()]
    if "r" in given:
        for value in sorted({row.get(given["r"], "") for row in rows}):
            print(printable(value), file=stdout)
        return 0
    if "F" in given:
        for row in rows:
            print(_format(given["F"], row), file=stdout)
        return 0
    columns = ("class", "type", "subclass", "description") if "P" in given else ("name", "status", "location")
    table = [[row[c] for c in columns] + ([] if "P" in given else [row["description"]]) for row in rows]
    if "H" in given:
        table.insert(0, [*columns, *([] if "P" in given else ["description"])])
    _print_columns(table, stdout)
    return 0


def lsattr(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Show attributes of a device: in effect (`-E`), default (`-D`), possible values (`-R`)."""
    given, operands = flags(argv, "EDRHOl:a:F:")
    if operands or "l" not in given or len(set(given) & {"E", "D", "R"}) != 1:
        raise UsageError
    device = _object(machine, "lsattr", given["l"])
    kind = _kind(device)
    names = sorted(kind.attributes) if "a" not in given else [given["a"]]
    for name in names:
        if name not in kind.attributes:
            raise CommandFailed(message("attribute-unknown", program="lsattr", attribute=name))
    if "R" in given:
        for name in names:
            print(printable(kind.attributes[name].values.replace("-", "...", 1)), file=stdout)
        return 0
    rows = []
    for name in names:
        attribute = kind.attributes[name]
        value = machine.odm.attribute(str(device["name"]), name) if "E" in given else None
        shown = attribute.default if value is None else value
        rows.append({
            "attribute": name, "value": shown, "description": attribute.description,
            "user_settable": str(attribute.changeable),
        })  # fmt: skip
    if "F" in given:
        for row in rows:
            print(_format(given["F"], row), file=stdout)
        return 0
    table = [list(row.values()) for row in rows]
    if "H" in given:
        table.insert(0, list(rows[0]))
    _print_columns(table, stdout)
    return 0


def lscfg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Show where devices are plugged in, with their vital product data (`-v`)."""
    given, operands = flags(argv, "vpl:")
    if operands or "p" in given:
        raise UsageError
    names = [given["l"]] if "l" in given else [str(o["name"]) for o in _devices(machine)]
    for name in names:
        device = _object(machine, "lscfg", name)
        kind = _kind(device)
        where, description = str(device["connwhere"]), kind.description
        disk = machine.disk(name)
        if disk is not None:
            description += f" ({_size(machine, disk)} MB)" if _size(machine, disk) else ""
        print(f"  {printable(name):<16} {printable(where):<30} {description}", file=stdout)
        if "v" in given and disk is not None:
            print(file=stdout)
            for label, value in (("Manufacturer", "lvmfmt"), ("Machine Type and Model", kind.type)):
                print(f"        {label:.<28}{value}", file=stdout)
    return 0


def mkdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make a device that is Defined available."""
    given, operands = flags(argv, "l:")
    if operands or "l" not in given:
        raise UsageError
    name = given["l"]
    device = _object(machine, "mkdev", name)
    disk = machine.disk(name)
    if disk is not None:
        try:
            pvid = lvm.read_pvid(machine.device(disk.slot))
        except LvmfmtError as error:
            raise CommandFailed(message("device-does-not-answer", program="mkdev", device=name)) from error
        if disk.pvid is None and pvid is not None:
            devices.set_pvid(machine.odm, name, pvid)
    configure.set_status(machine.odm, str(device["name"]), AVAILABLE)
    machine.save_odm()
    print(message("device-available", device=name), file=stdout)
    return 0


def rmdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make a device Defined, or forget it (`-d`); its disk is not touched."""
    given, operands = flags(argv, "l:dRSg")
    if operands or "l" not in given:
        raise UsageError
    name = given["l"]
    _object(machine, "rmdev", name)
    disk = machine.disk(name)
    children = machine.odm.get("CuDv", parent=name)
    if (disk is not None and _busy(machine, disk)) or (children and "R" not in given):
        raise CommandFailed(message("device-busy", method="ucfgdevice"))
    gone = [*(str(o["name"]) for o in children), name]
    if any((d := machine.disk(child)) is not None and _busy(machine, d) for child in gone):
        raise CommandFailed(message("device-busy", method="ucfgdevice"))
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
    return 0


def chdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Change attributes of a device (`-a name=value`); `pv=yes` and `pv=clear` write and clear a disk's PVID."""
    given, values, operands = repeated(argv, "l:Pa:", "a")
    if operands or "l" not in given or not values:
        raise UsageError
    name = given["l"]
    device = _object(machine, "chdev", name)
    kind, disk = _kind(device), machine.disk(name)
    changes = []
    for word in (w for value in values for w in value.split()):
        attribute, equals, value = word.partition("=")
        if not equals:
            raise UsageError
        changes.append((attribute, value))
    for attribute, value in changes:
        if attribute == "pv" and disk is not None and value in ("yes", "clear"):
            continue
        known = kind.attributes.get(attribute)
        if known is None or not known.changeable or not known.allows(value):
            raise CommandFailed(message("attribute-value", attribute=attribute))
    busy = disk is not None and _busy(machine, disk)
    if busy and any(a != "pv" or v == "clear" for a, v in changes) and "P" not in given:
        raise CommandFailed(message("device-busy-attribute", attribute=changes[0][0]))
    for attribute, value in changes:
        if attribute == "pv" and disk is not None:
            _set_pvid(machine, disk, clear=value == "clear")
        else:
            default = kind.attributes[attribute].default
            machine.odm.set_attribute(name, attribute, None if value == default else value)
    machine.save_odm()
    print(message("device-changed", device=name), file=stdout)
    return 0


def rendev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Give a disk another name."""
    given, operands = flags(argv, "l:n:u")
    if operands or "l" not in given or "n" not in given:
        raise UsageError
    old, new = given["l"], given["n"]
    _object(machine, "rendev", old)
    disk = machine.disk(old)
    if disk is None or _busy(machine, disk):
        raise CommandFailed(message("device-busy", method="chgdevice"))
    if not _NAME.fullmatch(new) or machine.odm.get("CuDv", name=new):
        raise CommandFailed(message("device-name", device=new))
    devices.rename(machine.odm, old, new)
    machine.save_odm()
    print(message("device-renamed", device=new), file=stdout)
    return 0


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
        raise CommandFailed(message("device-does-not-answer", program="chdev", device=disk.name)) from error
    devices.set_pvid(machine.odm, disk.name, pvid)


def _busy(machine: Machine, disk: Disk) -> bool:
    name = devices.group_of(machine.odm, disk.pvid)
    known = devices.group(machine.odm, name) if name else None
    return known is not None and machine.is_varied_on(known)


def _devices(machine: Machine) -> list[OdmObject]:
    found = [o for o in machine.odm.classes["CuDv"] if str(o["PdDvLn"]) in predefined.kinds()]
    return sorted(found, key=lambda o: devices.natural(str(o["name"])))


def _object(machine: Machine, program: str, name: str) -> OdmObject:
    found = [o for o in _devices(machine) if o["name"] == name.removeprefix("/dev/")]
    if not found:
        raise CommandFailed(message("device-unknown", program=program, device=name))
    return found[0]


def _kind(device: OdmObject) -> Kind:
    return predefined.kinds()[str(device["PdDvLn"])]


def _status(device: OdmObject) -> int:
    return int(device["status"])


def _customised(machine: Machine) -> list[dict[str, str]]:
    rows = []
    for device in _devices(machine):
        facts = _facts(_kind(device))
        facts.update(
            name=str(device["name"]), status=STATUS.get(_status(device), "Defined"), parent=str(device["parent"]),
            location=str(device["location"]), physloc=str(device["connwhere"]),
        )  # fmt: skip
        rows.append(facts)
    return rows


def _facts(kind: Kind) -> dict[str, str]:
    facts = dict.fromkeys(_FIELDS, "")
    facts.update(
        {"class": kind.device_class, "subclass": kind.subclass, "type": kind.type, "description": kind.description}
    )
    return facts


def _format(form: str, row: dict[str, str]) -> str:
    """A row in the form of `-F`: names with separators between them (`name:status`), or one name."""
    if not re.fullmatch(r"\w+(?:[^\w]+\w+)*", form):
        raise UsageError
    names = re.findall(r"\w+", form)
    if any(name not in row for name in names):
        raise UsageError
    return printable(re.sub(r"\w+", lambda m: row[m[0]], form))


def _print_columns(table: Sequence[Sequence[str]], stdout: TextIO) -> None:
    """Rows with columns as wide as their widest value, as lsdev and lsattr print them; the last is not padded."""
    cells = [[printable(c) for c in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print(_row(row, widths), file=stdout)


def _row(row: Iterable[str], widths: Sequence[int]) -> str:
    return " ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()


def _size(machine: Machine, disk: Disk) -> int:
    try:
        return machine.device(disk.slot).size // MIB
    except LvmfmtError:
        return 0


COMMANDS = {
    "cfgmgr": Command(cfgmgr, "Usage: cfgmgr [-v] [-l Name]", changes=True),
    "lsdev": Command(lsdev, "Usage: lsdev -C | -P [-c Class] [-s Subclass] [-t Type] [-l Name] [-S State] [-F Format]"),
    "lsattr": Command(lsattr, "Usage: lsattr {-E | -D | -R} -l Name [-a Attribute] [-F Format] [-H]"),
    "lscfg": Command(lscfg, "Usage: lscfg [-v] [-l Name]"),
    "mkdev": Command(mkdev, "Usage: mkdev -l Name", changes=True),
    "rmdev": Command(rmdev, "Usage: rmdev -l Name [-d] [-R]", changes=True),
    "chdev": Command(chdev, "Usage: chdev -l Name -a Attribute=Value ... [-P]", changes=True),
    "rendev": Command(rendev, "Usage: rendev -l Name -n NewName", changes=True),
}
