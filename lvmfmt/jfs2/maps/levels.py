"""The levels of the block map: control pages over pages of bits, and over one another. Source: [jfs2 1.3, 2.7]."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...units import ceil_div
from ..geometry import L2_PAGE, Geometry, l0_page, l1_page

_CHILDREN = 1024
_PAGE_OF = (l0_page, l1_page, lambda _: L2_PAGE)
Roots = NDArray[np.int8]
"""Roots of trees: log2 of the largest free buddy below, -1 for none."""


class ControlPage(NamedTuple):
    """A control page of the block map.

    Attributes:
        level: 0 over pages of bits, 1 and 2 over control pages.
        page: its number in the map file.
        below: what it is over: numbers of pages of bits, or of the control pages of the level below, from 0.
    """

    level: int
    page: int
    below: range

    @property
    def budmin(self) -> int:
        """log2 of the blocks of a leaf of its tree."""
        return 13 + 10 * self.level


def control_pages(geometry: Geometry, above: Collection[int] | None = None) -> Iterator[ControlPage]:
    """The control pages that a size needs, from the bottom up; those over some pages of bits only, if `above` is
    given."""
    count = geometry.dmap_pages - 1  # without the spare page
    for level in range(geometry.max_level + 1):
        groups = ceil_div(count, _CHILDREN)
        above = above if above is None else {n // _CHILDREN for n in above}
        for n in range(groups) if above is None else sorted(above):
            yield ControlPage(level, _PAGE_OF[level](n), range(n * _CHILDREN, min((n + 1) * _CHILDREN, count)))
        count = groups


def walk_levels(
    geometry: Geometry,
    dmaps: Callable[[range], Roots],
    control: Callable[[ControlPage, Roots], int],
    *,
    above: Collection[int] | None = None,
    known: Callable[[int], int] | None = None,
) -> int:
    """Go through the control pages from the bottom up; returns the root of the topmost tree.

    Args:
        geometry: of the file system.
        dmaps: told the pages of bits below a control page, the roots of their trees; called just before `control`.
        control: told a control page and the roots below it, the root of its own tree.
        above: only the control pages over these pages of bits are visited.
        known: the root of a control page, by its page, that is not visited.
    """
    roots: dict[int, int] = {}
    root = -1
    for place in control_pages(geometry, above):
        if place.level == 0:
            below = dmaps(place.below)
        else:
            pages = [_PAGE_OF[place.level - 1](n) for n in place.below]
            below = np.array([roots[p] if known is None or p in roots else known(p) for p in pages], np.int8)
        root = roots[place.page] = control(place, below)
    return root


def unused_control_pages(geometry: Geometry) -> list[tuple[int, int]]:
    """(level, page) of the control pages that every map has room for, and this size does not need."""
    return [(level, page) for level, page in ((1, l1_page(0)), (2, L2_PAGE)) if level > geometry.max_level]
