"""Crashes of every kind of workload: handles, writes in place, full disks, shrinking directories, logs, freeze."""

import os

import pytest
from crash_explorer import _mixed, explore
from crash_workloads import WORKLOADS

SEED = int(os.environ.get("CRASH_SEED", "1"))
BUDGET = int(os.environ.get("CRASH_IMAGES", "320")) // 16


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload(dialect, name):
    made = WORKLOADS[name].record(dialect, SEED)
    outcome = explore(made, seed=SEED, budget=BUDGET)
    print(f"{name}, {dialect.name}: {outcome}, seed {SEED}")
    assert outcome.failures == [], f"seed {SEED}"
    assert outcome.distinct >= BUDGET


def test_steps_are_refused_where_there_is_no_room(dialect):
    for name in ("scattered free space", "no space at the n-th allocation"):
        assert sum(WORKLOADS[name].record(dialect, seed).refused for seed in (1, 2)) > 0


def test_what_a_write_in_place_may_leave():
    versions = [b"aaaa", b"abba"]
    assert _mixed(b"abaa", b"abba", [(1, b"bb")], versions)
    assert not _mixed(b"acaa", b"abba", [(1, b"bb")], versions)
    assert not _mixed(b"aaaa", b"abba", [(1, b"b")], versions)
    assert not _mixed(b"aaa", b"abba", [(1, b"bb")], versions)
    assert _mixed(b"axba", b"abba", [(1, b"x")], versions)  # of a file that has lost its name since
