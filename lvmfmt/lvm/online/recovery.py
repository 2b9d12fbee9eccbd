"""What may differ between the copies of a logical partition after a stop, or after a disk was away."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from ...errors import CorruptImage, ImageIOError
from ...units import SECTOR
from ..descriptor.copies import Place
from ..descriptor.pptable import PpTable
from ..group import GroupView
from ..groupstate import GroupState
from ..lvcb import is_of
from ..sync import good_copies
from . import mwc
from .spans import Span, lv_spans


def went_alone(state: GroupState, number: int) -> bool:
    """Whether a disk was missing by the believed VGSA, and missed others itself that this one does not miss.

    Then it, or they, were changed without the other. (It is also so where it only saw an older absence of theirs; the
    price of that is that more is synchronised than must be.)
    """
    member = state.members[number]
    if not state.vgsa.missing(number):
        return False
    for index in (0, 1):
        try:
            own = Place(member.device, member.record, index).read_vgsa()
        except (CorruptImage, ImageIOError):
            continue
        if any(own.missing(other) and not state.vgsa.missing(other) for other in state.pvids):
            return True
    return False


def distrust(group: GroupView, number: int, stale: PpTable) -> None:
    """Make all partitions of a disk stale that have a good copy elsewhere."""
    for minor, lv_map in group.state.maps.items():
        for copy, lp in zip(*(lv_map.pv == number).nonzero(), strict=True):
            if any(pv != number for pv, _ in good_copies(group, minor, int(lp))):
                stale[number - 1, int(lv_map.pp[copy, lp]) - 1] = True


def fresh(state: GroupState, minor: int, lp: int) -> list[tuple[int, int]]:
    """PV and PP number of the copies of an LP that are not stale, wherever they are."""
    lv_map = state.maps[minor]
    places = zip(lv_map.pv[:, lp].tolist(), lv_map.pp[:, lp].tolist(), strict=True)
    return [(pv, pp) for pv, pp in places if pv and not state.stale[pv - 1, pp - 1]]


def unequal(group: GroupView, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Span]]:
    """What the MWC records of some PVs, default all, name: minor number and part of an LP, in order."""
    record, state = group.record, group.state
    members = [member for number, member in state.members.items() if numbers is None or number in numbers]
    named = {ltg for member in members for ltg in mwc.read(member.device, record.kind)[1]}
    for minor, number in sorted(named):
        lv_map = state.maps.get(minor)
        if lv_map is None or lv_map.copies < 2:
            continue
        size = lv_map.lps * group.pp_size
        start, length = (0, size) if number == mwc.WHOLE else (number << record.ltg_shift, 1 << record.ltg_shift)
        yield from ((minor, span) for span in lv_spans(group, minor, start, min(length, max(0, size - start))))


def unequal_blocks(group: GroupView) -> Iterator[tuple[int, Span]]:
    """Control blocks that differ between good copies: a commit that was stopped has written the first ones only.

    No MWC record names them. Data of an application in their place is left alone, and so is what cannot be read.
    """
    for lv in group.logical_volumes.values() if group.state.vgda.format.lvcb_in_lv else ():
        if lv.copies > 1 and lv.lps:
            places = [(group.pvs[pv], pp) for pv, pp in good_copies(group, lv.minor, 0)]
            with suppress(ImageIOError):
                blocks = {pv.device.read(pv.offset(pp), SECTOR).tobytes() for pv, pp in places if pv.device is not None}
                if len(blocks) > 1 and all(is_of(block, lv.lvid) for block in blocks):
                    yield lv.minor, Span(0, 0, 0, SECTOR)
