"""What of a copy is done, as its workers say it, and when that is to be saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ...units import GIB
from .mapfile import CopyMap, RunState

CHECKPOINT = GIB
"""Bytes between two savings: what an end without a word costs at most. Each waits for the device."""


class CopyRecord:
    """The map of a copy on its way; its workers tell it what they did, one at a time.

    Args:
        copied: the states at the beginning, by places of the target.
        save: makes a map durable, and before it what it says was copied.
    """

    def __init__(self, copied: CopyMap, save: Callable[[CopyMap], None] = lambda _: None) -> None:
        self.copied = copied
        self._save, self._unsaved, self._saving = save, 0, threading.Lock()

    def left(self, *states: RunState) -> list[tuple[int, int]]:
        """The ranges of some states, (offset, length); by default of all that are not copied."""
        wanted = states or set(RunState) - {RunState.READ}
        return [run[:2] for run in self.copied.runs() if run.state in wanted]

    def done(self, start: int, end: int, missed: Iterable[tuple[int, int]], work: int) -> None:
        """Note that a range was copied, holes and all.

        Args:
            start: its first byte.
            end: behind its last.
            missed: ranges in it that a source refused.
            work: bytes that it took to move.
        """
        for offset, length in missed:  # first: an interruption must not leave them as copied
            self.copied.mark(offset, length, RunState.NOT_TRIMMED)
        self.copied.mark(start, end - start, RunState.READ, only=RunState.NOT_TRIED)
        self._unsaved += work

    def due(self) -> CopyMap | None:
        """What is to be saved now, if it is time."""
        if self._unsaved < CHECKPOINT:
            return None
        self._unsaved = 0
        return self.copied.copy()

    def save(self, copied: CopyMap | None) -> None:
        """Save a state, if there is one and no other thread is at it.

        Raises:
            ImageIOError: the system refused.
        """
        if copied is not None and self._saving.acquire(blocking=False):
            try:
                self._save(copied)
            finally:
                self._saving.release()
