"""Lines of the results: a figure of ours, a peer's, their quotient, the limit, the verdict."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bench_limits import BEST, GOALS, Goal
from bench_rounds import Outcome, Role
from bench_statistics import FULL, Verdict, judged, ratios, spread

from lvmfmt.units import MIB

_SAME = 0.1
"""By how much the amounts of two results may differ, as a share, for the two to be comparable."""


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        scenario: where it was measured.
        measure: which figure.
        ours: whose.
        peer: by whose it is divided; empty if by nobody's.
        value: the median of ours.
        other: the median of the peer's.
        middle: the figure that is judged: the median of the quotients, round by round, or of ours.
        low: it may be as small as this,
        high: or as large as this, by the spread of the rounds and by what others took of the machine.
        limit: the largest that it may be.
        verdict: what it came to.
        rounds: how many there were.
        amount: bytes or things that were handled.
        busy: share of the machine's processors that others had.
        last: the last kept result, if it can be compared.
    """

    scenario: str
    measure: str
    ours: str
    peer: str
    value: float
    other: float | None
    middle: float
    low: float
    high: float
    limit: float | None
    verdict: Verdict
    rounds: int
    amount: float
    busy: float
    last: float | None = None

    @property
    def key(self) -> str:
        """What a result is kept under; lines that differ in their limits alone share one."""
        return f"{self.scenario} {self.measure}: {self.ours}" + (f" / {self.peer}" if self.peer else "")


def rows_of(outcome: Outcome, kept: Mapping[str, Row]) -> Iterator[Row]:
    """The lines of a scenario: those of the goals, and ours by the best peer where no goal asks for that.

    Args:
        outcome: what was measured.
        kept: last results that can be compared, by their keys.
    """
    seen = set()
    for goal in [goal for goal in GOALS if goal.scenario == outcome.scenario]:
        if (row := _row(outcome, goal, kept)) is not None:
            seen.add((row.ours, row.measure, row.peer))
            yield row
    for name, role in outcome.roles.items():
        if role is not Role.OURS or name not in outcome.samples:
            continue
        others = [best] if (best := _best(outcome, "wall")) else []
        others += [
            other for other, kind in outcome.roles.items() if kind is Role.EARLIER and other.startswith(f"{name} at ")
        ]
        for peer in others or [""]:
            free = Goal(outcome.scenario, "wall", name, (peer,) if peer else (), float("inf"))
            if not peer and any(known[:2] == (name, "wall") for known in seen):
                continue  # a time by itself is there
            if (name, "wall", peer) not in seen and (row := _row(outcome, free, kept)) is not None:
                yield row


def unmeasured(outcomes: Sequence[Outcome]) -> list[Goal]:
    """Goals of scenarios that ran, but where somebody was missing."""
    known = {outcome.scenario: outcome for outcome in outcomes}
    return [goal for goal in GOALS if goal.scenario in known and _row(known[goal.scenario], goal, {}) is None]


def _row(outcome: Outcome, goal: Goal, kept: Mapping[str, Row]) -> Row | None:
    """The line of a goal; None if it was not measured."""
    ours = outcome.values(goal.ours, goal.measure)
    mine = [value for value in ours if value is not None]
    peer = _peer(outcome, goal)
    if not mine or peer is None:
        return None
    if peer:
        theirs = outcome.values(peer, goal.measure)
        found = ratios(ours, theirs)
        if not found:
            return None
        other: float | None = statistics.median(value for value in theirs if value is not None)
    else:
        share = outcome.amount / goal.per if goal.per and outcome.amount else 1
        found, other = [value / share for value in mine], None
    seen = spread(found)
    if goal.measure == "wall":
        seen = seen.widened(outcome.busy, bool(peer))
    limit = None if goal.limit == float("inf") else goal.limit
    row = Row(
        outcome.scenario, goal.measure, goal.ours, peer, statistics.median(mine), other, seen.middle, seen.low,
        seen.high, limit, Verdict.FREE, len(found), outcome.amount, outcome.busy,
    )  # fmt: skip
    before = kept.get(row.key)
    last = before.middle if before and abs(before.amount - row.amount) <= _SAME * row.amount else None
    verdict = judged(seen, limit if outcome.amount >= goal.at else None, last)
    if limit is not None and verdict is Verdict.FREE:
        verdict = Verdict.SMALLER
    if goal.measure == "wall" and outcome.busy >= FULL and (verdict.fails or (peer and verdict is Verdict.REACHED)):
        verdict = Verdict.NOISY
    return replace(row, last=last, verdict=verdict)


def _peer(outcome: Outcome, goal: Goal) -> str | None:
    """Who is compared with; "" if nobody, None if who should be was not measured."""
    if not goal.peer:
        return ""
    if goal.peer == BEST:
        return _best(outcome, goal.measure)
    medians = {name: _median(outcome, name, goal.measure) for name in goal.peer}
    if None in medians.values():
        return None
    return max(medians, key=lambda name: medians[name] or 0)


def _best(outcome: Outcome, measure: str) -> str | None:
    """The peer with the smallest median."""
    medians = {
        name: value
        for name, role in outcome.roles.items()
        if role is Role.PEER and (value := _median(outcome, name, measure)) is not None
    }
    return min(medians, key=lambda name: medians[name], default=None)


def _median(outcome: Outcome, name: str, measure: str) -> float | None:
    values = [value for value in outcome.values(name, measure) if value is not None]
    return statistics.median(values) if values else None


def as_json(row: Row) -> dict[str, object]:
    """A line as JSON has it."""
    return asdict(row)


def from_json(data: Mapping[str, object]) -> Row:
    """The line that `as_json` gave."""
    known = {name: data[name] for name in Row.__dataclass_fields__}
    return Row(**{**known, "verdict": Verdict(str(known["verdict"]))})  # type: ignore[arg-type]


def shown(measure: str, value: float | None) -> str:
    """A figure with its unit, in three digits."""
    if value is None:
        return ""
    if measure in ("peak", "size"):
        return f"{value / MIB:.4g} MiB"
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if abs(value) * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e6:.3g} us"
