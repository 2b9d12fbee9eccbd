"""`chfs`: size, mount point, log and attributes of a file system, and freezing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from ....block.overlay import Overlay
from ....errors import LvmfmtError, NoSpace, OperationRefused
from ....jfs2.repairing.superblocks import set_state
from ....jfs2.resizing import resize
from ....jfs2.superblock import CLEAN, read_superblock
from ....jfs2.superblock.identity import IdentityChange, reidentify
from ....units import MIB, SECTOR, ceil_div
from ...machine import freezing
from ...machine.mount_table import RESIZING
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import filesystems
from ...odm.filesystems import INLINE, FileSystemStanza
from ...syntax import Command, demand, repeated
from ..aixwords import as_aix
from ..operands import finish
from . import targets
from .crfs import YES_NO, attributes_of
from .targets import FileSystemTarget

_FREEZES = ("freeze", "refreeze")
_LOGS = ("logname", "log")
_ON_DISK = ("agblksize", "isnapshot", "splitcopy", "copy", "vix", "ea", "efs", "dmapi", "maxext")
"""Attributes that a file system has on its disk and that are not changed here."""


def chfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Change a file system; what can be refused is refused before anything is changed."""
    line = [argv[0], *(arg.replace("\u2013", "-", 1) if arg.startswith("\u2013") else arg for arg in argv[1:])]
    given, pairs, operands = repeated(line, "m:n:u:A:p:t:a:d:", "a")
    demand(len(operands) == 1 and (given or pairs))
    demand(given.get("A", "yes") in YES_NO and given.get("t", "yes") in YES_NO)
    demand(given.get("p", "rw") in ("rw", "ro"))
    attributes = attributes_of(pairs)
    entry = targets.find_entry(machine, operands[0], "chfs")
    target = targets.find(machine, entry.device, "chfs")
    for name in attributes.keys() & set(_ON_DISK):
        raise refusal("fs-unsupported", program="chfs", what=f"the attribute {name}")
    for name in _FREEZES:
        if name in attributes:
            demand(len(attributes) <= 1 and not given)
            return _freeze(machine, target, attributes[name], again=name == "refreeze")
    steps = []
    log = next((attributes.pop(name) for name in _LOGS if name in attributes), None)
    size, log_size = attributes.pop("size", None), attributes.pop("logsize", None)
    if log is not None:
        entry = entry._replace(attributes={**entry.attributes, "log": _log_path(log)})
    steps = [] if size is None and log_size is None else [_resize(machine, target, size, log_size, stdout)]
    steps += [] if log is None else [_change_log(machine, target, log)]
    changed = _entry(machine, entry, given, attributes)
    for step in steps:
        step()
    _describe(machine, target, target.entry or entry, changed)
    return 0


def _entry(
    machine: Machine, entry: FileSystemStanza, given: dict[str, str], attributes: dict[str, str]
) -> FileSystemStanza:
    """The stanza as it is to be."""
    values = dict(entry.attributes)
    if "A" in given:
        values["mount"] = "true" if given["A"] == "yes" else "false"
    if "t" in given:
        values["account"] = "true" if given["t"] == "yes" else "false"
    for flag, key in (("p", "options"), ("u", "type"), ("n", "nodename")):
        if flag in given:
            values[key] = given[flag]
    values |= attributes
    if "d" in given:
        if given["d"] not in values or given["d"] in ("vfs", "log"):
            raise refusal("fs-bad-attribute", program="chfs", attribute=given["d"], value="removed")
        del values[given["d"]]
    point = entry.mount_point
    if "m" in given:
        point = targets.mount_point(given["m"], "chfs")
        if point != entry.mount_point and any(e.mount_point == point for e in machine.file_system_entries()):
            raise refusal("fs-exists", program="chfs", point=point)
    return FileSystemStanza(point, entry.device, values)


def _describe(machine: Machine, target: FileSystemTarget, before: FileSystemStanza, after: FileSystemStanza) -> None:
    """Control block, ODM, mount point and stanza; each knows the file system by the old description or the new one."""
    if after == before:
        return
    with as_aix("chfs"), target.group.change(machine.origin) as change:
        change.set_lvcb(target.name, label=after.mount_point, fs=filesystems.control_block_text(after))
    finish(machine, target.group_name, target.group)
    if after.mount_point != before.mount_point:
        machine.make_directory(after.mount_point)
    targets.put_entry(machine, before.mount_point, after)


def _freeze(machine: Machine, target: FileSystemTarget, value: str, *, again: bool) -> int:
    """Freeze for so many seconds, give more of them, or thaw (`off`, 0)."""
    point = target.point
    if point is None:
        raise refusal("fs-not-mounted", program="chfs", point=target.path)
    off = value in ("off", "0")
    if not off and not (value.isdecimal() and len(value) < 10):
        raise refusal("fs-bad-attribute", program="chfs", attribute="freeze", value=value)
    try:
        frozen = freezing.is_frozen(machine, point)
        if frozen is (again or off):
            if off:
                freezing.thaw(machine, point)
            else:
                (freezing.refreeze if again else freezing.freeze)(machine, point, int(value))
            return 0
    except OperationRefused as error:
        raise refusal("fs-failed", program="chfs", device=target.path, reason=error) from error
    raise refusal("fs-frozen" if frozen else "fs-not-frozen", program="chfs", point=point)


def _log_path(wanted: str) -> str:
    return wanted if wanted.startswith("/") else f"/dev/{wanted}"


def _change_log(machine: Machine, target: FileSystemTarget, wanted: str) -> Callable[[], None]:
    """Give an unmounted file system another log volume."""
    if target.superblock.geometry.log_blocks or wanted.upper() == INLINE:
        raise refusal("fs-unsupported", program="chfs", what="moving a log into a file system or out")
    if target.point is not None:
        raise refusal("fs-mounted", program="chfs", point=target.point)
    if target.superblock.state:
        raise refusal("mount-dirty", device=target.path)
    log = targets.choose_log(machine, target.group_name, target.group, wanted, "chfs")
    number = targets.number_of(machine, target.group_name, log)

    def change() -> None:
        with machine.volume_device(target.name) as device:
            reidentify(device, IdentityChange(log_device=number))

    return change


def _resize(
    machine: Machine, target: FileSystemTarget, size: str | None, log_size: str | None, stdout: TextIO
) -> Callable[[], None]:
    """Grow or shrink logical volume and file system, mounted or not."""
    volume, pp_size = target.volume, target.group.pp_size
    log_bytes = None
    if log_size is not None:
        if not target.superblock.geometry.log_blocks or not log_size.isdecimal() or len(log_size) > 4:
            raise refusal("fs-bad-attribute", program="chfs", attribute="logsize", value=log_size)
        log_bytes = int(log_size) * MIB
    wanted = volume.size
    if size is not None:
        sign, amount = targets.size_in_bytes(size, "chfs")
        wanted = {"+": volume.size + amount, "-": volume.size - amount}.get(sign, amount)
    lps = ceil_div(wanted, pp_size)
    if lps < 1:
        raise refusal("fs-bad-attribute", program="chfs", attribute="size", value=size)
    if target.point is not None and freezing.is_frozen(machine, target.point):
        raise refusal("fs-frozen", program="chfs", point=target.point)
    if target.point is None and target.superblock.state not in (CLEAN, *RESIZING):
        raise refusal("mount-dirty", device=target.path)
    if lps < volume.lps:
        _rehearse(machine, target, lps * pp_size, log_bytes)

    def change() -> None:
        if lps > volume.lps:
            with as_aix("chfs", message("extendlv-failed")), target.group.change(machine.origin) as draft:
                draft.extend_lv(target.name, lps - volume.lps)
        refused: LvmfmtError | None = None
        with machine.away(target.point), machine.volume_device(target.name) as device:
            before = read_superblock(device)
            try:
                resize(device, lps * pp_size, log_bytes=log_bytes)
            except LvmfmtError as error:
                after = read_superblock(device)
                if (after.state, after.geometry.blocks) != (before.state, before.geometry.blocks):
                    raise  # it stopped on the way: another chfs finishes it, with all the room that it needs
                refused = error
        _give_back(machine, target, volume.lps if refused else lps)
        if refused is not None:
            raise CommandFailed(_refusal(target, refused))
        finish(machine, target.group_name, target.group)
        if size is not None:
            print(message("fs-size-changed", blocks=lps * pp_size // SECTOR), file=stdout)
        if log_bytes is not None:
            print(message("fs-inline-log-size", size=log_bytes // MIB), file=stdout)

    return change


def _rehearse(machine: Machine, target: FileSystemTarget, size: int, log_bytes: int | None) -> None:
    """Shrink in memory, so that what cannot be is refused before anything is written.

    An open inline log hides what a file system will be like when it is unmounted; such a one is not rehearsed.
    """
    superblock = target.superblock
    if target.point is not None and superblock.geometry.log_blocks:
        return
    with machine.volume_device(target.name) as device:
        overlay = Overlay(device)
        if target.point is not None:
            files = machine.mounted(target.point)
            if files.is_changed:
                files.mount.checkpoint()
            set_state(overlay, superblock, CLEAN)
        try:
            resize(overlay, size, log_bytes=log_bytes)
        except LvmfmtError as error:
            raise CommandFailed(_refusal(target, error)) from error


def _refusal(target: FileSystemTarget, error: LvmfmtError) -> str:
    key = "fs-no-shrink" if isinstance(error, NoSpace) else "fs-failed"
    return message(key, program="chfs", point=target.point or target.path, device=target.path, reason=error)


def _give_back(machine: Machine, target: FileSystemTarget, lps: int) -> None:
    """Take what the file system does not use from its logical volume."""
    if target.volume.lps > lps:
        with target.group.change(machine.origin) as draft:
            draft.shrink_lv(target.name, lps)


COMMANDS = {"chfs": Command(chfs, changes=True)}
