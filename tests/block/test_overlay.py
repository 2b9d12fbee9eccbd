"""Overlays against a bytearray model."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.overlay import OVERLAY_PAGE, Overlay
from lvmfmt.errors import ImageIOError, OperationRefused

SIZE = 9 * OVERLAY_PAGE + 700  # the last page is not whole

places = st.integers(0, SIZE) | st.integers(0, 9).map(lambda page: page * OVERLAY_PAGE)
lengths = st.integers(0, SIZE) | st.integers(0, 9).map(lambda pages: pages * OVERLAY_PAGE) | st.integers(0, 600)
operations = st.lists(st.tuples(st.sampled_from(["write", "punch"]), places, lengths, st.integers(1, 255)), max_size=8)


def disk(path: Path) -> ImageFile:
    image = ImageFile.create(path, SIZE)
    image.write(2 * OVERLAY_PAGE, b"base" * OVERLAY_PAGE)
    return image


def run(device: BlockDevice, model: bytearray, steps: list[tuple[str, int, int, int]]) -> None:
    for kind, offset, length, value in steps:
        length = min(length, SIZE - offset)
        if kind == "write":
            device.write(offset, bytes([value]) * length)
            model[offset : offset + length] = bytes([value]) * length
        else:
            device.punch(offset, length)
            model[offset : offset + length] = bytes(length)


@given(operations, st.lists(st.tuples(places, lengths), max_size=6))
def test_reads_as_a_plain_copy_would_and_leaves_the_base_alone(tmp_path_factory, steps, reads) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("overlay")
    with disk(folder / "base") as base:
        before = bytes(base.read(0, SIZE))
        model = bytearray(before)
        overlay = Overlay(base)
        run(overlay, model, steps)
        assert bytes(overlay.read(0, SIZE)) == model
        for offset, length in reads:
            length = min(length, SIZE - offset)
            assert bytes(overlay.read(offset, length)) == model[offset : offset + length]
            check_extents(overlay, model, offset, length)
        assert bytes(base.read(0, SIZE)) == before
        changed = [i for i in range(SIZE) if model[i] != before[i]]
        ranges = overlay.dirty_ranges()
        assert all(any(a <= i < a + n for a, n in ranges) for i in changed)
        assert all(a + n < b for (a, n), (b, _) in pairwise(ranges))
        with disk(folder / "copy") as copy:
            overlay.commit_to(copy)
            assert bytes(copy.read(0, SIZE)) == model


def check_extents(device: BlockDevice, model: bytearray, offset: int, length: int) -> None:
    """They cover the range without gaps, alternate, and what is called a hole holds zeros."""
    at, last = offset, None
    for extent in device.extents(offset, length):
        assert extent.offset == at
        assert extent.length > 0
        assert extent.is_data != last
        assert extent.is_data or not any(model[at : at + extent.length])
        at, last = at + extent.length, extent.is_data
    assert at == offset + length


@given(operations, operations)
def test_overlays_stack(tmp_path_factory, first, second) -> None:  # type: ignore[no-untyped-def]
    with disk(tmp_path_factory.mktemp("stack") / "base") as base:
        model = bytearray(base.read(0, SIZE))
        lower = Overlay(base)
        run(lower, model, first)
        middle = bytes(model)
        upper = Overlay(lower)
        run(upper, model, second)
        assert bytes(upper.read(0, SIZE)) == model
        assert bytes(lower.read(0, SIZE)) == middle
        upper.commit_to(lower)
        assert bytes(lower.read(0, SIZE)) == model


def test_a_read_only_base_can_be_overlaid_but_not_committed_to(tmp_path: Path) -> None:
    disk(tmp_path / "base").close()
    with ImageFile(tmp_path / "base") as base:
        overlay = Overlay(base)
        overlay.write(0, b"x")
        assert overlay.dirty_ranges() == [(0, OVERLAY_PAGE)]
        with pytest.raises(OperationRefused, match="opened for reading"):
            overlay.commit_to(base)


def test_punching_a_huge_range_costs_nothing(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "base", 1 << 40) as base:
        base.write(1 << 39, b"data")
        overlay = Overlay(base)
        overlay.write((1 << 39) + 5 * OVERLAY_PAGE, b"new")
        overlay.punch(1000, (1 << 40) - 1000)
        overlay.write(1 << 30, b"newer")
        assert not overlay.read(1 << 39, 6 * OVERLAY_PAGE).any()
        assert bytes(overlay.read(1 << 30, 5)) == b"newer"
        assert [e for e in overlay.extents() if e.is_data] == [(0, OVERLAY_PAGE, True), (1 << 30, OVERLAY_PAGE, True)]


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (SIZE, 1), (SIZE - 1, 2)])
def test_nothing_outside_the_device(tmp_path: Path, offset: int, length: int) -> None:
    with disk(tmp_path / "base") as base:
        overlay = Overlay(base)
        for operation in (overlay.punch, overlay.read, lambda at, n: overlay.write(at, bytes(n))):
            with pytest.raises(ImageIOError):
                operation(offset, length)
        assert overlay.dirty_ranges() == []


def test_rows_of_one_write_do_not_share_their_fate(tmp_path: Path) -> None:
    with disk(tmp_path / "base") as base:
        overlay = Overlay(base)
        overlay.write(0, b"a" * (3 * OVERLAY_PAGE))
        overlay.write(OVERLAY_PAGE + 10, b"b")
        page = bytes(overlay.read(OVERLAY_PAGE, OVERLAY_PAGE))
        assert page == b"a" * 10 + b"b" + b"a" * (OVERLAY_PAGE - 11)
        overlay.close()
        assert bytes(overlay.read(0, OVERLAY_PAGE)) == bytes(base.read(0, OVERLAY_PAGE))


def test_exact_ranges_and_extents(tmp_path: Path) -> None:
    page = OVERLAY_PAGE
    with disk(tmp_path / "base") as base:  # data in pages 2 to 5
        overlay = Overlay(base)
        assert [tuple(e) for e in overlay.extents()] == [tuple(e) for e in base.extents()]
        overlay.write(page - 1, b"xy")
        assert overlay.dirty_ranges() == [(0, 2 * page)]
        overlay.punch(3 * page, page + 1)
        assert overlay.dirty_ranges() == [(0, 2 * page), (3 * page, 2 * page)]
        assert [tuple(e) for e in overlay.extents()] == [
            (0, 3 * page, True), (3 * page, page, False), (4 * page, 2 * page, True), (6 * page, 3 * page + 700, False),
        ]  # fmt: skip
        assert [tuple(e) for e in overlay.extents(page + 5, 10)] == [(page + 5, 10, True)]
        assert [tuple(e) for e in overlay.extents(3 * page - 1, page + 2)] == [
            (3 * page - 1, 1, True), (3 * page, page, False), (4 * page, 1, True),
        ]  # fmt: skip
        overlay.punch(9 * page, 700)  # the last page goes as a whole
        assert overlay.dirty_ranges()[-1] == (9 * page, 700)
        overlay.punch(9 * page, 699)  # this one does not
        overlay.write(SIZE - 1, b"z")
        assert overlay.dirty_ranges()[-1] == (9 * page, 700) and bytes(overlay.read(SIZE - 2, 2)) == b"\0z"
        assert not overlay.read(3 * page, page + 1).any() and bytes(overlay.read(4 * page, 4)) == b"\0ase"


def test_a_commit_writes_what_was_changed_and_no_more(tmp_path: Path) -> None:
    page = OVERLAY_PAGE
    done: list[tuple[str, int, int]] = []

    class Told(Overlay):
        def write(self, offset: int, buffer: bytes) -> None:  # type: ignore[override]
            done.append(("write", offset, len(buffer)))
            super().write(offset, buffer)

        def punch(self, offset: int, length: int) -> None:
            done.append(("punch", offset, length))
            super().punch(offset, length)

    with disk(tmp_path / "base") as base:
        overlay = Overlay(base)
        overlay.punch(0, 3 * page)
        overlay.write(page, b"x" * page)
        overlay.write(SIZE - 5, b"end")
        overlay.punch(6 * page, page)
        overlay.commit_to(Told(base))
    assert done == [
        ("punch", 0, page), ("punch", 2 * page, page), ("punch", 6 * page, page), ("write", page, page),
        ("write", 9 * page, 700),
    ]  # fmt: skip


def test_a_long_commit_is_written_in_parts_of_1024_pages(tmp_path: Path) -> None:
    sizes: list[int] = []
    with ImageFile.create(tmp_path / "base", 1100 * OVERLAY_PAGE) as base:
        overlay = Overlay(base)
        overlay.write(0, b"x" * base.size)
        target = Overlay(base)
        plain = target.write
        target.write = lambda at, data: (sizes.append(len(data)), plain(at, data))[1]  # type: ignore[method-assign]
        overlay.commit_to(target)
        assert sizes == [1024 * OVERLAY_PAGE, 76 * OVERLAY_PAGE]
        assert target.read(0, base.size).tobytes() == b"x" * base.size
