"""Every crash of a workload: what may be left on the disk, replayed, checked and compared with what was promised.

A disk keeps or loses each write behind the last barrier, in any order, and may tear it between sectors. Log pages are
torn at one place only (what came before it arrived, or what comes after): the format can see no more than that the two
ends of a page differ.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crash_model import NOW, Model, Step, Tree, perform, read_tree

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Event, Trace, Write, in_flight, replay
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import Finding, check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin


@dataclass
class Recording:
    """A workload that was run.

    Attributes:
        base: the device before it.
        events: writes and barriers.
        trees: the tree after 0, 1, 2, ... steps.
        started: for each step, how many events there were when it began.
        safe: (events, steps): from that many events on, so many steps are promised.
        log: byte range of the log.
        rounds: how often the log was filled.
    """

    base: BlockDevice
    events: list[Event]
    trees: list[Tree]
    started: list[int]
    safe: list[tuple[int, int]]
    log: range
    rounds: float = 0.0


def record(base: BlockDevice, steps: Iterator[Step] | Sequence[Step] | Any, count: int = 0) -> Recording:
    """Run a workload: a list of steps, or `count` steps of a `Steps`."""
    geometry = read_superblock(base).geometry
    at = geometry.log_address * geometry.block_size
    trace, model = Trace(Overlay(base)), Model()
    mounted = mount(trace, origin=FixedOrigin(NOW))
    made = Recording(base, trace.events, [read_tree(mounted)], [], [(0, 0)],
                     range(at, at + geometry.log_blocks * geometry.block_size))  # fmt: skip
    for path, (kind, content, mode, *_) in made.trees[0].items():
        if path != "/":
            model.apply(("mkdir", path) if kind == "dir" else ("write_file", path, content))
            model.nodes[path].mode = mode
    assert model.tree() == made.trees[0]
    for i in range(count or len(steps)):
        step = steps.next(model) if count else steps[i]
        made.started.append(len(trace.events))
        perform(mounted, step)
        model.apply(step)
        made.trees.append(model.tree())
        if step[0] in ("sync", "checkpoint"):
            made.safe.append((len(trace.events), i + 1))
    made.started.append(len(trace.events))
    mounted.unmount()
    made.rounds = mounted._log.writer.end / mounted._log.writer.capacity
    made.safe.append((len(trace.events), len(made.trees) - 1))
    return made


@dataclass
class Outcome:
    """What an exploration found.

    Attributes:
        states: crashes tried.
        distinct: different contents of the disk among them.
        failures: (crash, what is wrong).
        images: one of the recovered devices in every `keep`, for other judges.
    """

    states: int = 0
    distinct: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    images: list[Overlay] = field(default_factory=list)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.states + other.states, self.distinct + other.distinct, self.failures + other.failures,
            self.images + other.images,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.states} states, {self.distinct} distinct images, {len(self.failures)} failures"


def explore(made: Recording, *, seed: int, budget: int, keep: int = 0, stop_at: int = 5) -> Outcome:
    """Try crashes of a recording.

    Args:
        made: the workload.
        seed: of the choice of crashes, when there are more than the budget.
        budget: how many distinct images to judge.
        keep: one of how many recovered images goes into the result; 0 for none.
        stop_at: failures after which looking ends.
    """
    result, seen = Outcome(), set[bytes]()
    crashes = list(_crashes(made, random.Random(seed)))
    random.Random(seed).shuffle(crashes)
    for upto, fault in crashes:
        if result.distinct >= budget or len(result.failures) >= stop_at:
            break
        state = replay(made.base, made.events, upto, **fault)
        result.states += 1
        digest = hashlib.blake2b(digest_size=16)
        for offset, length in state.dirty_ranges():
            digest.update(b"%d %d" % (offset, length))
            digest.update(state.read(offset, length))
        # the same bytes later may be held to more promises
        key = digest.digest() + b"%d" % _promised(made, upto)
        if key in seen:
            continue
        seen.add(key)
        result.distinct += 1
        if problem := judge(made, upto, state):
            result.failures.append((f"after {upto} of {len(made.events)} events, {fault}", problem))
        elif keep and result.distinct % keep == 0:
            result.images.append(state)
    return result


def judge(made: Recording, upto: int, state: Overlay) -> str:
    """Recover a crashed device; what is wrong with it then, or nothing."""
    try:
        redo(state)
        report = check(state)
        if findings := _illegal(report.findings):
            return f"check: {findings[0]}"
        tree = read_tree(FileSystem.open(state))
    except LvmfmtError as error:
        return f"{type(error).__name__}: {error}"
    first = _promised(made, upto)
    last = sum(start <= upto for start in made.started[:-1])
    if tree in made.trees[first : last + 1]:
        return ""
    if tree in made.trees:
        return f"the tree is that after {made.trees.index(tree)} steps, {first} to {last} were possible"
    wanted = made.trees[last]
    paths = [p for p in sorted({*tree, *wanted}) if tree.get(p) != wanted.get(p)]
    return f"the tree is none of those after {first} to {last} steps, {paths[:4]} differ from the last"


def _illegal(findings: list[Finding]) -> list[Finding]:
    """Errors; the serial of a mount that was interrupted is none."""
    return [f for f in findings if f.severity == "error" and f.name != "superblock-log-serial"]


def _promised(made: Recording, upto: int) -> int:
    return max(steps for events, steps in made.safe if events <= upto)


def _crashes(made: Recording, rng: random.Random) -> Iterator[tuple[int, dict[str, Any]]]:
    """(events that were issued, what happened to those in flight)."""
    events = made.events
    for upto in range(len(events) + 1):
        loose = [i for i in in_flight(events, upto) if isinstance(events[i], Write)]
        yield upto, {}
        if not loose:
            continue
        yield upto, {"drop": loose[:-1]}
        for i in loose:
            yield upto, {"drop": [i]}
        for _ in range(3):
            dropped = [i for i in loose if rng.random() < 0.5]
            torn = [i for i in loose if i not in dropped and rng.random() < 0.3]
            yield upto, {"drop": dropped, "tear": {i: _tear(made, i, rng) for i in torn}}
        last = loose[-1]
        for _ in range(2):
            yield upto, {"tear": {last: _tear(made, last, rng)}}


def _tear(made: Recording, index: int, rng: random.Random) -> list[int]:
    """Sectors of a write that arrived."""
    event = made.events[index]
    assert isinstance(event, Write)
    sectors = list(event.sectors)
    if event.offset in made.log:
        cut = rng.randrange(len(sectors) + 1)
        return sectors[:cut] if rng.random() < 0.5 else sectors[cut:]
    return [sector for sector in sectors if rng.random() < 0.5]
