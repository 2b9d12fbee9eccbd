"""`lsps`: paging spaces."""

from __future__ import annotations

from typing import TextIO

from ....escaping import printable
from ....units import MIB
from ...machine.running import Machine
from ...messages import refusal
from ...odm import devices
from ...rootvg import ROOTVG
from ...syntax import Command, demand, flags

_TYPE = "paging"
_USED = 1
"""Per cent in use: nothing is paged out here, and AIX never prints less."""
_COLUMNS = "#Psname:Pvname:Vgname:Size:Used:Active:Auto:Type"


def lsps(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List the paging spaces (`-a`, or their names; `-c` with colons, sizes in LPs), or their sum (`-s`).

    That of rootvg is active; those of other groups are there.
    """
    given, operands = flags(argv, "ascqt:")
    demand(given.get("t", "lv") == "lv" and ("s" not in given or not operands) and (given or operands))
    rows = _rows(machine)
    if "s" in given:
        total = sum({name: size for name, _, group, size, _ in rows if group == ROOTVG}.values()) // MIB
        print("Total Paging Space   Percent Used", file=stdout)
        print(f"{f'{total}MB':>11}{f'{_USED}%':>17}", file=stdout)
        return
    for name in operands:
        if name not in {row[0] for row in rows}:
            raise refusal("volume-unknown", program="lsps", volume=name)
    if "c" in given:
        print(_COLUMNS, file=stdout)
    else:
        print(_row("Page Space", "Physical Volume", "Volume Group", "Size", "%Used", "Active", "Auto", "Type"),
              file=stdout)  # fmt: skip
    for name, disk, group, size, pp_size in rows:
        if operands and name not in operands:
            continue
        active = group == ROOTVG
        if "c" in given:
            letter = "y" if active else "n"
            fields = [name, disk, group, str(size // pp_size), str(_USED if active else 0), letter, letter, "lv"]
            print(":".join(map(printable, fields)), file=stdout)
        else:
            word = "yes" if active else "no"
            used = str(_USED if active else 0)
            print(_row(name, disk, group, f"{size // MIB}MB", used, word, word, "lv"), file=stdout)


def _rows(machine: Machine) -> list[tuple[str, str, str, int, int]]:
    """(name, disk, group, bytes, PP size) of each paging space on each disk that it lies on."""
    found = []
    for known in machine.groups():
        if not machine.is_varied_on(known) or not devices.volumes(machine.odm, known.name):
            continue
        group = machine.group(known.name)
        numbers = {pv.number: pvid for pvid, pv in group.physical_volumes.items()}
        for name, volume in group.logical_volumes.items():
            if volume.type == _TYPE:
                for disk in machine.disk_names([numbers[n] for n in volume.pv_numbers if n in numbers]):
                    found.append((name, disk, known.name, volume.size, group.pp_size))
    return found


def _row(*fields: str) -> str:
    name, disk, group, size, used, active, auto, kind = map(printable, fields)
    return f"{name:<16}{disk:<18}{group:<14}{size:>6}{used:>6}{active:>7}{auto:>6}{kind:>6}"


COMMANDS = {"lsps": Command(lsps)}
