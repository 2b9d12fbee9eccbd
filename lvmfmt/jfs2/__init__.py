"""The file system engine: AIX JFS2 (`J2FS`) and the JFS of Linux (`JFS1`) from one code.

What is asked for is imported then: reading a file system does not need what builds one.
"""

from typing import TYPE_CHECKING

from ..lazy import names_of

if TYPE_CHECKING:
    from .building.build import BuildReport, build, mkfs, size_for
    from .data_order import iter_file_data
    from .dialect import AIX, LINUX, Dialect
    from .filesystem import FileSystem, StatFs
    from .format_options import ExternalLog, Features, Identity, InlineLog, Log
    from .inventory.builder import InventoryBuilder
    from .inventory.inventory import Inventory
    from .log.format import format_log
    from .sources.scan import scan_trees
    from .stat import Stat

__all__ = [
    "AIX",
    "LINUX",
    "BuildReport",
    "Dialect",
    "ExternalLog",
    "Features",
    "FileSystem",
    "Identity",
    "InlineLog",
    "Inventory",
    "InventoryBuilder",
    "Log",
    "Stat",
    "StatFs",
    "build",
    "format_log",
    "iter_file_data",
    "mkfs",
    "scan_trees",
    "size_for",
]

__getattr__ = names_of(
    __name__,
    {
        "building.build": ("BuildReport", "build", "mkfs", "size_for"),
        "dialect": ("AIX", "LINUX", "Dialect"),
        "data_order": ("iter_file_data",),
        "filesystem": ("FileSystem", "StatFs"),
        "format_options": ("ExternalLog", "Features", "Identity", "InlineLog", "Log"),
        "inventory.inventory": ("Inventory",),
        "inventory.builder": ("InventoryBuilder",),
        "log.format": ("format_log",),
        "sources.scan": ("scan_trees",),
        "stat": ("Stat",),
    },
)
