"""Filling stale copies for a command, and saying what is stale still."""

from __future__ import annotations

from collections.abc import Collection
from typing import TextIO

import numpy as np

from ...lvm import VolumeGroup
from ..machine.running import Machine
from ..messages import message


def synchronise(
    machine: Machine,
    group: VolumeGroup,
    *volumes: str,
    pvids: Collection[str] | None = None,
    force: bool = False,
) -> list[str]:
    """Fill stale partitions; the names of the volumes that have some still.

    Those on disks that die meanwhile do not count: the machine names them, and they are no failure to fill the others.

    Args:
        machine: the running machine.
        group: varied on.
        volumes: names; default all.
        pvids: only partitions on these disks; default all.
        force: fill good copies from one of them, too.
    """
    before = _here(group)
    group.sync(*volumes, origin=machine.origin, pvids=pvids, force=force)
    living = [
        pv.number
        for pvid, pv in group.physical_volumes.items()
        if pv.number not in before - _here(group) and (pvids is None or pvid in pvids)
    ]
    known = group.logical_volumes
    return [n for n in volumes or known if (known[n].stale & np.isin(known[n].map.pv, living)).any()]


def tell_left(volumes: Collection[str], stderr: TextIO) -> int:
    """Name volumes that could not be filled; returns the exit status."""
    if volumes:
        print(message("sync-incomplete"), file=stderr)
    for volume in volumes:
        print(message("sync-left", volume=volume), file=stderr)
    return int(bool(volumes))


def _here(group: VolumeGroup) -> set[int]:
    return {pv.number for pv in group.physical_volumes.values() if pv.device is not None}
