from .alternate.changes import changed_by_cloning as changed_by_cloning
from .emulated import Host as Host
from .install.create import CreateReport as CreateReport
from .install.making import DiskSpec as DiskSpec
