from . import block as block, host as host, inspect as inspect, jfs2 as jfs2, lvm as lvm

__version__: str
