"""The block of permissions: lists in whole words, entries with lengths that may be wrong [backup 6]."""

import pytest

from lvmfmt.backup.permissions import Entry, Permissions, canonical
from lvmfmt.layout.backup import BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID, BFF_PCL, BFF_SECURITY


def acl(*entries: bytes, length: int | None = None) -> Permissions:
    body = b"".join(entries)
    head = BFF_ACL.build({"acl_len": BFF_ACL.size + len(body) if length is None else length})
    return Permissions(head + body, b"")


def entry(access: int, *who: tuple[int, int], length: int | None = None, id_length: int | None = None) -> bytes:
    ids = b"".join(
        BFF_ACL_ID.build({"id_len": BFF_ACL_ID.size if id_length is None else id_length, "id_type": t, "id_data": n})
        for t, n in who
    )
    size = BFF_ACL_ENTRY.size + len(ids)
    return BFF_ACL_ENTRY.build({"ace_len": size if length is None else length, "ace_access": access}) + ids


def test_entries_beyond_the_mode() -> None:
    found = acl(entry(1 << 14 | 5, (1, 203)), entry(1 << 14 | 2, (2, 7), (1, 8)), entry(2 << 14 | 1)).entries()
    assert found == (
        Entry("permit", 5, (("user", 203),)), Entry("permit", 2, (("group", 7), ("user", 8))), Entry("type 2", 1, ()),
    )  # fmt: skip
    assert [str(e) for e in found] == ["permit r-x user 203", "permit -w- group 7, user 8", "type 2 --x "]
    (odd,) = acl(entry(1 << 14 | 0x3FFF, (9, 1))).entries()
    assert odd == Entry("permit", 0x3FFF, (("type 9", 1),))


def test_lengths_that_make_no_sense_end_the_list() -> None:
    good = entry(1 << 14 | 4, (1, 1))
    assert len(acl(good, good, length=BFF_ACL.size + len(good)).entries()) == 1
    assert len(acl(good, length=9999).entries()) == 1  # no more than there is
    assert acl(good, length=BFF_ACL.size).entries() == ()
    assert acl(entry(1 << 14, length=BFF_ACL_ENTRY.size - 1), good).entries() == ()
    assert acl(entry(1 << 14, length=9999), good).entries() == ()
    assert len(acl(good, b"\0" * (BFF_ACL_ENTRY.size - 1)).entries()) == 1
    assert Permissions(b"", b"").entries() == Permissions(bytes(BFF_ACL.size - 1), b"").entries() == ()
    assert acl().entries() == ()


def test_an_identifier_of_another_length_ends_its_entry() -> None:
    assert acl(entry(1 << 14 | 4, (1, 5), id_length=4), entry(1 << 14 | 1)).entries() == (
        Entry("permit", 4, ()), Entry("permit", 1, ()),
    )  # fmt: skip


@pytest.mark.parametrize("mode", [0o100640, 0o040755, 0o107777, 0o100001 | 0x10000])
def test_the_block_of_a_mode(mode: int) -> None:
    block = canonical(mode).build()
    values = BFF_SECURITY.parse(block)
    assert (values.aclsize * 8, values.pclsize * 8) == (BFF_ACL.size, BFF_PCL.size)
    lists = BFF_ACL.parse(block[BFF_SECURITY.size :])
    assert (lists.u_access, lists.g_access, lists.o_access) == (mode >> 6 & 7, mode >> 3 & 7, mode & 7)
    assert BFF_PCL.parse(block[BFF_SECURITY.size + BFF_ACL.size :]).mode == mode
    assert len(block) == BFF_SECURITY.size + BFF_ACL.size + BFF_PCL.size
