"""`alt_disk_install`: the old name of all alternate disk tools, turned into the commands that follow it."""

from __future__ import annotations

from typing import TextIO

from ...machine.running import Machine
from ...syntax import Command, demand, flags
from .alt_disk_copy import alt_disk_copy
from .alt_disk_mksysb import alt_disk_mksysb
from .alt_rootvg_op import alt_rootvg_op

PROGRAM = "alt_disk_install"
MODES = "CdXWSvq"


def alt_disk_install(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Clone (`-C`), restore a mksysb (`-d`), or one of the operations of alt_rootvg_op; messages have the old name."""
    given, operands = flags(argv, "Cd:XWSv:qe:i:s:b:I:l:f:F:w:P:c:x:R:tBDVrnOgT", mixed=True)
    modes = [flag for flag in MODES if flag in given]
    demand(len(modes) == 1)
    mode = modes[0]
    rest = [word for flag, value in given.items() if flag != mode for word in _words(flag, value)]
    disks = ["-d", " ".join(operands)]
    if mode == "C":
        line = ["alt_disk_copy", *rest, *disks]
        return alt_disk_copy(machine, line, stdout, stderr, program=PROGRAM)
    if mode == "d":
        line = ["alt_disk_mksysb", *rest, "-m", given["d"], *disks]
        return alt_disk_mksysb(machine, line, stdout, stderr, program=PROGRAM)
    line = ["alt_rootvg_op", *rest, *_words(mode, given[mode]), *(operands if mode in "XS" else disks)]
    return alt_rootvg_op(machine, line, stdout, stderr, program=PROGRAM)


def _words(flag: str, value: str) -> list[str]:
    return [f"-{flag}", value] if value else [f"-{flag}"]


COMMANDS = {"alt_disk_install": Command(alt_disk_install, changes=True)}
