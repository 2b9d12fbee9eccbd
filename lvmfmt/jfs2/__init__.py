"""The file system engine: AIX JFS2 (`J2FS`) and the JFS of Linux (`JFS1`) from one code."""

from .aggregate import ExternalLog, Identity, InlineLog, Log
from .build import BuildReport, build, size_for
from .dialect import AIX, LINUX, Dialect
from .inventory import Inventory, InventoryBuilder
from .log_format import format_log
from .scan import scan_trees

__all__ = [
    "AIX",
    "LINUX",
    "BuildReport",
    "Dialect",
    "ExternalLog",
    "Identity",
    "InlineLog",
    "Inventory",
    "InventoryBuilder",
    "Log",
    "build",
    "format_log",
    "scan_trees",
    "size_for",
]
