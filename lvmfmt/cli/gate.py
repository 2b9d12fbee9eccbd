"""The gate that all output of the command line passes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO, cast

from ..errors import ImageIOError
from ..escaping import printable, spelled

_SUSPECT = re.compile(r"[^\n\t -~]+")


class _Refusals:
    """A stream whose failures are errors of ours; a class, since every piece of output passes here."""

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self._stream, self._name = stream, name

    def __enter__(self) -> TextIO:
        if self._stream is None:
            raise ImageIOError("is closed", where=self._name)
        return self._stream

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise ImageIOError(f"cannot write: {error.strerror}", where=self._name) from None


class Gate(io.TextIOBase):
    """A text stream that lets nothing pass that a terminal could act on, and whose failures are errors of ours.

    Lines and tabs pass; what else is not printable, or has no sign in the encoding of the stream, is spelled.

    Args:
        behind: where the text goes; None if that is closed. Who draws bars and colors on a terminal writes there.
        name: what messages call it.
    """

    def __init__(self, behind: TextIO | None, name: str) -> None:
        self.behind, self._refusals = behind, _Refusals(behind, name)

    def write(self, text: str, /) -> int:
        """Write the text.

        Raises:
            ImageIOError: the stream is closed, or the system refused.
        """
        safe = text
        if not text.replace("\n", "").replace("\t", "").isprintable():
            safe = _SUSPECT.sub(lambda found: printable(found[0]), text)
        with self._refusals as stream:
            try:
                stream.write(safe)
            except UnicodeEncodeError:
                stream.write("".join(c if c.isascii() else spelled(c) for c in safe))
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        if self.behind is not None:
            with self._refusals as stream:
                stream.flush()

    @property
    def buffer(self) -> io.BufferedIOBase:
        """The stream of bytes below, for content that is asked for as it is."""
        with self._refusals as stream:
            return cast(io.BufferedIOBase, stream.buffer)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream behind."""
        return getattr(self.behind, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the stream behind is a terminal."""
        return self.behind is not None and self.behind.isatty()

    def fileno(self) -> int:
        """Of the stream behind."""
        with self._refusals as stream:
            return stream.fileno()


def behind(stream: TextIO) -> TextIO:
    """The stream behind a gate, for who draws on a terminal."""
    return cast(TextIO, getattr(stream, "behind", stream))


@contextmanager
def gates(stdout: TextIO | None, stderr: TextIO | None) -> Iterator[None]:
    """`sys.stdout` and `sys.stderr` stand behind a gate in this block."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(cast(TextIO, Gate(stdout, "standard output"))))
        stack.enter_context(redirect_stderr(cast(TextIO, Gate(stderr, "standard error"))))
        yield
