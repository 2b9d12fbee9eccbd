"""`lslv`: the facts of a logical volume, its disks, its map, and its place on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

import numpy as np

from ....escaping import printable
from ....lvm import INTRA, LogicalVolume, PhysicalVolume, Region, VolumeGroup, region_of
from ...formats import maps, rows
from ...formats.policies import INTER_WORDS, INTRA_WORDS, MWC_WORDS
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import refusal
from ...odm import devices
from ...syntax import Command, demand, flags
from ..operands import by_region, disk_called, group_of_volume, mount_point, varied_on_group

_SCHEDULES = {"s": "sequential", "ps": "parallel write/sequential read", "pr": "parallel write/round robin read"}
_SEPARATE = {"y": "yes", "n": "no", "s": "yes (superstrict)"}


def lslv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Show a logical volume: facts, its disks (`-l`), its map (`-m`); or the PPs of a disk (`-p PV [LV]`)."""
    given, operands = flags(argv, "Llmp:n:")
    asked = set(given) & {"l", "m", "p"}
    demand(len(asked) <= 1 and len(operands) <= 1 and (operands or "p" in asked))
    if "n" in given:
        disk_called(machine, given["n"], "lslv")
    if "p" in asked:
        lines = _disk(machine, given["p"], operands[0] if operands else None)
    else:
        name = operands[0].removeprefix("/dev/")
        group_name, group = group_of_volume(machine, name, "lslv")
        volume = group.logical_volumes[name]
        if "l" in asked:
            lines = _disks(machine, group, volume)
        elif "m" in asked:
            lines = _map(machine, group, volume)
        else:
            lines = iter(_details(machine, group_name, group, volume))
    for line in lines:
        print(line, file=stdout)


def _details(machine: Machine, group_name: str, group: VolumeGroup, volume: LogicalVolume) -> list[str]:
    from ...formats.characteristics import STRIPES, VOLUME, details, in_megabytes

    state = "opened" if volume.name in open_volumes(machine, group) else "closed"
    policy = volume.policy
    values = {
        "LOGICAL VOLUME": volume.name,
        "VOLUME GROUP": group_name,
        "LV IDENTIFIER": volume.lvid,
        "PERMISSION": "read only" if policy.read_only else "read/write",
        "VG STATE": "active/complete" if group.complete else "active/partial",
        "LV STATE": f"{state}/{'stale' if volume.stale_pps else 'syncd'}",
        "TYPE": volume.type,
        "WRITE VERIFY": "on" if policy.write_verify else "off",
        "MAX LPs": policy.max_lps or 0,
        "PP SIZE": in_megabytes(volume.pp_size),
        "COPIES": volume.copies,
        "SCHED POLICY": "striped" if policy.width else _SCHEDULES.get(policy.schedule, "parallel"),
        "LPs": volume.lps,
        "PPs": volume.pps,
        "STALE PPs": volume.stale_pps,
        "BB POLICY": "relocatable" if policy.bb_relocation else "non-relocatable",
        "INTER-POLICY": INTER_WORDS.get(policy.inter, policy.inter),
        "RELOCATABLE": "yes" if policy.relocatable else "no",
        "INTRA-POLICY": INTRA_WORDS.get(policy.intra, policy.intra),
        "UPPER BOUND": policy.bound,
        "MOUNT POINT": mount_point(volume),
        "LABEL": volume.label or "None",
        "MIRROR WRITE CONSISTENCY": MWC_WORDS.get(policy.mwc, "off"),
        "EACH LP COPY ON A SEPARATE PV": _SEPARATE.get(policy.strict, policy.strict),
        "Serialize IO": "NO",
        "STRIPE WIDTH": policy.width,
        "STRIPE SIZE": f"{policy.strip_size // 1024}K",
    }
    return details([*VOLUME, *(STRIPES if policy.width else ())], values)


def _disks(machine: Machine, group: VolumeGroup, volume: LogicalVolume) -> Iterator[str]:
    yield f"{printable(volume.name)}:{printable(mount_point(volume))}"
    yield rows.volume_disks_header()
    names = machine.disk_names(list(group.physical_volumes))
    wanted = INTRA.get(volume.policy.intra, Region.OUTER_MIDDLE)
    for name, pv in zip(names, group.physical_volumes.values(), strict=True):
        here = volume.map.pv == pv.number
        if here.any():
            copies = [int((here.sum(axis=0) >= n).sum()) for n in (1, 2, 3)]
            held = np.zeros(pv.pp_count, bool)
            held[volume.map.pp[here] - 1] = True
            regions = by_region(pv, held)
            yield rows.volume_disks_row(name, copies, 100 * regions[wanted] // sum(regions), regions)


def _map(machine: Machine, group: VolumeGroup, volume: LogicalVolume) -> Iterator[str]:
    yield f"{printable(volume.name)}:{printable(mount_point(volume))}"
    pvids = {pv.number: pvid for pvid, pv in group.physical_volumes.items()}
    names = dict(zip(pvids, machine.disk_names(list(pvids.values())), strict=True))
    pv, pp = volume.map.pv.tolist(), volume.map.pp.tolist()
    rows = [[(pp[c][n], names.get(pv[c][n], "")) for c in range(volume.copies)] for n in range(volume.lps)]
    yield from maps.volume_map(rows)


def _disk(machine: Machine, name: str, volume_name: str | None) -> Iterator[str]:
    disk = disk_called(machine, name, "lslv")
    group_name = devices.group_of(machine.odm, disk.pvid)
    if group_name is None or disk.pvid is None:
        raise refusal("disk-without-group", program="lslv", disk=disk.name)
    group = varied_on_group(machine, group_name, "lslv")
    pv = group.physical_volumes.get(disk.pvid)
    if pv is None:
        raise refusal("disk-not-in-group", program="lslv", disk=disk.name, group=group_name)
    volume = None
    if volume_name is not None:
        volume = group.logical_volumes.get(volume_name)
        if volume is None:
            raise refusal("volume-unknown", program="lslv", volume=volume_name)
    tail = f":{volume.name}:{mount_point(volume)}" if volume else "::"
    yield printable(f"{disk.name}{tail}")
    regions = [Region(int(n)) for n in region_of(pv.pp_count)]
    yield from maps.partition_map(_states(pv, volume), regions)


def _states(pv: PhysicalVolume, volume: LogicalVolume | None) -> list[str]:
    states = np.where(pv.used, "USED", "FREE").tolist()
    for pp in np.flatnonzero(pv.stale).tolist():
        states[pp] = "STALE"
    if volume is not None:
        copies, lps = np.nonzero(volume.map.pv == pv.number)
        for copy, lp in zip(copies.tolist(), lps.tolist(), strict=True):
            mark = "?" if volume.stale[copy, lp] else ""
            states[int(volume.map.pp[copy, lp]) - 1] = f"{lp + 1:04}{mark}"
    return [str(state) for state in states]


COMMANDS = {"lslv": Command(lslv)}
