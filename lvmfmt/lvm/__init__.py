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
from .dmtable import Target, dm_table
from .geometry import Geometry
from .group import VolumeGroup
from .identity import new_pvid, new_vgid
from .lvcb import Lvcb
from .problems import Problem
from .record import LvmRecord, VgKind
from .regions import Region, region_of, region_sizes
from .rules import RULES, Rule, Severity
from .transfer import export_lv, import_lv
from .volume import LogicalVolume, PhysicalVolume

__all__ = [
    "RULES",
    "Change",
    "DiskInfo",
    "Geometry",
    "LogicalVolume",
    "Lvcb",
    "LvmRecord",
    "PhysicalVolume",
    "Problem",
    "Region",
    "Rule",
    "Severity",
    "Target",
    "VgKind",
    "VolumeGroup",
    "clear_boot_record",
    "clear_pvid",
    "dm_table",
    "export_lv",
    "free_group_metadata",
    "import_lv",
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
