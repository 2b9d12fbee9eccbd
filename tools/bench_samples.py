"""One measurement: what a whole process, or an action in this one, used."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_LAUNCH = Path(__file__).with_name("bench_launch.py")
_SHOWN = 300
"""Characters of an error text that are repeated at most."""


class CommandFailed(RuntimeError):
    """A measured command ended with another status than it should."""


@dataclass(frozen=True)
class Sample:
    """What one run used; None is what was not measured.

    Attributes:
        wall: seconds from its start to its end.
        user: seconds of processor time in user mode, of children too.
        system: the same in the kernel.
        peak: bytes of memory that the largest of its processes had at its largest.
        size: bytes that it wrote or left, where that is what is measured.
    """

    wall: float | None = None
    user: float | None = None
    system: float | None = None
    peak: float | None = None
    size: float | None = None

    @property
    def processor(self) -> float | None:
        """Seconds of processor time."""
        return None if self.user is None or self.system is None else self.user + self.system

    def of(self, measure: str) -> float | None:
        """One figure by its name."""
        value: float | None = getattr(self, measure)
        return value

    def __sub__(self, other: Sample) -> Sample:
        """What one run used more than another."""
        both = ((getattr(self, name), getattr(other, name)) for name in ("wall", "user", "system"))
        return Sample(*(None if a is None or b is None else a - b for a, b in both))


UNITS = {"wall": "s", "processor": "s", "user": "s", "peak": "MiB", "size": "MiB"}
"""What a measure is shown in."""


@dataclass(frozen=True)
class Command:
    """A whole process to measure.

    Attributes:
        argv: its words.
        told: makes the sample from what it prints, where it measures itself: a process without its start.
        env: variables that it gets besides those that are there.
    """

    argv: tuple[str, ...]
    told: Callable[[str], Sample] | None = None
    env: dict[str, str] = field(default_factory=dict)


def command(*argv: str | Path, told: Callable[[str], Sample] | None = None, **env: str) -> Command:
    return Command(tuple(map(str, argv)), told, env)


def shell(script: str, *operands: str | Path) -> Command:
    """Several commands as one: `$1`, `$2`, ... are the operands."""
    return command("sh", "-ec", script, "sh", *operands)


def measured(what: Command) -> Sample:
    """Run a command to its end.

    Raises:
        CommandFailed: its exit status is not 0.
        FileNotFoundError: there is no such program.
    """
    report, end = os.pipe()
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as printed:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", str(_LAUNCH), str(end), *what.argv],
                stdin=subprocess.DEVNULL,
                stdout=printed if what.told else subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, **what.env},
                pass_fds=[end],
                check=False,
            )
        finally:
            os.close(end)
            with open(report, "rb") as stream:  # noqa: PTH123 - a descriptor
                text = stream.read()
        errors.seek(0)
        found = json.loads(text) if text else {"status": done.returncode}
        if found.pop("status"):
            raise CommandFailed(f"{' '.join(what.argv)}: {errors.read().decode(errors='replace').strip()[-_SHOWN:]}")
        if what.told:
            printed.seek(0)
            return what.told(printed.read().decode())
    return Sample(**found)


def timed(action: Callable[[], object]) -> Sample:
    """Measure an action in this process."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    action()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return Sample(wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)


def last_seconds(printed: str) -> Sample:
    """The sample of a program that prints its seconds of wall, user and system time on its last line."""
    return Sample(*map(float, printed.splitlines()[-1].split()))
