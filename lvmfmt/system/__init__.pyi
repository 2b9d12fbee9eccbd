from .disks import System as System
from .groups import by_group as by_group, find_logical_volume as find_logical_volume, open_groups as open_groups
from .images import open_place as open_place, open_volume as open_volume
from .logs import log_of as log_of
from .mirrored_heads import unequal_heads as unequal_heads
from .place import FileSystemPlace as FileSystemPlace, place_in as place_in
