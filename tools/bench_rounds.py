"""Ours and peers in turn, round by round, so that a busy moment meets all of them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bench_machine import others_time
from bench_samples import Command, CommandFailed, Sample, measured, timed

_FAR, _FEW = 3.0, 2
"""Who took so many times as long as the fastest is measured in so few rounds: it will not become the best."""


class Role(StrEnum):
    """What somebody's figures are for."""

    OURS = "ours"
    PEER = "peer"
    EARLIER = "earlier"
    """Ours of an earlier commit."""
    YARDSTICK = "yardstick"
    """Does less than the work: a limit that nobody passes, or a part to compare with."""


@dataclass(frozen=True)
class Contender:
    """Somebody who does the work of a scenario.

    Attributes:
        name: as in the table of limits.
        work: what is measured: a whole process, or an action here that may return a sample of its own.
        role: what it is for.
        before: prepares each of its runs, not measured.
        required: a goal needs many of its runs, far behind or not.
    """

    name: str
    work: Command | Callable[[], Sample | object]
    role: Role = Role.PEER
    before: Callable[[], object] | None = None
    required: bool = False


@dataclass(frozen=True)
class Scenario:
    """A piece of work that several can do.

    Attributes:
        name: suite/what/state.
        contenders: who does it, in turn.
        amount: bytes or things that are handled.
        before: prepares each run, not measured: removes what the last one made, empties caches.
        check: raises if what a contender left is not what it should be; asked once each, after the unmeasured run.
        rounds: at most so many; a figure that does not vary needs one.
        first: a run that is not measured comes first, and warms.
    """

    name: str
    contenders: Sequence[Contender]
    amount: float = 0
    before: Callable[[], object] = lambda: None
    check: Callable[[Contender], object] | None = None
    rounds: int | None = None
    first: bool = True


@dataclass
class Outcome:
    """What the rounds of a scenario have measured.

    Attributes:
        scenario: its name.
        amount: bytes or things that were handled.
        samples: of each contender, in the order of the rounds; None where it was left out.
        roles: of each contender.
        busy: share of the machine's processors that others had meanwhile.
        failed: who could not do it, and what they said.
    """

    scenario: str
    amount: float
    samples: dict[str, list[Sample | None]]
    roles: dict[str, Role]
    busy: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    def values(self, name: str, measure: str) -> list[float | None]:
        """One figure of a contender, round by round."""
        return [None if one is None else one.of(measure) for one in self.samples.get(name, [])]


def once(contender: Contender, scenario: Scenario) -> Sample:
    """One run, with nothing left to write from before."""
    scenario.before()
    if contender.before:
        contender.before()
    os.sync()
    if isinstance(contender.work, Command):
        return measured(contender.work)
    found: list[object] = []
    work = contender.work
    seen = timed(lambda: found.append(work()))
    return found[0] if isinstance(found[0], Sample) else seen


def take_turns(
    scenario: Scenario, rounds: int, until: float = math.inf, least: int = 3, end: float = math.inf
) -> Outcome:
    """Measure all contenders of a scenario.

    Args:
        scenario: what to do.
        rounds: how often.
        until: on the clock of `time.monotonic`: no round begins after it once there are `least`.
        least: so many rounds are made for all that.
        end: after it none begins but the first.

    Raises:
        CommandFailed: ours cannot do it.
    """
    outcome = Outcome(scenario.name, scenario.amount, {}, {c.name: c.role for c in scenario.contenders})
    wanted = min(rounds, scenario.rounds or rounds)
    before, start = others_time(), time.monotonic()
    left = list(scenario.contenders)
    for turn in range(0 if scenario.first else 1, wanted + 1):
        now = time.monotonic()
        if (turn > least and now > until) or (turn > 1 and now > end):
            break
        behind = _far_behind(left, outcome) if turn > _FEW else set()
        for contender in list(left):
            if contender.name in behind:
                outcome.samples[contender.name].append(None)
                continue
            try:
                sample = once(contender, scenario)
                if turn <= 1 and scenario.check and not (turn and scenario.first):
                    scenario.check(contender)
            except (CommandFailed, OSError, WrongResult) as error:
                if contender.role is Role.OURS:
                    raise
                outcome.failed[contender.name] = str(error)
                outcome.samples.pop(contender.name, None)
                left.remove(contender)
                continue
            if turn:
                outcome.samples.setdefault(contender.name, []).append(sample)
    took = max(time.monotonic() - start, 1e-9)
    outcome.busy = min(1.0, max(0.0, others_time() - before) / took / (os.cpu_count() or 1))
    return outcome


class WrongResult(RuntimeError):
    """What a contender left is not what it should be."""


def _far_behind(contenders: Sequence[Contender], outcome: Outcome) -> set[str]:
    """Who is so slow that more rounds of it tell nothing."""
    walls = {
        c.name: min(known)
        for c in contenders
        if (known := [wall for wall in outcome.values(c.name, "wall") if wall is not None])
    }
    fastest = min((walls[c.name] for c in contenders if c.role is not Role.YARDSTICK and c.name in walls), default=0)
    free = {c.name for c in contenders if c.role is Role.PEER and not c.required}
    return {name for name, wall in walls.items() if name in free and wall > _FAR * fastest}
