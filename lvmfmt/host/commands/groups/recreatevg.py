"""`recreatevg`: makes a group of its own of disks onto which storage has copied the disks of another one.

The hdisk names that are given count, never PVIDs: those on the copies are the original's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TextIO

from .... import lvm
from ....block import BlockDevice
from ....lvm import VolumeGroup
from ....lvm.copied.naming import LOG
from ....lvm.copied.reidentifying import unfinished_names
from ...machine import imfs, varying
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import devices
from ...odm.devices import Disk
from ...syntax import Command, demand, flags
from ..aixwords import as_aix
from ..operands import check_free_name, disk_called, known_group, new_name
from .importvg import define
from .mkvg import check_major
from .varyonvg import bring_up

NO_PREFIX = ("NA", "/")
"""What `-Y` and `-L` take to leave names as they are; field scripts use either."""
_PAIR = re.compile(r"([^\s:]{1,15}):([^\s:]{1,15})")


def recreatevg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Give the group on the disks new PVIDs, VGID and names, import it, vary it on, and print its name.

    With `-d` the disks get new identifiers, and nothing else happens.
    """
    given, operands = flags(argv, "y:pfY:L:l:ndV:O")
    demand(operands and not {"Y", "l"} <= set(given) and ("d" not in given or not set(given) - {"d", "O"}))
    name = given.get("y") or new_name(machine, "vg")
    with as_aix("recreatevg", message("recreatevg-failed")):
        if "d" not in given:
            check_free_name(machine, name)
        major = check_major(machine, given, "recreatevg")
        disks, images = _disks(machine, operands)
        prefix, label_prefix = (_prefix(given, flag, usual) for flag, usual in (("Y", "fs"), ("L", "/fs")))
        if "d" in given:
            prefix = label_prefix = ""
        names = _names(machine, given["l"]) if "l" in given else None
        begun = unfinished_names(images)
        before = VolumeGroup.open(images) if begun is None else None
        if "d" not in given:
            olds = before.logical_volumes if before is not None else ()
            _check_names(machine, begun or [(names or {}).get(old, prefix + old) for old in olds])
        warnings = [] if "d" in given or before is None else _logs_elsewhere(before)
        group = lvm.reidentify(
            images, origin=machine.origin, machine_id=machine.settings.machine_id, lv_prefix=prefix,
            label_prefix=label_prefix, names=names, keep_pvids="p" in given, subset="f" in given,
        )  # fmt: skip
    for line in warnings:
        print(line, file=stderr)
    if "d" in given:
        for disk, image in zip(disks, images, strict=True):
            devices.set_pvid(machine.odm, disk.name, lvm.read_pvid(image))
        machine.save_odm()
        machine.slots.forget()
        return
    define(machine, name, group, disks, major, "recreatevg", stderr)
    for line in imfs.add(machine, group.logical_volumes.values()):
        print(line, file=stderr)
    if "n" not in given:
        bring_up(machine, known_group(machine, name, "recreatevg"), force=False, sync=True)
    print(name, file=stdout)


def _prefix(given: Mapping[str, str], flag: str, usual: str) -> str:
    value = given.get(flag, usual)
    if value in NO_PREFIX:
        return ""
    demand(flag != "L" or value.startswith("/"))
    return value.rstrip("/")


def _disks(machine: Machine, names: Sequence[str]) -> tuple[list[Disk], list[BlockDevice]]:
    """The disks named and their images.

    Raises:
        CommandFailed: one is unknown, cannot be read, or is in use by a group that is varied on.
    """
    disks = [disk_called(machine, name, "recreatevg") for name in names]
    demand(len({disk.name for disk in disks}) == len(disks))
    images = [varying.readable(machine, disk) for disk in disks]
    for disk, image in zip(disks, images, strict=True):
        if image is None:
            raise refusal("disk-unreadable")
        for group in machine.groups():
            if machine.is_varied_on(group) and disk.name in varying.in_use(machine, group):
                raise refusal("recreatevg-in-use", disk=disk.name, group=group.name)
    return disks, [image for image in images if image is not None]


def _names(machine: Machine, path: str) -> dict[str, str]:
    """The list of `-l`: `old:new` a line."""
    data = machine.read_file(path)
    if data is None:
        raise refusal("device-missing", program="recreatevg", device=path)
    found = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        if line.strip():
            pair = _PAIR.fullmatch(line.strip())
            if pair is None:
                raise refusal("value-invalid", program="recreatevg", value=line.strip()[:60], flag="l")
            found[pair[1]] = pair[2]
    return found


def _check_names(machine: Machine, names: Sequence[str]) -> None:
    taken = {str(o["name"]) for o in machine.odm.get("CuDv")}
    for new in names:
        if new in taken:
            raise refusal("recreatevg-name-used", volume=new)


def _logs_elsewhere(group: VolumeGroup) -> list[str]:
    """A warning for each file system whose log is not among the volumes of the group."""
    found = []
    for name, volume in group.logical_volumes.items():
        log = LOG.search(volume.fs)
        if log and log[1] not in group.logical_volumes:
            found.append(message("recreatevg-log", log=log[1], volume=name))
    return found


COMMANDS = {"recreatevg": Command(recreatevg, changes=True)}
