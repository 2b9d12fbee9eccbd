"""Meaning of LVM structures: physical volumes, volume groups, logical volumes, allocation, mirroring, identity.

What is asked for is imported then: reading a group does not need what changes one.
"""

from typing import TYPE_CHECKING

from ..lazy import names_of

if TYPE_CHECKING:
    from .change import Change
    from .change.mapfile import PartitionRange, format_map_file, parse_map_file
    from .change.migrating import copy_lv, copy_onto, migrate, migrate_lp
    from .change.split import join_group, split_group
    from .check.problems import Problem
    from .check.rules import RULES, Rule, Severity
    from .copied.reidentifying import reidentify
    from .copied.surveying import FoundGroup, Survey, members_of, survey
    from .disk.boot import clear_boot_record, clear_pvid, read_boot_record, read_pvid, write_boot_record, write_pvid
    from .disk.identity import new_pvid, new_vgid
    from .disk.record import LvmRecord
    from .disk.regions import INTRA, Region, region_of, region_sizes
    from .disk.scan import DiskInfo, free_group_metadata, scan
    from .dmtable import Target, dm_table
    from .geometry import Geometry
    from .group import VolumeGroup
    from .kinds import LIMITS, VgKind
    from .lvcb import Lvcb
    from .online.handover import Standing, leave, read_left, resume
    from .online.online import OnlineGroup
    from .online.varying_on import NoQuorum, PvState, PvStatus, refresh, varyon
    from .transfer import export_lv, import_lv
    from .views import split_disks
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
    "split_disks",
    "split_group",
    "survey",
    "varyon",
    "write_boot_record",
    "write_pvid",
]  # fmt: skip

__getattr__ = names_of(
    __name__,
    {
        "disk.boot": (
            "clear_boot_record",
            "clear_pvid",
            "read_boot_record",
            "read_pvid",
            "write_boot_record",
            "write_pvid",
        ),
        "change": ("Change",),
        "disk.scan": (
            "DiskInfo",
            "free_group_metadata",
            "scan",
        ),
        "dmtable": (
            "Target",
            "dm_table",
        ),
        "geometry": ("Geometry",),
        "group": ("VolumeGroup",),
        "online.handover": (
            "Standing",
            "leave",
            "read_left",
            "resume",
        ),
        "disk.identity": (
            "new_pvid",
            "new_vgid",
        ),
        "kinds": (
            "LIMITS",
            "VgKind",
        ),
        "lvcb": ("Lvcb",),
        "change.mapfile": (
            "PartitionRange",
            "format_map_file",
            "parse_map_file",
        ),
        "change.migrating": (
            "copy_lv",
            "copy_onto",
            "migrate",
            "migrate_lp",
        ),
        "online.online": ("OnlineGroup",),
        "check.problems": ("Problem",),
        "disk.record": ("LvmRecord",),
        "disk.regions": (
            "INTRA",
            "Region",
            "region_of",
            "region_sizes",
        ),
        "copied.reidentifying": ("reidentify",),
        "check.rules": (
            "RULES",
            "Rule",
            "Severity",
        ),
        "change.split": (
            "join_group",
            "split_group",
        ),
        "copied.surveying": (
            "FoundGroup",
            "Survey",
            "members_of",
            "survey",
        ),
        "transfer": (
            "export_lv",
            "import_lv",
        ),
        "online.varying_on": (
            "NoQuorum",
            "PvState",
            "PvStatus",
            "refresh",
            "varyon",
        ),
        "views": ("split_disks",),
        "volume": (
            "LogicalVolume",
            "PhysicalVolume",
        ),
    },
)
