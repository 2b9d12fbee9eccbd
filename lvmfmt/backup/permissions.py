"""The block of permissions behind a file's record: an access control list and a privilege list.

Source: [backup 6].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..layout.backup import BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID, BFF_PCL, BFF_SECURITY
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
        if len(self.acl) < BFF_ACL.size:
            return ()
        end = min(fields(BFF_ACL, self.acl)["acl_len"], len(self.acl))
        found, at = [], BFF_ACL.size
        while at + BFF_ACL_ENTRY.size <= end:
            entry = fields(BFF_ACL_ENTRY, self.acl[at:])
            stop = at + entry["ace_len"]
            if entry["ace_len"] < BFF_ACL_ENTRY.size or stop > end:
                break
            kind = KINDS.get(entry["ace_access"] >> 14, f"type {entry['ace_access'] >> 14}")
            who = _identifiers(self.acl[at + BFF_ACL_ENTRY.size : stop])
            found.append(Entry(kind, entry["ace_access"] & 0x3FFF, who))
            at = stop
        return tuple(found)


def _identifiers(raw: bytes) -> tuple[tuple[str, int], ...]:
    found, at = [], 0
    while at + BFF_ACL_ID.size <= len(raw):
        row = fields(BFF_ACL_ID, raw[at:])
        if row["id_len"] != BFF_ACL_ID.size:
            break
        found.append((WHO.get(row["id_type"], f"type {row['id_type']}"), row["id_data"]))
        at += BFF_ACL_ID.size
    return tuple(found)


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
