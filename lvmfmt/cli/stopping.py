"""Signals end the command of a host, not its system: they wait until the command has something to say."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from ..errors import LvmfmtError
from ..host.machine.stopping import CommandStopped
from .gate import behind

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop:
    """Which signal has come. The first one waits, a second one does what it does without us: the power is lost."""

    def __init__(self) -> None:
        self._number = 0
        self._before: dict[int, Any] = {}
        self._wait()

    def _wait(self) -> None:
        with suppress(ValueError):  # signals are the main thread's
            self._before = {number: signal.signal(number, self._come) for number in SIGNALS}

    def _come(self, number: int, _: object) -> None:
        self._number = number
        self.restore()
        with suppress(OSError, RuntimeError, LvmfmtError):  # whatever it has interrupted
            print("lvmfmt: the command ends at its next line; a second signal cuts the power", file=sys.stderr)

    def restore(self) -> None:
        """Let the signals do what they did before."""
        while self._before:
            signal.signal(*self._before.popitem())

    def take(self) -> None:
        """End the command if a signal has come; the next command waits for the next one."""
        if self._number:
            number, self._number = self._number, 0
            self._wait()
            raise CommandStopped(128 + number)


class _Stoppable(io.TextIOBase):
    """A stream whose writer ends when a signal has come."""

    def __init__(self, stream: TextIO, stop: _Stop) -> None:
        self._stream, self._stop = stream, stop

    def write(self, text: str, /) -> int:
        """Write the text, unless a signal has come."""
        self._stop.take()
        return self._stream.write(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        self._stream.flush()

    @property
    def behind(self) -> TextIO:
        """What is behind the gate, for who draws on a terminal."""
        return behind(self._stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()


@contextmanager
def stoppable() -> Iterator[tuple[TextIO, TextIO]]:
    """Standard output and error for one command of a host.

    Raises:
        CommandStopped: from a write, after SIGINT, SIGTERM or SIGHUP.
    """
    stop = _Stop()
    try:
        yield cast(TextIO, _Stoppable(sys.stdout, stop)), cast(TextIO, _Stoppable(sys.stderr, stop))
    finally:
        stop.restore()
