"""Where time and identities come from: one injectable source, so that a seed reproduces an image bit for bit.

Whatever needs time or identity takes `origin: Origin | None = None`, and asks the system where nothing is given.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import Protocol

from .arguments import Checked
from .errors import OperationRefused
from .units import MIB

SEEDED_START_NS = 1_257_847_200 * 10**9
"""First instant of a seeded origin: 2009-11-10 10:00:00 UTC."""

SEEDED_STEP_NS = 1_000_500_000
"""How far a seeded clock moves per event: a second and half a millisecond, so that stamps and ids differ."""


class Origin(Protocol):
    """A clock and a generator of identities."""

    def now(self) -> int:
        """The current instant, in nanoseconds since 1970-01-01 UTC; never the same twice."""

    def entropy(self, label: str, count: int) -> bytes:
        """`count` bytes, different for every call: random, or derived from the seed, `label` and the instant."""


class SystemOrigin:
    """The machine's clock and its random numbers."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """The system's time, moved on by a nanosecond where two calls would agree."""
        self._last = max(time.time_ns(), self._last + 1)
        return self._last

    def entropy(self, label: str, count: int) -> bytes:
        """Random bytes of the operating system; the label is not used."""
        return os.urandom(count)


class FixedOrigin(SystemOrigin):
    """A clock that stands still, for what is to bear one instant; identities are random.

    Args:
        instant: nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, instant: int) -> None:
        super().__init__()
        self.instant = check_instant(instant)

    def now(self) -> int:
        """The instant, always the same."""
        return self.instant


class SeededOrigin(Checked):
    """A clock that starts at a fixed instant and moves a fixed step per event.

    Args:
        seed: any integer; equal seeds and calls give equal answers.
        ticks: events that have happened already (a host keeps this number between commands).
    """

    def __init__(self, seed: int, ticks: int = 0) -> None:
        self.seed = seed
        self.ticks = ticks

    def now(self) -> int:
        """The instant of the next event."""
        self.ticks += 1
        return SEEDED_START_NS + self.ticks * SEEDED_STEP_NS

    def entropy(self, label: str, count: int) -> bytes:
        """Bytes derived from seed, label and the number of events so far; at most 1 MiB."""
        if not 0 <= count <= MIB:
            raise OperationRefused(f"{count} bytes of identity: 0 to 1 MiB")
        self.ticks += 1
        return hashlib.shake_256(f"{self.seed}/{label}/{self.ticks}".encode()).digest(count)


def seeded_or_system(seed: int | None, ticks: int = 0) -> Origin:
    """The clock of a seed after so many events, or that of the system where there is no seed."""
    return SystemOrigin() if seed is None else SeededOrigin(seed, ticks)


def check_instant(instant: int) -> int:
    """`instant`, if it is one that 64 bits can say.

    Raises:
        OperationRefused: it is none.
    """
    if not isinstance(instant, int) or not -(1 << 63) <= instant < 1 << 63:
        raise OperationRefused(f"not an instant in nanoseconds: {instant!r:.40}")
    return instant


def origin_or_system(origin: Origin | None) -> Origin:
    """`origin`, or the system's clock and random numbers.

    Raises:
        OperationRefused: it is something else.
    """
    if origin is None:
        return SystemOrigin()
    if not callable(getattr(origin, "now", None)) or not callable(getattr(origin, "entropy", None)):
        raise OperationRefused(
            f"not an origin of time and identities: {origin!r:.60}", hint="such as SystemOrigin() or SeededOrigin(1)"
        )
    return origin
