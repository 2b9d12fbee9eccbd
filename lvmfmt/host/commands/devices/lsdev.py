"""Devices that the ODM knows, and what lists them: `lsdev`, `lsattr`, `lscfg`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from ....errors import LvmfmtError
from ....escaping import printable
from ....units import MIB
from ...machine.running import Machine
from ...messages import refusal
from ...odm import devices, predefined
from ...odm.configure import STATUS
from ...odm.database import OdmObject
from ...odm.devices import Disk
from ...odm.predefined import DeviceKind
from ...syntax import Command, UsageError, demand, flags

_FIELDS = ("name", "status", "physloc", "location", "description", "class", "subclass", "type", "parent")


def lsdev(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List the devices that are customised (`-C`), by class, subclass, type, name, parent or state."""
    given, _ = flags(argv, "CPHc:s:t:l:p:S:F:r:", operands=0)
    demand("P" not in given or "C" not in given)
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
        return
    if "F" in given:
        for row in rows:
            print(_format(given["F"], row), file=stdout)
        return
    columns = ("class", "type", "subclass", "description") if "P" in given else ("name", "status", "location")
    table = [[row[c] for c in columns] + ([] if "P" in given else [row["description"]]) for row in rows]
    if "H" in given:
        table.insert(0, [*columns, *([] if "P" in given else ["description"])])
    _print_columns(table, stdout)


def lsattr(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Show attributes of a device: in effect (`-E`), default (`-D`), possible values (`-R`); with colons (`-O`)."""
    given, _ = flags(argv, "EDRHOl:a:F:", operands=0)
    demand("l" in given and len(set(given) & {"E", "D", "R"}) == 1)
    device = device_called(machine, "lsattr", given["l"])
    kind = kind_of(device)
    names = sorted(kind.attributes) if "a" not in given else [given["a"]]
    for name in names:
        if name not in kind.attributes:
            raise refusal("attribute-unknown", program="lsattr", attribute=name)
    if "R" in given:
        for name in names:
            print(printable(kind.attributes[name].values.replace("-", "...", 1)), file=stdout)
        return
    rows = []
    for name in names:
        attribute = kind.attributes[name]
        own = machine.odm.get("CuAt", name=str(device["name"]), attribute=name) if "E" in given else []
        for value in [str(one["value"]) for one in own] or [attribute.default]:
            rows.append({
                "attribute": name, "value": value, "description": attribute.description,
                "user_settable": str(attribute.changeable),
            })  # fmt: skip
    if "F" in given:
        for row in rows:
            print(_format(given["F"], row), file=stdout)
        return
    if "O" in given:
        print(f"#{':'.join(row['attribute'] for row in rows)}", file=stdout)
        print(printable(":".join(row["value"] for row in rows)), file=stdout)
        return
    table = [list(row.values()) for row in rows]
    if "H" in given:
        table.insert(0, list(rows[0]))
    _print_columns(table, stdout)


def lscfg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Show where devices are plugged in, with their vital product data (`-v`)."""
    given, _ = flags(argv, "vpl:", operands=0)
    demand("p" not in given)
    names = [given["l"]] if "l" in given else [str(o["name"]) for o in _devices(machine)]
    for name in names:
        device = device_called(machine, "lscfg", name)
        kind = kind_of(device)
        where, description = str(device["connwhere"]), kind.description
        disk = machine.disk(name)
        if disk is not None:
            description += f" ({_size(machine, disk)} MB)" if _size(machine, disk) else ""
        print(f"  {printable(name):<16} {printable(where):<30} {description}", file=stdout)
        if "v" in given and disk is not None:
            print(file=stdout)
            for label, value in (("Manufacturer", "lvmfmt"), ("Machine Type and Model", kind.type)):
                print(f"        {label:.<28}{value}", file=stdout)


def _devices(machine: Machine) -> list[OdmObject]:
    found = [o for o in machine.odm.classes["CuDv"] if str(o["PdDvLn"]) in predefined.kinds()]
    return sorted(found, key=lambda o: devices.natural(str(o["name"])))


def device_called(machine: Machine, program: str, name: str) -> OdmObject:
    """The device of a name, or /dev/NAME.

    Raises:
        CommandFailed: the ODM has none.
    """
    found = [o for o in _devices(machine) if o["name"] == name.removeprefix("/dev/")]
    if not found:
        raise refusal("device-unknown", program=program, device=name)
    return found[0]


def kind_of(device: OdmObject) -> DeviceKind:
    """What the release knows of devices like this one."""
    return predefined.kinds()[str(device["PdDvLn"])]


def status_of(device: OdmObject) -> int:
    """The number of its state."""
    return int(device["status"])


def _customised(machine: Machine) -> list[dict[str, str]]:
    rows = []
    for device in _devices(machine):
        facts = _facts(kind_of(device))
        facts.update(
            name=str(device["name"]), status=STATUS.get(status_of(device), "Defined"), parent=str(device["parent"]),
            location=str(device["location"]), physloc=str(device["connwhere"]),
        )  # fmt: skip
        rows.append(facts)
    return rows


def _facts(kind: DeviceKind) -> dict[str, str]:
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
    demand(all(name in row for name in names))
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


COMMANDS = {"lsdev": Command(lsdev), "lsattr": Command(lsattr), "lscfg": Command(lscfg)}
