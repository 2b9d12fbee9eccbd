"""Medians, spread and verdicts of measurements that were made in turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

ENOUGH = 5
"""Rounds from which on quartiles say how much a figure varies; with fewer, the extremes do."""
WORSE = 1.5
"""A line fails when it is so many times its last kept result."""
FULL = 0.75
"""Where others had this share of the processors, no quotient of times tells anything, and no time is too long."""


class Verdict(StrEnum):
    """What a line came to."""

    REACHED = "reached"
    MISSED = "MISSED"
    NOISY = "too noisy to conclude"
    WORSE = "WORSE than the last"
    SMALLER = "not judged at this size"
    FREE = "no limit"

    @property
    def fails(self) -> bool:
        """Whether a run with it has failed."""
        return self in (Verdict.MISSED, Verdict.WORSE)


@dataclass(frozen=True)
class Spread:
    """A figure and where it may lie."""

    middle: float
    low: float
    high: float

    def widened(self, busy: float, quotient: bool) -> Spread:
        """The same, where others had a share of the machine's processors: each run may have been slowed by it.

        A time by itself may only be shorter without them, a quotient may be anything.
        """
        free = 1 - min(busy, FULL)
        return Spread(self.middle, self.low * free, self.high / free if quotient else self.high)


def spread(values: Sequence[float]) -> Spread:
    """The median, and the quartiles around it; of fewer than `ENOUGH` values the extremes.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("nothing was measured")
    middle = statistics.median(values)
    if len(values) < ENOUGH:
        return Spread(middle, min(values), max(values))
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def ratios(ours: Sequence[float | None], peer: Sequence[float | None]) -> list[float]:
    """Ours by the peer's, round by round: what slows a round slows both. What one of them left out does not count."""
    pairs = [(a, b) for a, b in zip(ours, peer, strict=False) if a is not None and b]
    return [a / b for a, b in pairs]


def judged(seen: Spread, limit: float | None, last: float | None = None) -> Verdict:
    """The verdict on a figure that must not be above a limit.

    Args:
        seen: the figure, a ratio or a quantity.
        limit: the largest that it may be; None if there is no limit.
        last: its last kept result.
    """
    if last is not None and seen.low > WORSE * last:
        return Verdict.WORSE
    noisy_again = last is not None and seen.middle > WORSE * last
    if limit is not None:
        if seen.low > limit:
            return Verdict.MISSED
        if seen.high > limit:
            return Verdict.NOISY
    if noisy_again:
        return Verdict.NOISY
    return Verdict.FREE if limit is None else Verdict.REACHED
