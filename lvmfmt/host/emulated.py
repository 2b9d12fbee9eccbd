"""`Host`: an AIX machine made of image files in a folder."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ..arguments import Checked
from ..errors import NotFound, OperationRefused
from ..oneline import short_name
from . import registry
from .folder.host_folder import Folder
from .machine.running import Machine
from .messages import message
from .session import Session

if TYPE_CHECKING:
    from .install.create import CreateReport


class Host(Checked):
    """A host's folder; each call locks it, does its work and leaves.

    Raises:
        NotFound: the folder is not a host's.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = Folder(path)

    def __repr__(self) -> str:
        return f"<Host {short_name(str(self.folder.path))}>"

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Host:
        """The host in the folder `path`."""
        return cls(path)

    @staticmethod
    def create(path: str | os.PathLike[str], **options: Any) -> CreateReport:
        """Make a host and leave it running; see `create.create` for the options."""
        from .install.create import create

        return create(path, **options)

    def run(
        self,
        argv: Sequence[str],
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        stdin: TextIO | None = None,
    ) -> int:
        """Run one AIX command and return its exit status.

        A host without power is booted first, and `stderr` says so.

        Args:
            argv: the command and its arguments.
            stdout: where its output goes; by default where that of this process goes.
            stderr: where its messages go; by default where those of this process go.
            stdin: what it reads; None for nothing.
        """
        if not argv:
            raise OperationRefused("no command is given")
        stdout, stderr = sys.stdout if stdout is None else stdout, sys.stderr if stderr is None else stderr
        command = registry.find(argv[0])
        if command is None:
            return registry.unknown(argv[0], stderr)
        if stdin is not None and command.listens(argv):
            stdin = io.StringIO(stdin.read())  # the commands before it in a pipeline need the host until they end
        with self.machine(lambda line: print(line, file=stderr), writable=command.writes(argv), stdin=stdin) as machine:
            return Session(machine, lambda line: print(line, file=stderr)).run(argv, stdout, stderr)

    @contextmanager
    def session(self, console: Callable[[str], None]) -> Iterator[Session]:
        """One process that stays on the host for many commands; it holds the host's lock all the time.

        Args:
            console: takes the lines of a boot, where the host has no power.
        """
        with self.machine(console, writable=True) as machine:
            yield Session(machine, console)

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
        with ExitStack() as lock:
            lock.enter_context(self.folder.lock(shared=not writable))
            if not writable and not self._is_up():
                lock.close()
                lock.enter_context(self.folder.lock())
            if not self._is_up():
                self._power_on(console)
            with Machine(self.folder, writable=writable, stdin=stdin) as machine:
                if writable and not machine.is_intact():
                    console(message("power-failure", where=self.folder.path))
                    Session(machine, console).boot()
                yield machine
            for notice in machine.notices:
                console(notice)

    def _is_up(self) -> bool:
        """Whether the system runs, and no process has died at work on it; the caller holds the lock."""
        kernel = self.folder.read_kernel()
        return kernel is not None and kernel.at_rest

    def _power_on(self, console: Callable[[str], None]) -> None:
        key = "power-on" if self.folder.read_kernel() is None and self.folder.was_halted else "power-failure"
        console(message(key, where=self.folder.path))
        self._boot(console)

    def _boot(self, console: Callable[[str], None], *, disk: str | None = None, service: bool = False) -> None:
        with Machine(self.folder, writable=True) as machine:
            listed = machine.nvram.service if service else machine.nvram.normal
            Session(machine, console).boot(slots=listed if disk is None else [disk])
        for notice in machine.notices:
            console(notice)

    def boot(self, *, disk: str | None = None, service: bool = False) -> list[str]:
        """Cut the power of the host, if it is on, and boot it; returns what the boot had to say.

        It is looked first whether a disk boots: if none does, a system that runs goes on.

        Args:
            disk: the slot to boot from, whatever the boot lists say; they stay.
            service: boot from the service list, not the normal one.

        Raises:
            ImageInUse: another process is using a disk that is to be tried.
            OperationRefused: no disk that is to be tried boots.
        """
        notes: list[str] = []
        with self.folder.lock():
            if self._is_up():
                from .boot.booting import expect_bootable

                with Machine(self.folder, writable=False) as machine:
                    expect_bootable(machine, self.boot_list(service=service) if disk is None else [disk])
            self._boot(notes.append, disk=disk, service=service)
        return notes

    def boot_list(self, *, service: bool = False) -> tuple[str, ...]:
        """The slots of the normal or the service boot list; empty for all disks in their order."""
        nvram = self.folder.read_nvram()
        return nvram.service if service else nvram.normal

    def set_boot_list(self, slots: Sequence[str], *, service: bool = False) -> None:
        """Replace a boot list without the system, as the firmware's menu does.

        Args:
            slots: the disks, the first one first.
            service: the service list, not the normal one.

        Raises:
            NotFound: a slot has no disk.
            OperationRefused: a disk is given twice.
        """
        with self.folder.lock():
            for slot in slots:
                if list(slots).count(slot) > 1:
                    raise OperationRefused("the disk is given twice", where=slot)
                if slot not in self.folder.slots():
                    raise NotFound("no such disk", where=str(self.folder.image(slot)))
            nvram, chosen = self.folder.read_nvram(), tuple(slots)
            self.folder.write_nvram(nvram._replace(service=chosen) if service else nvram._replace(normal=chosen))

    def poweroff(self) -> None:
        """Cut the power."""
        with self.folder.lock():
            self.folder.cut_power()
