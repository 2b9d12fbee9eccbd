"""Changing a file system through its journal: a crash at any moment leaves whole operations, in their order."""

from .log_writer import Rest
from .mount import Mount, mount, resume
from .shared_log import SharedLog, open_inline_log, open_shared_log

__all__ = ["Mount", "Rest", "SharedLog", "mount", "open_inline_log", "open_shared_log", "resume"]
