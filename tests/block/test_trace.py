"""What a trace says a crash may leave, against a model of sectors."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.trace import Barrier, Trace, Write, in_flight, replay
from lvmfmt.errors import OperationRefused

SIZE = 32 * 1024
SECTOR = 512

steps = st.lists(
    st.tuples(st.sampled_from(["write", "write", "punch", "flush"]), st.integers(0, SIZE), st.integers(0, 3000)),
    max_size=10,
)


def traced(path: Path, operations: list[tuple[str, int, int]]) -> tuple[Trace, list[bytes]]:
    """A trace of the operations, and the content after each event."""
    trace = Trace(ImageFile.create(path, SIZE))
    states = [bytes(SIZE)]
    for i, (kind, offset, length) in enumerate(operations):
        length = min(length, SIZE - offset)
        if kind == "write":
            trace.write(offset, bytes([i + 1]) * length)
        elif kind == "punch":
            trace.punch(offset, length)
        else:
            trace.flush()
        states.append(bytes(trace.read(0, SIZE)))
    return trace, states


@given(steps)
def test_any_point_can_be_rebuilt(tmp_path_factory, operations) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("trace")
    trace, states = traced(folder / "disk", operations)
    with trace, ImageFile.create(folder / "empty", SIZE) as base:
        assert len(trace.events) == len(operations)
        for upto, expected in enumerate(states):
            assert bytes(replay(base, trace.events, upto).read(0, SIZE)) == expected
        assert not base.read(0, SIZE).any()


@given(steps, st.data())
def test_lost_and_torn_writes_leave_whole_sectors(tmp_path_factory, operations, data) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("torn")
    trace, _ = traced(folder / "disk", operations)
    with trace, ImageFile.create(folder / "empty", SIZE) as base:
        upto = data.draw(st.integers(0, len(operations)))
        loose = in_flight(trace.events, upto)
        drop = {i for i in loose if data.draw(st.booleans())}
        tear = {
            i: data.draw(st.sets(st.sampled_from(event.sectors))) if event.sectors else set()
            for i in loose
            if isinstance(event := trace.events[i], Write) and i not in drop and data.draw(st.booleans())
        }
        model = bytearray(SIZE)
        for i, (kind, offset, length) in enumerate(operations[:upto]):
            length = min(length, SIZE - offset)
            if kind == "flush" or i in drop:
                continue
            for at in range(offset, offset + length):
                if i not in tear or at // SECTOR in tear[i]:
                    model[at] = i + 1 if kind == "write" else 0
        assert bytes(replay(base, trace.events, upto, drop=drop, tear=tear).read(0, SIZE)) == model


def test_what_a_barrier_made_safe_cannot_be_lost(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path / "disk", [("write", 0, 512), ("flush", 0, 0), ("write", 512, 1024), ("punch", 0, 512)])
    assert in_flight(trace.events, 4) == [2, 3]
    assert in_flight(trace.events, 2) == []
    assert isinstance(trace.events[1], Barrier)
    with trace, ImageFile.create(tmp_path / "empty", SIZE) as base:
        for fault in ({"drop": [0]}, {"drop": [1]}, {"drop": [4]}, {"tear": {0: [0]}}, {"tear": {2: [3]}}):
            with pytest.raises(OperationRefused):
                replay(base, trace.events, 4, **fault)
        with pytest.raises(OperationRefused):
            replay(base, trace.events, 5)


def test_a_refused_write_is_not_recorded(tmp_path: Path) -> None:
    ImageFile.create(tmp_path / "disk", SIZE).close()
    with Trace(ImageFile(tmp_path / "disk")) as trace:
        with pytest.raises(OperationRefused):
            trace.write(0, b"x")
        assert trace.events == []


def test_a_recorded_write_does_not_change_with_its_buffer(tmp_path: Path) -> None:
    with Trace(ImageFile.create(tmp_path / "disk", SIZE)) as trace:
        buffer = bytearray(b"before")
        trace.write(0, buffer)
        buffer[:] = b"after!"
        [event] = trace.events
        assert bytes(event.data) == b"before"
