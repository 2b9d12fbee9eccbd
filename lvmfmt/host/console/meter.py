"""A line on a terminal that says how far a long copy is."""

from __future__ import annotations

import time
from typing import TextIO

from ...units import format_size

_INTERVAL = 0.2


class Meter:
    """Told of bytes that are done, it redraws one line; a stream that is no terminal sees nothing.

    Args:
        stream: usually stderr.
        total: bytes of the whole work.
    """

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = getattr(stream, "behind", stream)  # a gate lets no carriage return pass
        self._total = total
        self._done = 0
        self._drawn = 0.0
        self._shown = stream.isatty()

    def __call__(self, count: int) -> None:
        """Count bytes that are done now."""
        self._done += count
        if self._shown and time.monotonic() - self._drawn > _INTERVAL:
            self._drawn = time.monotonic()
            share = 100 * self._done // max(self._total, 1)
            text = f"{min(share, 100)}%  {format_size(self._done)} of {format_size(self._total)}"
            print(f"\r{text:<60}", end="", file=self._stream, flush=True)

    def clear(self) -> None:
        """Wipe the line, so that other output can follow."""
        if self._drawn:
            print(f"\r{'':<60}\r", end="", file=self._stream, flush=True)
            self._drawn = 0.0
