"""`shutdown`: stops the running system."""

from __future__ import annotations

import time
from typing import TextIO

from ..machine import Machine
from ..messages import message
from ..registry import Command, UsageError, flags


def shutdown(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Stop at once (`-F`) and boot again (`-r`)."""
    given, operands = flags(argv, "Fr")
    if operands or set(given) != {"F", "r"}:
        raise UsageError
    date = time.strftime("%a %b %e %H:%M:%S UTC %Y", time.gmtime(machine.origin.now() // 10**9))
    print(message("shutdown", date=date), file=stdout)
    machine.boot(lambda line: print(line, file=stderr))
    return 0


COMMANDS = {"shutdown": Command(shutdown, "Usage: shutdown -Fr", changes=True)}
