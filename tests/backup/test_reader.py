"""The walk over an archive: where it goes on when a record is of no use, and what a record may claim."""

import io
from pathlib import Path

import pytest

from lvmfmt.backup import record
from lvmfmt.backup.permissions import canonical
from lvmfmt.backup.reader import Archive
from lvmfmt.backup.writer import volume_record
from lvmfmt.block import FileDevice, ImageFile
from lvmfmt.errors import CorruptImage, ImageIOError, NotFound
from lvmfmt.layout.backup import BFF_END, BFF_NAME_X, BFF_ONAME

END = record.build(BFF_END, record.END, {"left_over": 1})
LISTS = canonical(0o100644).build()
PIECE, WINDOW = 1 << 20, 64 << 10
"""Bytes that the search and the window take at once: places at their edges must be found too."""


@pytest.fixture
def archive(tmp_path: Path):
    def make(*parts: bytes) -> Archive:
        path = tmp_path / "archive.bff"
        path.write_bytes(volume_record(0) + b"".join(parts))
        return Archive(path)

    return make


def named(name: bytes, data: bytes = b"", type: int = record.NAME_X, **values: int) -> bytes:
    values = {"mode": 0o100644, "nlink": 1, "size": len(data), "dsize": len(data), **values}
    return record.build(BFF_NAME_X, type, values, name=name) + LISTS + data.ljust(record.padded(len(data)), b"\0")


def test_the_first_record(tmp_path: Path, archive) -> None:
    with archive(END) as opened:
        assert list(opened) == [] and opened.volume.number == 1
    with pytest.raises(NotFound):
        Archive(tmp_path / "none")
    (tmp_path / "short").write_bytes(END + bytes(500))  # a good record, which is no first one
    with pytest.raises(CorruptImage, match="first record"):
        Archive(tmp_path / "short")


@pytest.mark.parametrize("gap", [8, PIECE - 72, PIECE - 64, PIECE, WINDOW - 8, 3 * PIECE + 8])
def test_the_search_finds_the_next_record_wherever_it_is(gap: int, archive) -> None:
    opened = archive(named(b"./a"), b"\xaa" * gap, named(b"./b"), END)
    assert [member.name for member in opened] == [b"./a", b"./b"]
    assert [problem.split(": ")[1] for problem in opened.problems] == [f"no record, {gap} bytes left out"]


@pytest.mark.parametrize("type", [10, 13, 14, 15])
def test_the_search_stops_at_records_of_every_type(type: int, archive) -> None:
    name = record.TYPE_NAMES[type]
    opened = archive(b"\xaa" * 16, named(b"./x", type=type), named(b"./b"), END)
    assert [member.name for member in opened] == [b"./b"]
    assert "no record, 16 bytes" in opened.problems[0] and name in opened.problems[1]


@pytest.mark.parametrize(("magic", "known"), [(60010, False), (60011, True), (60017, True), (60018, False)])
def test_the_search_takes_every_magic_there_is(magic: int, known: bool, archive) -> None:
    opened = archive(b"\xaa" * 16, named(b"./x", magic=magic), named(b"./b"), END)
    assert [member.name for member in opened] == ([b"./x"] if known else []) + [b"./b"]


def test_a_walk_tells_its_problems_once(archive) -> None:
    opened = archive(b"\xaa" * 16, named(b"./b"), END)
    assert len(list(opened)) == len(list(opened)) == len(opened.problems) == 1


def test_what_lies_behind_large_data_is_read_from_another_window(archive) -> None:
    data = bytes(range(256)) * (WINDOW // 256 + 1)
    a, b, c = archive(named(b"./a", data), named(b"./b", b"b"), named(b"./c", data[:PIECE]), END)
    assert a.read() == data and b.read() == b"b" and c.read() == data
    assert b.offset == a.data_offset + record.padded(len(data))


@pytest.mark.parametrize(("size", "stored", "known"), [(64, 8, True), (65, 8, False), (0, 8, True), (-1, 8, False)])
def test_a_packed_byte_holds_eight_symbols_at_most(size: int, stored: int, known: bool, archive) -> None:
    opened = archive(named(b"./p", bytes(8), magic=record.PACKED, size=size, dsize=stored), END)
    assert [member.name for member in opened] == ([b"./p"] if known else [])
    assert ("./p is said to have" in str(opened.problems)) != known


def test_numbers_of_devices_are_of_device_nodes_only(archive) -> None:
    numbers = {"rdevmaj": 10, "rdevmin": 5, "devmaj": 0xFFFFFFFF, "devmin": 0xFFFFFFFE}
    node, disk, file = archive(
        named(b"./node", mode=0o020600, **numbers), named(b"./disk", mode=0o060600, **numbers),
        named(b"./file", **numbers), END,
    )  # fmt: skip
    assert [m.rdev for m in (node, disk, file)] == [10 << 32 | 5, 10 << 32 | 5, 0]
    assert {m.device for m in (node, disk, file)} == {0xFFFFFFFFFFFFFFFE}


def test_the_oldest_records_keep_devices_in_one_number(archive) -> None:
    values = {"mode": 0o020600, "nlink": 1, "dev": 0x0A07, "rdev": 0x0102}
    (node,) = archive(record.build(BFF_ONAME, record.ONAME, values, name=b"tty"), END)
    assert (node.name, node.device, node.rdev) == (b"tty", 0x0A07, 0x0102)


@pytest.mark.parametrize(("length", "known"), [(4096, True), (4097, False)])
def test_the_longest_target(length: int, known: bool, archive) -> None:
    link = record.build(BFF_NAME_X, record.NAME_X, {"mode": 0o120777, "nlink": 1, "size": length}, name=b"l")
    opened = archive(link, (b"t" * length).ljust(record.padded(length), b"\0"), END)
    (found,) = opened
    assert found.target == (b"t" * 4096 if known else b"") and bool(opened.problems) != known


def test_an_open_file_stays_open_when_it_is_no_archive(tmp_path: Path) -> None:
    from lvmfmt import block

    path = tmp_path / "x"
    path.write_bytes(bytes(1000))
    with block.open(path) as device:
        with pytest.raises(CorruptImage):
            Archive(device)
        assert device.read(0, 10).tobytes() == bytes(10)
    assert io.BytesIO(path.read_bytes()).read(1) == b"\0"


def test_who_opens_an_archive_closes_it(tmp_path: Path) -> None:
    path, raw = tmp_path / "archive.bff", volume_record(0) + named(b"./a", b"text") + END
    path.write_bytes(raw)
    with Archive(str(path)) as opened:
        [member] = opened
        assert member.read() == b"text"
    with pytest.raises(ImageIOError):
        member.read()
    ImageFile(path, writable=True).close()  # nobody holds it
    file = io.BytesIO(raw)
    for mine in (file, FileDevice(file)):
        with Archive(mine) as opened:
            assert [member.read() for member in opened] == [b"text"]
    assert not file.closed
    path.write_bytes(END)
    with pytest.raises(CorruptImage):
        Archive(path)
    ImageFile(path, writable=True).close()
