"""Crashes while directories with an index change (Linux dialect)."""

import os

import pytest
from crash_explorer import explore, record
from crash_model import WEIGHTS, Steps

from lvmfmt.jfs2 import LINUX
from lvmfmt.jfs2.superblock.format_options import Features

SEED = int(os.environ.get("CRASH_SEED", "1"))
BUDGET = int(os.environ.get("CRASH_IMAGES", "320")) // 4


@pytest.mark.parametrize("log", [32 << 10, 256 << 10])
def test_random_workloads_with_an_index(empty, log):
    base = empty(LINUX, log=log, features=Features(directory_index=True))
    outcome = explore(record(base, Steps(SEED * 77 + log, WEIGHTS), 150), seed=SEED, budget=BUDGET // 2)
    print(f"with an index: {outcome}, seed {SEED}")
    assert outcome.failures == [], f"seed {SEED}"


def test_tables_with_pages_come_and_go(empty):
    """A directory grows beyond 12 entries, then beyond a page of 512 slots, and is emptied again."""
    base = empty(LINUX, features=Features(directory_index=True))
    steps = [("mkdir", "/d")]
    steps += [("create", f"/d/f{i}") for i in range(11)]
    steps += [("sync",)]
    steps += [("create", f"/d/f{i}") for i in range(11, 16)]
    steps += [("sync",), *(("unlink", f"/d/f{i}") for i in range(16)), ("sync",)]
    steps += [("write_file", "/data", b"x" * 20000), ("rmdir", "/d"), ("sync",)]
    outcome = explore(record(base, steps), seed=SEED, budget=BUDGET)
    print(f"tables: {outcome}, seed {SEED}")
    assert outcome.failures == [], f"seed {SEED}"
