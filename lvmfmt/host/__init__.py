"""An AIX machine made of image files: NVRAM, boot, devices, ODM, mounts, and its commands.

What is asked for is imported then: a listing command does not need what makes a host.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .host import Host
    from .install.create import CreateReport
    from .install.making import DiskSpec

__all__ = ["CreateReport", "DiskSpec", "Host"]

_MODULE = {"CreateReport": "install.create", "DiskSpec": "install.making", "Host": "host"}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE[name]}", __name__), name)
