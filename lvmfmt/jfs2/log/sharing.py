"""The part that one file system has in its log: all of an inline log, its own records of a shared one.

Source: reference sections 2.8, 2.9, 3.8.5 and item 23 of chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ..dialect import LINUX
from ..superblock import Superblock
from .pages import Log
from .records import LogRecord

_MINOR = 0xFFFFFFFF
_MINORS = 3072


@dataclass(frozen=True)
class Share:
    """Which records of a log belong to a file system.

    Attributes:
        member: place of the file system in the log's list of active ones: its minor number (AIX) or the index of its
            identity (Linux); None for a log that no other uses.
        is_linux: which of the two.
    """

    member: int | None
    is_linux: bool

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
        linux = superblock.dialect is LINUX
        if superblock.geometry.log_blocks:
            return cls(None, linux)
        where = log.device.name
        if linux:
            uuid = bytes(superblock.values["s_uuid"])
            members = [i for i, active in enumerate(log.values["active"]) if bytes(active) == uuid]
            if not members:
                raise OperationRefused("the log does not know this file system", where=where)
            return cls(members[0], linux)
        minors = active_members(log)
        if aggregate is None:
            if len(minors) > 1:
                raise OperationRefused(f"the log is shared by devices with the minor numbers {minors}", where=where,
                                       hint="say which the file system is")  # fmt: skip
            return cls(minors[0] if minors else None, linux)
        if aggregate & _MINOR not in minors:
            raise OperationRefused(f"the log does not know minor number {aggregate & _MINOR}", where=where)
        return cls(aggregate & _MINOR, linux)

    def owns(self, record: LogRecord) -> bool:
        """Whether a record belongs to the file system."""
        if self.member is None:
            return True
        if self.is_linux:
            return record.aggregate == self.member
        return record.aggregate & _MINOR == self.member

    def is_mount(self, record: LogRecord) -> bool:
        """Whether a record says that the file system was mounted.

        In a shared log of Linux it names a device, which the file system cannot be told from.
        """
        return record.kind == "MOUNT" and self.owns(record) and not (self.is_linux and self.member is not None)

    def leave(self, active: NDArray[Any]) -> None:
        """Take the file system out of the list of active ones, in place."""
        if self.member is None:
            active[...] = 0
        elif self.is_linux:
            active[self.member] = 0
        else:
            active[self.member // 32] &= ~np.uint32(1 << 31 - self.member % 32)


def active_members(log: Log) -> list[int]:
    """The file systems that a log volume says use it: minor numbers (AIX), or places in its list (Linux)."""
    active = log.values["active"]
    if log.dialect is LINUX:
        return [place for place, identity in enumerate(active) if any(bytes(identity))]
    minors: list[int] = np.flatnonzero(np.unpackbits(np.array(active, ">u4").view(np.uint8))).tolist()
    return minors
