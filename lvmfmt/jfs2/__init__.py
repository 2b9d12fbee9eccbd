"""The file system engine: AIX JFS2 (`J2FS`) and the JFS of Linux (`JFS1`) from one code."""

from .build import BuildReport, build, mkfs, size_for
from .dialect import AIX, LINUX, Dialect
from .filedata import iter_file_data
from .filesystem import FileSystem, StatFs
from .format_options import ExternalLog, Features, Identity, InlineLog, Log
from .inventory import Inventory, InventoryBuilder
from .log_format import format_log
from .scan import scan_trees
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
