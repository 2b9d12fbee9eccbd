"""Mutated images against every reader, checker and repair.

    tools/fuzz all --seconds 60                  every target, with a fresh printed seed
    tools/fuzz repair --seconds 600 --seed 7     one target
    tools/fuzz --list
    tools/fuzz --replay fixtures/crashers        what was found before, once more

Only errors of ours may come out, within 10 seconds of processor time and 256 MiB; nothing may be written where only
reading is asked for; what repairs promise is in `fuzz_targets`, what commands do in `fuzz_commands`. A mutant that
shows a finding, an error or a line of code that none before has shown is mutated further. What fails is made as small
as it gets, saved, and replayed by the tests. SIGTERM and SIGINT end a run early; it tells and records what it did.

In CI it runs for five minutes; another time: FUZZ_SECONDS=60 .ci/run
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import queue
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_commands import COMMANDS
from fuzz_mutations import Patch, mutate
from fuzz_specimens import Specimen, scratch, strangers
from fuzz_targets import TARGETS as READERS
from fuzz_targets import Broken
from reliability import commit, read_section, write_section

from lvmfmt.errors import LvmfmtError

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = str(PROJECT / "lvmfmt")
CRASHERS = PROJECT / "fixtures" / "crashers"
SECONDS, MEMORY = 10, 256 << 20
"""What one mutant may take."""
TARGETS = {**READERS, **COMMANDS}
"""All targets, by the name that the command line takes."""
_TRACED = 64
"""One mutant in so many is watched line by line."""
_WEIGHED = 16
"""The memory of one mutant in so many is measured."""
_EACH = 0.0075
"""The part of all mutants that each target gets at least; the rest goes to those that cost little."""
_TRIES = 300
"""Runs that making a crasher smaller may take."""


class Slow(BaseException):
    """The time of a mutant is over; not to be caught by the code under test."""


@dataclass(frozen=True)
class Mutant:
    """A specimen with changed bytes, for a target."""

    target: str
    specimen: str
    patches: tuple[Patch, ...]
    draw: int = 0
    """Seed of what the target chooses."""

    def to_json(self, what: str) -> str:
        """As it is saved."""
        changed = [[patch.disk, patch.offset, patch.data.hex()] for patch in self.patches]
        return json.dumps(
            {"target": self.target, "specimen": self.specimen, "draw": self.draw, "patches": changed, "found": what},
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> Mutant:
        """From what `to_json` gave."""
        raw = json.loads(text)
        patches = tuple(Patch(disk, offset, bytes.fromhex(data)) for disk, offset, data in raw["patches"])
        return cls(raw["target"], raw["specimen"], patches, raw["draw"])


@dataclass
class Result:
    """What became of a mutant.

    Attributes:
        words: what it showed.
        fault: what is wrong with that; "" for nothing.
        seconds: how long it took.
    """

    words: set[str] = field(default_factory=set)
    fault: str = ""
    seconds: float = 0.0


def specimens(target: str) -> list[Specimen]:
    """What a target starts from."""
    found = [make() for make in TARGETS[target].specimens]
    strangers(found)
    return found


def run(mutant: Mutant, lines: set[tuple[str, int]] | None = None) -> Result:
    """Run a mutant in this process; `lines` takes the lines of code that ran."""
    target, specimen = TARGETS[mutant.target], _specimen(mutant)
    for patch in mutant.patches:
        specimen.disks[patch.disk].write(patch.offset, patch.data)
    for disk in specimen.disks:
        disk.settle()
    result, start = Result(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    if lines is not None:
        sys.settrace(_tracer(lines))
    try:
        for word in target.run(specimen, random.Random(mutant.draw)):
            result.words.add(word)
    except LvmfmtError as error:
        result.words.add(f"{type(error).__name__} {getattr(error, 'structure', '')}.{getattr(error, 'field', '')}")
    except (Broken, Slow) as error:
        result.fault = f"{type(error).__name__}: {error}"
    except Exception as error:
        result.fault = _place(error)
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_PROF, 0)
    if not result.fault and target.reads and any(disk.changed for disk in specimen.disks):
        result.fault = "Broken: written to what is only read"
    for disk in specimen.disks:
        disk.reset()
    result.seconds = time.process_time() - start
    return result


def _specimen(mutant: Mutant) -> Specimen:
    return next(one for make in TARGETS[mutant.target].specimens if (one := make()).name == mutant.specimen)


def _place(error: Exception) -> str:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(PACKAGE)]
    where = f"{Path(ours[-1].filename).relative_to(PROJECT)}:{ours[-1].name}" if ours else "?"
    return f"{type(error).__name__} in {where}: {str(error)[:80]}"


def _tracer(lines: set[tuple[str, int]]) -> Callable[[FrameType, str, Any], Any]:
    def inside(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return inside

    return lambda frame, event, _: inside if frame.f_code.co_filename.startswith(PACKAGE) else None


def _limit() -> None:
    """From here on this process may take so much more memory, and a mutant so much time."""

    def over(*_: object) -> None:
        raise Slow(f"more than {SECONDS} s")

    signal.signal(signal.SIGPROF, over)
    resource.setrlimit(resource.RLIMIT_DATA, (_memory("VmData") + MEMORY, resource.RLIM_INFINITY))


def _memory(which: str) -> int:
    """A figure of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) << 10


def _weighed(mutant: Mutant) -> tuple[Result, int]:
    """What became of a mutant, and by how many bytes the memory grew at most while it ran."""
    _limit()  # what the search itself has gathered is not the mutant's
    Path("/proc/self/clear_refs").write_text("5")  # the peak is the present from here on
    before = _memory("VmHWM")
    result = run(mutant)
    return result, _memory("VmHWM") - before


def alone(mutant: Mutant) -> str:
    """The fault of a mutant in a process of its own; "" for none."""
    _specimen(mutant)  # what it takes to make it is not the mutant's
    here, there = os.pipe()
    child = os.fork()
    if not child:
        fault = "ended by a signal"
        try:
            _limit()
            fault = run(mutant).fault
        finally:
            os.write(there, fault.encode()[:4000])
            os._exit(0)
    os.close(there)
    with open(here, "rb") as words:  # noqa: PTH123 - a pipe
        fault = words.read().decode()
    os.waitpid(child, 0)
    return fault


def smaller(mutant: Mutant, fault: str) -> Mutant:
    """A mutant with as few changed bytes as possible that shows the same fault."""
    kind = fault.split(":")[0]
    tries = _TRIES

    def shows(patches: list[Patch]) -> bool:
        nonlocal tries
        tries -= 1
        found = alone(Mutant(mutant.target, mutant.specimen, tuple(patches), mutant.draw))
        return tries > 0 and found.split(":")[0] == kind

    best = list(mutant.patches)
    step = max(len(best) // 2, 1)
    while True:  # fewer patches
        for at in range(0, len(best), step):
            fewer = best[:at] + best[at + step :]
            if fewer and shows(fewer):
                best = fewer
                break
        else:
            if step == 1:
                break
            step //= 2
    for n in range(len(best)):  # fewer bytes of each
        size = len(best[n].data) // 2
        while size:
            patch = best[n]
            halves = (patch.data[:size], patch.data[size:])
            for part in (Patch(patch.disk, patch.offset, halves[0]), Patch(patch.disk, patch.offset + size, halves[1])):
                if part.data and shows([*best[:n], part, *best[n + 1 :]]):
                    best[n] = part
                    break
            else:
                break
            size = len(best[n].data) // 2
    return Mutant(mutant.target, mutant.specimen, tuple(best), mutant.draw)


@dataclass
class Tally:
    """What one worker did.

    Attributes:
        mutants: by target.
        words: distinct, by target.
        slowest: seconds, by target.
        largest: by how many bytes the memory grew at most for a mutant, of those that were weighed.
        seconds: of processor time, by target.
        lines: of code that ran in those that were watched.
        faults: the first mutant of each fault.
    """

    mutants: Counter[str] = field(default_factory=Counter)
    words: dict[str, set[str]] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    seconds: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    lines: set[tuple[str, int]] = field(default_factory=set)
    faults: dict[str, Mutant] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take in what another did."""
        self.mutants += other.mutants
        self.seconds += other.seconds
        for target, words in other.words.items():
            self.words.setdefault(target, set()).update(words)
        for target, seconds in other.slowest.items():
            self.slowest[target] = max(self.slowest.get(target, 0.0), seconds)
        self.largest = max(self.largest, other.largest)
        self.lines |= other.lines
        for fault, mutant in other.faults.items():
            self.faults.setdefault(fault, mutant)


def _often(targets: Sequence[str]) -> list[float]:
    """How often each target is taken."""
    cheap = [TARGETS[target].cost ** -2 for target in targets]
    rest = max(1 - _EACH * len(targets), 0)
    return [_EACH + rest * one / sum(cheap) for one in cheap]


def work(targets: list[str], seed: int, seconds: float) -> Tally:
    """Mutate and run until the time is over, or SIGTERM comes."""
    rng, tally = random.Random(seed), Tally()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes it on
    corpus: dict[tuple[str, str], list[tuple[Patch, ...]]] = {}
    known = {target: specimens(target) for target in targets}
    _limit()
    often = _often(targets)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stopped:
        target = rng.choices(targets, often)[0]
        specimen = rng.choices(known[target], [one.weight for one in known[target]])[0]
        parents = corpus.setdefault((target, specimen.name), [])
        before = rng.choice(parents) if parents and rng.random() < 0.4 else ()
        patches = (*before, *mutate(specimen.material, rng))
        mutant = Mutant(target, specimen.name, patches, rng.getrandbits(32))
        lines: set[tuple[str, int]] = set()
        if tally.mutants.total() % _WEIGHED == 0:
            result, grown = _weighed(mutant)
            tally.largest = max(tally.largest, grown)
            if grown > MEMORY and not result.fault:
                result.fault = f"Large: more than {MEMORY >> 20} MiB"
        else:
            result = run(mutant, lines if rng.randrange(_TRACED) == 0 else None)
        tally.mutants[target] += 1
        tally.seconds[target] += result.seconds  # type: ignore[assignment]
        tally.slowest[target] = max(tally.slowest.get(target, 0.0), result.seconds)
        seen = tally.words.setdefault(target, set())
        if result.fault:
            tally.faults.setdefault(f"{target}: {result.fault}", mutant)
        elif (result.words - seen or lines - tally.lines) and len(mutant.patches) < 40:
            parents.append(mutant.patches)
        seen |= result.words
        tally.lines |= lines
    return tally


def search(targets: list[str], seed: int, seconds: float, jobs: int) -> Tally:
    """Several workers, each with seeds of its own; SIGTERM and SIGINT end them early."""
    scratch()
    for target in targets:  # made once, shared by all
        specimens(target)
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Tally] = context.Queue()
    workers = [
        context.Process(target=lambda n=n: results.put(work(targets, seed * 1000 + n, seconds))) for n in range(jobs)
    ]
    for worker in workers:
        worker.start()

    def stop(*_: object) -> None:
        for worker in workers:
            worker.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    whole = Tally()
    waiting = len(workers)
    while waiting:
        try:
            whole.add(results.get(timeout=1))
            waiting -= 1
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                raise SystemExit("a worker was ended from outside") from None
    for worker in workers:
        worker.join()
    for number, handler in before.items():
        signal.signal(number, handler)
    return whole


def replay(folder: Path) -> dict[str, str]:
    """The faults of saved mutants, by file name."""
    found = {path.name: alone(Mutant.from_json(path.read_text())) for path in sorted(folder.glob("*.json"))}
    return {name: fault for name, fault in found.items() if fault}


def main() -> int:
    """Search, tell, and save what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", default="all", help="a name of --list, or all")
    parser.add_argument("--seconds", type=float, default=60, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, help="of the mutations; a fresh one is printed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers (%(default)s)")
    parser.add_argument("--crashers", type=Path, default=CRASHERS, help="where to save what fails (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write the totals into fixtures/reliability.md")
    parser.add_argument("--more", action="store_true", help="with --record: add to the totals that are there")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="run saved mutants, and nothing else")
    parser.add_argument("--list", action="store_true", help="list the targets")
    args = parser.parse_args()
    if args.list:
        for name, what in TARGETS.items():
            print(f"{name:10} {what.summary}")
        return 0
    if args.replay:
        faults = replay(args.replay)
        for name, fault in faults.items():
            print(f"{name}: {fault}")
        return 1 if faults else 0
    if args.target not in (*TARGETS, "all"):
        parser.error(f"no target {args.target}; --list lists them")
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    targets = list(TARGETS) if args.target == "all" else [args.target]
    tally = search(targets, seed, args.seconds, args.jobs)
    for target, mutants in tally.mutants.items():
        each, slowest = 1000 * tally.seconds[target] / mutants, tally.slowest[target]
        words = len(tally.words[target])
        print(f"{target:12}{mutants:8} mutants{words:6} words{each:8.1f} ms each, slowest{slowest:6.2f} s")
    print(
        f"{tally.mutants.total()} mutants in {sum(tally.seconds.values()):.0f} s of processor time, {len(tally.lines)} "
        f"lines of code, a mutant took at most {tally.largest >> 20} MiB, {len(tally.faults)} faults"
    )
    real = once = 0
    for fault, mutant in tally.faults.items():
        if not (shown := alone(mutant)):
            once += 1  # by the memory that a long run had gathered, or by the load of the machine
            print(f"{fault}\n  not when run again: {mutant.to_json(fault)}")
            continue
        real += 1
        small = smaller(mutant, shown)
        args.crashers.mkdir(parents=True, exist_ok=True)
        text = small.to_json(shown) + "\n"
        path = args.crashers / f"{mutant.target}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
        path.write_text(text)
        print(f"{fault}\n  {sum(len(p.data) for p in small.patches)} bytes, saved as {path}")
    if args.record:
        _record(targets, tally, (real, once), f"`tools/fuzz {args.target} --seed {seed}` at {commit()}", more=args.more)
    return 1 if real else 0


def _record(targets: Sequence[str], tally: Tally, faults: tuple[int, int], how: str, *, more: bool) -> None:
    """Write the totals down, with those of the runs before if there is more of them.

    Args:
        targets: that were run.
        tally: what was found.
        faults: how many, and how many that did not show again alone.
        how: command, seed, commit.
        more: add to what is there.
    """
    title = "Mutated images"
    heads, old = read_section(title) if more else ("", {})
    slowest, largest = max(tally.slowest.values(), default=0), tally.largest >> 20
    head = f"{how}: {tally.mutants.total()} mutants, slowest {slowest:.2f} s, at most {largest} MiB for one."
    mutants = {f"mutants of `{target}`": tally.mutants[target] for target in targets}
    rows = mutants | {
        "mutants in all": tally.mutants.total(),
        "faults": faults[0],
        "seen once, not when run again": faults[1],
    }
    everything = [*dict.fromkeys([*mutants, *(row for row in old if row.startswith("mutants of")), *rows])]
    sums = [(row, rows.get(row, 0) + old.get(row, 0)) for row in everything]
    write_section(title, f"{heads}\n{head}".strip(), sums)


if __name__ == "__main__":
    sys.exit(main())
