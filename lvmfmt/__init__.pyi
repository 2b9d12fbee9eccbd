from . import (
    backup as backup,
    block as block,
    host as host,
    inspect as inspect,
    jfs2 as jfs2,
    layout as layout,
    lvm as lvm,
    system as system,
)
from .errors import LvmfmtError as LvmfmtError
from .host.emulated import Host as Host
from .jfs2.access.filesystem import FileSystem as FileSystem
from .lvm.volumegroup import VolumeGroup as VolumeGroup
from .origin import SeededOrigin as SeededOrigin
from .system.disks import System as System

__version__: str
