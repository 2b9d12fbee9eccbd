"""`crfs`, `rmfs`: a file system with its logical volume, its log and its stanza in /etc/filesystems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from ....errors import LvmfmtError, OperationRefused
from ....jfs2 import AIX, ExternalLog, Features, InlineLog, Log, format_log, mkfs
from ....jfs2.geometry import PAGE, Geometry
from ....jfs2.superblock.format_options import log_bytes
from ....lvm import LogicalVolume, VolumeGroup
from ....system.volume_types import LOG_TYPE
from ....units import MIB, SECTOR, ceil_div
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import filesystems
from ...odm.filesystems import INLINE, FileSystemStanza
from ...rootvg import identity
from ...syntax import Command, demand, flags, repeated
from ..aixwords import as_aix
from ..operands import ask, finish, new_name, varied_on_group
from . import targets

VFS = "jfs2"
_STANZA_KEYS = ("options", "check", "type", "vol", "free", "quota", "mount")
"""Attributes that go into the stanza as they are."""
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Format:
    """How a file system is to be made.

    Attributes:
        block_size: bytes.
        inline: whether its log lies in it.
        log_size: bytes of an inline log, None for the usual size.
        log_name: of a log volume, None for the first of the group.
        features: versions of superblock and attributes.
    """

    block_size: int = PAGE
    inline: bool = False
    log_size: int | None = None
    log_name: str | None = None
    features: Features = field(default_factory=Features)

    def check(self, size: int) -> None:
        """Raise `OperationRefused` if there is no such file system in so many bytes."""
        log: Log = InlineLog(self.log_size) if self.inline else ExternalLog(0)
        Geometry.of(size, self.block_size, log_bytes=log_bytes(AIX, log, size), has_aim2=AIX.has_aim2)


def format_of(attributes: dict[str, str], program: str) -> Format:
    """The format that attributes (`-a` of crfs, `-o` of mkfs) ask for; they are taken out of `attributes`.

    Raises:
        CommandFailed: a value is none.
    """

    def take(name: str, *values: str) -> str | None:
        value = attributes.pop(name, None)
        if value is not None and values and value not in values:
            raise refusal("fs-bad-attribute", program=program, attribute=name, value=value)
        return value

    block_size = int(take("agblksize", "512", "1024", "2048", "4096") or PAGE)
    if take("isnapshot", *YES_NO) == "yes":
        raise refusal("fs-unsupported", program=program, what="isnapshot=yes")
    log = take("logname") or take("log")
    inline = log is not None and log.upper() == INLINE
    size = take("logsize")
    if size is not None and not (inline and size.isdecimal() and 0 < int(size) <= 2047):
        raise refusal("fs-bad-attribute", program=program, attribute="logsize", value=size)
    ea = int((take("ea", "v1", "v2") or "v1")[1])
    vix = take("vix", *YES_NO) == "yes"
    if vix:
        raise refusal("fs-unsupported", program=program, what="vix=yes")
    return Format(
        block_size, inline, int(size) * MIB if size else None, None if inline else log, Features(version=ea, ea=ea)
    )


def make(
    machine: Machine, target: targets.FileSystemTarget, wanted: Format, log: LogicalVolume | None, point: str
) -> int:
    """Make a file system in a logical volume; its KiB, as AIX counts them: without log and work area of fsck.

    Args:
        machine: the running machine.
        target: where.
        wanted: its format.
        log: its log volume, None for an inline log.
        point: its name.
    """
    number = targets.number_of(machine, target.group_name, log or target.volume)
    with machine.volume_device(target.name) as device:
        report = mkfs(
            device,
            origin=machine.origin,
            block_size=wanted.block_size,
            log=InlineLog(wanted.log_size, number) if log is None else ExternalLog(number),
            identity=identity(point, target.name),
            features=wanted.features,
        )
        device.flush()
    return report.blocks * wanted.block_size // 1024


def crfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a file system, with all that belongs to it; it is not mounted."""
    given, pairs, operands = repeated(argv, "v:g:d:l:m:n:u:A:p:t:a:", "a")
    demand(not operands and given.get("v") == VFS and "m" in given and {"g", "d"} & set(given))
    attributes = attributes_of(pairs)
    for flag, values in (("A", YES_NO), ("t", YES_NO), ("p", ("rw", "ro"))):
        demand(given.get(flag, values[0]) in values)
    wanted, size = format_of(attributes, "crfs"), attributes.pop("size", None)
    for name in attributes.keys() - set(_STANZA_KEYS):
        raise refusal("fs-unsupported", program="crfs", what=f"the attribute {name}")
    point = targets.mount_point(given["m"], "crfs")
    if any(entry.mount_point == point for entry in machine.file_system_entries()):
        raise refusal("fs-exists", program="crfs", point=point)
    target, log = _volumes(machine, given, wanted, size, point)
    log_path = INLINE if log is None else f"/dev/{log.name}"
    options = {"options": given.get("p", "rw"), **({"type": given["u"]} if "u" in given else {})}
    entry = FileSystemStanza(point, target.path, {
        "vfs": VFS, "log": log_path, "mount": "true" if given.get("A") == "yes" else "false", **options,
        "account": "true" if given.get("t") == "yes" else "false", **attributes,
    })  # fmt: skip
    with as_aix("crfs"), target.group.change(machine.origin) as change:
        change.set_lvcb(target.name, label=point, fs=filesystems.control_block_text(entry), type=VFS)
    kilobytes = make(machine, target, wanted, log, point)
    finish(machine, target.group_name, target.group)
    machine.make_directory(point)
    targets.put_entry(machine, point, entry)
    print(message("fs-created"), file=stdout)
    print(message("fs-kilobytes", count=kilobytes), file=stdout)
    print(message("fs-new-size", blocks=target.volume.size // SECTOR), file=stdout)


def attributes_of(pairs: list[str]) -> dict[str, str]:
    """The values of `-a Attribute=Value`, each once; a value must fit into a stanza."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        demand(equals and name and name not in found and value.isprintable() and " " not in value and ":" not in value)
        found[name] = value
    return found


def _volumes(
    machine: Machine, given: dict[str, str], wanted: Format, size: str | None, point: str
) -> tuple[targets.FileSystemTarget, LogicalVolume | None]:
    """The logical volumes of the new file system and its log; they are made where they are not there."""
    if "d" in given:
        target = _existing(machine, given["d"], size)
        group_name, group, length = target.group_name, target.group, target.volume.size
    else:
        group_name = given["g"]
        group = varied_on_group(machine, group_name, "crfs")
        sign, length = targets.size_in_bytes(size or "", "crfs")
        if sign:
            raise refusal("fs-bad-attribute", program="crfs", attribute="size", value=size)
        length = ceil_div(length, group.pp_size) * group.pp_size
    try:
        wanted.check(length)
    except OperationRefused as error:
        raise refusal("fs-too-small", program="crfs", reason=error) from error
    log = None if wanted.inline else _known_log(machine, group_name, group, wanted)
    name = given["d"].removeprefix("/dev/") if "d" in given else new_name(machine, "fslv")
    new_log = new_name(machine, "loglv") if log is None and not wanted.inline else None
    with as_aix("crfs"), group.change(machine.origin) as change:
        if new_log is not None:
            change.add_lv(new_log, LOG_TYPE, 1)
        if "d" not in given:
            change.add_lv(name, VFS, length // group.pp_size, label=point)
    if new_log is not None:
        log = group.logical_volumes[new_log]
        with machine.volume_device(new_log) as device:
            format_log(device, AIX)
    return targets.FileSystemTarget(name, group_name, group, None, None), log


def _existing(machine: Machine, device: str, size: str | None) -> targets.FileSystemTarget:
    """A logical volume that is there and used by nobody."""
    target = targets.find(machine, device if device.startswith("/dev/") else f"/dev/{device}", "crfs")
    if target.entry is not None or target.point is not None:
        point = target.point or (target.entry.mount_point if target.entry else "")
        raise refusal("fs-device-used", program="crfs", device=target.path, point=point)
    bytes_ = target.volume.size
    if size is not None and ceil_div(targets.size_in_bytes(size, "crfs")[1], target.group.pp_size) != target.volume.lps:
        raise refusal("fs-size-of-volume", program="crfs", volume=target.name, blocks=bytes_ // SECTOR)  # fmt: skip
    return target


def _known_log(machine: Machine, group_name: str, group: VolumeGroup, wanted: Format) -> LogicalVolume | None:
    """The log volume that is named, or the first of the group; None if it has none."""
    if wanted.log_name is not None:
        return targets.choose_log(machine, group_name, group, wanted.log_name, "crfs")
    return next((v for v in group.logical_volumes.values() if v.type == LOG_TYPE), None)


def rmfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Remove a file system and its logical volume, with `-r` also its mount point."""
    given, operands = flags(argv, "ri", operands=1)
    entry = targets.find_entry(machine, operands[0], "rmfs")
    target = targets.find(machine, entry.device, "rmfs")
    if target.point is not None:
        raise refusal("fs-mounted", program="rmfs", point=target.point)
    if "i" in given and not ask(machine, stderr, message("rmfs-question", point=entry.mount_point)):
        return 1
    targets.put_entry(machine, entry.mount_point, None)
    with as_aix("rmfs"), target.group.change(machine.origin) as change:
        change.remove_lv(target.name)
    finish(machine, target.group_name, target.group)
    print(message("rmlv-removed", volume=target.name), file=stdout)
    if "r" in given:
        files, inside = machine.locate(entry.mount_point)
        try:
            files.rmdir(inside, now=machine.origin.now())
        except LvmfmtError as error:
            print(message("fs-failed", program="rmfs", device=entry.mount_point, reason=error), file=stderr)
            return 1
    return 0


COMMANDS = {"crfs": Command(crfs, changes=True), "rmfs": Command(rmfs, changes=True)}
