"""`lsvg`: the volume groups, and the facts, logical volumes, disks and partitions of one."""

from __future__ import annotations

from typing import TextIO

from ....escaping import printable
from ....lvm import LogicalVolume, VgKind
from ...formats import rows
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import CommandFailed, message
from ...odm import devices
from ...syntax import Command, demand, flags, with_flag
from ..disks.lspv import partitions
from ..operands import by_region, mount_point, pv_state, varied_on_group


def lsvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List the groups or those varied on (`-o`), or of some: facts, volumes (`-l`), disks (`-p`), partitions (`-M`)."""
    given, operands = flags(argv, "LoilpMm")
    asked = set(given) & {"l", "p", "M", "m"}
    if "i" in given:
        operands = [*operands, *machine.stdin.read().split()]
    demand(
        len(asked) <= 1
        and ("o" not in given or (not asked and not operands))
        and (not asked or operands or "i" in given)
    )
    if not operands and "i" not in given:
        names = [g.name for g in machine.groups()]
        if "o" in given:  # the one that was varied on last comes first
            order = {vgid: n for n, vgid in enumerate(machine.running.varied_on)}
            active = [g for g in machine.groups() if g.vgid in order]
            names = [g.name for g in sorted(active, key=lambda g: -order[g.vgid])]
        for name in names:
            print(printable(name), file=stdout)
        return 0
    show = {"l": _volumes, "p": _disks, "M": _partitions, "m": _pools}[asked.pop()] if asked else _details
    status = 0
    for name in operands:
        try:
            show(machine, name, stdout, stderr)
        except CommandFailed as error:
            print(error, file=stderr)
            status = error.status
    return status


def _details(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> None:
    from ...formats.characteristics import MAX_REQUEST, details, group_lines, in_megabytes, with_megabytes

    group = varied_on_group(machine, name, "")
    pvs = group.physical_volumes.values()
    known = devices.group(machine.odm, name)
    geometry = group.state.geometry
    total, free = sum(pv.pp_count for pv in pvs), sum(int(pv.free.sum()) for pv in pvs)
    quorum = group.total_vgdas // 2 + 1 if group.quorum else 1
    words = f" ({'Enabled' if group.quorum else 'Disabled'})" if machine.profile.quorum_words else ""
    values = {
        "VOLUME GROUP": name,
        "VG IDENTIFIER": group.vgid,
        "VG STATE": "active",
        "PP SIZE": in_megabytes(group.pp_size),
        "VG PERMISSION": "read/write",
        "TOTAL PPs": with_megabytes(total, group.pp_size),
        "MAX LVs": geometry.max_lvs,
        "FREE PPs": with_megabytes(free, group.pp_size),
        "LVs": len(group.logical_volumes),
        "USED PPs": with_megabytes(total - free, group.pp_size),
        "OPEN LVs": len(open_volumes(machine, group)),
        "QUORUM": f"{quorum}{words}",
        "TOTAL PVs": len(pvs),
        "VG DESCRIPTORS": group.total_vgdas,
        "STALE PVs": sum(bool(pv.stale.any()) for pv in pvs),
        "STALE PPs": sum(int(pv.stale.sum()) for pv in pvs),
        "ACTIVE PVs": sum(pv.device is not None for pv in pvs),
        "AUTO ON": "yes" if known is not None and known.auto_on else "no",
        "MAX PPs per VG": geometry.vg_pps,
        "MAX PPs per PV": geometry.max_pps,
        "MAX PVs": geometry.max_pvs,
        "LTG size (Dynamic)": f"{MAX_REQUEST} kilobyte(s)",
        "BB POLICY": "relocatable",
        "PV RESTRICTION": "none",
        "DISK BLOCK SIZE": 512,
        **dict.fromkeys(
            ("AUTO SYNC", "HOT SPARE", "INFINITE RETRY", "CRITICAL VG", "FS SYNC OPTION", "CRITICAL PVs"), "no"
        ),
    }
    per_disk = geometry.kind is not VgKind.SCALABLE
    for line in details(group_lines(machine.profile, limit_per_disk=per_disk), values):
        print(line, file=stdout)


def _volumes(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> None:
    group = varied_on_group(machine, name, "")
    print(f"{printable(name)}:", file=stdout)
    print(rows.lsvg_volumes_header(machine.profile), file=stdout)
    in_use, known = open_volumes(machine, group), devices.volumes(machine.odm, name)
    for volume in (v for v in group.logical_volumes.values() if v.name in known):
        print(_row(machine, volume, volume.name in in_use), file=stdout)


def _row(machine: Machine, volume: LogicalVolume, is_open: bool) -> str:
    state = f"{'open' if is_open else 'closed'}/{'stale' if volume.stale_pps else 'syncd'}"
    disks = len(volume.pv_numbers)
    return rows.lsvg_volumes_row(
        machine.profile, volume.name, volume.type, volume.lps, volume.pps, disks, state, mount_point(volume)
    )


def _disks(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> None:
    group = varied_on_group(machine, name, "")
    names = {d.pvid: d.name for d in machine.disks()}
    print(f"{printable(name)}:", file=stdout)
    print(rows.lsvg_disks_header(machine.profile), file=stdout)
    for pvid, pv in group.physical_volumes.items():
        if pvid not in names:
            print(message("device-id-unknown", program="", pvid=pvid), file=stderr)
        free, regions = int(pv.free.sum()), by_region(pv, pv.free)
        disk = names.get(pvid, pvid)
        print(rows.lsvg_disks_row(machine.profile, disk, pv_state(pv), pv.pp_count, free, regions), file=stdout)


def _partitions(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> None:
    group = varied_on_group(machine, name, "")
    print(f"\n{printable(name)}", file=stdout)
    names = machine.disk_names(list(group.physical_volumes))
    for disk, pv in zip(names, group.physical_volumes.values(), strict=True):
        for line in partitions(group, pv, disk):
            print(line, file=stdout)


def _pools(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> None:
    """Mirror pools: there are none."""
    group = varied_on_group(machine, name, "")
    print(f"{'Logical Volume':<18}{'Copy 1':<12}{'Copy 2':<12}Copy 3", file=stdout)
    for volume in group.logical_volumes.values():
        print(f"{printable(volume.name):<18}{'None':<12}{'None':<12}None", file=stdout)


COMMANDS = {"lsvg": Command(lsvg, listens=with_flag("i"))}
