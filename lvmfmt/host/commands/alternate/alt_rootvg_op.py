"""`alt_rootvg_op`: wakes alternate rootvgs up, puts them to sleep, renames and removes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TextIO

from ....system.place import place_in
from ...alternate import awake, customise
from ...alternate import names as alternate
from ...alternate.altlog import AltLog
from ...alternate.names import ALT_GROUP, OLD_GROUP, PREFIX, of_disk, read_group
from ...boot.bootdisks import set_boot_disks
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import devices, filesets
from ...odm.devices import Group
from ...rootvg import BOOT_VOLUME, ROOTVG
from ...syntax import Command, demand, flags
from ..aixwords import as_aix
from ..operands import check_free_name
from .call import AltCall

PROGRAM = "alt_rootvg_op"
OPERATIONS = "qvWSXC"
USR = "/usr"


def alt_rootvg_op(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO, *, program: str = PROGRAM) -> int:
    """One of: name the boot disk (`-q`), rename (`-v`), wake (`-W`), sleep (`-S`), remove (`-X`), customise (`-C`).

    `-D` (trace) and `-a` are accepted; there is nothing to trace.
    """
    given, operands = flags(argv, "qv:WStXCDad:R:s:b:I:l:f:F:w:x:", mixed=True)
    wanted = [op for op in OPERATIONS if op in given]
    demand(len(wanted) == 1 and ("t" not in given or wanted == ["S"]))
    disks = [*given.get("d", "").split(), *operands]
    operation: Callable[[_Op, list[str]], int] = getattr(_Op, _NAMES[wanted[0]])
    return operation(_Op(machine, program, argv, given, stdout, stderr), disks)


class _Op(AltCall):
    """An operation: each method takes the operands that are left."""

    def query(self, disks: list[str]) -> int:
        """Name the disk that a group boots from."""
        machine = self.machine
        known = self._of_disks(disks)
        group = read_group(machine, known)
        volume = alternate.volume(group, BOOT_VOLUME) if group else None
        numbers = {pv.number: pvid for pvid, pv in group.physical_volumes.items()} if group else {}
        if volume is not None:
            print(machine.disk_names([numbers[volume.pv_numbers[0]]])[0], file=self.stdout)
        return 0

    def rename(self, disks: list[str]) -> int:
        """Give a group that sleeps another name; only the running ODM knows it."""
        machine, new = self.machine, self.given["v"]
        known = self._of_disks(disks)
        if machine.is_varied_on(known):
            raise refusal("alt-varied-on", program=self.program, group=known.name)
        if new == ALT_GROUP:
            raise refusal("alt-name-reserved", program=self.program, group=new)
        check_free_name(machine, new)
        devices.rename(machine.odm, known.name, new)
        machine.save_odm()
        return 0

    def wake(self, disks: list[str]) -> int:
        """Mount a sleeping group's file systems below /alt_inst."""
        machine = self.machine
        known = self._of_disks(disks)
        if machine.is_varied_on(known):
            raise refusal("alt-varied-on", program=self.program, group=known.name)
        if known.name != ALT_GROUP and devices.group(machine.odm, ALT_GROUP) is not None:
            raise refusal("alt-one-awake", program=self.program, group=known.name)
        self._check_release(known)
        log = AltLog(machine, self.argv, self.stdout)
        log.say(message("alt-waking", group=known.name))
        with as_aix(self.program):
            awake.wake(machine, known, lambda line: print(line, file=self.stderr))
        log.save()
        return 0

    def sleep(self, disks: list[str]) -> int:
        """Unmount the file systems of the group that is awake; `-t` builds its boot image."""
        machine = self.machine
        known = devices.group(machine.odm, ALT_GROUP)
        group = read_group(machine, known) if known else None
        if known is None or group is None or not (machine.is_varied_on(known) or alternate.is_awake(group)):
            raise refusal("alt-not-awake", program=self.program)
        if disks and self._of_disks(disks).name != ALT_GROUP:
            raise refusal("alt-not-awake", program=self.program)
        log = AltLog(machine, self.argv, self.stdout)
        log.say(message("alt-sleeping", group=ALT_GROUP))
        with as_aix(self.program):
            awake.put_to_sleep(machine, log.say, boot_image="t" in self.given)
        log.save()
        return 0

    def remove(self, names: list[str]) -> int:
        """Take a sleeping group out of the ODM; its disks keep everything."""
        machine = self.machine
        demand(len(names) <= 1)
        name = names[0] if names else ALT_GROUP
        known = devices.group(machine.odm, name)
        if known is None:
            raise refusal("group-unknown", program=self.program, group=name)
        if machine.is_varied_on(known):
            raise refusal("alt-varied-on", program=self.program, group=name)
        if name not in (ALT_GROUP, OLD_GROUP) and not _has_boot_volume(machine, known):
            raise refusal("alt-no-rootvg", program=self.program, group=name)
        log = AltLog(machine, self.argv, self.stdout)
        devices.remove_group(machine.odm, name)
        machine.save_odm()
        own = machine.group(ROOTVG).physical_volumes
        booted = machine.running.booted
        running = sorted((d for d in machine.disks() if d.pvid in own), key=lambda d: d.slot != booted)
        log.say(set_boot_disks(machine, running))
        log.save()
        return 0

    def customise(self, disks: list[str]) -> int:
        """Phase 2 of alt_disk_copy on the group that is awake."""
        changes = customise.plan(self.machine, self.program, self.given)
        alternate.awake_group(self.machine, self.program)
        if disks and self._of_disks(disks).name != ALT_GROUP:
            raise refusal("alt-not-awake", program=self.program)
        return customise.apply(self.machine, changes, self.stdout, self.stderr)

    def _of_disks(self, disks: Sequence[str]) -> Group:
        """The one rootvg that disks belong to, which is not the running one."""
        demand(disks)
        found = {known.name: known for known in (of_disk(self.machine, self.program, disk) for disk in disks)}
        demand(len(found) <= 1)
        return next(iter(found.values()))

    def _check_release(self, known: Group) -> None:
        """A system wakes up no newer release than its own, unless `FORCE=Yes` is in the environment."""
        if os.environ.get("FORCE", "").lower() in ("y", "yes"):
            return
        theirs, ours = _level(self.machine, known), _own_level(self.machine)
        if theirs and ours and theirs[:2] > ours[:2]:
            raise refusal(
                "alt-newer", program=self.program, group=known.name,
                theirs=".".join(map(str, theirs)), ours=".".join(map(str, ours)),
            )  # fmt: skip


_NAMES = {"q": "query", "v": "rename", "W": "wake", "S": "sleep", "X": "remove", "C": "customise"}


def _has_boot_volume(machine: Machine, known: Group) -> bool:
    group = read_group(machine, known)
    return group is None or bool({BOOT_VOLUME, PREFIX + BOOT_VOLUME} & set(group.logical_volumes))


def _own_level(machine: Machine) -> tuple[int, ...]:
    found = filesets.installed(machine.read_file).get(filesets.OPERATING_SYSTEM)
    return found.level if found else ()


def _level(machine: Machine, known: Group) -> tuple[int, ...]:
    """The level of a sleeping system, as its /usr has it; nothing where it cannot be told."""
    group = read_group(machine, known)
    volume = alternate.file_systems(group).get(USR) if group else None
    if group is None or volume is None:
        return ()
    files = place_in(group, volume.name).open(replay=False)
    path = filesets.PATH.removeprefix(USR)
    if not files.exists(path):
        return ()
    found = filesets.parse(files.read(path)).get(filesets.OPERATING_SYSTEM)
    return found.level if found else ()


COMMANDS = {"alt_rootvg_op": Command(alt_rootvg_op, changes=True)}
