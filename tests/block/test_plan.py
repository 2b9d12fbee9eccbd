"""The copy plan against a bytearray model: any rows, tails as zeros, rows larger than a buffer, refusals."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import Buffer, CopyPlan, ImageFile, Window
from lvmfmt.block.copying import mover
from lvmfmt.block.copying.mover import BUFFER
from lvmfmt.block.plan import PLAN_ROW
from lvmfmt.errors import ImageIOError, OperationRefused

SIZE = 48 * 1024
UNIT = 4096


class Memory:
    """A source of known bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        assert offset >= 0 and offset + len(view) <= len(self.data)
        view[:] = self.data[offset : offset + len(view)]


SOURCES = [Memory(bytes((7 * i + s) % 255 + 1 for i in range(SIZE))) for s in range(2)]


@st.composite
def rows(draw: st.DrawFn, align: int) -> list[tuple[int, int, int, int]]:
    """Rows in any order; with `align` > 1 each row starts on a unit and owns the rest of its last one."""
    result = []
    at = 0
    while at < SIZE and draw(st.integers(0, 9)) < 9:
        at += draw(st.integers(0, 3)) * (align if align > 1 else 100)
        length = min(draw(st.integers(0, 9000)), SIZE - at)
        if length <= 0:
            break
        source = draw(st.integers(0, 1))
        joins = draw(st.booleans()) and result and result[-1][1] + result[-1][3] + length <= SIZE
        source, offset = (
            (result[-1][0], result[-1][1] + result[-1][3]) if joins else (source, draw(st.integers(0, SIZE - length)))
        )
        result.append((source, offset, at, length))
        at = -(-(at + length) // align) * align
    return draw(st.permutations(result))


@pytest.mark.parametrize("align", [1, 512, UNIT])
@pytest.mark.parametrize("chunk", [BUFFER, 8192])
def test_a_plan_does_what_its_rows_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, align: int, chunk: int) -> None:
    monkeypatch.setattr(mover, "BUFFER", chunk)
    count = 0

    @given(rows(align), st.sampled_from([SIZE, SIZE + 100]))
    def check(rows: list[tuple[int, int, int, int]], size: int) -> None:
        nonlocal count
        count += 1
        model = bytearray(b"\xee" * size)
        for source, offset, at, length in rows:
            model[at : at + length] = SOURCES[source].data[offset : offset + length]
            tail = min(-(-(at + length) // align) * align, size)
            model[at + length : tail] = bytes(tail - at - length)
        with ImageFile.create(tmp_path / f"{count}.img", size) as target:
            target.write(0, b"\xee" * size)
            plan = CopyPlan(SOURCES, np.array(rows, PLAN_ROW), align=align)
            done: list[int] = []
            report = plan.execute(target, progress=done.append)
            assert bytes(target.read(0, size)) == model
        assert report.bytes_copied == plan.total == sum(r[3] for r in rows)
        assert sum(done) >= plan.total
        assert (np.diff(plan.rows["target_offset"]) > 0).all()
        (tmp_path / f"{count}.img").unlink()

    check()


def test_rows_that_continue_each_other_become_one() -> None:
    rows = [(0, 8192, 8192, 100), (0, 0, 0, 4096), (0, 4096, 4096, 4096), (1, 8292, 8292, 5), (0, 12288, 12288, 1)]
    plan = CopyPlan(SOURCES, np.array(rows, PLAN_ROW))
    assert plan.rows.tolist() == [(0, 0, 0, 8292), (1, 8292, 8292, 5), (0, 12288, 12288, 1)]
    assert plan.total == 8298


def test_with_align_a_tail_is_not_joined_over() -> None:
    rows = np.array([(0, 0, 0, 4096), (0, 4096, 4096, 100), (0, 4196, 8192, 50)], PLAN_ROW)
    plan = CopyPlan(SOURCES, rows, align=UNIT)
    assert plan.rows.tolist() == [(0, 0, 0, 4196), (0, 4196, 8192, 50)]


def test_neighbouring_rows_go_out_in_one_write(tmp_path: Path) -> None:
    rows = np.array([(i % 2, 0, i * UNIT, UNIT) for i in range(8)], PLAN_ROW)
    with ImageFile.create(tmp_path / "a.img", SIZE) as target:
        writes: list[int] = []
        told = ImageFile.write

        def write(offset: int, buffer: Buffer) -> None:
            writes.append(offset)
            told(target, offset, buffer)

        target.write = write  # type: ignore[method-assign]
        CopyPlan(SOURCES, rows).execute(target)
    assert writes == [0]


def test_a_row_larger_than_the_staging_buffer(tmp_path: Path) -> None:
    size = 2 * BUFFER + 12345
    source = Memory(np.random.default_rng(1).integers(0, 256, size, np.uint8).tobytes())
    with ImageFile.create(tmp_path / "a.img", size + 3 * UNIT) as target:
        report = CopyPlan.of(source, [(0, UNIT + 512, size)], align=UNIT).execute(target)
        assert bytes(target.read(UNIT + 512, size)) == source.data
    assert report.bytes_copied == size


def test_an_empty_plan_does_nothing(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "a.img", 512) as target:
        for rows in ([], [(0, 0, 0)]):
            report = CopyPlan.of(SOURCES[0], rows).execute(target)
            assert (report.bytes_copied, report.ways) == (0, {})


@pytest.mark.parametrize("target_offset", [SIZE - 99, SIZE, -1])
def test_a_plan_beyond_its_target_is_refused_before_the_first_write(tmp_path: Path, target_offset: int) -> None:
    with ImageFile.create(tmp_path / "a.img", SIZE) as target:
        with pytest.raises(ImageIOError, match="outside the device"):
            CopyPlan.of(SOURCES[0], [(0, 0, 100), (0, target_offset, 100)]).execute(target)
        assert not target.read(0, SIZE).any()


def test_a_read_only_target_is_refused(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "a.img", SIZE) as image:
        with pytest.raises(OperationRefused, match="opened for reading"):
            CopyPlan.of(SOURCES[0], [(0, 0, 100)]).execute(Window(image, 0, writable=False))
        assert not image.read(0, SIZE).any()


class Failing(Memory):
    """A source of which the system refuses the second half."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        if offset >= len(self.data) // 2:
            raise ImageIOError("cannot read", where="tape")
        super().read_into(offset, buffer)


def test_a_failing_source_stops_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mover, "BUFFER", 8192)
    source = Failing(SOURCES[0].data)
    with ImageFile.create(tmp_path / "a.img", SIZE) as target:
        with pytest.raises(ImageIOError, match="tape: cannot read"):
            CopyPlan.of(source, [(0, 0, SIZE)]).execute(target)
        assert bytes(target.read(0, 8192)) == source.data[:8192]
        assert not target.read(SIZE // 2, SIZE // 2).any()
