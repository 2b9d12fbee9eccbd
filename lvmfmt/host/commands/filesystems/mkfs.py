"""`mkfs`, `logform`, `dumpfs`: file systems and logs on logical volumes that are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TextIO

from ....errors import LvmfmtError, OperationRefused
from ....escaping import printable
from ....jfs2 import AIX, format_log
from ....jfs2.log.logform import logform as form_log
from ....jfs2.superblock import describe_state
from ....system.volume_types import LOG_TYPE
from ...machine.running import Machine
from ...machine.using import user_of
from ...messages import CommandFailed, message, refusal
from ...odm.filesystems import INLINE
from ...syntax import Command, demand, flags
from ..operands import ask
from . import targets
from .crfs import VFS, format_of, make
from .targets import FileSystemTarget


def mkfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make an empty file system on a logical volume, after a question."""
    given, operands = flags(argv, "V:o:l:s:", operands=1)
    demand(given.get("V", VFS) == VFS)
    wanted = format_of(_options(given.get("o", "")), "mkfs")
    target = targets.find(machine, operands[0], "mkfs")
    _check_free(machine, target, "mkfs")
    if wanted.log_name is None and target.entry and target.entry.attributes.get("log") == INLINE:
        wanted = replace(wanted, inline=True)
    size = target.volume.size
    if "s" in given and targets.size_in_bytes(given["s"], "mkfs") != ("", size):
        raise refusal("fs-size-of-volume", program="mkfs", volume=target.name, blocks=size // 512)
    try:
        wanted.check(size)
    except OperationRefused as error:
        raise refusal("fs-too-small", program="mkfs", reason=error) from error
    log = None
    if not wanted.inline:
        named = wanted.log_name or (target.entry.attributes.get("log") if target.entry else None)
        log = targets.choose_log(machine, target.group_name, target.group, named or _any_log(target), "mkfs")
    if not ask(machine, stderr, message("mkfs-question", device=target.path)):
        return 1
    point = given.get("l") or (target.entry.mount_point if target.entry else target.volume.label)
    kilobytes = make(machine, target, wanted, log, point)
    print(message("fs-created"), file=stdout)
    print(message("fs-kilobytes", count=kilobytes), file=stdout)
    return 0


def _options(text: str) -> dict[str, str]:
    """`-o log=INLINE,agblksize=4096`."""
    found = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = pair.partition("=")
        demand(equals and name in ("log", "logname", "logsize", "agblksize", "ea") and name not in found)
        found[name] = value
    return found


def _any_log(target: FileSystemTarget) -> str:
    return next((name for name, v in target.group.logical_volumes.items() if v.type == LOG_TYPE), LOG_TYPE)


def _check_free(machine: Machine, target: FileSystemTarget, program: str) -> None:
    """Raise `CommandFailed` if a volume is mounted, is the log of something mounted, or paging space."""
    user = user_of(machine, target.group, target.name)
    if user is not None:
        raise refusal("fs-device-used", program=program, device=target.path, point=user)


def logform(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make a log volume, or the log inside a file system, empty, after a question."""
    given, operands = flags(argv, "V:", operands=1)
    demand(given.get("V", VFS) == VFS)
    target = targets.find(machine, operands[0], "logform")
    _check_free(machine, target, "logform")
    inline = None
    if target.volume.type != LOG_TYPE:
        try:
            inline = target.superblock
        except LvmfmtError as error:
            raise CommandFailed(_not_a_log(target)) from error
        if not inline.geometry.log_blocks:
            raise CommandFailed(_not_a_log(target))
    if not ask(machine, stderr, message("logform-question", device=target.path)):
        return 1
    with machine.volume_device(target.name) as device:
        if inline is None:
            form_log(device, dialect=AIX, force=True)
        else:
            g = inline.geometry
            at, length = g.log_address * g.block_size, g.log_blocks * g.block_size
            serial = int(inline.values["s_logserial"])
            format_log(device, AIX, offset=at, length=length, flag=inline.flag, serial=serial, block_size=g.block_size)
            device.flush()
    return 0


def _not_a_log(target: FileSystemTarget) -> str:
    return message("fs-not-a-log", program="logform", volume=target.name, group=target.group_name)


def dumpfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Print the fields of the superblock of a file system, by their published names; the form is ours."""
    _, operands = flags(argv, "", operands=1)
    target = targets.find(machine, operands[0], "dumpfs")
    superblock = target.superblock
    print(f"{target.path}:", file=stdout)
    for name, value in superblock.values.items():
        text = _value(value) if name.startswith("s_") and "rsv" not in name else None
        if text is not None:
            print(f"{name:<20}{text}", file=stdout)
    for line in describe_state(superblock.state):
        print(f"{'':<20}{line}", file=stdout)


def _value(value: Any) -> str | None:
    """A field as text: numbers, names, `length@address` of an extent, an instant; None for anything larger."""
    if isinstance(value, bytes):
        return printable(value.rstrip(b"\0").decode("utf-8", "surrogateescape"))
    if isinstance(value, int):
        return str(value)
    if "addr_lo" in value:
        return f"{value['len']}@{value['addr_hi'] << 32 | value['addr_lo']}"
    return str(value["tv_sec"]) if "tv_sec" in value else None


COMMANDS = {"mkfs": Command(mkfs, changes=True), "logform": Command(logform, changes=True), "dumpfs": Command(dumpfs)}
