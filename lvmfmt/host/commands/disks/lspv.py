"""`lspv`: the disks, as the ODM of the running system knows them, and what is on one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ....errors import ImageIOError, NotFound
from ....escaping import printable
from ....lvm import LogicalVolume, PhysicalVolume, Region, VolumeGroup, region_of
from ...formats import maps, rows
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import devices
from ...odm.devices import Group
from ...syntax import Command, demand, flags, refuse
from ..operands import NO_ALLOCATION, by_region, disk_called, mount_point, pv_state, varied_on_group


def lspv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List all disks, or one: in detail, its logical volumes (`-l`), its partitions (`-p`, `-M`)."""
    given, operands = flags(argv, "Llpn:Muv:P")
    refuse(given, "lspv", "P" if machine.profile.disk_identifiers else "Pu")
    asked = set(given) & {"l", "p", "M"}
    if not operands:
        demand(not asked and "n" not in given)
        _list(machine, stdout, with_identifiers="u" in given)
        return 0
    demand(len(operands) == 1 and len(asked) <= 1 and "u" not in given)
    disk = disk_called(machine, operands[0], "")
    if "n" in given:
        disk_called(machine, given["n"], "")
    name = devices.group_of(machine.odm, disk.pvid)
    if name is None:
        raise refusal("disk-without-group", program="", disk=disk.name)
    known = devices.group(machine.odm, name)
    assert known is not None and disk.pvid is not None
    if not asked and not machine.is_varied_on(known):
        print(message("not-varied-on", program=""), file=stderr)
        _print(_details(disk.name, known, disk.pvid, None, None), stdout)
        return 1
    group = varied_on_group(machine, name, "")
    pv = group.physical_volumes.get(disk.pvid)
    if pv is None:
        raise refusal("disk-not-in-group", program="", disk=disk.name, group=name)
    if "l" in asked:
        print(f"{printable(disk.name)}:", file=stdout)
        _print(_volumes(machine, group, pv), stdout)
    elif "p" in asked:
        print(f"{printable(disk.name)}:", file=stdout)
        _print(maps.pp_ranges(_ranges(group, pv)), stdout)
    elif "M" in asked:
        _print(partitions(group, pv, disk.name), stdout)
    else:
        _print(_details(disk.name, known, disk.pvid, group, pv), stdout)
    return 0


def _print(lines: Iterator[str] | list[str], stdout: TextIO) -> None:
    for line in lines:
        print(line, file=stdout)


def _list(machine: Machine, stdout: TextIO, *, with_identifiers: bool) -> None:
    states = _states(machine)
    for disk in machine.disks():
        group = devices.group_of(machine.odm, disk.pvid)
        row = rows.lspv_row(disk.name, disk.pvid, group, states.get(disk.pvid or "", ""))
        if with_identifiers:
            row += printable(machine.odm.attribute(disk.name, "unique_id") or "")
        print(row, file=stdout)


def _states(machine: Machine) -> dict[str, str]:
    """What the kernel says of the disks of the groups that are varied on, by PVID."""
    found: dict[str, str] = {}
    for known in machine.groups():
        if machine.is_varied_on(known):
            try:
                pvs = machine.group(known.name).physical_volumes
            except (ImageIOError, NotFound):  # none of them is there any more
                found |= dict.fromkeys(known.pvids, "missing")
                continue
            found |= {pvid: pv_state(pvs[pvid]) if pvid in pvs else "active" for pvid in known.pvids}
    return found


def _details(name: str, known: Group, pvid: str, group: VolumeGroup | None, pv: PhysicalVolume | None) -> list[str]:
    """The facts of a disk; of one whose group is not varied on only what the ODM says."""
    from ...formats.characteristics import DISK, MAX_REQUEST, details, in_megabytes, with_megabytes

    values: dict[str, object] = {
        "PHYSICAL VOLUME": name,
        "VOLUME GROUP": known.name,
        "PV IDENTIFIER": pvid,
        "VG IDENTIFIER": known.vgid if group is None else group.vgid,
        "MAX REQUEST": f"{MAX_REQUEST} kilobytes",
    }
    if group is not None and pv is not None:
        values |= {
            "PV STATE": pv_state(pv),
            "STALE PARTITIONS": int(pv.stale.sum()),
            "ALLOCATABLE": "no" if pv.state & NO_ALLOCATION else "yes",
            "PP SIZE": in_megabytes(pv.pp_size),
            "LOGICAL VOLUMES": sum(pv.number in v.pv_numbers for v in group.logical_volumes.values()),
            "TOTAL PPs": with_megabytes(pv.pp_count, pv.pp_size),
            "VG DESCRIPTORS": pv.vgda_count,
            "FREE PPs": with_megabytes(int(pv.free.sum()), pv.pp_size),
            "HOT SPARE": "no",
            "USED PPs": with_megabytes(int(pv.used.sum()), pv.pp_size),
            "FREE DISTRIBUTION": rows.distribution(by_region(pv, pv.free), ".."),
            "USED DISTRIBUTION": rows.distribution(by_region(pv, pv.used), ".."),
            "MIRROR POOL": "None",
        }
    return details(DISK, values)


def _volumes(machine: Machine, group: VolumeGroup, pv: PhysicalVolume) -> Iterator[str]:
    yield rows.pv_volumes_header(machine.profile)
    known = devices.volumes(machine.odm, devices.group_of(machine.odm, pv.pvid) or "")
    for volume in (v for v in group.logical_volumes.values() if v.name in known):
        here = volume.map.pv == pv.number
        if here.any():
            held = np.zeros(pv.pp_count, bool)
            held[volume.map.pp[here] - 1] = True
            lps = int(here.any(axis=0).sum())
            yield rows.pv_volumes_row(
                machine.profile, volume.name, lps, int(held.sum()), by_region(pv, held), mount_point(volume)
            )


def _held(group: VolumeGroup, pv: PhysicalVolume) -> NDArray[np.int64]:
    """Minor, LP and copy of what each PP holds, all from 1, shape (pp_count, 3); zeros where it is free."""
    held = np.zeros((pv.pp_count, 3), np.int64)
    for volume in group.logical_volumes.values():
        copies, lps = np.nonzero(volume.map.pv == pv.number)
        held[volume.map.pp[copies, lps] - 1] = np.column_stack((np.full(len(lps), volume.minor), lps + 1, copies + 1))
    return held


def _ranges(group: VolumeGroup, pv: PhysicalVolume) -> Iterator[tuple[int, int, str, Region, str, str, str]]:
    by_minor = {v.minor: v for v in group.logical_volumes.values()}
    regions = region_of(pv.pp_count)
    kinds = np.column_stack((_held(group, pv)[:, 0], regions, pv.stale))
    cuts = np.flatnonzero((kinds[1:] != kinds[:-1]).any(axis=1)) + 1
    for first, end in zip([0, *cuts.tolist()], [*cuts.tolist(), pv.pp_count], strict=True):
        volume = by_minor.get(int(kinds[first, 0]))
        state = "free" if volume is None else "stale" if kinds[first, 2] else "used"
        tail = (volume.name, volume.type, mount_point(volume)) if volume else ("", "", "")
        yield first + 1, end, state, Region(int(regions[first])), *tail


def partitions(group: VolumeGroup, pv: PhysicalVolume, name: str) -> Iterator[str]:
    """The lines of `lspv -M`: what each PP of a disk holds, free PPs as ranges."""
    by_minor: dict[int, LogicalVolume] = {v.minor: v for v in group.logical_volumes.values()}
    held = _held(group, pv)
    free = 0
    for pp, (minor, lp, copy) in enumerate(held.tolist(), 1):
        free = free or (pp if not minor else 0)
        ends = pp == pv.pp_count or held[pp, 0]
        if not minor and ends:
            yield f"{printable(name)}:{free}" + (f"-{pp}" if pp > free else "")
        if minor:
            free = 0
            volume = by_minor[minor]
            which = f":{copy}" if volume.copies > 1 else ""
            stale = "\tstale" if pv.stale[pp - 1] else ""
            yield f"{printable(name)}:{pp}\t{printable(volume.name)}:{lp}{which}{stale}"


COMMANDS = {"lspv": Command(lspv)}
"""`lspv` lists; the logical volume manager's own words for a wrong call are not known."""
