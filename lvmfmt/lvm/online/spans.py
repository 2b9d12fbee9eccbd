"""Which logical partitions a range of a logical volume lies on [lvm 15]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..group import GroupView


class Span(NamedTuple):
    """A part of a range that lies in one LP, in one piece.

    Attributes:
        lp: index of the LP, from 0.
        inside: byte offset in the LP, and so in each of its PPs.
        offset: byte offset in the LV.
        length: bytes.
    """

    lp: int
    inside: int
    offset: int
    length: int


def spans(pp_size: int, offset: int, length: int, *, strip: int = 0, width: int = 0) -> Iterator[Span]:
    """The parts of a range of an LV, in order.

    Args:
        pp_size: bytes of a PP.
        offset: where the range starts in the LV.
        length: bytes of the range.
        strip: bytes of a strip; 0 for an LV that is not striped.
        width: disks that a stripe runs over.
    """
    end = offset + length
    while offset < end:
        if strip and width:
            group, rest = divmod(offset, width * pp_size)
            unit, within = divmod(rest, strip)
            lp, inside = group * width + unit % width, unit // width * strip + within
            room = strip - within
        else:
            lp, inside = divmod(offset, pp_size)
            room = pp_size - inside
        part = min(room, end - offset)
        yield Span(lp, inside, offset, part)
        offset += part


def lv_spans(group: GroupView, minor: int, offset: int, length: int) -> Iterator[Span]:
    """The parts of a range of an LV of a group, striped or not."""
    entry = group.state.vgda.lvs[minor - 1]
    exponent, width = int(entry["stripe_exp"]), int(entry["striping_width"])
    strip = 1 << exponent if width and exponent < 64 else 0
    return spans(group.pp_size, offset, length, strip=strip, width=width)
