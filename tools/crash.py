"""Crashes of generated workloads on every core: each image is replayed, checked and compared with what was promised.

A failure is printed with its workload, dialect and seed; the same seed makes it again. What is recorded adds up over
runs; an image that an earlier run of this clone has met counts once. A run that is told to end records what it did.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tools"), str(PROJECT / "tests" / "crash")]

from crash_across import ACROSS  # type: ignore[import-not-found]  # noqa: E402
from crash_explorer import Outcome, explore  # type: ignore[import-not-found]  # noqa: E402
from crash_workloads import WORKLOADS  # type: ignore[import-not-found]  # noqa: E402
from reliability import commit, read_section, write_section  # noqa: E402

from lvmfmt.jfs2.dialect import DIALECTS  # noqa: E402

KINDS = {**WORKLOADS, **ACROSS}
"""Every workload by name."""
_CONTROL = 40
"""One of how many images is judged a second time, with nothing that was known before."""
_DIGEST = 16
_TOLD = 10_000
"""Images after which a line says how many there were."""
Task = tuple[str, str, int]
"""(workload, dialect, seed)."""


class _Ended(Exception):
    """The time is over, or somebody said so."""


@dataclass
class Totals:
    """What a run found.

    Attributes:
        seen: digests of the images that it or an earlier run met.
        images: how many new ones there were of each workload and dialect.
        states: crashes tried.
        controls: images that were also judged alone.
        failures: of them.
    """

    seen: set[int]
    images: dict[tuple[str, str], int]
    states: int = 0
    controls: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        """New images."""
        return sum(self.images.values())

    def add(self, task: Task, outcome: Outcome) -> None:
        """One recording more."""
        name, dialect, seed = task
        before = len(self.seen)
        self.seen |= outcome.digests
        self.images[name, dialect] += len(self.seen) - before
        self.states += outcome.states
        self.controls += outcome.controls
        for crash, problem in outcome.failures:
            self.failures.append(f"{name}, {dialect}, seed {seed}: {crash}: {problem}")
            print(self.failures[-1], flush=True)


def run(task: Task) -> tuple[Task, Outcome]:
    """Record a workload and try crashes of it."""
    name, dialect, seed = task
    made = KINDS[name].record(DIALECTS[dialect], seed)
    gc.disable()  # what is kept has no circles, and is much
    try:
        return task, explore(made, seed=seed, budget=KINDS[name].most, control=_CONTROL)
    finally:
        gc.enable()


def _tasks(kinds: list[tuple[str, str]], seed: int) -> Iterator[Task]:
    """One recording of each kind after the other."""
    return ((name, dialect, seed * 10_000 + i) for i in range(10_000) for name, dialect in kinds)


def _end(number: int, _: FrameType | None) -> None:
    raise _Ended(signal.strsignal(number))


def _record(title: str, head: str, totals: Totals, digests: Path) -> None:
    """Add the totals to those of earlier runs."""

    heads, counts = read_section(title)
    now = {f"distinct crash images of {name}, {dialect}": count for (name, dialect), count in totals.images.items()}
    now |= {"crashes tried": totals.states, "judged a second time, alone": totals.controls}
    now |= {"distinct crash images": totals.distinct, "failures": len(totals.failures)}
    last = ("crashes tried", "judged a second time, alone", "distinct crash images", "failures")
    kinds = [what for what in {**counts, **now} if what not in last]
    rows = [(what, counts.get(what, 0) + now.get(what, 0)) for what in (*kinds, *last)]
    write_section(title, f"{heads}\n{head}".strip(), rows)
    digests.parent.mkdir(parents=True, exist_ok=True)
    digests.write_bytes(b"".join(digest.to_bytes(_DIGEST, "little") for digest in totals.seen))


def _read_digests(path: Path) -> set[int]:
    raw = path.read_bytes() if path.exists() else b""
    return {int.from_bytes(raw[at : at + _DIGEST], "little") for at in range(0, len(raw), _DIGEST)}


def main() -> int:
    """Explore, tell what failed, and record the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000, help="distinct crash images to judge (%(default)s)")
    parser.add_argument("--seconds", type=int, default=0, help="end after so many, whatever was reached")
    parser.add_argument("--seed", type=int, help="of workloads and crashes; a fresh one is printed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (%(default)s)")
    parser.add_argument("--across", action="store_true", help="file systems on groups of several disks")
    parser.add_argument("--only", default="", help="workloads whose name has this word")
    parser.add_argument("--record", action="store_true", help="add the totals to those in fixtures/reliability.md")
    args = parser.parse_args()
    known = ACROSS if args.across else WORKLOADS
    names = [name for name in known if args.only in name]
    if not names:
        parser.error(f"no workload of {', '.join(known)} has {args.only!r}")
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    title = "Crash states across several disks" if args.across else "Crash states of file systems"
    tried, begin = commit(), time.monotonic()
    digests = PROJECT / "build" / "crash" / f"{title}.digests"
    kinds = [(name, dialect) for name in names for dialect in DIALECTS]
    totals = Totals(_read_digests(digests) if args.record else set(), dict.fromkeys(kinds, 0))
    told = 0
    default = signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)
    context = multiprocessing.get_context("fork")
    with context.Pool(args.jobs, signal.signal, (signal.SIGTERM, default), maxtasksperchild=5) as pool:
        signal.alarm(args.seconds)
        try:
            for task, outcome in pool.imap_unordered(run, _tasks(kinds, seed)):
                totals.add(task, outcome)
                if len(totals.seen) // _TOLD != told:
                    told = len(totals.seen) // _TOLD
                    print(f"{totals.distinct} distinct images, {time.monotonic() - begin:.0f} s", flush=True)
                if totals.distinct >= args.images:
                    break
        except (_Ended, KeyboardInterrupt) as error:
            print(f"ended: {error}")
        signal.alarm(0)
        seconds = time.monotonic() - begin
        pool.terminate()
    for (name, dialect), count in totals.images.items():
        print(f"{name}, {dialect}: {count} distinct images")
    found = f"{totals.distinct} distinct images, {len(totals.failures)} failures"
    print(f"{totals.states} states, {found}, {totals.distinct / seconds:.0f} images a second with {args.jobs} workers")
    if args.record:
        options = [f"--images {args.images}", *(["--across"] if args.across else []), f"--seed {seed}"]
        options += [f"--jobs {args.jobs}", *([f"--only {args.only!r}"] if args.only else [])]
        how = f"* `tools/crash {' '.join(options)}` at {tried}"
        _record(title, f"{how}: {found}, {seconds:.0f} s", totals, digests)
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
