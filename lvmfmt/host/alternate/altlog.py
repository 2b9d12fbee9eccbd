"""The log of the alternate disk tools on the host: what they were called with, and what they printed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TextIO

from ...errors import LvmfmtError
from ...units import NS_PER_S
from ..console.meter import Meter
from ..machine.running import Machine
from ..messages import CommandFailed

PATH = "/var/adm/ras/alt_disk_inst.log"


def date(now: int) -> str:
    """An instant in nanoseconds as `date` prints it."""
    return time.strftime("%a %b %e %H:%M:%S UTC %Y", time.gmtime(now // NS_PER_S))


class AltLog:
    """Prints lines, and keeps them for the log.

    Args:
        machine: the running machine.
        argv: the command line.
        stdout: where lines are printed.
        meter: is wiped away before a line is printed.
    """

    def __init__(self, machine: Machine, argv: Sequence[str], stdout: TextIO, meter: Meter | None = None) -> None:
        self._machine = machine
        self._stdout = stdout
        self._meter = meter
        program = PurePosixPath(argv[0]).name
        command = shlex.join([f"/usr/sbin/{program}", *argv[1:]])
        self._lines = ["#" * 72, date(machine.origin.now()), f"cmd: {command}"]

    def say(self, line: str) -> None:
        """Print a line and keep it."""
        if self._meter is not None:
            self._meter.clear()
        print(line, file=self._stdout, flush=True)
        self._lines.append(line)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """From here on something changes: whatever comes of it, the log on the host has it."""
        try:
            yield
        except CommandFailed as error:
            self._lines.append(str(error))
            raise
        finally:
            if self._meter is not None:
                self._meter.clear()
            self.save()

    def save(self) -> None:
        """Append to the log on the host; a host without a place for it goes without, and says so."""
        text = "\n".join([*self._lines, ""]).encode("utf-8", "surrogateescape")
        try:
            self._machine.write_file(PATH, (self._machine.read_file(PATH) or b"") + text)
        except LvmfmtError as error:
            self._stdout.write(f"{PATH}: {error}\n")
