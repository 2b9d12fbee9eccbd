"""States of disks after a crash, page by page, against `lvmfmt.block.trace.replay`; results kept by what they read."""

import random

import numpy as np
import pytest
from crash_states import PAGE, Contents, CrashDisk, Memo, States

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace, Write, replay


@pytest.fixture
def base(tmp_path):
    (tmp_path / "disk").write_bytes(bytes(range(256)) * 16 * 6)
    with ImageFile(tmp_path / "disk") as device:
        yield device


def read_all(pages, base, contents):
    return CrashDisk(0, base, pages, contents, {}).read(0, base.size).tobytes()


def test_a_state_is_what_a_replay_leaves(base):
    rng = random.Random(3)
    trace = Trace(Overlay(base))
    for i in range(60):
        if rng.random() < 0.2:
            trace.flush()
        elif rng.random() < 0.2:
            trace.punch(rng.randrange(4) * 4096, rng.choice([512, 4096]))
        else:
            length = rng.choice([100, 512, 4096, 9000])
            trace.write(rng.randrange(base.size - length), bytes([i]) * length)
    contents = Contents()
    states = States([base], [(0, event) for event in trace.events], contents)
    for upto in range(len(trace.events) + 1):
        loose = [i for i in states.flying[upto] if isinstance(trace.events[i], Write)]
        drop = [i for i in loose if rng.random() < 0.4]
        tear = {i: [s for s in trace.events[i].sectors if rng.random() < 0.5] for i in loose if i not in drop}
        for fault in ({}, {"drop": drop}, {"drop": drop, "tear": tear}):
            expected = replay(base, trace.events, upto, **fault).read(0, base.size).tobytes()
            assert read_all(states.after(upto, **fault), base, contents) == expected


def test_a_barrier_makes_only_its_disk_safe(base):
    write = Write(0, 512, np.ones(512, np.uint8))
    states = States([base, base], [(0, write), (1, write), (1, Barrier())], Contents())
    assert states.flying[-1] == [0]


def test_what_reads_the_same_is_not_run_again(base):
    contents = Contents()
    calls = []

    def function(disks):
        calls.append(1)
        where = int(disks[0].read(0, 1)[0])
        value = int(disks[0].read(where * PAGE, 1)[0])
        disks[0].write(PAGE, bytes([value]) * 10)
        return value

    memo = Memo([base], contents, function)

    def page(first):
        return contents.number(bytes([first]) + bytes(PAGE - 1))

    assert memo({(0, 0): page(2), (0, 2): page(7)})[0] == 7
    assert memo({(0, 0): page(2), (0, 2): page(7), (0, 3): page(9)})[0] == 7
    assert len(calls) == memo.runs == 1  # page 3 was not read
    assert memo({(0, 0): page(3), (0, 2): page(7), (0, 3): page(9)})[0] == 9
    value, written = memo({(0, 0): page(2), (0, 2): page(8)})
    assert value == 8 and memo.runs == 3
    old = base.read(PAGE, PAGE).tobytes()
    assert {key: contents.pages[number] for key, number in written.items()} == {(0, 1): b"\x08" * 10 + old[10:]}
