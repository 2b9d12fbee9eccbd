"""`alt_disk_copy`: clones the running rootvg onto other disks, in one command or phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ....errors import CorruptImage, NotFound, OperationRefused
from ...alternate import awake, clonedodm, exclude, targets
from ...alternate.altlog import AltLog
from ...alternate.clone import Clone
from ...archive import imagedata
from ...console.meter import Meter
from ...machine.running import Machine
from ...messages import message, refusal
from ...syntax import Command, UsageError, flags, refuse
from ..backup.mkszfile import describe
from .call import PHASES, PhasedCall

PROGRAM = "alt_disk_copy"
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
    refuse(given, program, "u")
    return _Copy(machine, program, argv, given, stdout, stderr).run(names, phases)


class _Copy(PhasedCall):
    def make(self, names: Sequence[str], phases: str) -> int:
        data, used = describe(self.machine)
        self._written = None if "i" in self.given else data  # as mkszfile would leave it
        given = self.image_data()
        plan = imagedata.parse(data if given is None else given, where=self.given.get("i", imagedata.PATH))
        disks = targets.check(self.machine, self.program, names, plan)
        matches = self._exclude_list()
        meter = Meter(self.stderr, used)
        log = AltLog(self.machine, self.argv, self.stdout, meter)
        if self._written is not None:
            log.say(message("alt-calling-mkszfile"))
        clone = Clone(self.machine, self.program, plan, disks, matches, log.say, meter, list_files="V" in self.given)
        return self.carry_out(clone, log, phases)

    def fill(self, clone: Clone) -> None:
        if self._written is not None:
            self.machine.write_file(imagedata.PATH, self._written)
        clone.make()

    def settle(self, log: AltLog) -> None:
        given = self.given
        clonedodm.modify(self.machine, log.say, reset_devices="O" in given, console=given.get("c"))
        awake.build_boot_image(self.machine, log.say)
        awake.put_to_sleep(self.machine, log.say, renaming=True)

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
            raise refusal("alt-exclude-list", program=self.program, path=path, reason=error.what) from error
        if "n" in self.given:
            return matches
        left_out = {name.encode() for name in NIM_CLIENT}
        return lambda name: name in left_out or matches(name)


COMMANDS = {"alt_disk_copy": Command(alt_disk_copy, changes=True)}
