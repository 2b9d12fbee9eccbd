"""Access control lists: what their bytes say, as far as it is published.

POSIX lists are the values of two attributes of Linux. AIXC lists are known from archives that AIX wrote; where a file
system of AIX keeps one, and NFS4 lists at all, are not published: such bytes come as they are, with their type.
Source: [jfs2 2.10, item 14]; `layout/jfs2/acl.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...backup.permissions import walk
from ...layout.jfs2.acl import AIXC_ACL, AIXC_ENTRY, AIXC_ID, POSIX_ACL, POSIX_ACL_ENTRY
from ...layout.record import Grade

POSIX_NAMES = {b"system.posix_acl_access": "access", b"system.posix_acl_default": "default"}
"""Attributes of Linux that are access control lists."""
MAX_AIXC = 4096
"""Bytes of the longest AIXC list."""

_POSIX_VERSION = 2
_POSIX_TAGS = {1: "owner", 2: "user", 4: "owning group", 8: "group", 0x10: "mask", 0x20: "others"}
_NAMED = (2, 8)


@dataclass(frozen=True)
class AclEntry:
    """An entry.

    Attributes:
        who: owner, user, owning group, group, mask, others, or the number of a kind that is not known.
        id: user or group; None where the kind names nobody.
        access: permissions: 4 read, 2 write, 1 execute, and bits beyond as they are.
        kind: "permit", or "type N" for what is not published.
    """

    who: str
    id: int | None
    access: int
    kind: str = "permit"

    def __str__(self) -> str:
        bits = "".join(letter if self.access & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
        name = self.who if self.id is None else f"{self.who} {self.id}"
        return f"{name} {bits}" if self.kind == "permit" else f"{name} {bits} ({self.kind})"


@dataclass(frozen=True)
class Acl:
    """An access control list.

    Attributes:
        name: "access", or "default" for what is made in a directory.
        form: "posix", "aixc", "os2", or "unknown".
        grade: how well it is known that these bytes mean this.
        type: type that the file system gives it; 0 where it has none.
        raw: its bytes.
        entries: what they say; empty where the form is not known.
    """

    name: str
    form: str
    grade: Grade
    type: int
    raw: bytes
    entries: tuple[AclEntry, ...] = ()

    def __str__(self) -> str:
        if not self.entries:
            return f"{self.name}: {self.form}, type {self.type}, {len(self.raw)} bytes, grade {self.grade}"
        return f"{self.name}: {', '.join(map(str, self.entries))}"


def posix_acl(name: str, raw: bytes) -> Acl:
    """The list that an attribute of Linux is; one of another version comes undecoded."""
    body = len(raw) - POSIX_ACL.size
    if body < 0 or body % POSIX_ACL_ENTRY.size or POSIX_ACL.table(raw, 1)["version"][0] != _POSIX_VERSION:
        return Acl(name, "unknown", Grade.C, 0, raw)
    entries = [
        AclEntry(_POSIX_TAGS.get(tag, f"tag {tag:#x}"), number if tag in _NAMED else None, access)
        for tag, access, number in POSIX_ACL_ENTRY.table(raw, None, POSIX_ACL.size).tolist()
    ]
    return Acl(name, "posix", Grade.B, 0, raw, tuple(entries))


def aixc_acl(kind: int, raw: bytes) -> Acl:
    """The list that an access control object of AIX is, of the type `kind`.

    That such an object holds the AIXC form is our reading; bytes that are not one from end to end come undecoded.
    """
    entries = tuple(_aixc(raw) or ())
    return Acl("access", "aixc" if entries else "unknown", Grade.C, kind, raw, entries)


def _aixc(raw: bytes) -> list[AclEntry] | None:
    """The entries of an AIXC list, the three of the mode first; None if it is not one."""
    if len(raw) < AIXC_ACL.size:
        return None
    head = AIXC_ACL.parse(raw)
    # behind its end the place may be filled up
    if not AIXC_ACL.size <= head.acl_len <= min(len(raw), MAX_AIXC) or raw[head.acl_len :].strip(b"\0"):
        return None
    found = [
        AclEntry(who, None, access)
        for who, access in (("owner", head.u_access), ("owning group", head.g_access), ("others", head.o_access))
    ]
    if max(entry.access for entry in found) > 7:
        return None
    entries = list(walk(raw[: head.acl_len], AIXC_ACL, AIXC_ENTRY, AIXC_ID))
    if None in entries:
        return None
    named = filter(None, entries)
    return [*found, *(AclEntry(who, number, e.access, e.kind) for e in named for who, number in e.who)]
