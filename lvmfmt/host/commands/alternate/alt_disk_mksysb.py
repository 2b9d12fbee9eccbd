"""`alt_disk_mksysb`: restores a mksysb image onto other disks, beside the running system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ....backup import Archive
from ...alternate import targets
from ...alternate.altlog import AltLog
from ...alternate.clone import Clone
from ...alternate.mksysbclone import MksysbClone, finish
from ...archive import archives
from ...archive.imagedata import ImageData
from ...console.meter import Meter
from ...machine.running import Machine
from ...messages import message
from ...syntax import Command, UsageError, flags, refuse
from ..backup.mksysb import group_data, parse_group
from .call import PHASES, PhasedCall

PROGRAM = "alt_disk_mksysb"


def alt_disk_mksysb(
    machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO, *, program: str = PROGRAM
) -> int:
    """Make a rootvg of a mksysb image (`-m`) on disks (`-d`), in the phases asked for (`-P`).

    `-D`, `-g`, `-k`, `-L`, `-n`, `-T`, `-y`, `-z`, `-K` and `-p` are accepted; this host has nothing that they could
    change.
    """
    given, operands = flags(argv, "m:d:i:s:R:p:P:c:x:LnKDBOVgkryzTSC", mixed=True)
    names = [*given.get("d", "").split(), *operands]
    phases = PHASES.get(given.get("P", "all"))
    if not names or phases is None or "m" not in given or ("c" in given and "O" not in given):
        raise UsageError
    refuse(given, program, "xC")
    return _Restore(machine, program, argv, given, stdout, stderr).run(names, phases)


class _Restore(PhasedCall):
    def make(self, names: Sequence[str], phases: str) -> int:
        with archives.read(self.machine, self.program, self.given["m"]) as archive:
            plan = self._plan(archive)
            disks = targets.check(self.machine, self.program, names, plan)
            meter = Meter(self.stderr, archive.device.size)
            log = AltLog(self.machine, self.argv, self.stdout, meter)
            log.say(message("alt-restoring-image-data"))
            listed = "V" in self.given
            clone = MksysbClone(self.machine, self.program, plan, disks, archive, log.say, meter, list_files=listed)
            return self.carry_out(clone, log, phases)

    def fill(self, clone: Clone) -> None:
        clone.make()
        for problem in clone.problems:
            print(message("backup-incomplete", program=self.program, reason=problem), file=self.stderr)

    def settle(self, log: AltLog) -> None:
        finish(self.machine, log.say, reset_devices="O" in self.given, console=self.given.get("c"))

    def _plan(self, archive: Archive) -> ImageData:
        data, where = self.image_data(), self.given.get("i", f"{self.given['m']}: ./image.data")
        if data is None:
            data = group_data(archive, self.program, self.given["m"])
        return parse_group(data, self.program, where)


COMMANDS = {"alt_disk_mksysb": Command(alt_disk_mksysb, changes=True)}
