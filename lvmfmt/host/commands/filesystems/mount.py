"""`mount`, `umount`, `sync`: what is mounted where."""

from __future__ import annotations

import time
from typing import TextIO

from ....errors import LvmfmtError
from ....escaping import printable
from ....jfs2.superblock import CLEAN
from ....units import NS_PER_S
from ...machine.mount_table import RESIZING
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import filesystems
from ...odm.filesystems import FileSystemStanza
from ...syntax import Command, alone, demand, flags

_AUTOMATIC = "automatic"
"""`mount =` of file systems that the running system itself uses."""
_EVERY_STANZA = "all"
_SNAPSHOT = "snapshot"
_HEAD = "  node       mounted        mounted over    vfs       date        options      "
_DASHES = "-------- ---------------  ---------------  ------ ------------ --------------- "


def mount(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List what is mounted; or mount a file system, all with `mount = true`, or all of a type (`-t`)."""
    given, operands = flags(argv, "aro:t:v:V:fp")
    demand(len(operands) <= 2 and (not operands or "t" not in given) and given.get("v", "jfs2") in ("jfs2", "procfs"))
    options = ",".join([*filter(None, [given.get("o", "")]), *(["ro"] if "r" in given else [])])
    if "a" in given or operands == [_EVERY_STANZA] or "t" in given:
        return _mount_many(machine, given.get("t"), options, stderr)
    if not operands:
        demand(not given)
        _list(machine, stdout)
        return 0
    return _mount_one(machine, operands, options, stderr)


def _list(machine: Machine, stdout: TextIO) -> None:
    entries = {entry.mount_point: entry for entry in machine.file_system_entries()}
    print(_HEAD, file=stdout)
    print(_DASHES, file=stdout)
    for device, point in machine.running.mounts:
        how, entry = machine.running.mounted.get(point), entries.get(point)
        at = time.gmtime((how.at if how else machine.running.booted_at) // NS_PER_S)
        vfs = entry.vfs if entry and entry.device == device else "jfs2"
        options = _listed_options(how.options if how else "", entry if entry and entry.device == device else None)
        print(
            f"{'':<8} {printable(device):<16} {printable(point):<16} {vfs:<6} {time.strftime('%b %d %H:%M', at)} "
            f"{printable(options)}",
            file=stdout,
        )


def _listed_options(given: str, entry: FileSystemStanza | None) -> str:
    options = [word for word in given.split(",") if word]
    if not {"ro", "rw"} & set(options):
        options.insert(0, "rw")
    log = entry.attributes.get("log") if entry else None
    return ",".join([*options, *([f"log={log}"] if log else [])])


def _mount_many(machine: Machine, wanted: str | None, options: str, stderr: TextIO) -> int:
    entries = machine.file_system_entries()
    chosen = (
        filesystems.mount_order(entries)
        if wanted is None
        else [entry for entry in entries if entry.attributes.get("type") == wanted]
    )
    status = 0
    for entry in chosen:
        if machine.running.device_at(entry.mount_point) is None:
            try:
                status |= _mount_one(machine, [entry.mount_point], options, stderr)
            except LvmfmtError as error:
                print(error, file=stderr)
                status = 1
    return status


def _mount_one(machine: Machine, operands: list[str], options: str, stderr: TextIO) -> int:
    if _SNAPSHOT in options.split(","):
        raise refusal("fs-unsupported", program="mount", what="a snapshot")
    entries = machine.file_system_entries()
    if len(operands) == 1:
        entry = next((e for e in entries if operands[0] in (e.mount_point, e.device)), None)
        if entry is None:
            raise refusal("mount-unknown", operand=operands[0])
        device, point = entry.device, entry.mount_point
        stanza = [word for word in entry.attributes.get("options", "").split(",") if word and word != "rw"]
        options = ",".join(dict.fromkeys([*stanza, *filter(None, options.split(","))]))
    else:
        device, point = operands[0], operands[1].rstrip("/") or "/"
    for known, at in machine.running.mounts:
        if known == device or at == point:
            raise refusal("mount-busy", device=device, point=point)
    if not point.startswith("/") or not _is_directory(machine, point):
        raise refusal("mount-no-directory", device=device, point=point)
    if device.startswith("/dev/"):
        _make_ready(machine, device, point, stderr, writes="ro" not in options.split(","))
    try:
        machine.mount(device, point, options)
    except LvmfmtError as error:
        raise refusal("mount-failed", device=device, point=point, reason=error) from error
    return 0


def _is_directory(machine: Machine, path: str) -> bool:
    if path == "/":
        return True
    files, inside = machine.locate(path)
    return inside == "/" or (files.exists(inside) and files.stat(inside).is_directory)


def _make_ready(machine: Machine, device: str, point: str, stderr: TextIO, *, writes: bool) -> None:
    """Replay the log where that is due; what cannot be mounted then is refused in AIX's words."""
    from . import fsck, targets

    media = message("mount-media", device=device, point=point)
    target = targets.find(machine, device, "mount")
    try:
        superblock = target.superblock
        if superblock.state & fsck.TO_REPLAY and writes:
            print(message("mount-replay", device=device), file=stderr)
            reasons: list[str] = []
            if not fsck.replay(machine, target, reasons.append):
                print(reasons[-1], file=stderr)
            superblock = target.superblock
    except LvmfmtError as error:
        raise CommandFailed(media) from error
    if superblock.state not in (CLEAN, *RESIZING):
        raise CommandFailed(media, message("mount-dirty", device=device))


def umount(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Unmount a file system, all that the system does not use itself (`-a`), or all of a type (`-t`)."""
    given, operands = flags(argv, "aft:")
    many = "a" in given or "t" in given or operands == [_EVERY_STANZA]
    demand(many is not (len(operands) == 1 and operands != [_EVERY_STANZA]) and len(operands) <= 1)
    in_use = {e.mount_point for e in machine.file_system_entries() if e.attributes.get("mount") == _AUTOMATIC}
    mounts = machine.running.mounts
    if many:
        types = {e.mount_point: e.attributes.get("type") for e in machine.file_system_entries()}
        points = [p for _, p in reversed(mounts) if p not in in_use and types.get(p) == given.get("t", types.get(p))]
    else:
        points = [point for device, point in mounts if operands[0].rstrip("/") in (device, point.rstrip("/"))]
        if not points:
            raise refusal("umount-not-mounted")
    status = 0
    for point in points:
        device = machine.running.device_at(point) or ""
        below = any(other.startswith(point.rstrip("/") + "/") for _, other in machine.running.mounts)
        if point in in_use or below:
            print(message("umount-busy", device=device), file=stderr)
            status = 1
            continue
        machine.unmount(point)
        if "f" in given:
            print(message("forced-unmount", mount_point=point), file=stdout)
    return status


def sync(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Bring the changes of all file systems home."""
    flags(argv, "", operands=0)
    for point in machine.running.volumes.values():
        files = machine.mounted(point)
        if files.is_changed and files.mount.frozen_until is None:
            files.mount.checkpoint()
    machine.slots.flush()


COMMANDS = {
    "mount": Command(mount, changes=True, only_lists=alone),
    "umount": Command(umount, changes=True),
    "unmount": Command(umount, changes=True),
    "sync": Command(sync, changes=True),
}
