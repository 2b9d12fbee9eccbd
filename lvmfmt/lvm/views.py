"""Physical and logical volumes as the state of a group describes them."""

from __future__ import annotations

from collections.abc import Mapping

from .descriptor.vgda import PV_MISSING, PV_SPLIT, PV_STALE
from .descriptor.vgdalvs import LV_STALE
from .disk.identity import lvid
from .lvcb import Lvcb
from .state import GroupState
from .volume import LogicalVolume, PhysicalVolume


def physical_volumes(state: GroupState) -> dict[str, PhysicalVolume]:
    """The disks by PVID, in the order of their numbers, those that are not here included."""
    vgda, allocated = state.vgda, state.vgda.allocated
    result = {}
    for number, pvid in state.pvids.items():
        pv = vgda.pvs[number - 1]
        count, stale = vgda.pp_count(number), state.stale[number - 1]
        member = state.members.get(number)
        # PPs that would lie over the metadata are not to be believed, and never to be written
        sane = int(pv["psn_part1"]) >= state.record.first_pp_psn
        result[pvid] = PhysicalVolume(
            pvid=pvid,
            number=number,
            device=member.device if member is not None and sane else None,
            pp_count=count,
            pp_size=1 << state.record.pp_shift,
            first_psn=int(pv["psn_part1"]),
            vgda_count=max(0, vgda.vgda_count(number)),
            state=int(pv["pv_state"]) & ~(PV_STALE | PV_MISSING)
            | (PV_STALE if stale.any() else 0)
            | (PV_MISSING if state.vgsa.missing(number) else 0),
            used=allocated[number - 1, :count],
            stale=stale[:count],
        )
    return result


def split_disks(state: GroupState) -> set[int]:
    """Numbers of the PVs that are split off."""
    return {number for number in state.pvids if is_split(state, number)}


def is_split(state: GroupState, number: int) -> bool:
    """Whether a PV is split off."""
    return bool(int(state.vgda.pvs["pv_state"][number - 1]) & PV_SPLIT)


def logical_volume(
    state: GroupState, minor: int, pvs: Mapping[int, PhysicalVolume], lvcb: Lvcb | None
) -> LogicalVolume:
    """The LV with a minor number.

    Args:
        state: of the group.
        minor: the number.
        pvs: the PVs by number.
        lvcb: its control block, None if it has none or nobody needs it.
    """
    entry = state.vgda.lvs[minor - 1]
    lv_state, _, policy = state.vgda.small_fields(minor)
    stale = state.maps[minor].look_up(state.stale)
    return LogicalVolume(
        name=state.vgda.name(minor).decode("utf-8", "surrogateescape"),
        minor=minor,
        lvid=lvid(state.vgid, minor),
        pp_size=1 << state.record.pp_shift,
        max_lps=int(entry["maxsize"]),
        state=lv_state & ~LV_STALE | (LV_STALE if stale.any() else 0),  # the VGSA decides what is stale
        policy=policy,
        mwc=int(entry["mirwrt_consist"]),
        bb_relocation=int(entry["bb_relocation"]),
        write_verify=int(entry["write_verify"]),
        permissions=int(entry["permissions"]),
        map=state.maps[minor],
        stale=stale,
        lvcb=lvcb,
        pvs=pvs,
        stripe_exp=int(entry["stripe_exp"]),
        stripe_width=int(entry["striping_width"]),
    )
