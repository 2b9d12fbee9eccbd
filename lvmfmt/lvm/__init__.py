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
from .handover import Standing, leave, read_left, resume
from .identity import new_pvid, new_vgid
from .kinds import LIMITS, VgKind
from .lvcb import Lvcb
from .mapfile import PartitionRange, format_map_file, parse_map_file
from .migrate import copy_lv, copy_onto, migrate, migrate_lp
from .online import OnlineGroup
from .problems import Problem
from .record import LvmRecord
from .regions import INTRA, Region, region_of, region_sizes
from .reidentify import reidentify
from .rules import RULES, Rule, Severity
from .split import join_group, split_group
from .survey import FoundGroup, Survey, members_of, survey
from .transfer import export_lv, import_lv
from .varyon import NoQuorum, PvState, PvStatus, refresh, varyon
from .volume import LogicalVolume, PhysicalVolume

__all__ = [
    "INTRA",
    "LIMITS",
    "RULES",
    "Change",
    "DiskInfo",
    "FoundGroup",
    "Geometry",
    "LogicalVolume",
    "Lvcb",
    "LvmRecord",
    "NoQuorum",
    "OnlineGroup",
    "PartitionRange",
    "PhysicalVolume",
    "Problem",
    "PvState",
    "PvStatus",
    "Region",
    "Rule",
    "Severity",
    "Standing",
    "Survey",
    "Target",
    "VgKind",
    "VolumeGroup",
    "clear_boot_record",
    "clear_pvid",
    "copy_lv",
    "copy_onto",
    "dm_table",
    "export_lv",
    "format_map_file",
    "free_group_metadata",
    "import_lv",
    "join_group",
    "leave",
    "members_of",
    "migrate",
    "migrate_lp",
    "new_pvid",
    "new_vgid",
    "parse_map_file",
    "read_boot_record",
    "read_left",
    "read_pvid",
    "refresh",
    "region_of",
    "region_sizes",
    "reidentify",
    "resume",
    "scan",
    "split_group",
    "survey",
    "varyon",
    "write_boot_record",
    "write_pvid",
]  # fmt: skip
