"""What the alternate disk tools have in common: a command line taken apart, and a clone that is made in phases."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TextIO

from ....errors import LvmfmtError
from ...alternate import customise
from ...alternate.altlog import AltLog
from ...alternate.clone import Clone, failed
from ...alternate.names import ALT_GROUP, awake_group
from ...boot.bootdisks import set_boot_disks
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import devices
from ...odm.devices import Disk
from ..boot.shutdown import shutdown

PHASES = {"1": "1", "2": "2", "3": "3", "12": "12", "23": "23", "all": "123"}


class AltCall:
    """A command line taken apart: who speaks, the words, the flags with their values, and where to print."""

    def __init__(
        self,
        machine: Machine,
        program: str,
        argv: Sequence[str],
        given: Mapping[str, str],
        stdout: TextIO,
        stderr: TextIO,
    ) -> None:
        self.machine, self.program, self.argv, self.given = machine, program, argv, given
        self.stdout, self.stderr = stdout, stderr


class PhasedCall(AltCall):
    """A clone made in phases: 1 the disks and files, 2 changes while it is awake, 3 its ODM and its boot image."""

    changes: customise.CloneChanges

    def run(self, names: Sequence[str], phases: str) -> int:
        """Run phases, and restart the system if asked; the exit status, which is that of the script of phase 2."""
        self.changes = customise.plan(self.machine, self.program, self.given)
        status = self.make(names, phases) if "1" in phases else self._go_on(names, phases)
        if "r" in self.given and not status:
            return shutdown(self.machine, ["shutdown", "-Fr"], self.stdout, self.stderr)
        return status

    @abstractmethod
    def make(self, names: Sequence[str], phases: str) -> int:
        """Prepare a clone on these disks, then `carry_out` it."""

    @abstractmethod
    def settle(self, log: AltLog) -> None:
        """Phase 3: the clone gets its ODM and boot image, and sleeps."""

    def fill(self, clone: Clone) -> None:
        """Phase 1, after all checks."""
        clone.make()

    def carry_out(self, clone: Clone, log: AltLog, phases: str) -> int:
        """Make a clone and go through its other phases; what goes wrong after the first takes it away again."""
        if "S" not in self.given:
            log.say(message("alt-checking-disk-sizes"))
            clone.check_sizes()  # until here nothing has been written
        with log.kept():
            self.fill(clone)
            try:
                return self._finish(log, clone.targets, phases)
            except LvmfmtError as error:
                clone.undo()
                raise CommandFailed(failed(self.program, error)) from error

    def image_data(self) -> bytes | None:
        """The file of `-i`; None where the flag is not given."""
        path = self.given.get("i")
        if path is None:
            return None
        found = self.machine.read_file(path) if path.startswith("/") else None
        if found is None:
            raise refusal("alt-no-file", program=self.program, path=path)
        return found

    def _go_on(self, names: Sequence[str], phases: str) -> int:
        """Go on with the clone that an earlier phase left awake, on all of its disks and no others."""
        awake_group(self.machine, self.program)
        known = devices.group(self.machine.odm, ALT_GROUP)
        members = [d for d in self.machine.disks() if known and d.pvid in known.pvids]
        wanted = {name.removeprefix("/dev/") for name in names}
        if wanted != {d.name for d in members}:
            raise refusal("alt-other-disks", program=self.program, disks=" ".join(d.name for d in members))
        log = AltLog(self.machine, self.argv, self.stdout)
        with log.kept():
            return self._finish(log, members, phases)

    def _finish(self, log: AltLog, disks: Sequence[Disk], phases: str) -> int:
        status = customise.apply(self.machine, self.changes, self.stdout, self.stderr) if "2" in phases else 0
        if "3" not in phases or status:
            return status
        self.settle(log)
        if "B" not in self.given:
            log.say(set_boot_disks(self.machine, disks))
        return 0
