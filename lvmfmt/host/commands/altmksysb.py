"""`alt_disk_mksysb`: restores a mksysb image onto other disks, beside the running system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from ...backup import Archive
from ...errors import LvmfmtError
from ..alternate import customise, targets
from ..alternate.altlog import AltLog
from ..alternate.clone import failed
from ..alternate.mksysbclone import MksysbClone, finish
from ..alternate.names import ALT_GROUP, awake_group
from ..archive import archives
from ..archive.imagedata import ImageData
from ..boot.bootdisks import set_boot_disks
from ..console.meter import Meter
from ..machine.machine import Machine
from ..messages import CommandFailed, message
from ..odm.devices import Disk, group
from ..registry import Command, UsageError, flags
from .altdisk import PHASES
from .power import shutdown
from .systembackup import group_data, parse_group

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
    for flag in "xC":
        if flag in given:
            raise CommandFailed(message("option-unsupported", program=program, option=f"-{flag}"))
    status = _Run(machine, program, argv, given, stdout, stderr).all(names, phases)
    if "r" in given and not status:
        return shutdown(machine, ["shutdown", "-Fr"], stdout, stderr)
    return status


class _Run:
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
        self.changes = customise.plan(machine, program, given)

    def all(self, names: Sequence[str], phases: str) -> int:
        """Run phases; returns the exit status of the script of phase 2."""
        if "1" in phases:
            with archives.read(self.machine, self.program, self.given["m"]) as archive:
                return self._restore(archive, names, phases)
        awake_group(self.machine, self.program)
        known = group(self.machine.odm, ALT_GROUP)
        disks = [d for d in self.machine.disks() if known and d.pvid in known.pvids]
        log = AltLog(self.machine, self.argv, self.stdout)
        with log.kept():
            return self._finish(log, disks, phases)

    def _restore(self, archive: Archive, names: Sequence[str], phases: str) -> int:
        machine = self.machine
        plan = self._plan(archive)
        disks = targets.check(machine, self.program, names, plan)
        meter = Meter(self.stderr, archive.device.size)
        log = AltLog(machine, self.argv, self.stdout, meter)
        log.say(message("alt-restoring-image-data"))
        clone = MksysbClone(machine, self.program, plan, disks, archive, log.say, meter, list_files="V" in self.given)
        if "S" not in self.given:
            log.say(message("alt-checking-disk-sizes"))
            clone.check_sizes()  # until here nothing has been written
        with log.kept():
            clone.make()
            for problem in clone.problems:
                print(message("backup-incomplete", program=self.program, reason=problem), file=self.stderr)
            try:
                return self._finish(log, disks, phases)
            except LvmfmtError as error:
                clone.undo()
                raise CommandFailed(failed(self.program, error)) from error

    def _finish(self, log: AltLog, disks: Sequence[Disk], phases: str) -> int:
        machine = self.machine
        status = customise.apply(machine, self.changes, self.stdout, self.stderr) if "2" in phases else 0
        if "3" not in phases or status:
            return status
        finish(machine, log.say, reset_devices="O" in self.given, console=self.given.get("c"))
        if "B" not in self.given:
            log.say(set_boot_disks(machine, disks))
        return 0

    def _plan(self, archive: Archive) -> ImageData:
        given, path = self.given, self.given.get("i")
        if path is None:
            data, where = group_data(archive, self.program, given["m"]), f"{given['m']}: ./image.data"
        else:
            found = self.machine.read_file(path) if path.startswith("/") else None
            if found is None:
                raise CommandFailed(message("alt-no-file", program=self.program, path=path))
            data, where = found, path
        return parse_group(data, self.program, where)


USAGE = """\
Usage: alt_disk_mksysb -m file -d "hdisk ..." [-i image.data] [-s script] [-R resolv.conf] [-P 1|2|3|12|23|all]
        [-O [-c console]] [-B] [-D] [-V] [-g] [-k] [-r] [-n] [-L] [-S] [-T]"""

COMMANDS = {"alt_disk_mksysb": Command(alt_disk_mksysb, USAGE, changes=True)}
