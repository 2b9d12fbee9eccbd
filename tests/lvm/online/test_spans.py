"""Which LPs a range lies on, against [lvm 15] byte by byte."""

import pytest

from lvmfmt.lvm.online.spans import Span, spans


def place(x: int, pp: int, strip: int, width: int) -> tuple[int, int]:
    """(LP from 0, byte in it) of a byte of an LV."""
    if not strip:
        return x // pp, x % pp
    unit, group = x // strip, x // (width * pp)
    unit -= group * (width * pp // strip)
    return group * width + unit % width, unit // width * strip + x % strip


@pytest.mark.parametrize(("strip", "width"), [(0, 0), (4, 2), (8, 3), (16, 2), (4, 0), (0, 3)])
@pytest.mark.parametrize(("offset", "length"), [(0, 0), (0, 1), (3, 9), (15, 2), (16, 16), (0, 96), (31, 40), (95, 1)])
def test_every_byte_lies_where_the_formula_says(strip: int, width: int, offset: int, length: int) -> None:
    pp = 16
    found = list(spans(pp, offset, length, strip=strip, width=width))
    at = offset
    for span in found:
        assert span.offset == at and span.length > 0
        for inner in range(span.length):
            expected = place(at + inner, pp, strip if width else 0, width)
            assert (span.lp, span.inside + inner) == expected
        at += span.length
    assert at == offset + length
    # a span ends at the end of its LP or strip, or of the range: there are as few as there can be
    room = strip if strip and width else pp
    assert len(found) == len({(offset + i) // room for i in range(length)})


def test_one() -> None:
    assert list(spans(16, 20, 8)) == [Span(1, 4, 20, 8)]
