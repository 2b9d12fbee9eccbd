"""Meaning of LVM structures: physical volumes, volume groups, logical volumes, allocation, mirroring, identity."""

from .boot import (
    clear_boot_record,
    clear_pvid,
    read_boot_record,
    read_pvid,
    write_boot_record,
    write_pvid,
)
from .change import Change
from .disk import DiskInfo, free_group_metadata, scan
from .geometry import Geometry
from .group import VolumeGroup
from .identity import new_pvid, new_vgid
from .lvcb import Lvcb
from .problems import Problem, Severity
from .record import LvmRecord, VgKind
from .regions import Region, region_of, region_sizes
from .volume import LogicalVolume, PhysicalVolume

__all__ = [
    "Change",
    "DiskInfo",
    "Geometry",
    "LogicalVolume",
    "Lvcb",
    "LvmRecord",
    "PhysicalVolume",
    "Problem",
    "Region",
    "Severity",
    "VgKind",
    "VolumeGroup",
    "clear_boot_record",
    "clear_pvid",
    "free_group_metadata",
    "new_pvid",
    "new_vgid",
    "read_boot_record",
    "read_pvid",
    "region_of",
    "region_sizes",
    "scan",
    "write_boot_record",
    "write_pvid",
]  # fmt: skip
