"""The log of a file system: reading it, printing it, and replaying it after a crash."""

from .locate import find_any_log, find_log
from .pages import Log, LogWrap, Ring, open_log
from .records import LogRecord, backward, history
from .redo import RedoReport, redo
from .redo_shared import redo_shared
from .sharing import active_members

__all__ = [
    "Log",
    "LogRecord",
    "LogWrap",
    "RedoReport",
    "Ring",
    "active_members",
    "backward",
    "find_any_log",
    "find_log",
    "history",
    "open_log",
    "redo",
    "redo_shared",
]
