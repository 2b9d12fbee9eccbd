"""An AIX machine made of image files: NVRAM, boot, devices, ODM, mounts, and its commands.

What is asked for is imported then: a listing command does not need what makes a host.
"""

from typing import TYPE_CHECKING

from ..lazy import names_of

if TYPE_CHECKING:
    from .host import Host
    from .install.create import CreateReport
    from .install.making import DiskSpec

__all__ = ["CreateReport", "DiskSpec", "Host"]

__getattr__ = names_of(
    __name__,
    {"install.create": ("CreateReport",), "install.making": ("DiskSpec",), "host": ("Host",)},
)
