"""LVs whose entry in the VGDA is lost, while PP entries, name list and control block are there: for reading only.

The PP entries say where the LPs lie, the name list or the control block the name, the control block whether the LV is
striped. Permissions, limits and how it is written stood in the entry alone, so no entry is written from this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ..errors import CorruptImage, ImageIOError
from ..units import SECTOR
from . import lvcb as lvcbs
from .descriptor.entries import gather
from .descriptor.lvpolicy import entry_codes
from .descriptor.maps import lv_maps
from .descriptor.vgda import MAX_COPIES, Vgda
from .descriptor.vgdalvs import valid_name
from .disk.identity import lvid
from .groupstate import GroupState
from .kinds import VgKind
from .lvcb import Lvcb
from .policy import LvPolicy
from .problems import Problem


class LostEntry(NamedTuple):
    """What is known of an LV without its entry.

    Attributes:
        minor: its number.
        name: from the name list, else from the control block.
        lps: LPs, each of which has a PP.
        copies: of the LPs that have most.
        lvcb: the control block; None if the LV has none, or another LV's.
    """

    minor: int
    name: bytes
    lps: int
    copies: int
    lvcb: Lvcb | None


def restored(state: GroupState) -> list[Problem]:
    """Show the LVs of a group whose entries are lost; its disks stay as they are.

    Args:
        state: the group with its disks; gets a VGDA of its own.

    Returns:
        A finding for each, with the evidence.
    """
    lost = list(_lost(state))
    if not lost:
        return []
    vgda = state.vgda.copy()
    for entry in lost:
        _put(vgda, entry)
    state.vgda = vgda
    state.maps = lv_maps(vgda, gather(vgda))
    return [_problem(state, entry) for entry in lost]


def _lost(state: GroupState) -> Iterator[LostEntry]:
    vgda = state.vgda
    rows = np.flatnonzero(vgda.allocated.flat)
    lv, lp = (vgda.pps.flat[name][rows].astype(np.int64) for name in ("lv_index", "lp_num"))
    used = vgda.lv_used
    for minor in np.unique(lv).tolist():
        if not 1 <= minor <= len(used) or used[minor - 1]:
            continue
        lps, counts = np.unique(lp[lv == minor], return_counts=True)
        whole = len(lps) == lps[-1] and counts.max() <= MAX_COPIES
        lvcb = _control_block(state, minor, rows[(lv == minor) & (lp == 1)].tolist())
        listed = bytes(vgda.names[minor - 1]).split(b"\0")[0]
        name = listed or (lvcb.name.encode("utf-8", "surrogateescape") if lvcb else b"")
        entry = LostEntry(minor, name, len(lps), int(counts.max()), lvcb)
        if whole and valid_name(name) and vgda.minor(name) is None and _agrees(entry):
            yield entry


def _agrees(entry: LostEntry) -> bool:
    """Whether the control block says nothing else."""
    lvcb = entry.lvcb
    return lvcb is None or (
        (lvcb.lps, lvcb.copies) == (min(entry.lps, lvcbs.MOST_LPS), entry.copies)
        and lvcb.name.encode("utf-8", "surrogateescape") == entry.name
    )


def _control_block(state: GroupState, minor: int, first: list[int]) -> Lvcb | None:
    """The control block of an LV, in the VGDA or in a PP of its LP 1 (rows of the table)."""
    vgda = state.vgda
    blocks = [vgda.control_block(minor) or b""]
    pvs, pps, _ = vgda.slots.locate(np.array(first, np.int64))
    for index, pp in zip(pvs.tolist(), pps.tolist(), strict=True) if vgda.format.lvcb_in_lv else ():
        at = (int(vgda.pvs["psn_part1"][index]) * SECTOR) + (pp << state.record.pp_shift)
        if index + 1 in state.members:
            with suppress(ImageIOError):
                blocks.append(state.members[index + 1].device.read(at, SECTOR).tobytes())
    for block in blocks:
        with suppress(CorruptImage):
            lvcb = lvcbs.read(block)
            if lvcb.lvid == lvid(state.vgid, minor):
                return lvcb
    return None


def _put(vgda: Vgda, entry: LostEntry) -> None:
    row, lvcb = vgda.lvs[entry.minor - 1], entry.lvcb
    width, exponent = (lvcb.stripe_width, lvcb.stripe_exp) if lvcb is not None else (0, 0)
    policy = LvPolicy(stripe_width=width, strip_size=1 << exponent if width else 0, max_lps=entry.lps)
    vgda.set_states(np.array([entry.minor]), np.zeros(1, np.bool_))
    vgda.set_copies(entry.minor, entry.copies)
    for field, number in entry_codes(policy, vars(policy)):
        row[field] = number
    row["num_lps"], row["stripe_exp"], row["striping_width"] = entry.lps, exponent, width
    row["lvname"] = entry.minor - 1
    if vgda.format.kind is VgKind.SCALABLE:
        row["minor"] = entry.minor
        vgda.names[entry.minor - 1] = entry.name


def _problem(state: GroupState, entry: LostEntry) -> Problem:
    table, (where, base) = state.vgda.format.lvs, state.source
    evidence = [f"PP entries of {entry.lps} LPs in {entry.copies} copies"]
    if state.vgda.format.kind is not VgKind.SCALABLE:
        evidence.append("the name list")
    evidence.append("its control block" if entry.lvcb else "no control block, so it is taken for not striped")
    text = f"the entry of LV {entry.minor} is lost; {entry.name.decode()} is known by {', '.join(evidence)}"
    problem = Problem("lv-entry-lost", table.record.name, "", base + table.at(entry.minor - 1), text, where)
    return problem.about(lvs=[entry.minor])
