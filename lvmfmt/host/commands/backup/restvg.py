"""`restvg`: makes a user volume group again from what `savevg` wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

from .... import lvm
from ....errors import CorruptImage, LvmfmtError
from ....jfs2 import AIX, ExternalLog, InlineLog, Inventory, build, format_log
from ....jfs2.sources.backup import read_backup
from ....lvm.geometry import pp_count
from ....origin import FixedOrigin
from ....system.volume_types import LOG_TYPE
from ....units import MIB
from ...archive import archives
from ...archive.imagedata import ImageData
from ...machine import varying
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import devices, filesystems, stanza
from ...odm.devices import Disk
from ...odm.filesystems import INLINE, FileSystemStanza
from ...rootvg import identity
from ...syntax import Command, demand, flags
from ..filesystems import targets
from ..groups.mkvg import mkvg
from ..operands import finish
from .mksysb import describe_image, describes_only, group_data, parse_group
from .restore import blocking

PROGRAM = "restvg"


def restvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Make the group, its logical volumes and file systems, and mount these; `-l` only tells what would be made.

    Without `-q` it asks first. Disks that are not named are those that the group was on.
    """
    given, names = flags(argv, "qlsnrd:P:f:b:", mixed=True)
    demand("f" in given and not {"r", "d", "P"} & set(given))
    blocking(given.get("b"))
    with archives.read(machine, PROGRAM, given["f"]) as archive:
        data = group_data(archive, PROGRAM, given["f"])
        if "l" in given:
            for line in describe_image(machine, data, describes_only(archive)):
                print(line, file=stdout)
            return 0
        try:
            plan = parse_group(data, PROGRAM, given["f"])
            name, sources = _group_and_disks(data)
        except CorruptImage as error:
            raise refusal("backup-incomplete", program=PROGRAM, reason=error) from None
        disks = _disks(machine, name, names, sources)
        _check_free(machine, name, plan)
        _check_sizes(machine, plan, disks)
        print(message("restvg-plan", group=name, disks=" ".join(d.name for d in disks)), "", sep="\n", file=stdout)
        if "q" not in given:
            print(message("restvg-continue"), end="", file=stdout, flush=True)
            if machine.stdin.readline().strip() not in ("y", "Y"):
                return 1
        whole, problems = read_backup(archive, origin=machine.origin, devices=True)
        trees, parted = whole.split([point for point, _ in plan.file_systems])
        making = ["mkvg", "-f", "-y", name, "-s", str(plan.pp_size // MIB), *(disk.name for disk in disks)]
        mkvg(machine, making, stdout, stderr)
        try:
            _make(machine, name, plan, trees, stdout)
        except LvmfmtError as error:
            _undo(machine, name, disks)
            raise refusal("backup-incomplete", program=PROGRAM, reason=error) from error
    for problem in (*problems, *parted):
        print(message("backup-incomplete", program=PROGRAM, reason=problem), file=stderr)
    print(message("restore-restored", count=len(whole.entries)), file=stdout)
    return 1 if problems else 0


def _group_and_disks(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Name of the group, and (name, PVID) of the disks that it was on."""
    found = stanza.parse(data, structure="image_data", comment="#")
    name = next((s.items.get("VGNAME", "") for s in found if s.name == "vg_data"), "")
    if not name:
        raise CorruptImage("image_data", "VGNAME", expected="a name", found="none")
    disks = [(s.items.get("HDISKNAME", ""), s.items.get("PVID", "")) for s in found if s.name == "source_disk_data"]
    return name, disks


def _disks(machine: Machine, group: str, names: list[str], sources: list[tuple[str, str]]) -> list[Disk]:
    """The disks to use: those that are named, or those that the group was on, by PVID or by name."""
    if names:
        disks = [machine.disk(name) for name in names]
    else:
        by_pvid = {d.pvid: d for d in machine.disks()}
        disks = [by_pvid.get(pvid) or machine.disk(name) for name, pvid in sources]
    free = [d for d in disks if d is not None and devices.group_of(machine.odm, d.pvid) is None]
    if not free or len(free) != len(disks):
        raise refusal("restvg-no-disks", group=group)
    return free


def _check_free(machine: Machine, group: str, plan: ImageData) -> None:
    """Raise `CommandFailed` if the group, a logical volume or a mount point of it is here already."""
    points = {entry.mount_point for entry in machine.file_system_entries()}
    known = [group] if machine.odm.get("CuDv", name=group) else []
    known += [volume.name for volume in plan.volumes if machine.odm.get("CuDv", name=volume.name)]
    known += [point for point, _ in plan.file_systems if point in points]
    if known:
        raise refusal("restvg-exists", what=known[0])


def _check_sizes(machine: Machine, plan: ImageData, disks: list[Disk]) -> None:
    """Raise `CommandFailed` if the disks do not hold the logical volumes with their copies."""
    required = sum(volume.lps * volume.copies for volume in plan.volumes) * plan.pp_size
    shift = plan.pp_size.bit_length() - 1
    available = sum(pp_count(machine.device(d.slot).size, shift) for d in disks) << shift
    if required > available:
        raise refusal("restvg-no-space", required=required // MIB, available=available // MIB)


def _make(machine: Machine, name: str, plan: ImageData, trees: dict[str, Inventory], stdout: TextIO) -> None:
    group = machine.group(name)
    entries = {volume: _entry(plan, point, volume) for point, volume in plan.file_systems}
    with group.change(machine.origin) as change:
        for volume in plan.volumes:
            entry = entries.get(volume.name)
            change.add_lv(
                volume.name, volume.type, volume.lps, volume.copies, policy=volume.policy,
                label=entry.mount_point if entry else volume.label,
                fs=filesystems.control_block_text(entry) if entry else "",
            )  # fmt: skip
    for volume in plan.volumes:
        devices.define_volume(machine.odm, name, group.logical_volumes[volume.name])
        print(volume.name, file=stdout)
    finish(machine, name, group)
    log_name = _log(plan)
    if log_name is not None:
        with machine.volume_device(log_name) as device:
            format_log(device, AIX)
    for point, volume_name in plan.file_systems:
        number = targets.number_of(machine, name, machine.group(name).logical_volumes[log_name or volume_name])
        now, tree = machine.origin.now(), trees[point]
        inodes = tree.inodes.copy()
        inodes["ctime"] = inodes["otime"] = now  # a restored file is a new file
        with machine.volume_device(volume_name) as device:
            build(
                device, replace(tree, inodes=inodes), dialect=AIX, origin=FixedOrigin(now),
                identity=identity(point, volume_name),
                log=ExternalLog(number) if log_name else InlineLog(device=number),
            )  # fmt: skip
            device.flush()
        machine.make_directory(point)
        targets.put_entry(machine, point, entries[volume_name])
        machine.mount(f"/dev/{volume_name}", point, "")


def _entry(plan: ImageData, point: str, volume: str) -> FileSystemStanza:
    log = _log(plan)
    return FileSystemStanza(point, f"/dev/{volume}", {
        "vfs": "jfs2", "log": f"/dev/{log}" if log else INLINE, "mount": "true", "options": "rw",
        "account": "false",
    })  # fmt: skip


def _log(plan: ImageData) -> str | None:
    return next((volume.name for volume in plan.volumes if volume.type == LOG_TYPE), None)


def _undo(machine: Machine, name: str, disks: list[Disk]) -> None:
    """Leave nothing of a group that could not be made."""
    known = devices.group(machine.odm, name)
    if known is None:
        return
    volumes = devices.volumes(machine.odm, name)
    for volume, point in reversed(machine.running.volumes.items()):
        if volume in volumes:
            machine.unmount(point)
            targets.put_entry(machine, point, None)
    varying.vary_off(machine, known)
    devices.remove_group(machine.odm, name)
    machine.save_odm()
    for disk in disks:
        lvm.free_group_metadata(machine.device(disk.slot))


COMMANDS = {"restvg": Command(restvg, changes=True)}
