"""Whether a copy of a VGDA is whole and belongs to its group."""

from __future__ import annotations

import numpy as np

from ...layout.vgda import VGDA_TRAILER
from ...layout.vgda_scalable import AREA_BEGIN, AREA_END
from ..disk.identity import stamp_of, uid_bytes
from ..disk.record import LvmRecord
from ..kinds import LIMITS, VgKind
from ..problems import Checker
from .vgda import Vgda


def check_copy(vgda: Vgda, record: LvmRecord, offset: int, where: str) -> None:
    """Raise `CorruptImage` unless the copy, found at `offset`, is whole and belongs to the group.

    A copy is valid when its VGID is the LVM record's and its stamps are equal and not zero (I7, H).
    """
    fmt = vgda.format
    header = {name: vgda.header[name].item() for name in ("pp_size", "maxlvs")}
    check = Checker(fmt.header, header, offset, where)
    vgid = vgda.header["vg_id"].tobytes()
    check.require("vg_id", vgid == uid_bytes(record.vgid), record.vgid, vgid.hex())
    check.require("sec", vgda.stamp != 0, "a time stamp", 0)
    check.require("layout" if fmt.mark else "sec", vgda.is_ours, f"{fmt.mark!r} in each area", "another text")
    _check_stamps(vgda, offset, where)
    check.require("pp_size", header["pp_size"] == record.pp_shift, f"{record.pp_shift}, as in the LVM record")
    limits = LIMITS[fmt.kind].lvs
    check.require("maxlvs", header["maxlvs"] in limits and header["maxlvs"] <= fmt.lvs.rows, f"one of {limits}")
    if fmt.kind is VgKind.SCALABLE:
        _check_rows(vgda, check)
    else:
        size = int(vgda.header["vgda_size"])
        check.require("vgda_size", size == record.vgda_len, f"{record.vgda_len}, as in the LVM record", size)


def _check_stamps(vgda: Vgda, offset: int, where: str) -> None:
    expected = f"the time stamp of the header, {vgda.stamp} ns"
    scalable = vgda.format.kind is VgKind.SCALABLE
    for places, ats, record, field in (
        (vgda.begins, vgda.format.begins, AREA_BEGIN if scalable else vgda.format.header, "sec"),
        (vgda.ends, vgda.format.ends, AREA_END if scalable else VGDA_TRAILER, "end_sec" if scalable else "sec"),
    ):
        for place, at in zip(places, ats, strict=True):
            alternate = vgda.alternate_end if record is VGDA_TRAILER else None
            equal = stamp_of(place) == vgda.stamp or (alternate is not None and stamp_of(alternate) == vgda.stamp)
            Checker(record, {}, offset + at, where).require(field, equal, expected, f"{stamp_of(place)} ns")


def _check_rows(vgda: Vgda, check: Checker) -> None:
    """The PP entries of the PVs lie in the table, one PV's beside the other's."""
    most = int(vgda.header["maxpps"])
    check.require("maxpps", 0 < most <= vgda.slots.rows, f"1 to {vgda.slots.rows}", most)
    owners = np.flatnonzero(vgda.slots.width)
    owners = owners[np.argsort(vgda.slots.first[owners], kind="stable")]
    first, width = vgda.slots.first[owners], vgda.slots.width[owners]
    ends = first + width
    apart = bool((first[1:] >= ends[:-1]).all()) and int(ends.max(initial=0)) <= most
    check.require("next_pp", apart, f"the PP entries of the PVs beside each other, within {most}", "other places")
