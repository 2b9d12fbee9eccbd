from .building.build import BuildReport as BuildReport, build as build, mkfs as mkfs, size_for as size_for
from .extract.data_order import iter_file_data as iter_file_data
from .dialect import AIX as AIX, LINUX as LINUX, Dialect as Dialect
from .access.filesystem import FileSystem as FileSystem, StatFs as StatFs
from .superblock.format_options import (
    ExternalLog as ExternalLog,
    Features as Features,
    Identity as Identity,
    InlineLog as InlineLog,
    Log as Log,
)
from .inventory.builder import InventoryBuilder as InventoryBuilder
from .inventory.inventory import Inventory as Inventory
from .log.format import format_log as format_log
from .sources.scan import scan_trees as scan_trees
from .paths.stat import Stat as Stat
