"""Access control lists: the AIXC form of AIX, and the POSIX form that Linux keeps as an attribute.

That the AIXC form is big-endian in a file system is our own reading, so its grade is C. POSIX is the public interface
of Linux for the attributes system.posix_acl_access and system.posix_acl_default.
"""

from __future__ import annotations

from ..aixc import access_control_list
from ..record import BIG, LITTLE, Grade, Record, field

POSIX_ACL = Record(
    "posix_acl",
    "head of a POSIX access control list; entries follow to its end",
    4,
    "attributes system.posix_acl_access and system.posix_acl_default",
    field("version", LITTLE.u32, "2", Grade.B, "L (uapi)"),
)
POSIX_ACL_ENTRY = Record(
    "posix_acl_entry",
    "entry of a POSIX access control list",
    8,
    "behind a posix_acl",
    field("tag", LITTLE.u16, "1 owner, 2 user, 4 owning group, 8 group, 0x10 mask, 0x20 others", Grade.B, "L (uapi)"),
    field("perm", LITTLE.u16, "4 read, 2 write, 1 execute", Grade.B, "L (uapi)"),
    field("id", LITTLE.u32, "user or group; all ones where the tag names nobody", Grade.B, "L (uapi)"),
)

AIXC_ACL, AIXC_ENTRY, AIXC_ID = access_control_list(
    "aixc_acl", BIG, Grade.C, "H (acl.h)", "value of an access control object of AIX"
)

ACL_RECORDS: tuple[Record, ...] = (POSIX_ACL, POSIX_ACL_ENTRY, AIXC_ACL, AIXC_ENTRY, AIXC_ID)
"""Access control lists of both systems."""
