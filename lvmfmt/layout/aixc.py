"""The AIXC form of an access control list, which archives keep in one byte order and file systems in the other.

Source: [backup 6.2].
"""

from __future__ import annotations

from .record import BIG, Grade, Ints, Record, field


def access_control_list(prefix: str, ints: Ints, grade: Grade, source: str, place: str) -> tuple[Record, ...]:
    """Head, entry, and identifier of an entry.

    Args:
        prefix: start of their names.
        ints: the byte order of all but the number of an identifier.
        grade: how well the bytes are known.
        source: tags of what is in the include file; the rest was seen in archives.
        place: where the head lies.
    """
    u16, u32 = ints.u16, ints.u32
    head = [
        field("acl_len", u32, "bytes, this head included", grade, source),
        field("acl_mode", u32, "0; with entries in force 0x02000000, and 0xE00 of the mode", grade, source),
        field("rsvd", u16, "not used; may hold stale bytes", grade, "T"),
        field("u_access", u16, "owner: 4 read, 2 write, 1 execute", grade, source),
        field("g_access", u16, "group, likewise", grade, source),
        field("o_access", u16, "others, likewise", grade, source),
    ]
    entry = [
        field("ace_len", u16, "bytes, identifiers included", grade, source),
        field("ace_access", u16, "type in the top 2 bits, 1 permit; 4 read, 2 write, 1 execute", grade, source),
    ]
    who = [
        field("id_len", u16, "8", grade, source),
        field("id_type", u16, "1 user, 2 group", grade, source),
        field("id_data", BIG.u32, "the number, big-endian", grade, "T"),
    ]
    title = "of an access control list"
    return (
        Record(prefix, f"head {title}; entries follow up to acl_len", 16, place, *head),
        Record(f"{prefix}_entry", f"entry {title}; identifiers follow up to ace_len", 4, f"behind {prefix}", *entry),
        Record(f"{prefix}_id", f"identifier that an entry {title} is about", 8, f"behind {prefix}_entry", *who),
    )  # fmt: skip
