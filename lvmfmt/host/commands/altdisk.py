"""`alt_disk_copy`: clones the running rootvg onto other disks."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import TextIO

from ...errors import LvmfmtError, NotFound, OperationRefused
from .. import boot, exclude, imagedata
from ..clone import Clone, check
from ..devices import Disk
from ..imagedata import MountedVolume, SourceDisk
from ..machine import Machine
from ..messages import CommandFailed, message
from ..meter import Meter
from ..registry import Command, UsageError, flags
from ..rootvg import BOOT_VOLUME, ROOTVG

LOG = "/var/adm/ras/alt_disk_inst.log"


def alt_disk_copy(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Clone rootvg onto disks (`-d`), without the names that an exclude list matches (`-e`)."""
    given, operands = flags(argv, "d:e:B", mixed=True)
    targets = [*given.get("d", "").split(), *operands]
    if not targets:
        raise UsageError
    disks = check(machine, targets)
    matches = _exclude_list(machine, given.get("e"))
    image_data, used = describe(machine)
    meter = Meter(stderr, used)
    log = _Log(machine, argv, stdout, meter)
    log.say(message("alt-calling-mkszfile"))
    log.say(message("alt-checking-disk-sizes"))
    clone = Clone(machine, imagedata.parse(image_data), disks, matches, log.say, meter)
    clone.check_sizes()
    machine.write_file(imagedata.PATH, image_data)
    try:
        clone.run()
        if "B" not in given:
            log.say(_set_boot_list(machine, disks))
    except CommandFailed as error:
        log.note(str(error))
        raise
    finally:
        meter.clear()
        log.save()
    return 0


def describe(machine: Machine) -> tuple[bytes, int]:
    """What mkszfile writes about the running rootvg, and the bytes in use in its mounted file systems."""
    group = machine.group(ROOTVG)
    disks = [
        SourceDisk(name, pvid, pv.device.size if pv.device else 0)
        for (pvid, pv), name in zip(
            group.physical_volumes.items(), machine.disk_names(list(group.physical_volumes)), strict=True
        )
    ]
    mounted = []
    for device, point in machine.running.mounts:
        name = device.removeprefix("/dev/")
        if device.startswith("/dev/") and name in group.logical_volumes:
            files = machine.mounted(point)
            counts = files.statfs()
            used = (counts.total_blocks - counts.free_blocks) * files.block_size
            mounted.append(MountedVolume(point, name, files.device.size, used))
    data = imagedata.write(
        group,
        name=ROOTVG,
        disks=disks,
        mounted=mounted,
        oslevel=machine.profile.oslevel,
        machine_id=machine.settings.machine_id,
        now=machine.origin.now(),
    )
    return data, sum(m.used for m in mounted)


def _exclude_list(machine: Machine, path: str | None) -> exclude.Matcher:
    if path is None:
        return lambda _: None
    try:
        data = machine.read_file(path) if path.startswith("/") else None
        if data is None:
            raise NotFound("there is no such file on the host")
        return exclude.parse(data)
    except OperationRefused as error:
        raise CommandFailed(message("alt-exclude-list", path=path, reason=error.what)) from error


def _set_boot_list(machine: Machine, disks: Sequence[Disk]) -> str:
    slots = [d.slot for d in disks if boot.bootable(machine.device(d.slot))]
    machine.set_boot_list("normal", slots)
    key = "alt-bootlist-blv" if machine.profile.bootlist_message_blv else "alt-bootlist"
    name = next(d.name for d in disks if d.slot == slots[0])
    return message(key, disk=name, volume=BOOT_VOLUME)


class _Log:
    """What the command prints, also collected for alt_disk_inst.log."""

    def __init__(self, machine: Machine, argv: Sequence[str], stdout: TextIO, meter: Meter) -> None:
        self._machine = machine
        self._stdout = stdout
        self._meter = meter
        date = time.strftime("%a %b %e %H:%M:%S UTC %Y", time.gmtime(machine.origin.now() // 10**9))
        self._lines = ["#" * 72, date, f"cmd: /usr/sbin/{shlex.join(argv)}"]

    def say(self, line: str) -> None:
        """Print a line."""
        self._meter.clear()
        print(line, file=self._stdout, flush=True)
        self._lines.append(line)

    def note(self, line: str) -> None:
        """Keep a line that is printed elsewhere."""
        self._lines.append(line)

    def save(self) -> None:
        """Append to the log on the host; a host without a place for it goes without."""
        text = "\n".join([*self._lines, ""]).encode("utf-8", "surrogateescape")
        try:
            self._machine.write_file(LOG, (self._machine.read_file(LOG) or b"") + text)
        except LvmfmtError as error:
            self._stdout.write(f"{LOG}: {error}\n")


COMMANDS = {
    "alt_disk_copy": Command(alt_disk_copy, 'Usage: alt_disk_copy -d "hdisk ..." [-e exclude_list] [-B]', changes=True)
}
