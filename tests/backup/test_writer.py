"""What the writer chooses: keys, kinds of records, sizes of blocks, zeros for what is missing [backup 5, 7.3, 12]."""

import stat
from collections.abc import Iterator

import pytest

from lvmfmt.backup import packing
from lvmfmt.backup.member import Member
from lvmfmt.backup.reader import Archive
from lvmfmt.backup.writer import BLOCK, DEVICE, file_record, volume_record, write_archive
from lvmfmt.layout.backup import BFF_NAME_LF, BFF_NAME_X, BFF_VOLUME
from lvmfmt.origin import FixedOrigin

MAX = 2**31 - 1
ORIGIN = FixedOrigin(1_300_000_000 * 10**9 + 999_999_999)


def written(*members: Member, **options: object) -> tuple[bytes, object]:
    parts: list[bytes] = []
    done = write_archive(lambda data: parts.append(bytes(data)), members, origin=ORIGIN, **options)
    data = b"".join(parts)
    assert done.bytes == len(data) and done.members == len(members)
    return data, done


def read(data: bytes, tmp_path) -> list[Member]:
    (tmp_path / "archive").write_bytes(data)
    return list(Archive(tmp_path / "archive"))


def file(name: bytes, data: bytes = b"", **values: object) -> Member:
    values = {"mode": stat.S_IFREG | 0o644, "size": len(data), **values}
    return Member(name, content=lambda: iter([data]), **values)


@pytest.mark.parametrize(
    ("size", "stored", "large"), [(0, 0, False), (MAX, MAX, False), (MAX + 1, 10, True), (10, MAX + 1, True)]
)
def test_large_sizes_have_a_record_of_their_own(size: int, stored: int, large: bool) -> None:
    data = file_record(file(b"x", size=size), mode=0o100644, key=0, stored=stored, packed=False)
    assert data[1] == (12 if large else 11)
    values = (BFF_NAME_LF if large else BFF_NAME_X).parse(data)
    assert (values.size, values.dsize) == (size, stored)


def test_devices_and_times_in_a_record() -> None:
    member = file(b"x", device=0, rdev=9 << 32 | 0xFFFFFFFF, atime=2**40, mtime=-(2**40), ctime=-(2**31), nlink=40000)
    values = BFF_NAME_X.parse(file_record(member, mode=0o100644, key=5, stored=0, packed=True))
    assert (values.devmaj, values.devmin) == (DEVICE >> 32, DEVICE & 0xFFFFFFFF) == (10, 7)
    assert (values.rdevmaj, values.rdevmin) == (9, 0xFFFFFFFF)
    assert (values.atime, values.mtime, values.ctime) == (MAX, -(2**31), -(2**31))
    assert (values.nlink, values.ino, values.magic) == (32767, 5, 60012)
    known = BFF_NAME_X.parse(
        file_record(file(b"x", device=3 << 32 | 4, ctime=MAX), mode=0, key=0, stored=0, packed=False)
    )
    assert (known.devmaj, known.devmin, known.ctime, known.magic) == (3, 4, MAX, 60011)


@pytest.mark.parametrize("block_size", [8, 512, BLOCK, 1 << 20])
def test_the_archive_ends_with_a_whole_block(block_size: int) -> None:
    data, _ = written(file(b"./a", b"x" * 1000), block_size=block_size)
    plain, _ = written(file(b"./a", b"x" * 1000), block_size=1)
    assert len(data) == -(-len(plain) // block_size) * block_size
    assert data.startswith(plain) and not any(data[len(plain) :])
    assert len(plain) % 8 == 0


def test_the_first_record_says_when_and_who() -> None:
    values = BFF_VOLUME.parse(volume_record(1_300_000_000, "a" * 20))
    assert (values.date, values.volnum, values.incno, values.numwds) == (1_300_000_000, 1, 100, MAX)
    assert values.user.rstrip(b"\0") == b"a" * 15
    assert BFF_VOLUME.parse(written()[0]).date == 1_300_000_000  # whole seconds that have gone by


def test_names_of_one_file_share_a_key_and_others_count_down(tmp_path) -> None:
    data, _ = written(
        Member(b"./d", stat.S_IFDIR | 0o755, nlink=3, key=9),
        file(b"./a", nlink=2, key=7), file(b"./b", nlink=2, key=7), file(b"./c", nlink=2, key=8), file(b"./e", key=7),
        file(b"./f", nlink=2, key=7, device=1), Member(b"./d/e", stat.S_IFDIR | 0o755, nlink=2, key=9),
    )  # fmt: skip
    keys = [member.key for member in read(data, tmp_path)]
    top = 0xFFFFFFFF
    assert keys == [top, top - 1, top - 1, top - 2, 0, top - 3, top - 4]


def test_a_file_that_became_shorter_or_longer(tmp_path) -> None:
    def pieces(*parts: bytes) -> object:
        return lambda: iter(parts)

    members = [
        Member(b"./short", stat.S_IFREG | 0o644, size=100_000, content=pieces(b"ab", b"c")),
        Member(b"./long", stat.S_IFREG | 0o644, size=3, content=pieces(b"ab", b"cd", b"ef")),
        Member(b"./exact", stat.S_IFREG | 0o644, size=4, content=pieces(b"ab", b"cd")),
        Member(b"./empty", stat.S_IFREG | 0o644, size=0, content=pieces()),
    ]
    data, done = written(*members)
    assert [m.read() for m in read(data, tmp_path)] == [b"abc" + bytes(99_997), b"abc", b"abcd", b""]
    assert done.problems == ["./short: has become shorter, filled with zeros"]


@pytest.mark.parametrize(("size", "packed"), [(0, False), (1, False), (8, False), (9, True), (1000, True)])
def test_data_are_packed_where_that_saves_a_word(size: int, packed: bool, tmp_path) -> None:
    (member,) = read(written(file(b"./a", b"a" * size), pack=True)[0], tmp_path)
    assert (member.packed, member.read()) == (packed, b"a" * size)
    (plain,) = read(written(file(b"./a", b"a" * size))[0], tmp_path)
    assert not plain.packed and plain.stored == size
    if packed:
        # a bit for each byte and one for the end, behind a tree of one level with two leaves [backup 8]
        assert member.stored == 1 + 1 + 1 + -(-(size + 1) // 8)


def test_only_small_regular_files_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = packing.count_bytes([b"a" * 1000])
    monkeypatch.setattr(packing, "count_bytes", lambda _: counts)
    from lvmfmt.backup.writer import _Writer

    writer = _Writer(lambda _: None, True)
    assert writer._tree(file(b"x", size=MAX)) is not None
    assert writer._tree(file(b"x", size=MAX + 1)) is None
    assert writer._tree(Member(b"x", stat.S_IFLNK | 0o777, size=1000)) is None


def test_a_symlink_and_a_directory(tmp_path) -> None:
    data, _ = written(
        Member(b"./l", stat.S_IFLNK | 0o777, size=9, target=b"../target"), Member(b"./d", stat.S_IFDIR | 0o755)
    )
    link, folder = read(data, tmp_path)
    assert link.target == b"../target" and folder.mode == stat.S_IFDIR | 0o755 | 0x10000  # [backup 5.6]
    assert BFF_NAME_X.parse(data[folder.offset :]).dsize == 256


def test_files_that_python_gives_piece_by_piece() -> None:
    def content() -> Iterator[bytes]:
        yield from (b"x" * 70_000, b"y" * 70_000)

    data, _ = written(Member(b"./a", stat.S_IFREG | 0o644, size=140_000, content=content))
    assert data.count(b"x" * 70_000 + b"y" * 70_000) == 1
