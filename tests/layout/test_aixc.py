"""The AIXC form of an access control list in both byte orders, against bytes that AIX wrote [backup V5]."""

from lvmfmt.layout.aixc import access_control_list
from lvmfmt.layout.record import BIG, LITTLE, Grade

LIST = bytes.fromhex(
    "28000000 00080002 0000 0700 0500 0000  0c00 0640 0800 0200 000000d6  0c00 0640 0800 0200 00005528"
)
"""acl_len 40, acl_mode 0x02000800, 7/5/0; permit rw- for the groups 214 and 21800, whose numbers are big-endian."""


def test_a_list_that_aix_wrote() -> None:
    head, entry, who = access_control_list("x", LITTLE, Grade.A, "H, T", "somewhere")
    found = head.parse(LIST)
    assert (found.acl_len, found.acl_mode) == (len(LIST), 0x02000800)
    assert (found.u_access, found.g_access, found.o_access) == (7, 5, 0)
    for at, group in ((16, 214), (28, 21800)):
        first = entry.parse(LIST[at:])
        assert (first.ace_len, first.ace_access >> 14, first.ace_access & 7) == (12, 1, 6)
        owner = who.parse(LIST[at + entry.size :])
        assert (owner.id_len, owner.id_type, owner.id_data) == (who.size, 2, group)


def test_the_other_byte_order_has_the_same_places() -> None:
    little = access_control_list("a", LITTLE, Grade.A, "H, T", "")
    big = access_control_list("b", BIG, Grade.C, "H", "")
    assert [r.name for r in big] == ["b", "b_entry", "b_id"]
    for one, other in zip(little, big, strict=True):
        assert [(f.name, f.offset, f.size) for f in one.fields()] == [
            (f.name, f.offset, f.size) for f in other.fields()
        ]
        assert {f.grade for f in other.fields()} == {"C"}
    assert big[0].parse(bytes.fromhex("00000010") + bytes(12)).acl_len == 16
