"""`shutdown`, `reboot`, `halt`: stop the running system, and boot it again."""

from __future__ import annotations

import re
import time
from typing import TextIO

from ....units import NS_PER_S
from ...alternate import names as alternate
from ...machine.running import Machine
from ...messages import message, refusal
from ...rootvg import ROOTVG
from ...syntax import Command, demand, flags

_WHEN = re.compile(r"now|\+\d{1,4}|\d{1,2}:\d{2}")


def shutdown(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Stop, at once whatever time is named, and boot again (`-r`) or stay off; `-k` only says so."""
    given, operands = flags(argv, "Fhkrv")
    demand((not operands or _WHEN.fullmatch(operands[0])) and len(operands) <= 1 and not {"h", "r"} <= set(given))
    _refuse_while_awake(machine, "shutdown")
    date = time.strftime("%a %b %e %H:%M:%S UTC %Y", time.gmtime(machine.origin.now() // NS_PER_S))
    print(message("shutdown" if "r" in given else "shutdown-halt", date=date), file=stdout)
    if "k" in given:
        return 0
    return _stop(machine, stdout, again="r" in given)


def reboot(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Stop at once and boot again; `-q` and `-n` change nothing that could be seen here."""
    flags(argv, "lnqt:", operands=0)
    _refuse_while_awake(machine, "reboot")
    return _stop(machine, stdout, again=True)


def halt(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Stop at once and stay off."""
    flags(argv, "lnpqy", operands=0)
    _refuse_while_awake(machine, "halt")
    return _stop(machine, stdout, again=False)


def _stop(machine: Machine, stdout: TextIO, *, again: bool) -> int:
    machine.shut_down(again=again)
    if not again:
        print(message("halted"), file=stdout)
    return 0


def _refuse_while_awake(machine: Machine, program: str) -> None:
    """A group that is awake would come back with names that no boot can use [commands 5.3]."""
    for known in machine.groups():
        if known.name != ROOTVG and machine.is_varied_on(known) and alternate.is_awake(machine.group(known.name)):
            raise refusal("group-awake", program=program, group=known.name)


COMMANDS = {
    "shutdown": Command(shutdown, changes=True),
    "reboot": Command(reboot, changes=True),
    "halt": Command(halt, changes=True),
}
