"""What a VGDA should say where two of its structures, or it and the control blocks, disagree; in memory.

LV and LP number of the PP entries are believed before everything that can be derived from them [lvm 8.4]. They
themselves are corrected only where an LP lacks a copy and the entries of its other copies name the PP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..descriptor.entries import Entries, believable, gather, names_lv
from ..descriptor.maps import LvMap, lv_maps, store
from ..descriptor.review import Review
from ..descriptor.vgda import MAX_COPIES, Vgda
from ..descriptor.vgdalvs import valid_name
from ..disk.identity import uid_bytes
from ..groupstate import GroupState
from ..kinds import VgKind
from ..lvcb import Lvcb
from ..rules import Severity


def corrected(state: GroupState, lvcbs: Mapping[int, Lvcb]) -> GroupState | None:
    """A copy of a group in which everything that follows from something sound is as it follows.

    Args:
        state: the group as it was read.
        lvcbs: control blocks by minor number, each with the LVID of its LV.

    Returns:
        The new state; None if something remains wrong in its VGDA that other members would be derived from.
    """
    new = state.copy()
    vgda = new.vgda
    for number in new.members:  # found by its PVID or its number, so both are known
        pv = vgda.pvs[number - 1]
        pv["pv_id"] = np.frombuffer(uid_bytes(new.pvids[number]), np.uint8)
        if int(pv["pv_num"]) not in (0, number):
            pv["pv_num"] = number
    _names(vgda, lvcbs)
    _numbers_of_lps(vgda, lvcbs)
    _places(vgda)
    entries = gather(vgda)
    new.maps = lv_maps(vgda, entries)
    if state.vgsa.stamp:
        new.stale = state.vgsa.stale(vgda.slots) & vgda.allocated
    maps = new.maps.items()
    if _lost_pvs(vgda) or not all(_counted(vgda, n, entries, lv_map, lvcbs.get(n)) for n, lv_map in maps):
        return None
    wrong = ~entries.alternates_agree | ~entries.order_known
    as_read = vgda.pps.flat[entries.rows]
    for minor in np.unique(entries.lv[wrong]).tolist():
        store(vgda, minor, new.maps[minor], new.maps[minor], new.stale)
    vgda.set_pps(entries.rows[~wrong], as_read[~wrong])
    entries = gather(vgda)
    new.maps = lv_maps(vgda, entries)
    review = Review(vgda, new.record, 0, "")
    if any(problem.severity is Severity.ERROR for problem in review.run(entries, new.maps)):
        return None
    new.settle()
    return new


def _lost_pvs(vgda: Vgda) -> bool:
    """Whether PP entries say something of a PV that has no header: the header is what is wrong."""
    return bool((vgda.pps.flat["lp_num"] != 0)[_rows_of_unused(vgda)].any())


def _rows_of_unused(vgda: Vgda) -> NDArray[np.int64]:
    slots = vgda.slots
    unused = np.flatnonzero(~vgda.pv_used & (slots.width > 0))
    rows = [np.arange(slots.first[i], slots.first[i] + slots.width[i]) for i in unused.tolist()]
    return np.concatenate(rows) if rows else np.zeros(0, np.int64)


def _counted(vgda: Vgda, minor: int, entries: Entries, lv_map: LvMap, lvcb: Lvcb | None) -> bool:
    """Whether an LV entry counts the copies that the PP entries have, or two others agree against it."""
    said = vgda.small_fields(minor)[1]
    if lv_map.copies == said or not lv_map.lps:
        return True
    known = entries.alternates_agree[entries.lv == minor].all() if lvcb is None else lvcb.copies == lv_map.copies
    return bool(lv_map.held.all() and known)


def _names(vgda: Vgda, lvcbs: Mapping[int, Lvcb]) -> None:
    minors = (np.flatnonzero(vgda.lv_used) + 1).tolist()
    for minor in minors:
        if vgda.format.kind is VgKind.SCALABLE:
            vgda.lvs["minor"][minor - 1] = minor
        if bytes(vgda.names[minor - 1]):
            vgda.lvs["lvname"][minor - 1] = minor - 1
    names = Counter(vgda.name(minor) for minor in minors)
    for minor, lvcb in lvcbs.items():
        name, index = vgda.name(minor), int(vgda.lvs["lvname"][minor - 1])
        known = lvcb.name.encode("utf-8", "surrogateescape")
        wrong = not valid_name(name) or names[name] > 1
        if wrong and valid_name(known) and known not in names and 0 <= index < len(vgda.names):
            names.subtract([name])
            names.update([known])
            vgda.names[index] = known


def _numbers_of_lps(vgda: Vgda, lvcbs: Mapping[int, Lvcb]) -> None:
    """The LV entry is wrong where control block and PP entries agree on another number of LPs."""
    named = names_lv(vgda)
    lv, lp = vgda.pps["lv_index"][named].astype(np.int64), vgda.pps["lp_num"][named].astype(np.int64)
    for minor, lvcb in lvcbs.items():
        found = np.unique(lp[lv == minor])
        if 0 < lvcb.lps == len(found) == found.max(initial=0):
            vgda.lvs["num_lps"][minor - 1] = lvcb.lps


def _places(vgda: Vgda) -> None:
    """Give PPs back to LPs that lack a copy, where an entry of another copy names them and nothing else needs them."""
    entries = gather(vgda)
    owner = _owners(entries)
    count = Counter(owner.values())
    believed = believable(vgda)
    copies = {minor: vgda.small_fields(minor)[1] for minor in np.unique(entries.lv).tolist()}
    claims: dict[tuple[int, int], set[tuple[int, int]]] = {}
    wrong = ~entries.alternates_agree
    for lv, lp, pv, pp in zip(entries.lv[wrong], entries.lp[wrong], entries.pv[wrong], entries.pp[wrong], strict=True):
        row = vgda.pps[pv - 1, pp - 1]
        for which in ("fst", "snd"):
            place = int(row[f"{which}_alt_vol"]), int(row[f"{which}_alt_part"])
            if 1 <= place[0] <= len(vgda.pvs) and 1 <= place[1] <= vgda.pps.shape[1]:
                claims.setdefault(place, set()).add((int(lv), int(lp)))
    exists = vgda.exists
    for (pv, pp), claimants in claims.items():
        held = owner.get((pv, pp))
        lacking = [lp for lp in claimants if lp != held and count[lp] < min(copies[lp[0]], MAX_COPIES)]
        to_spare = held is None or count[held] > copies[held[0]]
        if len(lacking) != 1 or not to_spare or not exists[pv - 1, pp - 1]:
            continue
        if held is not None:
            count[held] -= 1
        count[lacking[0]] += 1
        row = vgda.pps[pv - 1, pp - 1].copy()
        if not believed[pv - 1, pp - 1]:
            row["copy"] = 0
        row["lv_index"], row["lp_num"] = lacking[0]
        row["copy"] = _missing_copy(vgda, entries, lacking[0], int(row["copy"]))
        vgda.set_pps(vgda.slots.rows_of(np.array(pv), np.array(pp)), row)


def _owners(entries: Entries) -> dict[tuple[int, int], tuple[int, int]]:
    """(LV, LP) by (PV, PP)."""
    places = zip(entries.pv.tolist(), entries.pp.tolist(), strict=True)
    return dict(zip(places, zip(entries.lv.tolist(), entries.lp.tolist(), strict=True), strict=True))


def _missing_copy(vgda: Vgda, entries: Entries, lp: tuple[int, int], said: int) -> int:
    """The copy number that an LP lacks; what the entry itself says if that is one of them."""
    mine = (entries.lv == lp[0]) & (entries.lp == lp[1])
    taken = set(vgda.pps["copy"][entries.pv[mine] - 1, entries.pp[mine] - 1].tolist())
    free = [copy for copy in range(1, MAX_COPIES + 1) if copy not in taken]
    return said if said in free else free[0]
