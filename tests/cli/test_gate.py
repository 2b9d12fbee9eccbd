"""The gate: what reaches a terminal, and what a stream that fails becomes."""

import io
import sys
from collections.abc import Callable

import pytest

from lvmfmt.cli.gate import Gate, behind, gates
from lvmfmt.errors import ImageIOError


class Sink(io.TextIOWrapper):
    """A text stream of some encoding in memory; `fails` makes every write and flush fail."""

    def __init__(self, encoding: str = "utf-8", fails: OSError | None = None) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self.fails = fails

    def write(self, text: str, /) -> int:
        if self.fails:
            raise self.fails
        return super().write(text)

    def text(self) -> str:
        super().flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined,no-any-return]

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a line\n\tand one more\n", "a line\n\tand one more\n"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("│ größe", "│ größe"),
        ("a\u202eb", r"a\u202eb"),
        ("\udcff", r"\xff"),
    ],
)
def test_what_passes(text: str, shown: str) -> None:
    sink = Sink()
    assert Gate(sink, "standard output").write(text) == len(text)
    assert sink.text() == shown


def test_what_the_encoding_has_no_sign_for_is_spelled() -> None:
    sink = Sink("ascii")
    print("│ größe", file=Gate(sink, "standard output"))
    assert sink.text() == "\\u2502 gr\\u00f6\\u00dfe\n"


@pytest.mark.parametrize(
    "act", [lambda g: g.write("x"), lambda g: g.buffer, lambda g: g.fileno()], ids=["write", "buffer", "fileno"]
)
def test_a_closed_stream_is_our_error(act: Callable[[Gate], object]) -> None:
    with pytest.raises(ImageIOError, match=r"^standard output: is closed"):
        act(Gate(None, "standard output"))
    Gate(None, "standard output").flush()
    assert not Gate(None, "standard output").isatty()
    assert Gate(None, "standard output").encoding == "utf-8"


def test_a_full_disk_is_our_error() -> None:
    gate = Gate(Sink(fails=OSError(28, "No space left on device")), "standard output")
    with pytest.raises(ImageIOError, match="standard output: cannot write: No space left on device"):
        gate.write("x")


def test_a_reader_that_left_is_told_as_such() -> None:
    with pytest.raises(BrokenPipeError):
        Gate(Sink(fails=BrokenPipeError()), "standard output").write("x")


def test_both_streams_stand_behind_a_gate_and_come_back() -> None:
    before = sys.stdout, sys.stderr
    out, err = Sink(), Sink()
    with gates(out, err):
        print("\x07")
        print("\x08", file=sys.stderr)
        assert behind(sys.stdout) is out
        assert sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == before
    assert behind(out) is out
    assert (out.text(), err.text()) == ("\\x07\n", "\\x08\n")
