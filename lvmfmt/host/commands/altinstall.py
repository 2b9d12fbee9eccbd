"""`alt_disk_install`: the old name of all alternate disk tools, turned into the commands that follow it."""

from __future__ import annotations

from typing import TextIO

from .. import registry
from ..machine.machine import Machine
from ..registry import Command, UsageError, flags

NEWER = {"C": "alt_disk_copy", "d": "alt_disk_mksysb"}
OPERATIONS = "XWSvq"


def alt_disk_install(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Clone (`-C`), restore a mksysb (`-d`), or one of the operations of alt_rootvg_op."""
    given, operands = flags(argv, "Cd:XWSv:qe:i:s:b:I:l:f:F:w:P:c:x:R:tBDVrnOgT", mixed=True)
    modes = [flag for flag in (*NEWER, *OPERATIONS) if flag in given]
    if len(modes) != 1:
        raise UsageError
    mode = modes[0]
    rest = [word for flag, value in given.items() if flag != mode for word in _words(flag, value)]
    if mode == "C":
        line = ["alt_disk_copy", *rest, "-d", " ".join(operands)]
    elif mode == "d":
        line = ["alt_disk_mksysb", *rest, "-m", given["d"], "-d", " ".join(operands)]
    elif mode == "X":
        line = ["alt_rootvg_op", *rest, "-X", *operands]
    elif mode == "S":
        line = ["alt_rootvg_op", *rest, "-S", *operands]
    else:
        line = ["alt_rootvg_op", *rest, *_words(mode, given[mode]), "-d", " ".join(operands)]
    command = registry.find(line[0])
    if command is None:
        return registry.unknown(line[0], stderr)
    return registry.call(command, machine, line, stdout, stderr)


def _words(flag: str, value: str) -> list[str]:
    return [f"-{flag}", value] if value else [f"-{flag}"]


USAGE = """\
Usage: alt_disk_install -C [flags of alt_disk_copy] disk ...
       alt_disk_install -d device [flags of alt_disk_mksysb] disk ...
       alt_disk_install -X [vg_name] | -W disk | -S | -v new_name disk | -q disk"""

COMMANDS = {"alt_disk_install": Command(alt_disk_install, USAGE, changes=True)}
