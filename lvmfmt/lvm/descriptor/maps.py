"""The PP maps of all logical volumes, gathered from the PP entries of a VGDA at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...oneline import one_line
from .entries import Entries
from .pptable import PpTable
from .vgda import PP_ALLOCATED, PP_STALE, Vgda


class LvMap(NamedTuple):
    """Where the copies of the LPs of one LV lie.

    Attributes:
        pv: PV numbers, shape (copies, lps), dtype uint16; 0 where a copy has no PP.
        pp: PP numbers, same shape, dtype uint32.
    """

    pv: NDArray[np.uint16]
    pp: NDArray[np.uint32]

    def __repr__(self) -> str:
        return one_line(self)

    @classmethod
    def empty(cls, copies: int, lps: int) -> LvMap:
        """A map without PPs."""
        return cls(np.zeros((copies, lps), np.uint16), np.zeros((copies, lps), np.uint32))

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

    def look_up(self, table: PpTable) -> NDArray[np.bool_]:
        """The values of `table[PV number - 1, PP - 1]` for every PP; False where there is none."""
        held = self.held
        result = np.zeros(held.shape, np.bool_)
        result[held] = table[self.pv[held] - 1, self.pp[held] - 1]
        return result

    def where(self, mask: NDArray[np.bool_]) -> LvMap:
        """The PPs for which `mask`, shape (copies, lps), holds, at their places; nothing elsewhere."""
        result = LvMap.empty(*self.pv.shape)
        result.pv[mask], result.pp[mask] = self.pv[mask], self.pp[mask]
        return result

    def packed(self) -> LvMap:
        """The same PPs moved up so that copies without any PP vanish."""
        held = self.held
        rank = np.cumsum(held, axis=0) - 1
        copy, lp = np.nonzero(held)
        result = LvMap.empty(max(1, int(held.sum(axis=0).max(initial=0))), self.lps)
        result.pv[rank[copy, lp], lp] = self.pv[copy, lp]
        result.pp[rank[copy, lp], lp] = self.pp[copy, lp]
        return result


def lv_maps(vgda: Vgda, entries: Entries) -> dict[int, LvMap]:
    """The map of every LV in use, by minor number; a hostile number of LPs is cut to what the PVs could hold."""
    pvs, pps = entries.places
    starts = entries.starts.tolist()
    copies = np.ones(len(starts), np.int64)
    for row in range(1, len(pvs)):
        copies[entries.lv[entries.row == row]] = row + 1
    maps: dict[int, LvMap] = {}
    for minor in (np.flatnonzero(vgda.lv_used) + 1).tolist():
        rows, columns = slice(0, int(copies[minor])), slice(starts[minor], starts[minor + 1])
        maps[minor] = LvMap(pvs[rows, columns], pps[rows, columns])
    return maps


def store(vgda: Vgda, minor: int, old: LvMap | None, new: LvMap, stale: PpTable) -> None:
    """Replace the PP entries of an LV.

    Args:
        vgda: the copy to change.
        minor: of the LV.
        old: its map until now, None for a new LV.
        new: its map from now on.
        stale: whether each PP is stale.
    """
    if old is not None:
        held = old.held
        rows = vgda.slots.rows_of(old.pv[held], old.pp[held])
        vgda.set_pps(rows, np.zeros((), vgda.pps.dtype))  # D12: zeroed when freed
    for copy in range(new.copies):
        lps = new.pv[copy].nonzero()[0]
        rows = vgda.slots.rows_of(new.pv[copy, lps], new.pp[copy, lps])
        entries = np.zeros(len(lps), vgda.pps.dtype)
        entries["lv_index"] = minor
        entries["lp_num"] = lps + 1
        entries["copy"] = copy + 1
        entries["pp_state"] = np.where(stale.flat[rows], PP_STALE, PP_ALLOCATED)
        for step, which in enumerate(("fst", "snd")[: new.copies - 1], 1):  # next copy first
            mate = (copy + step) % new.copies
            entries[f"{which}_alt_vol"] = new.pv[mate, lps]
            entries[f"{which}_alt_part"] = new.pp[mate, lps]
        vgda.set_pps(rows, entries)
