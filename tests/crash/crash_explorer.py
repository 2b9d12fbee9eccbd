"""Every crash of a workload: what may be left on the disk, replayed, checked and compared with what was promised.

A disk keeps or loses each write behind the last barrier, in any order, and may tear it between sectors. Log pages are
torn at one place only (what came before it arrived, or what comes after): the format can see no more than that the two
ends of a page differ.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crash_model import NOW, Model, Step, Tree, perform, read_tree
from crash_states import PAGE, Contents, Memo, Pages, States

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Event, Trace, Write
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import Finding, Report, check
from lvmfmt.jfs2.checking.log_checks import LogChecker
from lvmfmt.jfs2.checking.subject import Subject
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

    def promised(self, upto: int) -> int:
        """How many steps must survive a crash after so many events."""
        return max(steps for events, steps in self.safe if events <= upto)

    def differs(self, upto: int, tree: Tree) -> str:
        """What is wrong with the tree of a recovered file system, or nothing."""
        first = self.promised(upto)
        last = sum(start <= upto for start in self.started[:-1])
        if tree in self.trees[first : last + 1]:
            return ""
        if tree in self.trees:
            return f"the tree is that after {self.trees.index(tree)} steps, {first} to {last} were possible"
        wanted = self.trees[last]
        paths = [p for p in sorted({*tree, *wanted}) if tree.get(p) != wanted.get(p)]
        return f"the tree is none of those after {first} to {last} steps, {paths[:4]} differ from the last"


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
        replays: how many of them had to be replayed; the others read the same on the way.
        failures: (crash, what is wrong).
        images: one of the recovered devices in every `keep`, for other judges.
    """

    states: int = 0
    distinct: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    images: list[Overlay] = field(default_factory=list)
    replays: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.states + other.states, self.distinct + other.distinct, self.failures + other.failures,
            self.images + other.images, self.replays + other.replays,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.states} states, {self.distinct} distinct images, {len(self.failures)} failures"


class Judge:
    """Recovers the disks of a recording after a crash and says what is wrong then.

    Replay, check of the file system, check of the log and reading of the tree are kept apart: crashes differ most in
    the log, of which only the first and the third read much.
    """

    def __init__(self, made: Recording) -> None:
        self._made = made
        contents = Contents()
        self.states = States([made.base], [(0, event) for event in made.events], contents)
        self._contents = contents
        pages = range(made.log.start // PAGE, -(-made.log.stop // PAGE))
        self._log_pages = {(0, page): self.states.start[0, page] for page in pages if (0, page) in self.states.start}
        self._redo, self._check, self._log, self._tree = (
            Memo([made.base], contents, function)
            for function in (
                lambda disks: redo(disks[0]),
                lambda disks: _illegal(check(disks[0]).findings, log=False),
                lambda disks: _illegal(_log_findings(disks[0]), log=True),
                lambda disks: read_tree(FileSystem.open(disks[0])),
            )
        )

    @property
    def runs(self) -> int:
        """How many replays were made; the others were known."""
        return self._redo.runs

    def problem(self, upto: int, pages: Pages) -> str:
        """What is wrong after a crash that left these pages, or nothing."""
        value, written = self._redo(pages)
        if isinstance(value, LvmfmtError):
            return f"{type(value).__name__}: {value}"
        pages = pages | written
        # the rest of the check is given the log of before: it does not depend on it
        for memo, seen in ((self._check, pages | self._log_pages), (self._log, pages), (self._tree, pages)):
            value, _ = memo(seen)
            if isinstance(value, LvmfmtError):
                return f"{type(value).__name__}: {value}"
            if memo is not self._tree and value:
                return f"check: {value[0]}"
        return self._made.differs(upto, value)

    def image(self, pages: Pages) -> Overlay:
        """The recovered disk."""
        disk = Overlay(self._made.base)
        for (_, page), number in {**pages, **self._redo(pages)[1]}.items():
            disk.write(page * PAGE, self._contents.pages[number][: disk.size - page * PAGE])
        return disk


def explore(made: Recording, *, seed: int, budget: int, keep: int = 0, stop_at: int = 5) -> Outcome:
    """Try crashes of a recording.

    Args:
        made: the workload.
        seed: of the choice of crashes, when there are more than the budget.
        budget: how many distinct images to judge.
        keep: one of how many recovered images goes into the result; 0 for none.
        stop_at: failures after which looking ends.
    """
    result, seen = Outcome(), set[tuple[int, frozenset[Any]]]()
    judge = Judge(made)
    crashes = list(_crashes(made, judge.states.flying, random.Random(seed)))
    random.Random(seed).shuffle(crashes)
    for upto, fault in crashes:
        if result.distinct >= budget or len(result.failures) >= stop_at:
            break
        pages = judge.states.after(upto, **fault)
        result.states += 1
        # the same bytes later may be held to more promises
        key = made.promised(upto), frozenset(pages.items())
        if key in seen:
            continue
        seen.add(key)
        result.distinct += 1
        if problem := judge.problem(upto, pages):
            result.failures.append((f"after {upto} of {len(made.events)} events, {fault}", problem))
        elif keep and result.distinct % keep == 0:
            result.images.append(judge.image(pages))
    result.replays = judge.runs
    return result


_OF_THE_LOG = ("log-", "superblock-log-serial")


def _illegal(findings: list[Finding], *, log: bool) -> list[Finding]:
    """Errors, of the log or of all else; the serial of a mount that was interrupted is none."""
    return [
        f for f in findings
        if f.severity == "error" and f.name != "superblock-log-serial" and f.name.startswith(_OF_THE_LOG) == log
    ]  # fmt: skip


def _log_findings(device: BlockDevice) -> list[Finding]:
    superblock, report = read_superblock(device), Report()
    geometry = superblock.geometry
    at, length = geometry.log_address * geometry.block_size, geometry.log_blocks * geometry.block_size
    LogChecker(Subject.of(device, superblock, report), device, at, length, inline=True).check()
    return report.findings


def _crashes(
    made: Recording, flying: Sequence[Sequence[int]], rng: random.Random
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(events that were issued, what happened to those in flight)."""
    for upto, loose in enumerate(flying):
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
