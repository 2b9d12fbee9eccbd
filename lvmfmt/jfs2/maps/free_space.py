"""Giving out blocks of a file system that is not mounted: what is given out is nobody's until all of it is written."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace
from ...units import align_up
from ..geometry import MAX_EXTENT


class FreeSpace:
    """Gives out blocks of free runs, each from the start of a run.

    Args:
        runs: first block and length, shape (runs, 2), ascending.
        full: told what is wanted and what there is, the error for it.
        lowest: take the first run that is long enough. Otherwise the longest is taken, so that what is asked for one
            after the other stays together.
    """

    def __init__(self, runs: NDArray[np.int64], full: Callable[[str, str], NoSpace], *, lowest: bool = False) -> None:
        self._full, self._lowest = full, lowest
        # what is taken next is the last: (-first block, length), or (length, -first block)
        first, second = (-runs[:, 0], runs[:, 1]) if lowest else (runs[:, 1], -runs[:, 0])
        self._runs = list(zip(first.tolist(), second.tolist(), strict=True))
        if lowest:
            self._runs.reverse()
        else:
            self._runs.sort()

    def take(self, length: int, align: int = 1, *, within: int = 0) -> int:
        """First of `length` blocks in one run.

        Args:
            length: how many.
            align: the first is a multiple of it.
            within: they do not cross a multiple of it; 0 for any place.

        Raises:
            NoSpace: no run is long enough.
        """
        for row in range(len(self._runs) - 1, -1, -1):
            start, end = self._bounds(row)
            if end - start < length and not self._lowest:
                break  # the others are shorter
            first = align_up(start, align)
            if within and first // within != (first + length - 1) // within:
                first = align_up(first, within)
            if first + length <= end:
                del self._runs[row]
                self._give_back(start, first)
                self._give_back(first + length, end)
                return first
        longest = max((end - start for start, end in map(self._bounds, range(len(self._runs)))), default=0)
        raise self._full(f"{length} blocks in one piece", f"the longest free run is {longest}")

    def take_pieces(self, length: int) -> list[tuple[int, int]]:
        """(first block, length) of pieces of `length` blocks in all: one where the next run is long enough.

        Raises:
            NoSpace: that many are not free.
        """
        pieces = []
        while length:
            if not self._runs:
                raise self._full(f"{length} blocks", "no more are free")
            start, end = self._bounds(-1)
            part = min(length, end - start, MAX_EXTENT)
            pieces.append((self.take(part), part))
            length -= part
        return pieces

    def _bounds(self, row: int) -> tuple[int, int]:
        a, b = self._runs[row]
        return (-a, b - a) if self._lowest else (-b, a - b)

    def _give_back(self, start: int, end: int) -> None:
        if end > start:
            insort(self._runs, (-start, end - start) if self._lowest else (end - start, -start))
