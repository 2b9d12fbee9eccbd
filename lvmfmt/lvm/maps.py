"""The PP maps of all logical volumes, gathered from the PP entries of a VGDA at once.

What holds which copy follows from `lv_index` and `lp_num` alone, the two members that the Linux driver reads; the
copy byte only orders the copies, and where it does not make sense PV and PP number do (lvm-format 8.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .vgda import MAX_COPIES, MAX_LVS, PP_ALLOCATED, PP_STALE, Vgda


@dataclass(frozen=True)
class LvMap:
    """Where the copies of the LPs of one LV lie.

    Attributes:
        pv: PV numbers, shape (copies, lps), dtype uint16; 0 where a copy has no PP.
        pp: PP numbers, same shape and dtype.
    """

    pv: NDArray[np.uint16]
    pp: NDArray[np.uint16]

    @classmethod
    def empty(cls, copies: int, lps: int) -> LvMap:
        """A map without PPs."""
        return cls(np.zeros((copies, lps), np.uint16), np.zeros((copies, lps), np.uint16))

    @property
    def copies(self) -> int:
        """Number of copies."""
        return len(self.pv)

    @property
    def lps(self) -> int:
        """Number of LPs."""
        return int(self.pv.shape[1])

    @property
    def held(self) -> NDArray[np.bool_]:
        """Whether there is a PP, shape (copies, lps)."""
        return np.asarray(self.pv != 0)

    def look_up(self, table: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The values of `table[PV number - 1, PP - 1]` for every PP; False where there is none."""
        held = self.held
        result = np.zeros(held.shape, np.bool_)
        result[held] = table[self.pv[held] - 1, self.pp[held] - 1]
        return result

    def packed(self) -> LvMap:
        """The same PPs moved up so that copies without any PP vanish."""
        order = np.argsort(~self.held, axis=0, kind="stable")
        pv, pp = (np.take_along_axis(a, order, axis=0) for a in (self.pv, self.pp))
        rows = max(1, int(self.held.sum(axis=0).max(initial=0)))
        return LvMap(pv[:rows], pp[:rows])


@dataclass(frozen=True)
class Entries:
    """The allocated PP entries of a VGDA as columns, sorted by LV, LP and copy; all of shape (n,).

    Attributes:
        lv: minor number.
        lp: LP number, from 1.
        pv: PV number.
        pp: PP number.
        row: copy, from 0.
        order_known: False where the copy bytes of an LV make no sense.
        alternates_agree: whether the entry names just the other copies of its LP.
    """

    lv: NDArray[np.int64]
    lp: NDArray[np.int64]
    pv: NDArray[np.int64]
    pp: NDArray[np.int64]
    row: NDArray[np.int64]
    order_known: NDArray[np.bool_]
    alternates_agree: NDArray[np.bool_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """False for entries of a fourth copy and beyond."""
        return np.asarray(self.row < MAX_COPIES)


def names_lv(vgda: Vgda) -> NDArray[np.bool_]:
    """Which allocated PPs name an LV in use, shape of `vgda.pps`."""
    lv = vgda.pps["lv_index"]
    in_range = (lv >= 1) & (lv <= MAX_LVS)
    return np.asarray(vgda.allocated & in_range & vgda.lv_used[np.where(in_range, lv, 1) - 1])


def believable(vgda: Vgda) -> NDArray[np.bool_]:
    """Which allocated PPs name an LV in use and an LP that it has, shape of `vgda.pps`."""
    named = names_lv(vgda)
    lps = np.minimum(vgda.lvs["num_lps"], vgda.pps.size)
    return np.asarray(named & (vgda.pps["lp_num"] <= lps[np.where(named, vgda.pps["lv_index"], 1) - 1]))


def gather(vgda: Vgda) -> Entries:
    """The PP entries that can be believed, in order."""
    mask = believable(vgda)
    pv, pp = (np.asarray(a, np.int64) + 1 for a in np.nonzero(mask))
    rows = vgda.pps[mask]
    lv, lp, copy = (rows[name].astype(np.int64) for name in ("lv_index", "lp_num", "copy"))
    order_known = np.ones(MAX_LVS + 1, np.bool_)
    order = np.lexsort((pp, pv, copy, lp, lv))
    twin = (np.diff(lv[order]) == 0) & (np.diff(lp[order]) == 0) & (np.diff(copy[order]) == 0)
    order_known[lv[order][1:][twin]] = False
    order_known[lv[(copy < 1) | (copy > MAX_COPIES)]] = False
    order = np.lexsort((pp, pv, np.where(order_known[lv], copy, 0), lp, lv))
    lv, lp, pv, pp, copy, rows = lv[order], lp[order], pv[order], pp[order], copy[order], rows[order]
    first = np.flatnonzero(np.concatenate(([True], (np.diff(lv) != 0) | (np.diff(lp) != 0)))) if len(lv) else lv
    sizes = np.diff(np.append(first, len(lv)))
    rank = np.arange(len(lv)) - np.repeat(first, sizes)
    known = order_known[lv]
    agree = _alternates_agree(rows, pv << 16 | pp, first, sizes)
    return Entries(lv, lp, pv, pp, np.where(known, copy - 1, rank), known, agree)


def _alternates_agree(
    rows: NDArray[np.void], place: NDArray[np.int64], first: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each entry names the places of its mates; two sets of two are equal if sums and sums of squares are."""
    agree = np.ones(len(rows), np.bool_)
    alternates = [
        rows[f"{which}_alt_vol"].astype(np.int64) << 16 | rows[f"{which}_alt_part"] for which in ("fst", "snd")
    ]
    for power in (1, 2):
        total = np.repeat(np.add.reduceat(place**power, first), sizes) if len(first) else place
        agree &= total - place**power == sum(a**power for a in alternates)
    return agree


def lv_maps(vgda: Vgda, entries: Entries) -> dict[int, LvMap]:
    """The map of every LV in use, by minor number; a hostile number of LPs is cut to what the PVs could hold."""
    usable = entries.usable
    lv, lp, pv, pp, row = (a[usable] for a in (entries.lv, entries.lp, entries.pv, entries.pp, entries.row))
    maps: dict[int, LvMap] = {}
    for minor in (np.flatnonzero(vgda.lv_used) + 1).tolist():
        start, end = np.searchsorted(lv, (minor, minor + 1))
        mine = slice(start, end)
        copies = int(row[mine].max(initial=0)) + 1
        result = LvMap.empty(copies, min(int(vgda.lvs["num_lps"][minor - 1]), vgda.pps.size))
        result.pv[row[mine], lp[mine] - 1] = pv[mine]
        result.pp[row[mine], lp[mine] - 1] = pp[mine]
        maps[minor] = result
    return maps


def store(vgda: Vgda, minor: int, old: LvMap | None, new: LvMap, stale: NDArray[np.bool_]) -> None:
    """Replace the PP entries of an LV.

    Args:
        vgda: the copy to change.
        minor: of the LV.
        old: its map until now, None for a new LV.
        new: its map from now on.
        stale: whether each PP is stale, shape of `vgda.pps`.
    """
    if old is not None:
        held = old.held
        vgda.pps[old.pv[held] - 1, old.pp[held] - 1] = np.zeros((), vgda.pps.dtype)  # D12: zeroed when freed
    mates = [np.roll(np.arange(new.copies), -row)[1:] for row in range(new.copies)]  # next copy first
    for row in range(new.copies):
        held = new.held[row]
        entries = np.zeros(int(held.sum()), vgda.pps.dtype)
        entries["lv_index"] = minor
        entries["lp_num"] = np.flatnonzero(held) + 1
        entries["copy"] = row + 1
        entries["pp_state"] = np.where(new.look_up(stale)[row][held], PP_STALE, PP_ALLOCATED)
        for which, mate in zip(("fst", "snd"), mates[row], strict=False):
            entries[f"{which}_alt_vol"] = new.pv[mate][held]
            entries[f"{which}_alt_part"] = new.pp[mate][held]
        vgda.pps[new.pv[row][held] - 1, new.pp[row][held] - 1] = entries
