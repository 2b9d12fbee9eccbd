"""Crashes of generated workloads on every core: each image is replayed, checked and compared with what was promised.

A failure is printed with its workload, dialect and seed; the same seed makes it again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests" / "crash")]

from crash_explorer import Outcome, explore  # type: ignore[import-not-found]  # noqa: E402
from crash_workloads import WORKLOADS  # type: ignore[import-not-found]  # noqa: E402

from lvmfmt.jfs2.dialect import DIALECTS  # noqa: E402

_EACH = 200
"""Distinct images of one recording."""
Task = tuple[str, str, int]
"""(workload, dialect, seed)."""


def run(task: Task) -> tuple[Task, Outcome]:
    """Record a workload and try crashes of it."""
    name, dialect, seed = task
    made = WORKLOADS[name].record(DIALECTS[dialect], seed)
    return task, explore(made, seed=seed, budget=_EACH)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Explore, tell what failed, and record the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000, help="distinct crash images to judge (%(default)s)")
    parser.add_argument("--seed", type=int, help="of workloads and crashes; a fresh one is printed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (%(default)s)")
    parser.add_argument("--only", default="", help="workloads whose name has this word")
    parser.add_argument("--record", action="store_true", help="write the totals into fixtures/reliability.md")
    args = parser.parse_args()
    names = [name for name in WORKLOADS if args.only in name]
    if not names:
        parser.error(f"no workload of {', '.join(WORKLOADS)} has {args.only!r}")
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    begin, total = time.monotonic(), Outcome()
    rows = {(name, dialect): Outcome() for name in names for dialect in DIALECTS}
    tasks = ((name, dialect, seed * 10_000 + i) for i in range(10_000) for name, dialect in rows)
    with multiprocessing.get_context("fork").Pool(args.jobs, maxtasksperchild=20) as pool:
        for (name, dialect, made), outcome in pool.imap_unordered(run, tasks):
            rows[name, dialect] += outcome
            total += outcome
            for crash, problem in outcome.failures:
                print(f"{name}, {dialect}, seed {made}: {crash}: {problem}", flush=True)
            if total.distinct >= args.images:
                pool.terminate()
                break
    seconds = time.monotonic() - begin
    for (name, dialect), outcome in rows.items():
        print(f"{name}, {dialect}: {outcome}")
    print(f"{total}, {total.distinct / seconds:.0f} images a second with {args.jobs} workers")
    if args.record:
        from reliability import write_section

        head = (
            f"`tools/crash --images {args.images} --seed {seed}` at {_commit()}; {args.jobs} workers, {seconds:.0f} s."
        )
        counts: list[tuple[str, object]] = [
            (f"distinct crash images of {name}, {dialect}", outcome.distinct)
            for (name, dialect), outcome in rows.items()
        ]
        counts += [("crashes tried", total.states), ("distinct crash images", total.distinct)]
        write_section("Crash states of file systems", head, [*counts, ("failures", len(total.failures))])
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
