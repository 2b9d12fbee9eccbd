"""A member of an archive: its kind, what the names of one file share, its content."""

import stat

import pytest

from lvmfmt.backup.member import JOURNALLED, Member, no_content


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (0x000141ED, stat.S_IFDIR),  # a directory as AIX stores it, with the bit for journalled [backup 5.6]
        (0x020149E8, stat.S_IFDIR),  # and one with an extended access control list [backup V5]
        (0x000081A4, stat.S_IFREG),
        (0x0000A1FF, stat.S_IFLNK),
        (0xFFFF2000, stat.S_IFCHR),
    ],
)
def test_the_kind_is_in_the_low_bits_of_the_mode(mode: int, kind: int) -> None:
    assert Member(b"./x", mode).kind == kind
    assert bool(mode & JOURNALLED) == (mode & 0x10000 != 0)


@pytest.mark.parametrize(
    ("mode", "nlink", "key", "link"),
    [
        (0o100644, 2, 7, (3 << 32, 7)),
        (0o100644, 3, 7, (3 << 32, 7)),
        (0o100644, 1, 7, None),  # one name
        (0o100644, 2, 0, None),  # several names, but nothing says of what
        (0o040755, 2, 7, None),  # a directory has several links by its nature
        (0o020666, 2, 7, (3 << 32, 7)),
    ],
)
def test_names_of_one_file_share_device_and_key(mode: int, nlink: int, key: int, link: object) -> None:
    assert Member(b"./x", mode, nlink=nlink, key=key, device=3 << 32).link == link  # [backup 7.4]


def test_content_is_asked_for_again_each_time() -> None:
    member = Member(b"./x", 0o100644, size=5, content=lambda: iter([b"ab", memoryview(b"cde")]))
    assert member.read() == member.read() == b"abcde"
    assert Member(b"./x", 0o100644).read() == b"" and list(no_content()) == []


def test_members_are_equal_whatever_answers_their_content() -> None:
    assert Member(b"./x", 0o100644, content=lambda: iter([b"a"])) == Member(b"./x", 0o100644)
    assert Member(b"./x", 0o100644) != Member(b"./y", 0o100644)
    assert "content" not in repr(Member(b"./x", 0o100644))
