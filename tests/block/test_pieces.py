"""Windows, piece lists and mirrors against a bytearray model.

Tests of `lvmfmt.block.pieces`.
"""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, Buffer, ImageFile, Mirror, Piece, PieceList, Window
from lvmfmt.errors import ImageIOError, OperationRefused

DISK = 16 * 1024


def disk(path: Path, fill: bytes = b"") -> ImageFile:
    image = ImageFile.create(path, DISK)
    image.write(0, (fill * DISK)[:DISK])
    return image


@st.composite
def pieces(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Non-overlapping ranges (disk, offset, length) of two disks in any order; a length may be zero."""
    cuts = sorted(draw(st.sets(st.integers(0, DISK), min_size=2, max_size=6)))
    spans = [(d, a, b - a) for d in (0, 1) for a, b in pairwise(cuts)]
    chosen = draw(st.permutations(spans))[: draw(st.integers(1, len(spans)))]
    return [*chosen, (0, 0, 0)]


@given(pieces(), st.lists(st.tuples(st.booleans(), st.integers(0, 2 * DISK), st.integers(0, DISK)), max_size=8))
def test_a_piece_list_is_its_pieces_in_order(tmp_path_factory, pieces, operations) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("pieces")
    with disk(folder / "0", b"abcdefg") as zero, disk(folder / "1", b"0123456789") as one:
        disks = (zero, one)
        model = bytearray().join(bytes(disks[d].read(at, n)) for d, at, n in pieces)
        device = PieceList([Piece(disks[d], at, n) for d, at, n in pieces], name="lv")
        assert device.size == len(model)
        for write, offset, length in operations:
            offset = min(offset, device.size)
            length = min(length, device.size - offset)
            if write:
                data = bytes([len(model) % 251]) * length
                device.write(offset, data)
                model[offset : offset + length] = data
            else:
                device.punch(offset, length)
                model[offset : offset + length] = bytes(length)
            assert bytes(device.read(0, device.size)) == model
        at = 0
        for extent in device.extents():
            assert extent.offset == at
            at += extent.length
        assert at == device.size


def test_neighbours_become_one_piece(tmp_path: Path) -> None:
    with disk(tmp_path / "0") as d:
        device = PieceList([Piece(d, 0, 512), Piece(d, 512, 512), Piece(d, 2048, 512), Piece(d, 1024, 512)], name="lv")
        assert [(p.offset, p.length) for p in device.pieces] == [(0, 1024), (2048, 512), (1024, 512)]


def test_an_empty_list_is_a_device_of_no_bytes() -> None:
    device = PieceList([], name="lv")
    assert device.size == 0 and device.read(0, 0).size == 0 and list(device.extents()) == []
    device.flush()
    with pytest.raises(ImageIOError):
        device.read(0, 1)


def test_a_piece_outside_its_device_is_refused(tmp_path: Path) -> None:
    with disk(tmp_path / "0") as d:
        with pytest.raises(ImageIOError, match="outside"):
            PieceList([Piece(d, DISK - 512, 1024)], name="lv")
        with pytest.raises(ImageIOError, match="outside"):
            Window(d, 512, DISK)


def test_refused_writes_change_nothing(tmp_path: Path) -> None:
    with disk(tmp_path / "0", b"k") as d:
        device = PieceList([Piece(d, 0, 512), Piece(d, 1024, 512)], name="lv")
        with pytest.raises(ImageIOError):
            device.write(512, b"x" * 513)  # the first 512 bytes would have fitted
        with pytest.raises(ImageIOError):
            device.punch(0, 1025)
        view = Window(d, 0, 1024, writable=False)
        for call in (lambda: view.write(0, b"x"), lambda: view.punch(0, 1)):
            with pytest.raises(OperationRefused, match="opened for reading"):
                call()
        assert bytes(d.read(0, DISK)) == b"k" * DISK


def test_a_window_of_a_read_only_device_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1024))
    with ImageFile(tmp_path / "a") as image:
        assert not Window(image, 0, 512, writable=True).writable


class Broken(BlockDevice):
    """A device of which the system refuses every read, and remembers nothing."""

    name, size, writable = "broken", DISK, True

    def read_into(self, offset: int, buffer: Buffer) -> None:
        raise ImageIOError("cannot read", where=self.name)

    def write(self, offset: int, buffer: Buffer) -> None: ...

    def extents(self, offset: int = 0, length: int | None = None):  # type: ignore[no-untyped-def]
        return iter(())

    def punch(self, offset: int, length: int) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


def test_a_mirror_writes_all_and_reads_the_first_that_can(tmp_path: Path) -> None:
    with disk(tmp_path / "0", b"a") as a, disk(tmp_path / "1", b"b") as b:
        mirror = Mirror([a, b], name="hd4")
        assert bytes(mirror.read(0, 2)) == b"aa"
        mirror.write(100, b"new")
        mirror.punch(200, 8)
        mirror.flush()
        for copy in (a, b):
            assert bytes(copy.read(100, 3)) == b"new"
            assert not copy.read(200, 8).any()
        limping = Mirror([Broken(), b], name="hd4")
        assert bytes(limping.read(0, 3)) == b"bbb"
        with pytest.raises(ImageIOError, match="broken: cannot read"):
            Mirror([Broken(), Broken()], name="hd4").read(0, 1)


def test_a_mirror_needs_copies_of_one_size(tmp_path: Path) -> None:
    with disk(tmp_path / "0") as a:
        for copies in ([], [a, Window(a, 0, 512)]):
            with pytest.raises(OperationRefused, match="one size"):
                Mirror(copies, name="hd4")


def test_a_mirror_with_a_read_only_copy_refuses_to_write(tmp_path: Path) -> None:
    with disk(tmp_path / "0", b"a") as a:
        mirror = Mirror([a, Window(a, 0, writable=False)], name="hd4")
        with pytest.raises(OperationRefused, match="opened for reading"):
            mirror.write(0, b"x")
        assert bytes(a.read(0, 1)) == b"a"


def test_a_window_to_the_end(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "base", 10_000) as base:
        base.write(9_000, b"end")
        window = Window(base, 9_000)
        assert (window.size, bytes(window.read(0, 3)), window.name) == (1_000, b"end", base.name)
        assert sum(extent.length for extent in window.extents(10)) == 990
        with pytest.raises(ImageIOError):
            window.read(999, 2)
