"""Printing: tables that fit a terminal, JSON with stable keys, and progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from ..escaping import printable, spelled
from ..units import format_size
from .gate import behind

Cell = object
_TOGETHER = 512
"""Pieces of a long list that are printed together."""


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Sequence[str] = ()) -> None:
    """Print rows under headers: a table that wraps to the terminal's width, plain aligned columns elsewhere.

    Args:
        headers: names of the columns.
        rows: cells, printed with `str`; what a terminal could act on is spelled out.
        right: names of the columns to align to the right.
    """
    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    for row in cells:  # a space at the end would be taken for one of the column
        row[:-1] = [cell[:-1] + spelled(" ") if cell.endswith(" ") else cell for cell in row[:-1]]
    if sys.stdout.isatty():
        _rich_table(headers, cells, right)
        return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in [list(headers), *cells]:
        while row and not row[-1]:
            row.pop()
        padded = [c.rjust(w) if h in right else c.ljust(w) for c, w, h in zip(row, widths, headers, strict=False)]
        print("  ".join([*padded[:-1], padded[-1] if headers[len(row) - 1] in right else row[-1]]) if row else "")


def graded(text: str, *grades: str | None) -> str:
    """`text`, marked if what it says comes from a field of grade C, whose place is our own choice."""
    return f"{text} (C)" if "C" in grades else text


def _rich_table(headers: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=behind(sys.stdout), highlight=False).print(table)


def print_json(value: object, *, names: Sequence[str] = ()) -> None:
    """Print a value as JSON: dataclasses as objects, bytes as hex.

    Args:
        value: what is printed.
        names: keys of names that an image chose: beside KEY, the text, stands KEY_hex, the bytes.
    """
    import json

    print(json.dumps(plain(value, names), indent=2))


def print_json_list(values: Iterable[object], *, names: Sequence[str] = ()) -> None:
    """Print a list as JSON, some hundred values at a time; an error on the way ends the list, not the JSON."""
    before = "["

    def items() -> Iterator[str]:
        nonlocal before
        for value in values:
            yield f"{before}\n  {_indented(plain(value, names))}"
            before = ","

    try:
        _print_pieces(items(), "")
    finally:
        print("[]" if before == "[" else "\n]")


def print_lines(lines: Iterable[str]) -> None:
    """Print many lines, some hundred in one piece; an error on the way comes behind those that are there."""
    _print_pieces(lines, "\n")


def _print_pieces(pieces: Iterable[str], end: str) -> None:
    """Print pieces with what ends each: the gate and the system take their time for each call, not for each byte."""
    held: list[str] = []
    try:
        for piece in pieces:
            held.append(piece)
            if len(held) == _TOGETHER:
                text = end.join(held)
                held = []
                print(text, end=end)
    finally:
        if held:
            print(end.join(held), end=end)


def _indented(value: Any) -> str:
    """A value of a list as indented JSON; objects of plain values, by far the most, without the encoder of Python."""
    import json

    if not isinstance(value, dict) or not all(isinstance(part, str | int | None) for part in value.values()):
        return json.dumps(value, indent=2).replace("\n", "\n  ")
    quoted = json.encoder.encode_basestring_ascii
    parts = [
        f"    {quoted(key)}: {quoted(part) if isinstance(part, str) else json.dumps(part)}"
        for key, part in value.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n  }" if parts else "{}"


def plain(value: object, names: Sequence[str] = ()) -> Any:
    """`value` in the types that JSON has; see `print_json`."""
    if isinstance(value, str):  # the most frequent first
        # names with bytes that are not UTF-8 come as surrogates, which JSON text cannot carry
        return value if value.isascii() else _text(value.encode("utf-8", "surrogateescape"))
    if value is None or isinstance(value, (int, float)):
        return value
    if not isinstance(value, dict):
        from dataclasses import fields, is_dataclass

        if is_dataclass(value) and not isinstance(value, type):
            value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, part in value.items():
            if key in names and part is not None:
                found |= _named(str(key), part)
            else:
                found[str(key)] = plain(part, names)
        return found
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Sequence):
        return [plain(v, names) for v in value]
    return str(value)


def _named(key: str, value: object) -> dict[str, object]:
    single = isinstance(value, str | bytes)
    raw = [
        part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        for part in cast(Iterable[str | bytes], [value] if single else value)
    ]
    texts, hexes = [_text(part) for part in raw], [part.hex() for part in raw]
    return {key: texts[0] if single else texts, f"{key}_hex": hexes[0] if single else hexes}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many more bytes are done; it draws a bar when stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"), bars.BarColumn(), bars.DownloadColumn(binary_units=True),
        bars.TransferSpeedColumn(), bars.TimeRemainingColumn(),
    )  # fmt: skip
    with bars.Progress(*columns, console=Console(file=behind(sys.stderr)), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, advance=done)


@contextmanager
def json_progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """As `progress`, but with a JSON line a second on stderr, and one at the end.

    Its keys: label, done and total in bytes, rate in bytes a second, left in seconds; null for what is not known.
    """
    import json

    start = shown = time.monotonic()
    done = 0

    def show(now: float) -> None:
        rate = int(done / (now - start)) if now > start else 0
        left = round(max(total - done, 0) / rate, 1) if rate and total is not None else None
        line = {"label": plain(label), "done": done, "total": total, "rate": rate, "left": left}
        print(json.dumps(line), file=sys.stderr, flush=True)

    def told(more: int) -> None:
        nonlocal done, shown
        done += more
        if (now := time.monotonic()) - shown >= 1:
            shown = now
            show(now)

    yield told
    show(time.monotonic())


def amount(size: int, seconds: float) -> str:
    """Bytes and their rate, as `1.5 GiB in 2.1 s (731 MiB/s)`."""
    rate = f" ({format_size(int(size / seconds))}/s)" if seconds > 0.01 else ""
    return f"{format_size(size)} in {seconds:.1f} s{rate}"
