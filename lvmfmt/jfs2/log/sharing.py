"""The part that one file system has in its log: all of an inline log, its own records of a shared one.

Source: [jfs2 2.8], [jfs2 2.9], [jfs2 3.8.5] and [jfs2 item 23].
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialect.log_members import Active, LogMembers
from ..superblock import Superblock
from .pages import Log
from .records import LogRecord


@dataclass(frozen=True)
class Share:
    """Which records of a log belong to a file system.

    Attributes:
        members: how the log lists the file systems that use it.
        place: of the file system in that list; None for a log that no other uses.
    """

    members: LogMembers
    place: int | None

    @classmethod
    def of(cls, log: Log, superblock: Superblock, aggregate: int | None) -> Share:
        """The share of a file system in a log.

        Args:
            log: the log.
            superblock: of the file system.
            aggregate: AIX: number of the file system's device; needed only where several use the log.

        Raises:
            OperationRefused: the log does not know the file system, or does not say which of several it is.
        """
        members = log.dialect.log_form.members
        if superblock.geometry.log_blocks:
            return cls(members, None)
        return cls(members, members.find(log.active, superblock.values, aggregate, log.device.name))

    def owns(self, record: LogRecord) -> bool:
        """Whether a record belongs to the file system."""
        return self.place is None or self.members.place(record.aggregate) == self.place

    def is_mount(self, record: LogRecord) -> bool:
        """Whether a record says that the file system was mounted."""
        told = self.place is None or self.members.mount_names_member
        return record.kind == "MOUNT" and told and self.owns(record)

    def leave(self, active: Active) -> None:
        """Take the file system off the list of active ones, in place."""
        if self.place is None:
            active[:] = bytes(len(active))
        else:
            self.members.leave(active, self.place)


def active_members(log: Log) -> list[int]:
    """The file systems that a log volume says use it: minor numbers (AIX), or places in its list (Linux)."""
    return log.dialect.log_form.members.places(log.active)
