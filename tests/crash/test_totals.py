"""What `tools/crash` counts and records, and whether its controls can fail."""

import crash
import pytest
import reliability
from crash_explorer import Outcome, explore, record
from crash_states import Shortcuts
from crash_workloads import Workload

from lvmfmt.jfs2 import AIX

TASK = "mixed", "aix", 1


def test_an_image_counts_once():
    totals = crash.Totals({7}, {("mixed", "aix"): 0})
    totals.add(TASK, Outcome(states=5, digests={1, 2, 7}))
    totals.add(TASK, Outcome(states=2, digests={2, 3}, failures=[("after 1 of 2 events", "lost")]))
    assert (totals.distinct, totals.states, len(totals.failures)) == (3, 7, 1)


def test_runs_add_up(tmp_path, monkeypatch):
    monkeypatch.setattr(reliability, "FILE", tmp_path / "reliability.md")
    path = tmp_path / "build" / "digests"
    for digests in ({1, 2}, {2, 1 << 127}):
        totals = crash.Totals(crash._read_digests(path), {("mixed", "aix"): 0})
        totals.add(TASK, Outcome(states=4, digests=digests))
        crash._record("Crashes", f"* seed {len(digests)}", totals, path)
    heads, counts = reliability.read_section("Crashes")
    assert heads == "* seed 2\n* seed 2"
    assert counts["distinct crash images"] == counts["distinct crash images of mixed, aix"] == 3
    assert counts["crashes tried"] == 8 and crash._read_digests(path) == {1, 2, 1 << 127}


@pytest.mark.parametrize("part", ["_maps", "_collected"])
def test_a_control_finds_what_was_kept_wrongly(monkeypatch, part):
    """A shortcut that takes one result for all is told from a replay that knows nothing."""

    class Forgetful(dict):
        def setdefault(self, _, value):
            return super().setdefault(0, value)

        def get(self, _):
            return super().get(0)

        def __getitem__(self, _):
            return super().__getitem__(0)

        def __setitem__(self, _, value):
            super().__setitem__(0, value)

    init = Shortcuts.__init__

    def forgetful(self, contents):
        init(self, contents)
        setattr(self, part, Forgetful())

    base = Workload([]).base(AIX)
    steps = [("write_file", "/a", b"a" * 9000), ("sync",), ("mkdir", "/d"), ("sync",), ("unlink", "/a"), ("sync",)]
    made = record(base, steps)
    assert explore(made, seed=0, budget=60, control=1).failures == []
    monkeypatch.setattr(Shortcuts, "__init__", forgetful)
    assert explore(made, seed=0, budget=60, control=1).failures
