"""How well what a view shows is known: the grade of the field that each value comes from, from the declarations."""

from __future__ import annotations

from collections.abc import Mapping

from ..layout.lvcb import LVCB
from ..layout.record import Grade, Record
from ..layout.vgda import VGDA_TRAILER
from ..lvm import LvmRecord
from ..lvm.descriptor.vgsa import ScalableVgsa, Vgsa
from ..lvm.groupstate import GroupState

Fields = Mapping[str, tuple[Record, str]]
"""By the name of a value: structure and field that it is read from."""


class GroupGrades:
    """The grades of what is shown of a group.

    Attributes:
        group: of the values of the group itself.
        pv: of those of a physical volume.
        lv: of those of a logical volume.
    """

    def __init__(self, state: GroupState) -> None:
        fmt, vgsa = state.vgda.format, state.vgsa
        header, pvs, lvs, pps = fmt.header, fmt.pvs.record, fmt.lvs.record, fmt.pps.record
        # what an area of a scalable group holds has the grade of its inside
        stale = vgsa.record, "layout" if isinstance(vgsa, ScalableVgsa) else "stalepp"
        names = lvs if "name" in (lvs.dtype.names or ()) else fmt.names.record
        factor = (header, "maxpps") if isinstance(vgsa, ScalableVgsa) else (vgsa.record, "factor")
        self.group = known({
            "vgid": (header, "vg_id"), "pp_size": (header, "pp_size"), "factor": factor,
            "version": (state.record.structure, "version"), "total_vgdas": (header, "total_vgdas"),
            "quorum": (header, "quorum"), "auto_varyon": (header, "auto_varyon"),
        })  # fmt: skip
        self.pv = known({
            "pvid": (pvs, "pv_id"), "pps": (pvs, "pp_count"), "free_pps": (pps, "lp_num"),
            "vgda_copies": (pvs, "pvnum_vgdas"), "state": (pvs, "pv_state"),
        })  # fmt: skip
        self.lv = known({
            "name": (names, "name"), "lvid": (header, "vg_id"), "type": (LVCB, "type"), "lps": (lvs, "num_lps"),
            "pps": (pps, "lp_num"), "copies": (pps, "lv_index"), "stale_pps": stale, "size": (lvs, "num_lps"),
            "label": (LVCB, "label"),
        })  # fmt: skip


def known(fields: Fields) -> dict[str, str]:
    """The grades of values that are not seen in bytes of AIX: B or C."""
    grades = {name: record.grades[field] for name, (record, field) in fields.items()}
    return {name: grade.value for name, grade in grades.items() if grade is not Grade.A}


def of_area(record: LvmRecord, area: str) -> dict[str, str]:
    """The grades of the time stamp of a copy of VGSA or VGDA, and of what says that it is whole."""
    if area == "vgsa":
        vgsa = Vgsa.empty(record, 1)
        if isinstance(vgsa, ScalableVgsa):
            return known({"stamp": (vgsa.record, "sec"), "whole": (vgsa.record, "sec")})
        return known({"stamp": (vgsa.record, "begin_sec"), "whole": (vgsa.record, "end_sec")})
    header = record.vgda_format(1).header
    return known({"stamp": (header, "sec"), "whole": (VGDA_TRAILER, "sec")})


LEFTOVER = known({
    "name": (LVCB, "lvname"), "type": (LVCB, "type"), "lvid": (LVCB, "lvid"), "lps": (LVCB, "num_lps"),
    "copies": (LVCB, "copies"), "label": (LVCB, "label"),
})  # fmt: skip
"""The grades of what a control block says that a scan found."""
