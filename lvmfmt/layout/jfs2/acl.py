"""Access control lists: the AIXC form of AIX, and the POSIX form that Linux keeps as an attribute.

Source: AIXC is the form of [backup 6.2], where the fields are those of a little-endian archive; in a file system of AIX
they are big-endian (our reading, so grade C). POSIX is the public interface of Linux for the attributes
system.posix_acl_access and system.posix_acl_default.
"""

from __future__ import annotations

from ..record import BIG, LITTLE, Grade, Record, field

POSIX_ACL = Record(
    "posix_acl",
    "head of a POSIX access control list; entries follow to its end",
    [field("version", LITTLE.u32, "2", Grade.B, "L (uapi)")],
    size=4,
    place="attributes system.posix_acl_access and system.posix_acl_default",
)
POSIX_ACL_ENTRY = Record(
    "posix_acl_entry",
    "entry of a POSIX access control list",
    [
        field(
            "tag", LITTLE.u16, "1 owner, 2 user, 4 owning group, 8 group, 0x10 mask, 0x20 others", Grade.B, "L (uapi)"
        ),
        field("perm", LITTLE.u16, "4 read, 2 write, 1 execute", Grade.B, "L (uapi)"),
        field("id", LITTLE.u32, "user or group; all ones where the tag names nobody", Grade.B, "L (uapi)"),
    ],
    size=8,
    place="behind a posix_acl",
)

AIXC_ACL = Record(
    "aixc_acl",
    "head of an AIXC access control list; entries follow up to acl_len",
    [
        field("acl_len", BIG.u32, "bytes, this head included", Grade.C, "H (acl.h)"),
        field("acl_mode", BIG.u32, "0x02000000 entries are in force; 0xE00 of the mode too", Grade.C, "H (acl.h)"),
        field("rsvd", BIG.u16, "not used; may hold stale bytes", Grade.C, "T"),
        field("u_access", BIG.u16, "owner: 4 read, 2 write, 1 execute", Grade.C, "H (acl.h)"),
        field("g_access", BIG.u16, "group, likewise", Grade.C, "H (acl.h)"),
        field("o_access", BIG.u16, "others, likewise", Grade.C, "H (acl.h)"),
    ],
    size=16,
    place="value of an access control object of AIX",
)
AIXC_ENTRY = Record(
    "aixc_acl_entry",
    "entry of an AIXC access control list; its identifiers follow up to ace_len",
    [
        field("ace_len", BIG.u16, "bytes, identifiers included", Grade.C, "H (acl.h)"),
        field(
            "ace_access", BIG.u16, "type in the top 2 bits, 1 permit; 4 read, 2 write, 1 execute", Grade.C, "H (acl.h)"
        ),
    ],
    size=4,
    place="behind an aixc_acl",
)
AIXC_ID = Record(
    "aixc_acl_id",
    "identifier that an entry of an AIXC list is about; the number follows",
    [
        field("id_len", BIG.u16, "bytes, this head included", Grade.C, "H (acl.h)"),
        field("id_type", BIG.u16, "1 user, 2 group", Grade.C, "H (acl.h)"),
        field("id_data", BIG.u32, "the number", Grade.C, "T"),
    ],
    size=8,
    place="behind an aixc_acl_entry",
)

ACL_RECORDS: tuple[Record, ...] = (POSIX_ACL, POSIX_ACL_ENTRY, AIXC_ACL, AIXC_ENTRY, AIXC_ID)
"""Access control lists of both systems."""
