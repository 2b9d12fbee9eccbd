"""Crashes at every write of random and of short workloads, both dialects; the Linux ones judged by jfs_fsck as well.

`CRASH_IMAGES=100000 CRASH_SEED=7 pytest -s tests/crash/test_explorer.py` makes a longer run.
"""

import itertools
import os
import random
import subprocess

import pytest
from crash_explorer import Outcome, explore, record
from crash_model import WEIGHTS, WITH_ATTRIBUTES, Steps

from lvmfmt.jfs2 import AIX, LINUX

IMAGES = int(os.environ.get("CRASH_IMAGES", "320"))
"""Distinct crash images that one run of this module judges, about."""
SEED = int(os.environ.get("CRASH_SEED", "1"))


def report(what: str, outcome: Outcome) -> None:
    print(f"{what}: {outcome}, seed {SEED}")
    assert outcome.failures == [], f"seed {SEED}"


def test_random_workloads(empty, dialect):
    """Long ones with a log so small that it wraps, and the sync points come often."""
    base, each = empty(dialect, log=32 << 10), min(60, IMAGES // 8)
    total = Outcome()
    for i in range(max(IMAGES // 4 // each, 2)):
        made = record(base, Steps(SEED * 1000 + i, WITH_ATTRIBUTES if i % 2 else WEIGHTS), 150)
        assert made.rounds > 1
        total += explore(made, seed=SEED, budget=each)
    report(f"random workloads, {dialect.name}", total)
    assert total.distinct >= min(IMAGES // 4, each) * 0.9


OPERATIONS = [
    ("create", "/new"),
    ("mkdir", "/d2"),
    ("write_file", "/f", b"2" * 9000),
    ("append", "/f", b"3" * 5000),
    ("truncate", "/f", 10),
    ("unlink", "/f2"),
    ("rename", "/f2", "/d/f2"),
    ("rename", "/f3", "/f"),
    ("rename", "/d/e", "/e"),
    ("link", "/f3", "/d/e/f3"),
    ("symlink", "target" * 60, "/d/link"),
    ("rmdir", "/d/e"),
    ("chmod", "/f3", 0o600),
    ("setxattr", "/f", "user.x", b"4" * 5000),
    ("setxattr", "/f3", "user.x", b"5"),
    ("mknod", "/d/node", 0o020600, 5 << 32 | 6),
]
BEFORE = [
    ("mkdir", "/d"), ("mkdir", "/d/e"), ("write_file", "/f", b"1" * 5000), ("create", "/f2"), ("create", "/f3"),
    ("checkpoint",),
]  # fmt: skip


def possible(steps) -> bool:
    """Whether the operations of a sequence can be done in its order (each appears once)."""
    at = {step: i for i, step in enumerate(steps)}
    unlinked, moved = ("unlink", "/f2"), ("rename", "/f2", "/d/f2")
    e_moved, e_gone, linked = ("rename", "/d/e", "/e"), ("rmdir", "/d/e"), ("link", "/f3", "/d/e/f3")
    f3_moved, changed = ("rename", "/f3", "/f"), ("chmod", "/f3", 0o600)
    named = ("setxattr", "/f3", "user.x", b"5")
    if {unlinked, moved} <= at.keys() or {e_moved, e_gone} <= at.keys() or {linked, e_gone} <= at.keys():
        return False
    later = [(linked, e_moved), (linked, f3_moved), (changed, f3_moved), (named, f3_moved)]
    return all(at[a] < at[b] for a, b in later if a in at and b in at)


def test_short_workloads(empty, dialect):
    """Sequences of three operations, with a sync in between; all crashes of each, as many as the budget allows."""
    base = empty(dialect)
    sequences = [s for s in itertools.permutations(OPERATIONS, 3) if possible(s)]
    random.Random(SEED).shuffle(sequences)
    total = Outcome()
    for first, second, third in sequences:
        made = record(base, [*BEFORE, first, second, ("sync",), third])
        total += explore(made, seed=SEED, budget=30)
        if total.failures or total.distinct >= IMAGES // 4:
            break
    report(f"short workloads, {dialect.name}", total)


@pytest.mark.judge
def test_jfs_fsck_judges_recovered_crashes(judge, empty, tmp_path):
    made = record(empty(LINUX, log=32 << 10), Steps(SEED, WITH_ATTRIBUTES), 100)
    outcome = explore(made, seed=SEED, budget=max(IMAGES // 12, 20), keep=2)
    report("for jfs_fsck", outcome)
    assert len(outcome.images) >= 10
    for i, device in enumerate(outcome.images):
        path = tmp_path / "crashed"
        path.write_bytes(device.read(0, device.size).tobytes())
        result = subprocess.run([judge("jfs_fsck"), "-n", "-f", path], capture_output=True, text=True, check=False)
        assert result.returncode == 0 and "Filesystem is clean" in result.stdout, (i, result.stdout[-3000:])


def test_the_same_seed_makes_the_same_writes(empty):
    base = empty(AIX)
    one, two = (record(base, Steps(5), 40) for _ in range(2))
    assert [getattr(e, "offset", None) for e in one.events] == [getattr(e, "offset", None) for e in two.events]
