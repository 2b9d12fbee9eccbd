"""The engine against a model: any runs, stacks of devices, short calls, refusals: exact, or it says what is left.

Tests of `lvmfmt.block.copying.runs`.

Tests of `lvmfmt.block.copying.mover`.
"""

import errno
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, ImageFile, Mirror, Piece, PieceList, Striped, Window
from lvmfmt.block.copying import runs as runs_module
from lvmfmt.block.copying.engine import Engine, IncompleteCopy
from lvmfmt.block.copying.mapfile import CopyMap
from lvmfmt.block.copying.mover import RANGE, Mover, data_in
from lvmfmt.block.copying.record import CopyRecord
from lvmfmt.block.copying.rescue import try_again
from lvmfmt.block.copying.runs import Run, data_runs, tasks
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import ImageIOError

from .faulty import SECTOR, bad_sectors, failing

SIZE = 1 << 20
UNIT = 4096
CONTENT = random.Random(1).randbytes(300_000) + bytes(100_000) + random.Random(2).randbytes(SIZE - 400_000)


def file(path: Path, content: bytes = CONTENT) -> ImageFile:
    path.unlink(missing_ok=True)
    image = ImageFile.create(path, len(content))
    if any(content):
        image.write(0, content)
    return image


def shuffled(image: ImageFile) -> BlockDevice:
    """Its units in another order."""
    order = random.Random(2).sample(range(SIZE // UNIT), SIZE // UNIT)
    return PieceList([Piece(image, i * UNIT, UNIT) for i in order], name="shuffled")


STACKS: dict[str, Callable[[ImageFile], BlockDevice]] = {
    "file": lambda image: image,
    "window": lambda image: Window(image, 0),
    "shuffled": shuffled,
    "striped": lambda image: Striped(
        [Window(image, i * SIZE // 4, SIZE // 4) for i in range(4)], strip=16384, name="striped"
    ),
    "mirror": lambda image: Mirror([image], name="mirror"),
    "overlay": Overlay,
    "window of shuffled": lambda image: Window(Window(shuffled(image), 0), 0),
}


@st.composite
def patterns(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """(source offset, target offset, length), ascending and apart on the target."""
    at, found = 0, []
    for _ in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from([0, 1, 511, UNIT, 70_000]))
        length = min(draw(st.sampled_from([1, 512, UNIT, 5000, 65_536, 300_000])), SIZE - at)
        if length > 0:
            found.append((draw(st.sampled_from([at, 0, SIZE - length])), at, length))
            at += length
    return found


@pytest.mark.parametrize("source_stack", ["file", "shuffled", "striped", "mirror", "overlay", "window of shuffled"])
@pytest.mark.parametrize("target_stack", ["file", "window", "shuffled", "striped", "mirror", "overlay"])
def test_every_byte_of_a_run_arrives_and_no_other_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source_stack: str, target_stack: str
) -> None:
    monkeypatch.setattr(runs_module, "TASK_BYTES", 100_000)
    monkeypatch.setattr(runs_module, "TASK_RUNS", 3)
    with file(tmp_path / "source") as below:
        source = STACKS[source_stack](below)
        content = bytes(source.read(0, SIZE))

        @settings(max_examples=8)
        @given(patterns(), st.booleans())
        def check(rows: list[tuple[int, int, int]], find_zeros: bool) -> None:
            with file(tmp_path / "target", b"\xee" * SIZE) as there:
                target = STACKS[target_stack](there)
                model = bytearray(target.read(0, SIZE))
                for at, to, length in rows:
                    model[to : to + length] = content[at : at + length]
                options = {"find_zeros": True, "punch": True} if find_zeros else {}
                engine = Engine([Mover(target, **options), Mover(target, **options)])
                engine.run(tasks(Run(source, *row) for row in rows))
                assert bytes(target.read(0, SIZE)) == model
                assert sum(engine.ways.values()) == sum(length for _, _, length in rows)
                assert not engine.fallbacks

        check()
        assert bytes(below.read(0, SIZE)) == CONTENT


@given(patterns(), st.integers(500, 70_000), st.integers(1, 4))
def test_tasks_hold_all_runs_once_in_order_within_their_limits(
    rows: list[tuple[int, int, int]], most: int, count: int
) -> None:
    class Nothing:
        def read_into(self, offset: int, buffer: object) -> None:
            raise AssertionError

    source = Nothing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "TASK_BYTES", most)
        patch.setattr(runs_module, "TASK_RUNS", count)
        found = list(tasks(Run(source, *row) for row in rows))

    def joined(moves: list[tuple[int, int, int]]) -> list[list[int]]:
        result: list[list[int]] = []
        for at, to, length in moves:
            if result and [at, to] == [result[-1][0] + result[-1][2], result[-1][1] + result[-1][2]]:
                result[-1][2] += length
            else:
                result.append([at, to, length])
        return result

    assert joined([run[1:] for task in found for run in task]) == joined(rows)
    assert all(sum(run.length for run in task) <= most and len(task) <= count for task in found)
    ends = [(run.to, run.to + run.length) for task in found for run in task]
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))


def test_an_endless_stream_of_runs_needs_no_memory() -> None:
    def endless() -> Iterator[Run]:
        at = 0
        while True:
            yield Run(source, at, at, 10)
            at += 20

    source = Overlay.__new__(Overlay)
    first = next(tasks(endless()))
    assert len(first) == runs_module.TASK_RUNS


def test_short_calls_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    preadv, pwritev, ranged = os.preadv, os.pwritev, os.copy_file_range

    def short(view: memoryview) -> memoryview:
        return view[: chance.randint(1, len(view))]

    monkeypatch.setattr(os, "preadv", lambda fd, views, at: preadv(fd, [short(views[0])], at))
    monkeypatch.setattr(os, "pwritev", lambda fd, views, at: pwritev(fd, [short(views[0])], at))
    monkeypatch.setattr(os, "copy_file_range", lambda a, b, n, i, o: ranged(a, b, chance.randint(0, n), i, o))
    rows = [(0, 0, 400_000), *((i * UNIT, i * UNIT, 3000) for i in range(100, 200))]
    with file(tmp_path / "source") as source, file(tmp_path / "target", bytes(SIZE)) as target:
        Engine([Mover(target)]).run(tasks(Run(source, *row) for row in rows))
        model = bytearray(SIZE)
        for at, to, length in rows:
            model[to : to + length] = CONTENT[at : at + length]
        assert bytes(target.read(0, SIZE)) == model


def test_signals_do_not_disturb_a_copy(tmp_path: Path) -> None:
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        with file(tmp_path / "source", CONTENT * 16) as source, file(tmp_path / "target", bytes(16 * SIZE)) as target:
            Engine([Mover(target), Mover(target)]).run(
                tasks(Run(source, at, at, 30_000) for at in range(0, 16 * SIZE - 30_000, 40_000))
            )
            Engine([Mover(target), Mover(target)]).run(tasks(data_runs(source)))
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert bytes(target.read(0, 16 * SIZE)) == CONTENT * 16
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_what_the_system_cannot_copy_itself_is_read_and_written_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with file(tmp_path / "source") as source, file(tmp_path / "target", bytes(SIZE)) as target:
        engine = Engine([Mover(target)])
        engine.run(tasks(Run(source, at, at, 100) for at in range(0, SIZE, 50_000)))
        assert RANGE not in {way for way, done in engine.ways.items() if done}
        assert engine.fallbacks == [f"copy_file_range: {os.strerror(number)}; reads and writes instead"]
        assert all(bytes(target.read(at, 100)) == CONTENT[at : at + 100] for at in range(0, SIZE, 50_000))


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_source_refuses_below_any_stack_is_left_out_and_all_else_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: str
) -> None:
    """Sectors of the file below are bad, calls are short; the model knows where the stack shows them."""
    monkeypatch.setattr(runs_module, "TASK_BYTES", 100_000)
    numbers = b"".join(number.to_bytes(4, "little") * (SECTOR // 4) for number in range(SIZE // SECTOR))
    with file(tmp_path / "numbers", numbers) as below:
        shown = bytes(STACKS[stack](below).read(0, SIZE))
    places = [int.from_bytes(shown[at : at + 4], "little") for at in range(0, SIZE, SECTOR)]
    with file(tmp_path / "source") as below:
        source = STACKS[stack](below)
        content = bytes(source.read(0, SIZE))

        @settings(max_examples=8)
        @given(st.sets(st.integers(0, SIZE // SECTOR - 1), max_size=4), st.integers(0, 1000), st.integers(1, 2))
        def check(bad: set[int], seed: int, workers: int) -> None:
            with file(tmp_path / "target", bytes(SIZE)) as target:
                record = CopyRecord(CopyMap(SIZE))
                engine = Engine([Mover(target, go_on=True) for _ in range(workers)], None, record)
                with failing(seed, 0, None), bad_sectors(tmp_path / "source", bad):
                    engine.run(tasks(data_runs(source)))
                    failed = try_again(source, engine.movers[0], record)
                wanted, left = bytearray(content), []
                for sector, place in enumerate(places):
                    if place in bad:
                        wanted[sector * SECTOR : (sector + 1) * SECTOR] = bytes(SECTOR)
                        left.append(sector)
                assert bytes(target.read(0, SIZE)) == wanted
                found = [
                    sector for at, length in record.left() for sector in range(at // SECTOR, (at + length) // SECTOR)
                ]
                assert found == left and bool(left) is (failed is not None)

        check()
        assert bytes(below.read(0, SIZE)) == CONTENT


class Faulty(Overlay):
    """A device that refuses to read or write one byte."""

    bad = 0
    fails = ""

    def read_into(self, offset: int, buffer: object) -> None:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self.fails == "read" and offset <= self.bad < offset + view.nbytes:
            raise ImageIOError("cannot read", where="tape", errno=errno.EIO)
        super().read_into(offset, view)

    def write(self, offset: int, buffer: object) -> None:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self.fails == "write" and offset <= self.bad < offset + view.nbytes:
            raise ImageIOError("cannot write", where="tape", errno=errno.ENOSPC)
        super().write(offset, view)


@pytest.mark.parametrize("fails", ["read", "write"])
def test_a_copy_that_fails_says_exactly_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    monkeypatch.setattr(runs_module, "TASK_BYTES", 80_000)
    with file(tmp_path / "source") as below, file(tmp_path / "target", b"\xee" * SIZE) as there:

        @given(patterns(), st.data(), st.integers(1, 3))
        def check(rows: list[tuple[int, int, int]], data: st.DataObject, workers: int) -> None:
            if not rows:
                return
            at, to, length = data.draw(st.sampled_from(rows))
            inside = data.draw(st.integers(0, length - 1))
            source, target = Faulty(below), Faulty(there)
            faulty, faulty.fails = (source, "read") if fails == "read" else (target, "write")  # type: ignore[misc]
            faulty.bad = (at if fails == "read" else to) + inside
            with pytest.raises(IncompleteCopy, match="tape: cannot") as error:
                Engine([Mover(target) for _ in range(workers)]).run(tasks(Run(source, *row) for row in rows))
            assert error.value.errno == (errno.EIO if fails == "read" else errno.ENOSPC)
            source.fails = target.fails = ""
            left = error.value.left
            assert any(a <= to + inside < a + n for a, n in left)
            model = bytearray(b"\xee" * SIZE)
            for at, to, length in rows:
                model[to : to + length] = CONTENT[at : at + length]
            found = bytes(target.read(0, SIZE))
            for a, n in left:
                found = found[:a] + bytes(model[a : a + n]) + found[a + n :]
            assert found == model

        check()


def test_a_keyboard_interrupt_ends_all_workers_and_says_what_is_left(tmp_path: Path) -> None:
    asked = []

    class Interrupting(Overlay):
        def read_into(self, offset: int, buffer: object) -> None:
            if offset >= SIZE // 2 and not asked:
                asked.append(offset)
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # it waits
            super().read_into(offset, buffer)  # type: ignore[arg-type]

    with file(tmp_path / "source") as below, file(tmp_path / "target", bytes(SIZE)) as target:
        source = Interrupting(below)
        engine = Engine([Mover(target)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs_module, "TASK_BYTES", 100_000)
            with pytest.raises(KeyboardInterrupt):
                engine.run(tasks([Run(source, 0, 0, SIZE)]))
        left = [*engine.unfinished, (engine.frontier, SIZE - engine.frontier)]
        found = bytearray(target.read(0, SIZE))
        for a, n in left:
            found[a : a + n] = CONTENT[a : a + n]
        assert bytes(found) == CONTENT


@given(st.lists(st.tuples(st.sampled_from([0, 0, 1]), st.integers(1, 9000)), max_size=8), st.integers(0, 5000))
def test_blocks_of_zeros_are_found_where_they_are(parts: list[tuple[int, int]], to: int) -> None:
    data = b"".join(bytes([value]) * length for value, length in parts)
    found = list(data_in(data, to))
    kept = bytearray(len(data))
    for start, end in found:
        kept[start:end] = data[start:end]
        assert start == 0 or (to + start) % UNIT == 0
    assert kept == data
    blocks = {(to + i) // UNIT for i, byte in enumerate(data) if byte}
    assert sum(end - start for start, end in found) <= len(blocks) * UNIT
