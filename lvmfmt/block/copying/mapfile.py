"""What became of the bytes of a device, as a map file of GNU ddrescue: changed, written and read.

The file has comments, a line with a position and what was being done there, and a line for each run of bytes with its
state; the runs follow each other without gaps (the manual of ddrescue, chapter "Mapfile structure").
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

from ...errors import CorruptImage

_PLAIN = "0123456789abcdefxABCDEFX"


class RunState(enum.StrEnum):
    """What became of a run of bytes, as ddrescue calls it."""

    READ = "+"
    NOT_TRIED = "?"
    NOT_TRIMMED = "*"
    NOT_SCRAPED = "/"
    BAD = "-"


class MapRun(NamedTuple):
    """A run of bytes of one state.

    Attributes:
        offset: of its first byte.
        length: bytes.
        state: what became of them.
    """

    offset: int
    length: int
    state: RunState


class CopyMap:
    """The states of all bytes of a device.

    Args:
        size: of the device in bytes.
        runs: what is known, without gaps from the first byte to the last; by default nothing was tried.
    """

    def __init__(self, size: int, runs: Iterable[MapRun] | None = None) -> None:
        self.size = size
        known = joined([MapRun(0, size, RunState.NOT_TRIED)] if runs is None and size else runs or ())
        self._parts = [(run.offset, run.state) for run in known]  # one list: a signal must not come between two

    def runs(self) -> Iterator[MapRun]:
        """All runs, ascending; neighbours differ in their state."""
        parts = list(self._parts)
        ends = [start for start, _ in parts[1:]] + [self.size]
        return (MapRun(start, end - start, state) for (start, state), end in zip(parts, ends, strict=False))

    def copy(self) -> CopyMap:
        """The same states, on their own from now on."""
        return CopyMap(self.size, self.runs())

    def turn(self, old: RunState, new: RunState) -> None:
        """Give all bytes of one state another one."""
        turned = (run._replace(state=new) if run.state is old else run for run in self.runs())
        self._parts = [(run.offset, run.state) for run in joined(turned)]

    def mark(self, offset: int, length: int, state: RunState, *, only: RunState | None = None) -> None:
        """Give the bytes of a range a state.

        Args:
            offset: of the first.
            length: bytes, all of them in the device.
            state: the new one.
            only: leave those alone that have another one than this.
        """
        if length <= 0:
            return
        parts, end = self._parts, offset + length
        first = bisect_right(parts, offset, key=itemgetter(0)) - 1
        last = bisect_left(parts, end, key=itemgetter(0))
        changed = [(max(start, offset), state if only in (None, old) else old) for start, old in parts[first:last]]
        if parts[first][0] < offset:
            changed.insert(0, parts[first])
        if end < self.size:  # what goes on behind the range, so that it is joined too
            changed.append((end, parts[last - 1][1] if last == len(parts) or parts[last][0] > end else parts[last][1]))
            last += last < len(parts) and parts[last][0] == end
        before = parts[first - 1][1] if first else None
        kept: list[tuple[int, RunState]] = []
        for part in changed:
            if part[1] is not (kept[-1][1] if kept else before):
                kept.append(part)
        parts[first:last] = kept


def joined(runs: Iterable[MapRun]) -> Iterator[MapRun]:
    """Make one run of neighbours of one state, without a list of all of them."""
    last: MapRun | None = None
    for run in runs:
        if last is not None and run.state is last.state:
            last = last._replace(length=last.length + run.length)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def map_lines(
    runs: Iterable[MapRun], *comments: str, position: int = 0, doing: RunState = RunState.READ
) -> Iterator[str]:
    """The lines of a map file, without their ends.

    Args:
        runs: without gaps, ascending; those of one state become one line.
        comments: lines to begin with, behind a #.
        position: byte offset of what is being tried.
        doing: `NOT_TRIED` while copying, `NOT_SCRAPED` while what failed is tried again, `READ` at the end.
    """
    yield from (f"# {comment}" for comment in comments)
    yield "# current_pos  current_status  current_pass"
    yield f"{position:#010x}     {doing}               1"
    yield "#      pos        size  status"
    yield from (f"{offset:#010x}  {length:#010x}  {state}" for offset, length, state in joined(runs))


def read_map(text: str, *, where: str) -> tuple[CopyMap, list[str]]:
    """The map in a map file, and its comments.

    Args:
        text: of the file.
        where: its name, for messages.

    Raises:
        CorruptImage: it is none, or its runs do not follow each other from byte 0 on.
    """
    comments: list[str] = []
    runs: list[MapRun] = []
    heading = True
    for number, line in enumerate(text.splitlines(), 1):
        code, sharp, comment = line.partition("#")
        if sharp and not code.strip():
            comments.append(comment.strip())
        words = code.split()
        if not words:
            continue
        try:
            end = runs[-1].offset + runs[-1].length if runs else 0
            if heading:
                good = _number(words[0]) >= 0 and words[1] in "?*/-FG+" and len(words) <= 3
                heading = False
            else:
                start, size, state = words
                runs.append(MapRun(_number(start), _number(size), RunState(state)))
                good = runs[-1].offset == end and runs[-1].length > 0
        except (ValueError, IndexError):
            good = False
        if not good:
            raise CorruptImage("copy map", f"line {number}", expected="a line of a map", found="none", where=where)
    if heading:
        raise CorruptImage("copy map", expected="a status line", found="none", where=where)
    return CopyMap(runs[-1].offset + runs[-1].length if runs else 0, runs), comments


def _number(word: str) -> int:
    """A number as C writes it: decimal, hexadecimal behind 0x, octal behind 0."""
    if not word.strip(_PLAIN) and len(word) <= 24:
        return int(word, 8 if word[0] == "0" and word.isdigit() else 0)
    raise ValueError(word)
