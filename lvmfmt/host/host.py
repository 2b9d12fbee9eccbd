"""`Host`: an AIX machine made of image files in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
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

    def run(self, argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
        """Run one AIX command and return its exit status.

        A host without power is booted first, and `stderr` says so.

        Args:
            argv: the command and its arguments.
            stdout: where its output goes.
            stderr: where its messages go.
        """
        command = registry.find(argv[0])
        if command is None:
            return registry.unknown(argv[0], stderr)
        with self.folder.lock():
            if self.folder.read_kernel() is None:
                print(message("power-failure", where=self.folder.path), file=stderr)
                with Machine(self.folder, writable=True) as machine:
                    machine.boot(lambda line: print(line, file=stderr))
            with Machine(self.folder, writable=command.changes) as machine:
                return registry.call(command, machine, argv, stdout, stderr)

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


__all__ = ["CreateReport", "DiskSpec", "Host"]
