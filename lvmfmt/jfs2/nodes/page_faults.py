"""`PageFaults`: a rule that some of many pages break; the pages of maps are judged many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...layout.record import Record
from .fault import Fault


class PageFaults(NamedTuple):
    """A rule that at least one page breaks.

    Attributes:
        check: name of the check that reports it.
        record: the structure of the pages.
        field: name of the field, with an index in brackets where one element is meant.
        wrong: which pages break the rule, shape (pages,).
        expected: what is right, by row of the page.
        found: what is there, by row of the page.
        words: what is wrong, in words, by row of the page.
        warning: whether it is harmless: the systems that write these file systems leave it so at times.
    """

    check: str
    record: Record
    field: str
    wrong: NDArray[np.bool_]
    expected: Callable[[int], object]
    found: Callable[[int], object]
    words: Callable[[int], str]
    warning: bool = False

    @property
    def shift(self) -> int:
        """Byte offset of the field in a page."""
        return self.record.offset_of(self.field.partition("[")[0])

    def fault(self, row: int) -> Fault:
        """What is wrong with one page."""
        name, found = self.record.name, self.found(row)
        return Fault(self.check, name, self.field, self.shift, self.expected(row), found, entry=row)


def first_fault(faults: Iterable[PageFaults]) -> Fault | None:
    """The first fault that is not harmless, None where all is right; its `entry` is the row of the page."""
    for each in faults:
        if not each.warning:
            return each.fault(int(each.wrong.argmax()))
    return None


def single(
    check: str, record: Record, field: str, wrong: bool, expected: object, found: object, words: str = "",
    *, title: str = "", warning: bool = False,
) -> Iterator[PageFaults]:  # fmt: skip
    """The same of one page where it is wrong, in words of its own or as "`field` is ..., expected ..."."""
    if wrong:
        text = title + (words or f"{field} is {found}, expected {expected}")
        one = np.ones(1, np.bool_)
        yield PageFaults(check, record, field, one, lambda _: expected, lambda _: found, lambda _: text, warning)
