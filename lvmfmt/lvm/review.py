"""What does not add up inside one VGDA copy that is whole: counts, ranges, doubles, holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import printable
from ..layout.record import Record
from ..layout.vgda import LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER, VGDA_HEADER
from ..units import SECTOR
from .identity import uid_text
from .maps import Entries, LvMap, believable, names_lv
from .problems import Problem
from .record import LvmRecord
from .vgda import MAX_COPIES, MAX_LVS, Vgda

_LV_STATES = range(8)
_POLICIES = (1, 2, 3, 4, 5, 8)


@dataclass
class Review:
    """Looks for problems in a copy that lies at `offset` of the image called `where`."""

    vgda: Vgda
    record: LvmRecord
    offset: int
    where: str

    def run(self, entries: Entries, maps: dict[int, LvMap]) -> list[Problem]:
        """All problems of the copy, at most one a kind and structure for the PP entries."""
        self._found: list[Problem] = []
        self._header()
        self._pvs()
        self._lvs(maps)
        self._pps(entries)
        return self._found

    def _add(self, rule: str, record: Record, field: str, offset: int, text: str) -> None:
        place = self.offset + offset + (record.offset_of(field) if field else 0)
        self._found.append(Problem(rule, record.name, field, place, text, self.where))

    def _header(self) -> None:
        vgda = self.vgda
        total = sum(max(0, vgda.vgda_count(n)) for n in (np.flatnonzero(vgda.pv_used) + 1).tolist())
        for field, count in (
            ("numlvs", int(vgda.lv_used.sum())),
            ("numpvs", int(vgda.pv_used.sum())),
            ("total_vgdas", total),
        ):
            said = int(vgda.header[field])
            if said != count:
                self._add("header-count", VGDA_HEADER, field, 0, f"expected {count}, found {said}")
        for field in ("quorum", "auto_varyon"):
            if int(vgda.header[field]) not in (0, 1):
                text = f"expected 0 or 1, found {int(vgda.header[field])}"
                self._add("header-switch", VGDA_HEADER, field, 0, text)

    def _pvs(self) -> None:
        vgda = self.vgda
        width = vgda.pps.shape[1]
        seen: set[str] = set()
        for index in np.flatnonzero(vgda.pv_used).tolist():
            pv, at = vgda.pvs[index], 17 * SECTOR + index * 64 * SECTOR * vgda.factor
            pvid = uid_text(pv["pv_id"].tobytes())
            if len(pvid) != 16:
                self._add("pv-id", PV_HEADER, "pv_id", at, "expected 8 zero bytes after a PVID")
            if pvid in seen:
                self._add("pv-twice", PV_HEADER, "pv_id", at, f"PVID {pvid} is there twice")
            seen.add(pvid)
            if not 1 <= int(pv["pp_count"]) <= width:
                text = f"expected 1 to {width}, found {int(pv['pp_count'])}"
                self._add("pv-pps", PV_HEADER, "pp_count", at, text)
            if int(pv["psn_part1"]) < self.record.first_pp_psn:
                text = f"expected {self.record.first_pp_psn} or more, found {int(pv['psn_part1'])}"
                self._add("pv-start", PV_HEADER, "psn_part1", at, text)
            if not int(pv["pv_state"]) & 1:
                self._add("pv-state", PV_HEADER, "pv_state", at, f"PV not active: state {int(pv['pv_state'])}")
            if vgda.vgda_count(index + 1) < 0:
                text = f"expected 0, 1 or 2, found {int(pv['pvnum_vgdas'])}"
                self._add("pv-copies", PV_HEADER, "pvnum_vgdas", at, text)
            if int(pv["pv_num"]) not in (0, index + 1):
                text = f"expected {index + 1} or 0, found {int(pv['pv_num'])}"
                self._add("pv-number", PV_HEADER, "pv_num", at, text)

    def _lvs(self, maps: dict[int, LvMap]) -> None:
        vgda = self.vgda
        seen: set[bytes] = set()
        names_at = len(vgda.raw) - 33 * SECTOR
        for minor, lv_map in maps.items():
            lv, at = vgda.lvs[minor - 1], SECTOR + 32 * (minor - 1)
            if not 0 <= int(lv["lvname"]) < MAX_LVS:
                text = f"expected 0 to {MAX_LVS - 1}, found {int(lv['lvname'])}"
                self._add("lv-name-slot", LV_ENTRY, "lvname", at, text)
            name = vgda.name(minor)
            name_at = names_at + 64 * (int(lv["lvname"]) % MAX_LVS)
            if not name:
                self._add("lv-name-none", LV_NAME, "name", name_at, f"LV {minor} has no name")
            elif name in seen:
                self._add("lv-name-twice", LV_NAME, "name", name_at, f"name {printable(name)} is there twice")
            seen.add(name)
            state, copies, policy = vgda.small_fields(minor)
            found = lv_map.copies
            if copies != found:
                text = f"expected {found} as the PP entries have it, found {copies}"
                self._add("lv-copies", LV_ENTRY, "mirror", at, text)
            if state not in _LV_STATES or not state & 1:
                self._add("lv-state", LV_ENTRY, "lv_state", at, f"expected 1 to 7 and odd, found {state}")
            if policy not in _POLICIES:
                self._add("lv-policy", LV_ENTRY, "mirror_policy", at, f"expected 1 to 5 or 8, found {policy}")
            if int(lv["num_lps"]) > int(lv["maxsize"]):
                text = f"expected {int(lv['num_lps'])} or more, found {int(lv['maxsize'])}"
                self._add("lv-limit", LV_ENTRY, "maxsize", at, text)
            holes = int((~lv_map.held.any(axis=0)).sum()) + int(lv["num_lps"]) - lv_map.lps
            if holes:
                text = f"{int(lv['num_lps'])} LPs, but {holes} of them have no PP"
                self._add("lv-holes", LV_ENTRY, "num_lps", at, text)

    def _pps(self, entries: Entries) -> None:
        vgda = self.vgda
        in_use = vgda.pps["lp_num"] != 0
        beyond = in_use & vgda.pv_used[:, None] & ~vgda.exists
        self._entries("pp-beyond", "lp_num", beyond, "an LP on a PP that the PV does not have")
        named = names_lv(vgda)
        self._entries("pp-lv", "lv_index", vgda.allocated & ~named, "no such LV")
        self._entries("pp-lp", "lp_num", named & ~believable(vgda), "no such LP in the LV")
        for rule, field, wrong, text in (
            ("pp-copy", "copy", ~entries.order_known, "copy numbers make no sense; ordered by PV and PP number"),
            ("pp-surplus", "copy", ~entries.usable, f"more than {MAX_COPIES} copies of an LP"),
            ("pp-alternates", "fst_alt_vol", ~entries.alternates_agree, "the other copies lie elsewhere"),
        ):
            mask = np.zeros(vgda.pps.shape, np.bool_)
            mask[entries.pv[wrong] - 1, entries.pp[wrong] - 1] = True
            self._entries(rule, field, mask, text)

    def _entries(self, rule: str, field: str, mask: NDArray[np.bool_], text: str) -> None:
        places = np.argwhere(mask)
        if len(places):
            pv, pp = places[0].tolist()
            at = 17 * SECTOR + pv * 64 * SECTOR * self.vgda.factor + PV_HEADER.size + PP_ENTRY.size * pp
            self._add(rule, PP_ENTRY, field, at, f"PV {pv + 1} PP {pp + 1} and {len(places) - 1} more: {text}")
