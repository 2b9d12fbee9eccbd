"""The block of permissions behind a file's record: an access control list and a privilege list.

Source: [backup 6].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..layout.backup import BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID, BFF_PCL, BFF_SECURITY
from ..layout.record import Record
from .record import WORD, fields

MAX_WORDS = 512
"""Largest list that is believed: 4096 bytes [backup 6.2]."""

KINDS = {1: "permit"}
WHO = {1: "user", 2: "group"}


@dataclass(frozen=True)
class Entry:
    """An entry of an access control list.

    Attributes:
        kind: "permit", or "type N" for what is not settled.
        access: 4 read, 2 write, 1 execute; bits beyond as they are.
        who: (user, group or "type N", number) of everyone whom the entry is about; all of them must fit.
    """

    kind: str
    access: int
    who: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        bits = "".join(letter if self.access & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
        return f"{self.kind} {bits} {', '.join(f'{kind} {number}' for kind, number in self.who)}"


@dataclass(frozen=True)
class Permissions:
    """Both lists as they lie in the archive, whole words each."""

    acl: bytes
    pcl: bytes

    def build(self) -> bytes:
        """The block."""
        sizes = {"aclsize": len(self.acl) // WORD, "pclsize": len(self.pcl) // WORD}
        return BFF_SECURITY.build(sizes) + self.acl + self.pcl

    def entries(self) -> tuple[Entry, ...]:
        """What the access control list has beyond the three of the mode; only as far as it makes sense."""
        return tuple(filter(None, walk(self.acl, BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID)))


def walk(acl: bytes, head: Record, entry: Record, identifier: Record) -> Iterator[Entry | None]:
    """The entries of an access control list; None for each place that makes no sense.

    Args:
        acl: the list, which may be filled up behind its end.
        head: its declaration, in the byte order of the list.
        entry: that of an entry.
        identifier: that of someone whom an entry is about.
    """
    end = min(fields(head, acl)["acl_len"], len(acl)) if len(acl) >= head.size else 0
    at = head.size
    while at < end:
        row = fields(entry, acl[at:]) if at + entry.size <= end else {"ace_len": 0}
        start, stop = at + entry.size, at + row["ace_len"]
        if not start <= stop <= end:
            yield None
            return
        who: list[tuple[str, int]] = []
        while start + identifier.size <= stop:
            named = fields(identifier, acl[start:])
            if named["id_len"] != identifier.size:
                break
            who.append((WHO.get(named["id_type"], f"type {named['id_type']}"), named["id_data"]))
            start += identifier.size
        kind = KINDS.get(row["ace_access"] >> 14, f"type {row['ace_access'] >> 14}")
        yield Entry(kind, row["ace_access"] & 0x3FFF, tuple(who))
        if start < stop:
            yield None
        at = stop


@lru_cache(1024)  # an archive has few modes and many files
def canonical_block(mode: int) -> bytes:
    """The bytes of the block of a file that has no permissions beyond its mode."""
    return canonical(mode).build()


def canonical(mode: int) -> Permissions:
    """The block of a file that has no permissions beyond its mode [backup 6.4].

    Args:
        mode: all 32 bits.
    """
    access = {"u_access": mode >> 6 & 7, "g_access": mode >> 3 & 7, "o_access": mode & 7}
    acl = BFF_ACL.build({"acl_len": BFF_ACL.size, **access})
    return Permissions(acl, BFF_PCL.build({"pcl_len": BFF_PCL.size, "mode": mode}))
