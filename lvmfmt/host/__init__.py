"""An AIX machine made of image files: NVRAM, boot, devices, ODM, mounts, and its commands."""

from .create import CreateReport, DiskSpec
from .host import Host

__all__ = ["CreateReport", "DiskSpec", "Host"]
