"""`bootlist`, `bosboot` and `savebase`: from which disks the machine boots, and what they boot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from ....block import BlockDevice
from ....errors import CorruptImage, ImageIOError, LvmfmtError, OperationRefused
from ....escaping import printable
from ....units import SECTOR
from ...boot import content
from ...boot import image as boot
from ...boot import volume as boot_volume
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...rootvg import BOOT_VOLUME, ROOTVG
from ...syntax import Command, UsageError, demand, flags

MODES = {"normal": ("normal",), "service": ("service",), "both": ("normal", "service")}
VARIABLES = {"normal": "boot-device", "service": "diag-device"}
MAX_DEVICES = 5
DEFAULT_DEVICES = ("/dev/ipldevice", "/dev/ipl_blv")
ATTRIBUTES = (f"blv={BOOT_VOLUME}", "pathid=0")
"""What may follow a disk in a list; there is one boot volume, and one path to a disk."""


def bootlist(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Set the boot list of a mode, show it (`-o`, more with `-v`, as the NVRAM has it with `-r`), empty it (`-i`)."""
    given, operands = flags(argv, "m:ovrif:", mixed=True)
    modes = MODES.get(given.get("m", ""))
    shown = {"o", "v", "r"} & set(given)
    names = [*_listed(machine, given.get("f")), *(name for name in operands if name not in ATTRIBUTES)]
    if modes is None or not (shown or names or "i" in given) or ("i" in given and names):
        raise UsageError
    slots = []
    for name in names:
        disk = machine.disk(name)
        if disk is None or len(names) > MAX_DEVICES:
            raise refusal("bootlist-device", disk=name)
        slots.append(disk.slot)
    for mode in modes:
        if slots or "i" in given:
            machine.set_boot_list(mode, slots)
        if "v" in given:
            print("\n".join(_details(machine, mode)), file=stdout)
        elif "r" in given:
            print(_variable(machine, mode), file=stdout)
        if "o" in given:
            for slot in getattr(machine.nvram, mode):
                print(boot_line(machine, slot), file=stdout)


def _listed(machine: Machine, path: str | None) -> list[str]:
    """The devices that a file of the host names (`-f`)."""
    if path is None:
        return []
    data = machine.read_file(path) if path.startswith("/") else None
    if data is None:
        raise refusal("bootlist-file", path=path)
    return data.decode("utf-8", "surrogateescape").split()


def boot_line(machine: Machine, slot: str) -> str:
    """A line of `bootlist -o`: the disk, and its boot volume if it can be booted; `-` for a disk that is gone."""
    name = next((d.name for d in machine.disks() if d.slot == slot), None)
    try:
        valid = boot.bootable(machine.device(slot))
    except LvmfmtError:
        name = None
    if name is None:
        return "-"
    pathid = " pathid=0" if machine.profile.bootlist_pathid else ""
    return f"{printable(name)}{f' blv={BOOT_VOLUME}' if valid else ''}{pathid}"


def _path(slot: str) -> str:
    """The name that firmware has for a slot; the numbers of real machines follow from their hardware."""
    return f"/vdevice/v-scsi@30000002/disk@{slot}"


def _variable(machine: Machine, mode: str) -> str:
    return f"{VARIABLES[mode]}={' '.join(_path(slot) for slot in getattr(machine.nvram, mode))}"


def _details(machine: Machine, mode: str) -> list[str]:
    paths = [_path(slot) for slot in getattr(machine.nvram, mode)]
    return [
        f"'ibm,max-boot-devices' = {MAX_DEVICES:#x}",
        f"NVRAM variable: ({_variable(machine, mode)})",
        *(line for path in paths for line in (f"Path name: ({path})", "match_specific_info: ut=disk/vscsi/vdisk")),
    ]


def bosboot(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Build a boot image and make disks boot it: every disk with a copy of the boot volume, or the one given (`-d`).

    `-q` only says how much room it needs.
    """
    given, _ = flags(argv, "ad:q", operands=0)
    demand({"a", "q"} & set(given))
    volume_disks = _Target(machine, given, "bosboot")
    try:
        image = content.compose(machine.read_file, machine.odm.files(), machine.origin)
        if "q" in given:
            slot = boot_volume.slot_size(volume_disks.volume.size) // SECTOR
            print(message("bosboot-room", blocks=len(image) // SECTOR, volume=BOOT_VOLUME, slot=slot), file=stdout)
            return
        with machine.volume_device(BOOT_VOLUME) as device:
            blocks = boot_volume.install(volume_disks.volume, image, volume_disks.wanted, device)
    except OperationRefused as error:
        raise CommandFailed(error.what) from error
    print(message("bosboot-done", blocks=blocks), file=stdout)


def savebase(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Renew the base ODM in the boot image of the running system; `-v` says what is saved."""
    given, _ = flags(argv, "vd:o:m:", operands=0)
    demand(not {"o", "m"} & set(given))
    target = _Target(machine, given, "savebase")
    odm = machine.odm
    image = None
    for disk in target.holders:
        with suppress(CorruptImage, ImageIOError):
            image = image or content.with_base(disk, odm.files(), machine.origin)
    if image is None:
        raise refusal("savebase-no-image", volume=BOOT_VOLUME)
    bootable = {id(disk) for disk in target.holders if boot.bootable(disk)}
    with machine.volume_device(BOOT_VOLUME) as device:
        boot_volume.install(target.volume, image, lambda disk: target.wanted(disk) and id(disk) in bootable, device)
    if "v" in given:
        print(f"saving to '/dev/{BOOT_VOLUME}'", file=stdout)
        for name, objects in odm.classes.items():
            print(f"{len(objects)} {name} objects to be saved", file=stdout)


class _Target:
    """The boot volume of the running system, the disks that hold it, and the one that is meant (`-d`).

    Raises:
        CommandFailed: there is no such disk, or it holds no copy.
    """

    def __init__(self, machine: Machine, given: Mapping[str, str], program: str) -> None:
        name = given.get("d", DEFAULT_DEVICES[0])
        disk = machine.disk(name)
        if disk is None and name not in DEFAULT_DEVICES:
            raise CommandFailed(message("bosboot-device") if program == "bosboot" else message("savebase-device"))
        self._only = machine.device(disk.slot) if disk else None
        shown = disk.name if disk else machine.running.booted
        volume = machine.group(ROOTVG).logical_volumes.get(BOOT_VOLUME)
        missing = message("bosboot-no-volume", volume=BOOT_VOLUME, disk=shown)
        if volume is None:
            raise CommandFailed(missing)
        try:
            self.holders: Sequence[BlockDevice] = [copy.disk for copy in boot_volume.boot_copies(volume)]
        except OperationRefused as error:
            raise CommandFailed(f"{program}: {error.what}") from error
        if self._only is not None and self._only not in self.holders:
            raise CommandFailed(missing)
        self.volume = volume

    def wanted(self, disk: BlockDevice) -> bool:
        """Whether a disk gets a boot record."""
        return self._only is None or disk is self._only


COMMANDS = {
    "bootlist": Command(bootlist),
    "bosboot": Command(bosboot, changes=True),
    "savebase": Command(savebase, changes=True),
}
