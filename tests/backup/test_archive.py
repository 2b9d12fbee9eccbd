"""Archives: the vectors of [backup 15] byte for byte, what is written comes back, and hostile archives end.

Modules: `lvmfmt.backup.packing`, `lvmfmt.backup.member`.
"""

import hashlib
import io
import random
import stat
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.backup import record
from lvmfmt.backup.member import Member
from lvmfmt.backup.permissions import Permissions, canonical
from lvmfmt.backup.reader import Archive
from lvmfmt.backup.writer import INSTALL_BLOCK, file_record, volume_record, write_archive
from lvmfmt.block import BlockDevice, Extent
from lvmfmt.errors import CorruptImage, LvmfmtError, OperationRefused, UnsupportedFeature
from lvmfmt.layout.backup import BFF_END, BFF_NAME, BFF_NAME_LF, BFF_NAME_X
from lvmfmt.origin import FixedOrigin

VECTORS = tomllib.loads((Path(__file__).resolve().parents[2] / "fixtures" / "backup" / "vectors.toml").read_text())
VOLUME_RECORD, DIRECTORY_RECORD, EXTENDED_ACL, LARGE_FILE_RECORD, WHOLE_ARCHIVE = (
    bytes.fromhex(VECTORS[name])
    for name in ("volume_record", "directory_record", "extended_acl", "large_file_record", "whole_archive")
)
WHOLE_ARCHIVE = WHOLE_ARCHIVE.ljust(512, b"\0")
WHOLE_ARCHIVE_SHA256 = "0dc8bf9fd75294dda7b9f309777d7189b61f9592b52bb5a8d2561e4db4ad227f"
NOW = 1_700_000_000
DEVICE = 10 << 32 | 7


class Memory(BlockDevice):
    """Bytes as a device."""

    def __init__(self, data: bytes) -> None:
        self.data, self.name, self.size, self.writable = data, "archive", len(data), False

    def read_into(self, offset, buffer):
        self.check_range(offset, len(buffer))
        memoryview(buffer)[:] = self.data[offset : offset + len(buffer)]

    def extents(self, offset=0, length=None):
        yield Extent(offset, self.size - offset, True)

    def write(self, offset, buffer): ...
    def punch(self, offset, length): ...
    def flush(self): ...
    def close(self): ...


def opened(data):
    return Archive(Memory(bytes(data)))


def written(members, **options):
    out = bytearray()
    options = {"origin": FixedOrigin(NOW * 10**9), "block_size": INSTALL_BLOCK, **options}
    report = write_archive(out.extend, members, **options)
    assert report.bytes == len(out) and len(out) % options["block_size"] == 0
    return bytes(out), report


def file(name, data=b"", **fields):
    fields = {"mode": 0o100644, "mtime": NOW, "size": len(data), **fields}
    return Member(name, content=lambda: iter([data[:7], data[7:]]), **fields)


def sample():
    times = {"atime": NOW, "mtime": NOW, "ctime": NOW}
    packed = b"abracadabra\n" * 4
    return [
        Member(b"./", 0o40755, nlink=2, key=1, **times),
        file(b"./hello", b"hello, world\n", **times),
        file(b"./p", packed, mode=0o100600, uid=100000, gid=1, **times),
    ]


# --- the vectors ------------------------------------------------------------------------------------------------------


def test_the_archive_of_the_vectors_is_written_byte_for_byte() -> None:
    assert hashlib.sha256(WHOLE_ARCHIVE).hexdigest() == WHOLE_ARCHIVE_SHA256
    data, report = written(sample(), pack=True)
    assert data == WHOLE_ARCHIVE
    assert (report.members, report.problems) == (3, [])


def test_the_archive_of_the_vectors_is_read() -> None:
    archive = opened(WHOLE_ARCHIVE)
    root, hello, packed = archive
    assert (archive.volume.date, archive.volume.user, archive.volume.number) == (NOW, b"root", 1)
    assert (root.name, root.mode, root.nlink, root.key, root.size) == (b"./", 0x141ED, 2, 0xFFFFFFFF, 0)
    assert (hello.name, hello.mode, hello.read()) == (b"./hello", 0x81A4, b"hello, world\n")
    assert (packed.uid, packed.gid, packed.packed, packed.size, packed.stored) == (100000, 1, True, 48, 28)
    assert packed.read() == b"abracadabra\n" * 4
    assert archive.problems == []


def test_a_volume_record_that_aix_wrote() -> None:
    assert volume_record(1375425475) == VOLUME_RECORD


def test_a_directory_that_aix_wrote() -> None:
    end = record.build(BFF_END, record.END, {"left_over": 1})
    (found,) = opened(VOLUME_RECORD + DIRECTORY_RECORD + end)
    assert (found.name, found.nlink, found.key, found.mode) == (b"./usr/PkgA", 3, 0xFFFFFFFA, 0x141ED)
    assert (found.atime, found.mtime, found.ctime) == (1375425332, 1375425336, 1375425336)
    assert (found.device, found.size, found.stored) == (DEVICE, 0, 0)  # dsize 256 is not skipped
    # the same record of ours: all but the slack after the name, the checksum over it, and `reserved` of the list
    ours = file_record(found, mode=found.mode, key=found.key, stored=0, packed=False) + canonical(found.mode).build()
    differ = {i for i, (a, b) in enumerate(zip(ours, DIRECTORY_RECORD, strict=True)) if a != b}
    assert differ == {4, 5, 76, 77, 78, 79, 96, 97}


def test_an_access_control_list_that_aix_wrote() -> None:
    lists = Permissions(EXTENDED_ACL[8:48], EXTENDED_ACL[48:])
    assert [str(e) for e in lists.entries()] == ["permit rw- group 214", "permit rw- group 21800"]
    assert lists.build() == EXTENDED_ACL
    assert canonical(0x81A4).entries() == ()


def test_the_record_of_a_large_file() -> None:
    times = {"atime": NOW, "mtime": NOW, "ctime": NOW}
    big = Member(b"./big", 0x81A4, size=5 << 30, **times)
    assert file_record(big, mode=0x81A4, key=0, stored=5 << 30, packed=False) == LARGE_FILE_RECORD


def test_the_checksum_and_the_end_record() -> None:
    assert record.build(BFF_END, record.END, {"left_over": 1}).hex(" ") == "01 07 6b ea 84 0a 01 00"  # [backup 10]
    assert record.checksum(VOLUME_RECORD) == 0xD7E8
    assert record.checksum(DIRECTORY_RECORD[:80]) == 0xA3A8
    assert record.checksum(LARGE_FILE_RECORD) == 0xA380


# --- what is written comes back ---------------------------------------------------------------------------------------


def everything():
    return [
        Member(b"./", 0o40755, nlink=3, key=9),
        Member(b"./d", 0o42750, nlink=2, key=8, uid=7, gid=8, mtime=-5),
        file(b"./d/one", b"linked" * 99, nlink=2, key=77, device=3 << 32),
        file(b"./d/two", b"linked" * 99, nlink=2, key=77, device=3 << 32),
        file(b"./other", b"not linked", nlink=2, key=77, device=4 << 32),
        file(b"./empty"),
        Member(b"./link", 0o120777, size=13, target=b"/etc/no/where"),
        Member(b"./null", 0o20666, rdev=2 << 32 | 2),
        Member(b"./disk", 0o60600, rdev=0xFFFFFFFF << 32 | 0x12345678),
        Member(b"./pipe", 0o10644),
        Member(b"./socket", 0o140755),
        file(b"./odd\x7f\x7f\xff", bytes(range(256)) * 40, mode=0o104755, uid=388113),
    ]


@pytest.mark.parametrize("pack", [False, True])
def test_every_kind_of_member(pack) -> None:
    data, _ = written(everything(), pack=pack)
    found = list(opened(data))
    fields = ("name", "kind", "nlink", "uid", "gid", "size", "mtime", "rdev", "target")
    for a, b in zip(everything(), found, strict=True):
        assert [getattr(a, f) for f in fields] == [getattr(b, f) for f in fields]
        assert a.read() == b.read() and a.mode & 0xFFFF == b.mode & 0xFFFF
    one, two, other = found[2:5]
    assert one.link == two.link is not None and other.link not in (None, one.link)
    assert {m.key for m in found if m.nlink == 1} == {0}
    assert [m.key for m in found if m.nlink > 1] == [0xFFFFFFFF - i for i in (0, 1, 2, 2, 3)]  # [backup 7.3]


def test_an_archive_in_an_archive_is_data() -> None:
    inner, _ = written(everything())
    data, _ = written([file(b"./inner", inner), file(b"./after", b"x")])
    archive = opened(data)
    assert [m.name for m in archive] == [b"./inner", b"./after"] and archive.problems == []


def test_a_file_that_changes_while_it_is_read_keeps_its_place() -> None:
    short = Member(b"./short", 0o100644, size=20, content=lambda: iter([b"five!"]))
    long = Member(b"./long", 0o100644, size=3, content=lambda: iter([b"five!"]))
    data, report = written([short, long])
    assert [m.read() for m in opened(data)] == [b"five!" + bytes(15), b"fiv"]
    assert report.problems == ["./short: has become shorter, filled with zeros"]


@pytest.mark.parametrize("name", [b"", b"a" * 1024, b"a\0b"])
def test_names_that_no_archive_can_hold(name) -> None:
    with pytest.raises(OperationRefused, match="cannot hold the name"):
        written([file(name)])


def test_the_longest_name() -> None:
    (found,) = opened(written([file(b"a" * 1023)])[0])
    assert found.name == b"a" * 1023


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=40).filter(lambda b: b"\0" not in b), st.binary(max_size=300)),
        max_size=6,
    ),
    st.booleans(),
)
def test_round_trip(content, pack) -> None:
    data, _ = written([file(name, body) for name, body in content], pack=pack)
    archive = opened(data)
    assert [(m.name, m.read()) for m in archive] == content and archive.problems == []


# --- other forms ------------------------------------------------------------------------------------------------------


def end():
    return record.build(BFF_END, record.END, {"left_over": 1})


def test_records_of_other_versions() -> None:
    old = {"mode": 0o100600, "nlink": 1, "uid": 5, "gid": 6, "size": 3, "dsize": 3}
    large = {**old, "size": 4, "dsize": 4}
    data = (
        VOLUME_RECORD
        + record.build(BFF_NAME, record.NAME, old, name=b"old")
        + b"old".ljust(8, b"\0")  # no permissions behind it [backup 5.3]
        + record.build(BFF_NAME_LF, record.NAME_LF, large, name=b"large")
        + canonical(0o100600).build()
        + b"four".ljust(8, b"\0")
        + end()
    )
    assert [(m.name, m.uid, m.read()) for m in opened(data)] == [(b"old", 5, b"old"), (b"large", 5, b"four")]


@pytest.mark.parametrize("layout", ["none", "before", "zero ended"])
def test_symlinks_as_the_readers_disagree_about_them(layout) -> None:
    # [backup 7.5]: the target alone; lists and target; the target with its NUL and 40 bytes
    target = b"/usr/lib/boot"
    lists = canonical(0o120777).build()
    body = {
        "none": target.ljust(16, b"\0"),
        "before": lists + target.ljust(16, b"\0"),
        "zero ended": (target + b"\0").ljust(16, b"\0") + lists,
    }[layout]
    values = {"mode": 0o120777, "nlink": 1, "size": 0 if layout == "zero ended" else 13}
    data = VOLUME_RECORD + record.build(BFF_NAME_X, record.NAME_X, values, name=b"l") + body + end()
    archive = opened(data)
    (found,) = archive
    assert found.target == (b"" if layout == "zero ended" else target)
    assert archive.problems == []


def test_unknown_records_are_skipped_and_told() -> None:
    strange = record.build(BFF_NAME_X, 13, {"mode": 0o100644}, name=b"ea") + b"??" * 20
    whole, _ = written(everything())
    data = whole[:72] + strange + whole[72:]
    archive = opened(data)
    assert len(list(archive)) == len(everything())
    assert archive.problems == [f"byte 72: a record FS_NAME_EA, {len(strange)} bytes left out"]


def test_backups_by_inode_are_recognised() -> None:
    dump = bytearray(2048)
    dump[24:28] = (60017).to_bytes(4, "big")
    with pytest.raises(UnsupportedFeature, match="by inode"):
        opened(dump)
    volume = bytearray(VOLUME_RECORD)
    volume[68] = 101
    volume[4:6] = record.checksum(bytes(volume)).to_bytes(2, "little")
    with pytest.raises(UnsupportedFeature, match="by inode"):
        opened(volume)


def test_several_volumes_are_not_read() -> None:
    data, _ = written([file(b"./a", b"a")])
    at = data.index(end())
    more = data[:at] + record.build(BFF_END, record.VOLUME_END, {"left_over": 1}) + bytes(504)
    members = iter(opened(more))
    assert next(members).name == b"./a"
    with pytest.raises(UnsupportedFeature, match="several volumes"):
        next(members)


# --- hostile archives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\x09\x00\x6b\xea", bytes(4096), b"<bigaf>\n" * 100, VOLUME_RECORD[:40]])
def test_what_is_no_archive(data) -> None:
    with pytest.raises(CorruptImage, match="bff_volume"):
        opened(data)


def test_a_cut_archive_says_so_at_every_length() -> None:
    data, _ = written(everything(), pack=True)
    last = data.rindex(end()) + 8
    for length in range(72, last, 8):
        archive = opened(data[:length])
        with pytest.raises(CorruptImage, match="archive"):
            for member in archive:
                assert member.offset < length


def patched(offset, value, size=4):
    """The archive with one field of the record of ./hello changed and its checksum put right."""
    data = bytearray(WHOLE_ARCHIVE)
    data[184 + offset : 184 + offset + size] = value.to_bytes(size, "little", signed=value < 0)
    length = data[184] * 8
    data[188:190] = record.checksum(bytes(data[184 : 184 + length])).to_bytes(2, "little")
    return data


@pytest.mark.parametrize("size", [-1, 2**31 - 1, 10_000, 14, 25])
def test_a_wrong_size_neither_crashes_nor_invents(size) -> None:
    archive = opened(patched(24, size))
    try:
        names = [m.name for m in archive]
    except CorruptImage as error:
        assert "bytes of data" in str(error)
    else:
        assert b"./p" in names or archive.problems


def test_packed_data_cannot_be_more_than_its_bits() -> None:
    data = bytearray(WHOLE_ARCHIVE)
    data[312 + 24 : 312 + 28] = (2**31 - 1).to_bytes(4, "little")
    data[316:318] = record.checksum(bytes(data[312 : 312 + 72])).to_bytes(2, "little")
    archive = opened(data)
    assert [m.name for m in archive] == [b"./", b"./hello"]
    assert "./p is said to have 2147483647 bytes in 28" in archive.problems[0]


def test_lists_of_absurd_sizes_are_no_lists() -> None:
    data = bytearray(WHOLE_ARCHIVE)
    at = 184 + 72
    data[at : at + 4] = (2**32 - 1).to_bytes(4, "little")
    archive = opened(data)
    names = [m.name for m in archive]
    assert names[:2] == [b"./", b"./hello"] and archive.problems


@pytest.mark.parametrize("seed", range(60))
def test_damaged_archives_end_with_an_error_or_members(seed) -> None:
    rng = random.Random(seed)
    data = bytearray(written(everything(), pack=bool(seed % 2))[0])
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(72, len(data))
        data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    archive = opened(data)
    try:
        for member in archive:
            assert 72 <= member.offset < len(data)
            try:
                assert len(member.read()) == member.size if member.kind == stat.S_IFREG else True
            except CorruptImage as error:
                assert member.packed, error
            if member.permissions:
                member.permissions.entries()
    except LvmfmtError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=400))
def test_any_bytes_after_the_volume_record(tail) -> None:
    try:
        for member in opened(VOLUME_RECORD + tail):
            member.read()
    except LvmfmtError:
        pass


def test_a_member_of_the_reader_can_be_written_again() -> None:
    out = io.BytesIO()
    write_archive(
        out.write,
        [replace(m) for m in opened(WHOLE_ARCHIVE)],
        origin=FixedOrigin(NOW * 10**9),
        pack=True,
        block_size=512,
    )
    assert out.getvalue() == WHOLE_ARCHIVE
