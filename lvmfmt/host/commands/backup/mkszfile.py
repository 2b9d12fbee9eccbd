"""`mkszfile`: writes /image.data, which says what rootvg consists of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from ...archive import imagedata
from ...archive.imagedata import MountedVolume, SourceDisk
from ...machine.running import Machine
from ...rootvg import ROOTVG
from ...syntax import Command, flags

MAPS = "/tmp/vgdata"
"""Folder of the map files; AIX has one below it for each group."""


def mkszfile(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Write /image.data; `-m` also writes a map file for each logical volume.

    `-f` and `-X` (make room in /tmp) are accepted; this host needs no room there.
    """
    given, _ = flags(argv, "mfX", operands=0)
    maps = _write_maps(machine) if "m" in given else {}
    data, _ = describe(machine, maps=maps)
    machine.write_file(imagedata.PATH, data)


def describe(machine: Machine, name: str = ROOTVG, *, maps: Mapping[str, str] | None = None) -> tuple[bytes, int]:
    """What mkszfile writes about a group, and the bytes in use in its mounted file systems.

    Args:
        machine: the running machine.
        name: of a group that is varied on.
        maps: paths of map files by logical volume.
    """
    group = machine.group(name)
    disks = [
        SourceDisk(disk, pvid, pv.device.size if pv.device else 0)
        for (pvid, pv), disk in zip(
            group.physical_volumes.items(), machine.disk_names(list(group.physical_volumes)), strict=True
        )
    ]
    mounted = []
    for volume, point in machine.running.volumes.items():
        if volume in group.logical_volumes:
            files = machine.mounted(point)
            counts = files.statfs()
            used = (counts.total_blocks - counts.free_blocks) * files.block_size
            mounted.append(MountedVolume(point, volume, group.logical_volumes[volume].size, used))
    data = imagedata.write(
        group,
        name=name,
        disks=disks,
        mounted=mounted,
        oslevel=machine.profile.oslevel,
        machine_id=machine.settings.machine_id,
        now=machine.origin.now(),
        maps=maps,
    )
    return data, sum(m.used for m in mounted)


def _write_maps(machine: Machine) -> dict[str, str]:
    group = machine.group(ROOTVG)
    pvids = list(group.physical_volumes)
    names = machine.disk_names(pvids)
    disks = {group.physical_volumes[pvid].number: name for pvid, name in zip(pvids, names, strict=True)}
    folder = f"{MAPS}/{ROOTVG}"
    for path in (MAPS, folder):
        files, inside = machine.locate(path)
        if not files.exists(inside):
            files.mkdir(inside, now=machine.origin.now())
    paths = {name: f"{folder}/{name}.map" for name in group.logical_volumes}
    for name, volume in group.logical_volumes.items():
        machine.write_file(paths[name], imagedata.map_file(volume, disks))
    return paths


COMMANDS = {"mkszfile": Command(mkszfile, changes=True)}
