"""Maps against a model, and against ddrescuelog, which reads them and whose own maps are read."""

import random
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block.copying.mapfile import CopyMap, MapRun, RunState, joined, map_lines, read_map
from lvmfmt.errors import CorruptImage

STATES = st.sampled_from(list(RunState))
EXAMPLE = """\
# Mapfile. Created by GNU ddrescue version 1.27
# Command line: ddrescue -d -c18 /dev/fd0 fdimage mapfile
# Start time:   2015-07-21 09:37:44
# Current time: 2015-07-21 09:38:19
# Copying non-tried blocks... Pass 1 (forwards)
# current_pos  current_status  current_pass
0x00120000     ?               1
#      pos        size  status
0x00000000  0x00117000  +
0x00117000  0x00000200  -
0x00117200  0x00001000  /
0x00118200  0x00007E00  *
0x00120000  0x00048000  ?
"""
"""Of the manual of ddrescue, chapter "Mapfile structure"."""


@given(st.integers(1, 30), st.data())
def test_marks_are_those_of_a_list_of_bytes(size: int, data: st.DataObject) -> None:
    copied, model = CopyMap(size), [RunState.NOT_TRIED] * size
    for _ in range(data.draw(st.integers(0, 8))):
        offset = data.draw(st.integers(0, size - 1))
        length = data.draw(st.integers(0, size - offset))
        state, only = data.draw(STATES), data.draw(st.none() | STATES)
        copied.mark(offset, length, state, only=only)
        model = [state if offset <= i < offset + length and only in (None, old) else old for i, old in enumerate(model)]
        runs = list(copied.runs())
        assert [run.state for run in runs for _ in range(run.length)] == model
        assert all(a.state is not b.state and a.offset + a.length == b.offset for a, b in pairwise(runs))
        assert list(copied.copy().runs()) == runs


@given(st.lists(STATES, min_size=1, max_size=20), STATES, STATES)
def test_all_of_a_state_turn(states: list[RunState], old: RunState, new: RunState) -> None:
    copied = CopyMap(len(states), (MapRun(at, 1, state) for at, state in enumerate(states)))
    copied.turn(old, new)
    turned = [new if state is old else state for state in states]
    assert [run.state for run in copied.runs() for _ in range(run.length)] == turned
    assert all(a.state is not b.state for a, b in pairwise(copied.runs()))


def test_the_example_of_the_manual_is_read_and_written_as_it_is() -> None:
    copied, comments = read_map(EXAMPLE, where="map")
    assert copied.size == 0x168000
    assert [run.state for run in copied.runs()] == ["+", "-", "/", "*", "?"]
    assert [run.length for run in copied.runs()] == [0x117000, 0x200, 0x1000, 0x7E00, 0x48000]
    assert comments[0] == "Mapfile. Created by GNU ddrescue version 1.27"
    lines = map_lines(copied.runs(), *comments[:5], position=0x120000, doing=RunState.NOT_TRIED)
    assert "\n".join(lines).lower() == EXAMPLE.strip().lower()


def test_numbers_are_read_as_c_writes_them() -> None:
    copied, _ = read_map("0 + 1 # a comment\n\n0 010 +\n8 0x10 -   # bad\n", where="map")
    assert list(copied.runs()) == [MapRun(0, 8, RunState.READ), MapRun(8, 16, RunState.BAD)]
    assert read_map("0x10 ?\n", where="map")[0].size == 0


@pytest.mark.parametrize(
    "text",
    ["", "# only comments\n", "x + 1\n", "-1 + 1\n", "0 ! 1\n", "0 + 1\n0 8 +\n9 1 -\n", "0 + 1\n0 8 +\n7 2 -\n",
     "0 + 1\n1 8 +\n", "0 + 1\n0 0 +\n", "0 + 1\n0 8\n", "0 + 1\n0 8 + 9\n", "0 + 1\n0 8 x\n", "0 + 1\n0 0x +\n",
     "0 + 1\n0 1_0 +\n", "0 + 1\n0 \u0661 +\n", f"0 + 1\n0 {'9' * 9999} +\n", "\0"],
)  # fmt: skip
def test_what_is_no_map_is_named(text: str) -> None:
    with pytest.raises(CorruptImage, match="copy map"):
        read_map(text, where="map")


@given(st.data())
def test_any_text_is_a_map_or_is_named(data: st.DataObject) -> None:
    text = data.draw(st.text(max_size=40) | st.text("0123456789abcdefx +-?*/#\n", max_size=60))
    if data.draw(st.booleans()):
        at, length = data.draw(st.integers(300, len(EXAMPLE))), data.draw(st.integers(0, 20))
        text = EXAMPLE[:at] + text + EXAMPLE[at + length :]
    try:
        copied, _ = read_map(text, where="map")
    except CorruptImage:
        return
    runs = list(copied.runs())
    assert sum(run.length for run in runs) == copied.size
    again, _ = read_map("\n".join(map_lines(runs)), where="map")
    assert list(again.runs()) == runs


def test_neighbours_of_one_state_are_one_line() -> None:
    runs = [MapRun(0, 5, RunState.READ), MapRun(5, 5, RunState.READ), MapRun(10, 1, RunState.BAD)]
    assert list(joined(iter(runs))) == [MapRun(0, 10, RunState.READ), runs[2]]
    assert list(joined([])) == []


@pytest.mark.judge
@pytest.mark.parametrize("size", [1, 700, 1 << 45])
def test_ddrescuelog_reads_what_is_written_and_we_read_what_it_writes(
    judge: Callable[[str], str], tmp_path: Path, size: int
) -> None:
    program = judge("ddrescuelog")
    path = tmp_path / "map"

    def ask(*args: str) -> str:
        return subprocess.run([program, *args, str(path)], capture_output=True, text=True, check=True).stdout

    chance = random.Random(size)
    copied = CopyMap(size)
    for _ in range(9):
        start = chance.randrange(size)
        copied.mark(start, chance.randint(0, size - start), chance.choice(list(RunState)))
    path.write_text("".join(f"{line}\n" for line in map_lines(copied.runs(), "of a test", position=size // 2)))
    for state in RunState if size < 1 << 20 else ():
        theirs = [int(word) for word in ask("--block-size=1", f"--list-blocks={state}").split()]
        mine = [at for run in copied.runs() if run.state is state for at in range(run.offset, run.offset + run.length)]
        assert theirs == mine
    ask("--show-status")
    changed = ask("--change-types=+-,-+")
    swapped = {RunState.READ: RunState.BAD, RunState.BAD: RunState.READ}
    wanted = [run._replace(state=swapped.get(run.state, run.state)) for run in copied.runs()]
    assert list(read_map(changed, where="map")[0].runs()) == wanted
