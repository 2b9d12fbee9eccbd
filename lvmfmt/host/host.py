"""`Host`: an AIX machine made of image files in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from . import registry
from .create import CreateReport, DiskSpec, create
from .folder import Folder
from .machine import Machine
from .messages import message


class Host:
    """A host's folder; each call locks it, does its work and leaves.

    Raises:
        NotFound: the folder is not a host's.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = Folder(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Host:
        """The host in the folder `path`."""
        return cls(path)

    create = staticmethod(create)

    def run(self, argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO | None = None) -> int:
        """Run one AIX command and return its exit status.

        A host without power is booted first, and `stderr` says so.

        Args:
            argv: the command and its arguments.
            stdout: where its output goes.
            stderr: where its messages go.
            stdin: what it reads; None for nothing.
        """
        command = registry.find(argv[0])
        if command is None:
            return registry.unknown(argv[0], stderr)
        with self.machine(lambda line: print(line, file=stderr), writable=command.changes, stdin=stdin) as machine:
            return registry.call(command, machine, argv, stdout, stderr)

    @contextmanager
    def session(self, console: Callable[[str], None]) -> Iterator[Session]:
        """One process that stays on the host for many commands; it holds the host's lock all the time.

        Args:
            console: takes the lines of a boot, where the host has no power.
        """
        with self.machine(console, writable=True) as machine:
            yield Session(machine)

    @contextmanager
    def machine(
        self, console: Callable[[str], None], *, writable: bool, stdin: TextIO | None = None
    ) -> Iterator[Machine]:
        """The running machine; a host without power is booted first, and `console` is told.

        Args:
            console: takes the lines of the boot.
            writable: open disks for writing.
            stdin: what commands read; None for nothing.
        """
        with self.folder.lock():
            if self.folder.read_kernel() is None:
                console(message("power-failure", where=self.folder.path))
                with Machine(self.folder, writable=True) as machine:
                    machine.boot(console)
            with Machine(self.folder, writable=writable, stdin=stdin) as machine:
                yield machine

    def boot(self) -> list[str]:
        """Switch the host off, if it is on, and boot it; returns what the boot had to say."""
        notes: list[str] = []
        with self.folder.lock(), Machine(self.folder, writable=True) as machine:
            machine.boot(notes.append)
        return notes

    def poweroff(self) -> None:
        """Cut the power."""
        with self.folder.lock():
            self.folder.cut_power()


class Session:
    """Commands on a machine that one process keeps running; `Host.session` makes one."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run(self, argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO) -> int:
        """Run one AIX command and return its exit status."""
        command = registry.find(argv[0])
        if command is None:
            return registry.unknown(argv[0], stderr)
        self.machine.stdin = stdin
        return registry.call(command, self.machine, argv, stdout, stderr)


__all__ = ["CreateReport", "DiskSpec", "Host", "Session"]
