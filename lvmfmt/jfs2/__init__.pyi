from .access.filesystem import FileSystem as FileSystem, StatFs as StatFs
from .building.build import BuildReport as BuildReport, build as build, mkfs as mkfs, size_for as size_for
from .checking.findings import Finding as Finding, Report as Report
from .checking.run import check as check
from .dialect import AIX as AIX, LINUX as LINUX, Dialect as Dialect
from .extracting.data_order import iter_file_data as iter_file_data
from .extracting.extract import Extraction as Extraction, extract as extract
from .inventory.builder import InventoryBuilder as InventoryBuilder
from .inventory.arrays import Inventory as Inventory
from .journal.mount import Mount as Mount, mount as mount
from .log.format import format_log as format_log
from .paths.listing import Siblings as Siblings
from .paths.stat import Stat as Stat
from .repairing.run import Answer as Answer, RepairReport as RepairReport, repair as repair
from .resizing.size_change import resize as resize
from .sources.scan import scan_trees as scan_trees
from .superblock.format_options import (
    ExternalLog as ExternalLog,
    Features as Features,
    Identity as Identity,
    InlineLog as InlineLog,
    Log as Log,
)
