"""`Session`: who uses a machine; it runs the commands, boots, and runs the script of a first boot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

from ..errors import LvmfmtError
from . import registry
from .machine.running import Machine
from .messages import message


class Session:
    """Commands on a machine that one process keeps running; `Host.session` makes one.

    What they change is on the disks when the session ends; if its process dies, the host has lost power.

    Args:
        machine: the machine, open for writing where a command or a boot is to write.
        console: takes the lines of a boot, where a command comes after the host was shut down.
    """

    def __init__(self, machine: Machine, console: Callable[[str], None] = lambda _: None) -> None:
        self.machine = machine
        self._console = console
        machine.execute = self.run

    def boot(self, console: Callable[[str], None] | None = None, *, slots: Sequence[str] | None = None) -> None:
        """Boot the machine, and run the script of its first boot.

        Args:
            console: takes the lines of the boot; None for the session's.
            slots: the disks to try; None for the normal boot list.

        Raises:
            OperationRefused: no disk boots.
        """
        from .boot import booting, firstboot  # a system that runs needs neither

        tell = console or self._console
        booting.boot(self.machine, tell, slots=slots)
        firstboot.run(self.machine, tell)

    def run(self, argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO | None = None) -> int:
        """Run one AIX command and return its exit status.

        Args:
            argv: the command and its arguments.
            stdout: where its output goes.
            stderr: where its messages go, and the lines of a boot that it asks for.
            stdin: what it reads; None for what the machine reads from already.
        """
        command = registry.find(argv[0])
        if command is None:
            return registry.unknown(argv[0], stderr)
        if stdin is not None:
            self.machine.stdin = stdin
        if self.machine.kernel is None:
            self._console(message("power-on", where=self.machine.folder.path))
            self.boot()
        status = registry.call(command, self.machine, argv, stdout, stderr)
        if not self.machine.boots_again:
            return status
        try:
            self.boot(lambda line: print(line, file=stderr))
        except LvmfmtError as error:
            return registry.refused(argv, error, stderr)
        return status
