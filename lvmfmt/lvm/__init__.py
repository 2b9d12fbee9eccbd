"""Meaning of LVM structures: physical volumes, volume groups, logical volumes, allocation, mirroring, identity.

What is asked for is imported then: reading a group does not need what changes one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from .migrating import copy_lv, copy_onto, migrate, migrate_lp
    from .online import OnlineGroup
    from .problems import Problem
    from .record import LvmRecord
    from .regions import INTRA, Region, region_of, region_sizes
    from .reidentifying import reidentify
    from .rules import RULES, Rule, Severity
    from .split import join_group, split_group
    from .surveying import FoundGroup, Survey, members_of, survey
    from .transfer import export_lv, import_lv
    from .varying_on import NoQuorum, PvState, PvStatus, refresh, varyon
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

_NAMES = {
    "boot": (
        "clear_boot_record",
        "clear_pvid",
        "read_boot_record",
        "read_pvid",
        "write_boot_record",
        "write_pvid",
    ),
    "change": ("Change",),
    "disk": (
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
    "handover": (
        "Standing",
        "leave",
        "read_left",
        "resume",
    ),
    "identity": (
        "new_pvid",
        "new_vgid",
    ),
    "kinds": (
        "LIMITS",
        "VgKind",
    ),
    "lvcb": ("Lvcb",),
    "mapfile": (
        "PartitionRange",
        "format_map_file",
        "parse_map_file",
    ),
    "migrating": (
        "copy_lv",
        "copy_onto",
        "migrate",
        "migrate_lp",
    ),
    "online": ("OnlineGroup",),
    "problems": ("Problem",),
    "record": ("LvmRecord",),
    "regions": (
        "INTRA",
        "Region",
        "region_of",
        "region_sizes",
    ),
    "reidentifying": ("reidentify",),
    "rules": (
        "RULES",
        "Rule",
        "Severity",
    ),
    "split": (
        "join_group",
        "split_group",
    ),
    "surveying": (
        "FoundGroup",
        "Survey",
        "members_of",
        "survey",
    ),
    "transfer": (
        "export_lv",
        "import_lv",
    ),
    "varying_on": (
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
}
_MODULE = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULE[name]}", __name__), name)
    return value
