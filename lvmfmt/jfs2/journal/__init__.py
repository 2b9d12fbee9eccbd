"""Changing a file system through its journal: a crash at any moment leaves whole operations, in their order."""

from .mount import Mount, mount
from .shared_log import SharedLog, open_shared_log

__all__ = ["Mount", "SharedLog", "mount", "open_shared_log"]
