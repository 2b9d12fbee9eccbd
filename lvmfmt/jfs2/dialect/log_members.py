"""How a log volume lists the file systems that use it, and what its records call them.

AIX has a bit for each minor number and names a file system by its device number; Linux has a list of identities and
names it by its place there. Source: [jfs2 2.8], [jfs2 3.8.5] and [jfs2 item 23].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

import numpy as np

from ...errors import OperationRefused

MINOR = 0xFFFFFFFF
MINORS = 3072
_UUID = 16
_NOBODY = bytes(_UUID)
Active = bytearray | memoryview
"""The field `active` of a log's superblock, to be changed in place."""


class LogMembers(ABC):
    """The list of one dialect. A place in it is a number; `active` is the field of the log's superblock, as bytes.

    Attributes:
        mount_names_member: whether the mount record of a file system says which of the members it is.
    """

    mount_names_member: bool

    @abstractmethod
    def inline_name(self, superblock: Any) -> int:
        """What the records of an inline log call its file system, from the fields of the superblock."""

    @abstractmethod
    def places(self, active: bytes) -> list[int]:
        """The places that are taken."""

    @abstractmethod
    def find(self, active: bytes, superblock: Any, aggregate: int | None, where: str) -> int | None:
        """The place of a file system; None where nothing is listed.

        Args:
            active: the list.
            superblock: fields of the file system's superblock.
            aggregate: AIX: number of the file system's device; needed only where several use the log.
            where: name of the log for messages.

        Raises:
            OperationRefused: the log does not know the file system, or does not say which of several it is.
        """

    @abstractmethod
    def name_newcomer(
        self, active: bytes, superblock: Any, aggregate: int | None, others: Collection[int], where: str
    ) -> int:
        """What records are to call a file system that is not in the list.

        Args:
            active: the list.
            superblock: fields of the file system's superblock.
            aggregate: AIX: number of the file system's device.
            others: names of the file systems that use the log in this process.
            where: name of the file system for messages.

        Raises:
            OperationRefused: it is in the list already, or there is no place for it.
        """

    @abstractmethod
    def name_listed(self, place: int | None, aggregate: int | None, where: str) -> int:
        """What records call a file system that is in the list at a place; arguments and errors as `name_newcomer`."""

    @abstractmethod
    def place(self, name: int) -> int:
        """The place of a file system that records call by this name."""

    @abstractmethod
    def enter(self, active: Active, place: int, superblock: Any) -> None:
        """Put a file system on the list, in place."""

    @abstractmethod
    def leave(self, active: Active, place: int) -> None:
        """Take a file system off the list, in place."""


class MinorNumbers(LogMembers):
    """A bit for each minor number (AIX)."""

    mount_names_member = True

    def inline_name(self, superblock: Any) -> int:
        """The device of the log, which is that of the file system."""
        return int(superblock["s_logdev"])

    def places(self, active: bytes) -> list[int]:
        """Minor numbers."""
        minors: list[int] = np.flatnonzero(np.unpackbits(np.frombuffer(active, np.uint8))).tolist()
        return minors

    def find(self, active: bytes, superblock: Any, aggregate: int | None, where: str) -> int | None:
        """The minor number, if it is listed, or the only one of the list."""
        minors = self.places(active)
        if aggregate is None:
            if len(minors) > 1:
                raise OperationRefused(f"the log is shared by devices with the minor numbers {minors}", where=where,
                                       hint="say which the file system is")  # fmt: skip
            return minors[0] if minors else None
        if self.place(aggregate) not in minors:
            raise OperationRefused(f"the log does not know minor number {self.place(aggregate)}", where=where)
        return self.place(aggregate)

    def name_newcomer(
        self, active: bytes, superblock: Any, aggregate: int | None, others: Collection[int], where: str
    ) -> int:
        """The device number."""
        name = self.name_listed(None, aggregate, where)
        if self.place(name) in map(self.place, others):
            raise OperationRefused(f"minor number {self.place(name)} is in use in the log", where=where)
        return name

    def name_listed(self, place: int | None, aggregate: int | None, where: str) -> int:
        """The device number."""
        if aggregate is None or not self.place(aggregate) < MINORS:
            raise OperationRefused(
                f"a log volume knows its file systems by a minor number below {MINORS}", where=where,
                hint="say which device the file system is",
            )  # fmt: skip
        return aggregate | 1 << 63

    def place(self, name: int) -> int:
        """The minor number."""
        return name & MINOR

    def enter(self, active: Active, place: int, superblock: Any) -> None:
        """Set the bit."""
        active[place // 8] |= 0x80 >> place % 8

    def leave(self, active: Active, place: int) -> None:
        """Clear the bit."""
        active[place // 8] &= ~(0x80 >> place % 8)


class Identities(LogMembers):
    """A list of identities, 16 bytes each (Linux). A mount record names a device, which does not say who it is."""

    mount_names_member = False

    def inline_name(self, superblock: Any) -> int:
        """Nothing is listed in an inline log."""
        return 0

    def places(self, active: bytes) -> list[int]:
        """Indexes in the list."""
        return [place for place, identity in enumerate(_identities(active)) if identity != _NOBODY]

    def find(self, active: bytes, superblock: Any, aggregate: int | None, where: str) -> int | None:
        """The index of the file system's identity."""
        try:
            return _identities(active).index(bytes(superblock["s_uuid"]))
        except ValueError:
            raise OperationRefused("the log does not know this file system", where=where) from None

    def name_newcomer(
        self, active: bytes, superblock: Any, aggregate: int | None, others: Collection[int], where: str
    ) -> int:
        """The first free index."""
        identities = _identities(active)
        if bytes(superblock["s_uuid"]) in identities or _NOBODY not in identities:
            raise OperationRefused("the log is full, or knows another by the same identity", where=where)
        return identities.index(_NOBODY)

    def name_listed(self, place: int | None, aggregate: int | None, where: str) -> int:
        """The index."""
        assert place is not None
        return place

    def place(self, name: int) -> int:
        """The index."""
        return name

    def enter(self, active: Active, place: int, superblock: Any) -> None:
        """Store the identity."""
        active[place * _UUID : (place + 1) * _UUID] = bytes(superblock["s_uuid"])

    def leave(self, active: Active, place: int) -> None:
        """Clear the identity."""
        active[place * _UUID : (place + 1) * _UUID] = _NOBODY


def _identities(active: bytes) -> list[bytes]:
    return [bytes(active[at : at + _UUID]) for at in range(0, len(active), _UUID)]
