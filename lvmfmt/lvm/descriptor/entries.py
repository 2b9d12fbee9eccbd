"""What the PP entries of a VGDA say, as columns, and which of it can be believed.

What holds which copy follows from `lv_index` and `lp_num` alone, the two members that the Linux driver reads; the copy
byte only orders the copies, and where it does not make sense PV and PP number do [lvm 8.4].

All LPs of the group have a column each, those of an LV side by side, in the order of the minor numbers. So a copy of an
LP has one place in a table of copies and columns, and neither doubles nor mates need sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .pptable import PpTable
from .vgda import MAX_COPIES, Vgda

_MOST_LPS = 4
"""All LVs together have at most so many LPs for each PP there is; only a hostile VGDA claims more than one."""

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Entries:
    """The allocated PP entries that can be believed; columns of shape (n,), in the order of the table.

    Attributes:
        rows: row of each in the table of PP entries.
        lv: minor number.
        lp: LP number, from 1.
        column: the column of each.
        pv: PV number.
        pp: PP number.
        row: copy, from 0.
        order_known: False where the copy bytes of an LV make no sense.
        starts: first column of each LV, shape (LVs + 2,), index minor number; the next one's is its end.
        no_lv: rows of allocated entries that name no LV in use.
        no_lp: rows of those that name an LP which their LV does not have.
        alternates: PV and PP numbers that each names as first and second alternate, four columns.
    """

    rows: NDArray[np.int64]
    lv: Ints
    lp: Ints
    column: Ints
    pv: Ints
    pp: Ints
    row: Ints
    order_known: NDArray[np.bool_]
    starts: NDArray[np.int64]
    no_lv: NDArray[np.int64]
    no_lp: NDArray[np.int64]
    alternates: tuple[Ints, Ints, Ints, Ints]

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """False for entries of a fourth copy and beyond."""
        return np.asarray(self.row < MAX_COPIES)

    @cached_property
    def places(self) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
        """PV and PP number of each copy and column, shape (copies, columns); 0 where there is none."""
        usable = self.usable
        if usable.all():
            row, column, pv, pp = self.row, self.column, self.pv, self.pp
        else:
            row, column, pv, pp = (a[usable] for a in (self.row, self.column, self.pv, self.pp))
        shape = int(row.max(initial=0)) + 1, int(self.starts[-1])
        pvs, pps = np.zeros(shape, np.uint16), np.zeros(shape, np.uint32)
        pvs[row, column], pps[row, column] = pv, pp
        return pvs, pps

    @cached_property
    def alternates_agree(self) -> NDArray[np.bool_]:
        """Whether each entry names just the other copies of its LP."""
        pvs, _ = self.places
        first, second = self.alternates[:2], self.alternates[2:]
        if len(pvs) == 1:
            agree = (first[0] | first[1] | second[0] | second[1]) == 0
        else:
            agree = self._names_mates(slice(None), first, second)
            rest = np.flatnonzero(~agree)  # the two alternates have no order
            agree[rest] = self._names_mates(rest, [a[rest] for a in second], [a[rest] for a in first])
        if not self.usable.all():  # more than three copies: no entry has room for all mates
            crowded = np.zeros(pvs.shape[1], np.bool_)
            crowded[self.column[~self.usable]] = True
            agree &= ~crowded[self.column]
        return np.asarray(agree)

    def _names_mates(
        self, which: slice | NDArray[np.int64], first: Sequence[Ints], second: Sequence[Ints]
    ) -> NDArray[np.bool_]:
        """Whether PV and PP `first` are those of the next copy, and `second` of the one after it."""
        pvs, pps = self.places
        row, column = self.row[which], self.column[which]
        agree = np.ones(len(row), np.bool_)
        for step, (pv, pp) in enumerate((first, second), 1):
            if step < len(pvs):
                mate = (row + step) % len(pvs)
                agree &= (pvs[mate, column] == pv) & (pps[mate, column] == pp)
            else:
                agree &= (pv | pp) == 0
        return agree


def believed_lps(vgda: Vgda) -> NDArray[np.int64]:
    """LPs of each LV by minor number, shape (LVs + 1,), index 0 unused; a hostile number is cut."""
    said = np.where(vgda.lv_used, np.minimum(vgda.lvs["num_lps"].astype(np.int64), vgda.pps.size), 0)
    ends = np.minimum(np.cumsum(said), _MOST_LPS * vgda.pps.size)
    return np.asarray(np.diff(ends, prepend=[0, 0]))


def gather(vgda: Vgda) -> Entries:
    """Read all PP entries."""
    flat = vgda.pps.flat
    rows = np.flatnonzero(vgda.allocated.flat)

    def column(name: str) -> Ints:
        values = flat[name].astype(np.int32)
        return values if len(rows) == len(values) else values[rows]

    lv, lp, copy = (column(name) for name in ("lv_index", "lp_num", "copy"))
    lps, used = believed_lps(vgda), np.append(False, vgda.lv_used)
    in_range = np.minimum(lv, len(used))
    sound = (lp >= 1) & (lp <= np.append(lps, 0).astype(np.int32)[in_range])
    unsound = np.flatnonzero(~sound)
    named = np.append(used, False)[in_range[unsound]]
    no_lv, no_lp = rows[unsound[~named]], rows[unsound[named]]
    alternates = tuple(column(f"{which}_alt_{what}") for which in ("fst", "snd") for what in ("vol", "part"))
    if len(unsound):
        rows, lv, lp, copy = rows[sound], lv[sound], lp[sound], copy[sound]
        alternates = tuple(values[sound] for values in alternates)
    pv, pp, _ = vgda.slots.locate(rows)
    starts = np.append(np.cumsum(lps) - lps, lps.sum())
    place = (starts - 1).astype(np.int32)[lv] + lp
    known = _order_known(lv, place, copy, starts)
    row = copy - 1
    if not known.all():
        _rank(row, np.flatnonzero(~known[lv]), lv, lp)
    first_pv, first_pp, second_pv, second_pp = alternates
    return Entries(
        rows, lv, lp, place, (pv + 1).astype(np.int32), (pp + 1).astype(np.int32), row, known[lv], starts, no_lv, no_lp,
        (first_pv, first_pp, second_pv, second_pp),
    )  # fmt: skip


def _order_known(lv: Ints, column: Ints, copy: Ints, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the copy bytes of each LV make sense: 1 to 3, and none twice for an LP; index minor number."""
    known = np.ones(len(starts), np.bool_)
    valid = (copy >= 1) & (copy <= MAX_COPIES)
    if not valid.all():
        known[lv[~valid]] = False
        lv, column, copy = lv[valid], column[valid], copy[valid]
    key = column + (copy - 1) * np.int32(starts[-1])
    taken = np.zeros(int(key.max(initial=-1)) + 1, np.bool_)
    taken[key] = True
    if int(np.count_nonzero(taken)) == len(key):
        return known
    index = np.arange(len(key), dtype=np.int32)
    last = np.zeros(len(taken), np.int32)
    last[key] = index
    known[lv[last[key] != index]] = False
    return known


def _rank(row: Ints, which: NDArray[np.int64], lv: Ints, lp: Ints) -> None:
    """Order the copies of LPs by PV and PP number, which is the order of the entries."""
    order = which[np.lexsort((which, lp[which], lv[which]))]
    new = np.concatenate(([True], (np.diff(lv[order]) != 0) | (np.diff(lp[order]) != 0)))
    first = np.flatnonzero(new)
    row[order] = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))


def names_lv(vgda: Vgda) -> PpTable:
    """Which allocated PPs name an LV in use."""
    entries = gather(vgda)
    return _mask(vgda, entries.rows, entries.no_lp)


def believable(vgda: Vgda) -> PpTable:
    """Which allocated PPs name an LV in use and an LP that it has."""
    return _mask(vgda, gather(vgda).rows)


def _mask(vgda: Vgda, *rows: NDArray[np.int64]) -> PpTable:
    result = vgda.table()
    for some in rows:
        result.flat[some] = True
    return result
