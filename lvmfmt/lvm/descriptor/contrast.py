"""In what two copies of an area with one time stamp differ, and which LVs that concerns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from .entries import gather
from .maps import LvMap, lv_maps
from .vgda import Vgda
from .vgsa import Vgsa

_LISTED = 6
"""LVs that a finding names at most."""


def in_maps(vgda: Vgda, maps: Mapping[int, LvMap], other: Vgda) -> tuple[str, Collection[int]]:
    """In which LVs two VGDAs differ.

    Args:
        vgda: one.
        maps: of its LVs.
        other: another copy of the same size.

    Returns:
        Words that say it, and the minor numbers: none if no LV alone is concerned.
    """
    theirs = lv_maps(other, gather(other))
    moved = [n for n in sorted(maps.keys() | theirs.keys()) if not _equal(maps.get(n), theirs.get(n))]
    tables = [(vgda.lvs, other.lvs), (vgda.names, other.names)]
    if vgda.lvcbs is not None and other.lvcbs is not None:
        tables.append((vgda.lvcbs, other.lvcbs))
    changed = {n for n in maps for ours, others in tables if ours[n - 1].tobytes() != others[n - 1].tobytes()}
    pvs = np.flatnonzero([a.tobytes() != b.tobytes() for a, b in zip(vgda.pvs, other.pvs, strict=True)]) + 1
    placed = {n for n, lv_map in maps.items() if np.isin(lv_map.pv, pvs).any()}
    concerned = sorted({*moved, *changed, *placed})
    if moved:  # of an LV that is only in the other one, all others tell
        return f" in the map of {_named(vgda, other, moved)}", concerned if maps.keys() >= set(moved) else ()
    what = "the entry" if changed else "the PVs"
    return f" in {what} of {_named(vgda, other, concerned)}" if concerned else "", concerned


def in_states(vgda: Vgda, vgsa: Vgsa, other: Vgsa) -> tuple[str, Collection[int]]:
    """The same of two VGSAs of the group: whose PPs only one of them calls stale."""
    if vgsa.factor != other.factor:
        return "", ()
    rows = vgda.allocated.flat & (vgsa.stale(vgda.slots).flat != other.stale(vgda.slots).flat)
    minors = np.unique(vgda.pps.flat["lv_index"][rows]).tolist()
    return f" in what is stale of {_named(vgda, vgda, minors)}" if minors else "", minors


def _equal(one: LvMap | None, other: LvMap | None) -> bool:
    if one is None or other is None:
        return False
    return np.array_equal(one.pv, other.pv) and np.array_equal(one.pp, other.pp)


def _named(vgda: Vgda, other: Vgda, minors: Sequence[int]) -> str:
    holders = {n: vgda if vgda.lv_used[n - 1] else other for n in minors[:_LISTED]}
    known = {n: holder.name(n).decode("ascii", "backslashreplace") for n, holder in holders.items()}
    more = f" and {len(minors) - _LISTED} more" if len(minors) > _LISTED else ""
    return ", ".join(name or f"LV {n}" for n, name in known.items()) + more
