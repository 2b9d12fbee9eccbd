"""Changing a file system through its journal: a crash at any moment leaves whole operations, in their order."""

from .mount import Mount, mount

__all__ = ["Mount", "mount"]
