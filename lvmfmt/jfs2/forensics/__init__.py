"""What a file system still tells of its past, and who owns what: read only, nothing is repaired or guessed silently."""

from .body import body_lines
from .changes import LoggedChange, changes
from .deleted import Deleted, DeletedEntry, DeletedInode, deleted
from .owners import BlockOwner, owners

__all__ = [
    "BlockOwner",
    "Deleted",
    "DeletedEntry",
    "DeletedInode",
    "LoggedChange",
    "body_lines",
    "changes",
    "deleted",
    "owners",
]
