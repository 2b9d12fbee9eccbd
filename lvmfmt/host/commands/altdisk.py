"""`alt_disk_copy`: clones the running rootvg onto other disks, in one command or phase by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from ...errors import CorruptImage, LvmfmtError, NotFound, OperationRefused
from ..alternate import awake, clonedodm, customise, exclude, targets
from ..alternate.altlog import AltLog
from ..alternate.clone import Clone, failed
from ..alternate.names import ALT_GROUP, awake_group
from ..archive import imagedata
from ..boot.bootdisks import set_boot_disks
from ..console.meter import Meter
from ..machine.machine import Machine
from ..messages import CommandFailed, message
from ..odm import devices
from ..odm.devices import Disk
from ..registry import Command, UsageError, flags
from .imagecmds import describe
from .power import shutdown

PROGRAM = "alt_disk_copy"
PHASES = {"1": "1", "2": "2", "3": "3", "12": "12", "23": "23", "all": "123"}
NIM_CLIENT = ("./.rhosts", "./etc/niminfo")
"""Files that only a clone which remains a NIM client (`-n`) gets."""


def alt_disk_copy(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO, *, program: str = PROGRAM) -> int:
    """Clone rootvg onto disks (`-d`), in the phases asked for (`-P`).

    `-D` (trace), `-g` (no check of what firmware boots from) and `-T` (JFS becomes JFS2) are accepted; this host has
    nothing that they could change.
    """
    given, operands = flags(argv, "d:e:i:s:b:I:l:f:F:w:P:c:x:R:BOrnVDgTSu", mixed=True)
    names = [*given.get("d", "").split(), *operands]
    phases = PHASES.get(given.get("P", "all"))
    if not names or phases is None or ("c" in given and "O" not in given):
        raise UsageError
    if "u" in given:
        raise CommandFailed(message("option-unsupported", program=program, option="-u"))
    run = _Run(machine, program, argv, given, stdout, stderr)
    status = run.all(names, phases)
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
        self.changes = customise.plan(machine, program, given)
        self.stdout, self.stderr = stdout, stderr

    def all(self, names: Sequence[str], phases: str) -> int:
        """Run phases; returns the exit status of the script of phase 2."""
        if "1" not in phases:
            disks = self._go_on(names)
            log = AltLog(self.machine, self.argv, self.stdout)
            with log.kept():
                return self._finish(log, disks, phases)
        data, used = self._image_data()
        plan = imagedata.parse(data, where=self.given.get("i", imagedata.PATH))
        disks = targets.check(self.machine, self.program, names, plan)
        matches = self._exclude_list()
        meter = Meter(self.stderr, used)
        log = AltLog(self.machine, self.argv, self.stdout, meter)
        if "i" not in self.given:
            log.say(message("alt-calling-mkszfile"))
        clone = Clone(self.machine, self.program, plan, disks, matches, log.say, meter, list_files="V" in self.given)
        if "S" not in self.given:
            log.say(message("alt-checking-disk-sizes"))
            clone.check_sizes()  # until here nothing has been written
        with log.kept():
            if "i" not in self.given:
                self.machine.write_file(imagedata.PATH, data)
            clone.make()
            try:
                return self._finish(log, disks, phases)
            except LvmfmtError as error:
                clone.undo()
                raise CommandFailed(failed(self.program, error)) from error

    def _finish(self, log: AltLog, disks: Sequence[Disk], phases: str) -> int:
        machine, given = self.machine, self.given
        status = customise.apply(machine, self.changes, self.stdout, self.stderr) if "2" in phases else 0
        if "3" not in phases or status:
            return status
        clonedodm.modify(machine, log.say, reset_devices="O" in given, console=given.get("c"))
        awake.build_boot_image(machine, log.say)
        awake.put_to_sleep(machine, log.say, renaming=True)
        if "B" not in given:
            log.say(set_boot_disks(machine, disks))
        return 0

    def _go_on(self, names: Sequence[str]) -> list[Disk]:
        """The disks of the clone that an earlier phase left awake: all of them, and no others."""
        awake_group(self.machine, self.program)
        known = devices.group(self.machine.odm, ALT_GROUP)
        members = [d for d in self.machine.disks() if known and d.pvid in known.pvids]
        wanted = {name.removeprefix("/dev/") for name in names}
        if wanted != {d.name for d in members}:
            raise CommandFailed(
                message("alt-other-disks", program=self.program, disks=" ".join(d.name for d in members))
            )
        return members

    def _image_data(self) -> tuple[bytes, int]:
        data, used = describe(self.machine)
        path = self.given.get("i")
        if path is None:
            return data, used
        found = self.machine.read_file(path) if path.startswith("/") else None
        if found is None:
            raise CommandFailed(message("alt-no-file", program=self.program, path=path))
        return found, used

    def _exclude_list(self) -> exclude.Matcher:
        path = self.given.get("e")
        try:
            data = b""
            if path is not None:
                found = self.machine.read_file(path) if path.startswith("/") else None
                if found is None:
                    raise NotFound("there is no such file on the host")
                data = found
            matches = exclude.parse(data)
        except (OperationRefused, CorruptImage, NotFound) as error:
            raise CommandFailed(
                message("alt-exclude-list", program=self.program, path=path, reason=error.what)
            ) from error
        if "n" in self.given:
            return matches
        left_out = {name.encode() for name in NIM_CLIENT}
        return lambda name: name in left_out or matches(name)


USAGE = """\
Usage: alt_disk_copy -d "hdisk ..." [-i image.data] [-s script] [-e exclude_list] [-P 1|2|3|12|23|all]
        [-x first_boot_script] [-R resolv.conf] [-O [-c console]] [-B] [-D] [-V] [-g] [-r] [-n] [-S] [-T]
        [-l images [-b bundle | update_all] [-w "fileset ..."] [-I installp_flags]]"""

COMMANDS = {"alt_disk_copy": Command(alt_disk_copy, USAGE, changes=True)}
