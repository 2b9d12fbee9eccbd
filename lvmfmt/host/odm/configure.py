"""Configuring disks: which hdisk stands for which slot, and which disks answer (`cfgmgr`, boot, `mkdev`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from . import devices
from .database import Odm

DEFINED, AVAILABLE = 0, 1
STATUS = {DEFINED: "Defined", AVAILABLE: "Available"}


@dataclass(frozen=True)
class DuplicatePvid:
    """A disk that was not configured: another one with its PVID is in a group that is varied on."""

    slot: str
    pvid: str


def configure_disks(
    odm: Odm, pvids: Mapping[str, str | None], *, busy: Collection[str] = (), reread: bool = True
) -> list[DuplicatePvid]:
    """Make the ODM know every disk that answers, and none as available that does not.

    A slot that is new gets the lowest free hdisk name, the PVID on its disk and the state Available.

    Args:
        odm: changed in place.
        pvids: PVID on the disk of each slot that answers; None where there is none.
        busy: PVIDs of groups that are varied on; a new disk with one of them is not configured.
        reread: also take the PVIDs of disks that are known and may have changed on disk (a boot does).
    """
    known = {d.slot: d for d in devices.disks(odm)}
    names = {d.name for d in known.values()}
    refused = []
    for slot, pvid in pvids.items():
        if slot not in known:
            if pvid in busy:
                assert pvid is not None
                refused.append(DuplicatePvid(slot, pvid))
                continue
            name = next(n for i in range(len(names) + 1) if (n := f"hdisk{i}") not in names)
            names.add(name)
            devices.define_disk(odm, name, slot, pvid)
        elif known[slot].pvid != pvid and (reread or known[slot].pvid is None):
            devices.set_pvid(odm, known[slot].name, pvid)
    for disk in known.values():
        set_status(odm, disk.name, AVAILABLE if disk.slot in pvids else DEFINED)
    return refused


def set_status(odm: Odm, name: str, status: int) -> None:
    """Note whether a device is Available or only Defined."""
    odm.get("CuDv", name=name)[0]["status"] = status
