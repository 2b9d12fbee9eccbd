"""`alt_disk_mksysb`: restores a mksysb image onto other disks, beside the running system."""

from __future__ import annotations

from collections.abc import Mapping
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


def alt_disk_mksysb(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make a rootvg of a mksysb image (`-m`) on disks (`-d`), in the phases asked for (`-P`).

    `-D`, `-g`, `-k`, `-L`, `-n`, `-T`, `-y`, `-z`, `-K` and `-p` are accepted; this host has nothing that they could
    change.
    """
    given, operands = flags(argv, "m:d:i:s:R:p:P:c:x:LnKDBOVgkryzTSC", mixed=True)
    names = [*given.get("d", "").split(), *operands]
    phases = PHASES.get(given.get("P", "all"))
    if not names or phases is None or "m" not in given or {"O", "c", "x", "C"} & set(given):
        raise UsageError
    customise.check(machine, PROGRAM, given)
    log = AltLog(machine, argv, stdout)
    try:
        status = _run(machine, given, names, phases, log, stdout, stderr)
    except CommandFailed as error:
        log.note(str(error))
        raise
    finally:
        log.save()
    if "r" in given and not status:
        return shutdown(machine, ["shutdown", "-Fr"], stdout, stderr)
    return status


def _run(
    machine: Machine,
    given: Mapping[str, str],
    names: list[str],
    phases: str,
    log: AltLog,
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    clone = None
    if "1" in phases:
        disks, clone = _restore(machine, given, names, log, stderr)
    else:
        awake_group(machine, PROGRAM)
        known = group(machine.odm, ALT_GROUP)
        disks = [d for d in machine.disks() if known and d.pvid in known.pvids]
    try:
        status = customise.customise(machine, given, stdout, stderr) if "2" in phases else 0
        if "3" not in phases or status:
            return status
        finish(machine, log.say)
    except LvmfmtError as error:
        if clone is None:
            raise
        clone.undo()
        raise CommandFailed(failed(error)) from error
    if "B" not in given:
        log.say(set_boot_disks(machine, disks))
    return 0


def _restore(
    machine: Machine, given: Mapping[str, str], names: list[str], log: AltLog, stderr: TextIO
) -> tuple[list[Disk], MksysbClone]:
    """Phase 1; returns the disks, and what can undo it."""
    with archives.read(machine, PROGRAM, given["m"]) as archive:
        plan = _plan(machine, given, archive)
        disks = targets.check(machine, names, plan)
        log.say(message("alt-restoring-image-data"))
        meter = Meter(stderr, archive.device.size)
        clone = MksysbClone(machine, plan, disks, archive, log.say, meter, list_files="V" in given)
        if "S" not in given:
            log.say(message("alt-checking-disk-sizes"))
            clone.check_sizes()
        try:
            clone.make()
        finally:
            meter.clear()
    for problem in clone.problems:
        print(message("backup-incomplete", program=PROGRAM, reason=problem), file=stderr)
    return disks, clone


def _plan(machine: Machine, given: Mapping[str, str], archive: Archive) -> ImageData:
    path = given.get("i")
    if path is None:
        data, where = group_data(archive, PROGRAM, given["m"]), f"{given['m']}: ./image.data"
    else:
        found = machine.read_file(path) if path.startswith("/") else None
        if found is None:
            raise CommandFailed(message("alt-no-file", program=PROGRAM, path=path))
        data, where = found, path
    return parse_group(data, PROGRAM, where)


USAGE = """\
Usage: alt_disk_mksysb -m file -d "hdisk ..." [-i image.data] [-s script] [-R resolv.conf] [-P 1|2|3|12|23|all]
        [-B] [-D] [-V] [-g] [-k] [-r] [-n] [-L] [-S] [-T]"""

COMMANDS = {"alt_disk_mksysb": Command(alt_disk_mksysb, USAGE, changes=True)}
