"""A command is run once; where a fault is planned, a copy of the process meets it, goes on and is judged.

So a trial costs what comes behind its fault, and the host, in memory and half changed, need not be made anew for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pickle
import select
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from faulty_disks import Plan, Trial, files_in, restore

PATIENCE = 120.0
"""Seconds that a trial may take."""

R = TypeVar("R")


class Forks(Generic[R]):
    """The copies of a process that runs a command.

    Args:
        trial: the host; its command is about to run.
        plans: what is to go wrong, by the number of the call.
        at_once: says what a plan's copy would, if that is known: at which plan, and kind of call.
        take: given each plan, and what its copy has handed over; None for one that died or did not end.

    Attributes:
        whole: plans at calls that no copy can be made at, because another thread runs.
    """

    def __init__(
        self,
        trial: Trial,
        plans: Mapping[int, Sequence[Plan]],
        at_once: Callable[[Plan, str], R | None],
        take: Callable[[Plan, R | None], None],
    ) -> None:
        self.trial, self.plans, self._at_once, self._take = trial, plans, at_once, take
        self.whole: list[Plan] = []
        self.plan: Plan | None = None
        """Set in a copy: the plan that is its own."""
        self._pipe = -1

    def meets(self, number: int, kind: str) -> Plan | None:
        """At a call: a copy of the process for each of its plans; only in the copy, its plan."""
        for plan in self.plans.get(number, ()):
            if (answer := self._at_once(plan, kind)) is not None:
                self._take(plan, answer)
            elif threading.active_count() > 1:
                self.whole.append(plan)
            elif self._is_copy(plan):
                return plan
        return None

    def hand_over(self, answer: R) -> NoReturn:
        """End a copy."""
        with os.fdopen(self._pipe, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)

    def _is_copy(self, plan: Plan) -> bool:
        files = files_in(self.trial.path)
        for disk in self.trial.disks.values():
            disk.pages()  # which later copies inherit
        source, self._pipe = os.pipe()
        if not (pid := os.fork()):
            gc.disable()
            os.close(source)
            _unlock(self.trial.path)
            self.plan = plan
            return True
        os.close(self._pipe)
        self._take(plan, _received(source, pid))
        restore(self.trial.path, files)
        return False


def _received(source: int, pid: int) -> Any:
    """What comes through a pipe until its other end is closed."""
    parts = []
    with os.fdopen(source, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], PATIENCE)[0]:
            if not (part := pipe.read(1 << 16)):
                break
            parts.append(part)
        else:
            os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    try:
        return pickle.loads(b"".join(parts))
    except (EOFError, pickle.UnpicklingError):
        return None


def _unlock(folder: Path) -> None:
    """Give up the lock that this process has inherited on a host's folder."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}") == str(folder):  # noqa: PTH115
                fcntl.flock(int(name), fcntl.LOCK_UN)
