from .area_copies import AreaCopy as AreaCopy
from .hexdump import Dump as Dump, FieldDump as FieldDump, dump as dump
from .image_diff import ChangedSectors as ChangedSectors, ImageDiff as ImageDiff, diff as diff
from .leftovers import Leftover as Leftover, salvage as salvage
from .proof import Difference as Difference, Proof as Proof, file_systems as file_systems, prove as prove
from .summary import Remark as Remark, Summary as Summary, inspect as inspect
from .timestamps import rfc3339 as rfc3339
