"""What does not add up inside one VGDA copy that is whole: counts, ranges, doubles, holes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...escaping import printable
from ...layout.record import Record
from ...layout.vgda import LV_NAME
from ..disk.identity import uid_text
from ..disk.record import LvmRecord
from ..kinds import VgKind
from ..policy import NO_STRIP
from ..problems import Problem
from .entries import Entries
from .lvpolicy import STRIPE_FIELDS, policy_of
from .maps import LvMap
from .vgda import MAX_COPIES, Vgda

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
        self._lvs(entries, maps)
        self._pps(entries)
        return self._found

    def _add(
        self, rule: str, record: Record, field: str, offset: int, text: str,
        *, lvs: Iterable[int] = (), pvs: Iterable[int] = (),
    ) -> None:  # fmt: skip
        place = self.offset + offset + (record.offset_of(field) if field else 0)
        self._found.append(Problem(rule, record.name, field, place, text, self.where).about(lvs=lvs, pvs=pvs))

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
                self._add("header-count", vgda.format.header, field, 0, f"expected {count}, found {said}")
        for field in ("quorum", "auto_varyon"):
            if int(vgda.header[field]) not in (0, 1):
                text = f"expected 0 or 1, found {int(vgda.header[field])}"
                self._add("header-switch", vgda.format.header, field, 0, text)

    def _pvs(self) -> None:
        vgda = self.vgda
        record = vgda.format.pvs.record
        seen: set[str] = set()
        for index in np.flatnonzero(vgda.pv_used).tolist():
            pv, at, width = vgda.pvs[index], vgda.format.pvs.at(index), int(vgda.slots.width[index])
            pvid = uid_text(pv["pv_id"].tobytes())
            if len(pvid) != 16:
                self._add("pv-id", record, "pv_id", at, "expected 8 zero bytes after a PVID", pvs=[index + 1])
            if pvid in seen:
                self._add("pv-twice", record, "pv_id", at, f"PVID {pvid} is there twice", pvs=[index + 1])
            seen.add(pvid)
            if not 1 <= int(pv["pp_count"]) <= width:
                text = f"expected 1 to {width}, found {int(pv['pp_count'])}"
                self._add("pv-pps", record, "pp_count", at, text, pvs=[index + 1])
            if int(pv["psn_part1"]) < self.record.first_pp_psn:
                text = f"expected {self.record.first_pp_psn} or more, found {int(pv['psn_part1'])}"
                self._add("pv-start", record, "psn_part1", at, text, pvs=[index + 1])
            if not int(pv["pv_state"]) & 1:
                self._add(
                    "pv-state", record, "pv_state", at, f"PV not active: state {int(pv['pv_state'])}", pvs=[index + 1]
                )
            if vgda.vgda_count(index + 1) < 0:
                text = f"expected 0, 1 or 2, found {int(pv['pvnum_vgdas'])}"
                self._add("pv-copies", record, "pvnum_vgdas", at, text, pvs=[index + 1])
            if int(pv["pv_num"]) not in (0, index + 1):
                text = f"expected {index + 1} or 0, found {int(pv['pv_num'])}"
                self._add("pv-number", record, "pv_num", at, text, pvs=[index + 1])

    def _lvs(self, entries: Entries, maps: dict[int, LvMap]) -> None:
        vgda = self.vgda
        record, slots = vgda.format.lvs.record, len(vgda.names)
        columns = (vgda.lvs[name].tolist() for name in ("lvname", "num_lps", "maxsize"))
        rows = list(zip(*columns, *(column.tolist() for column in vgda.all_small_fields()), strict=True))
        names = [name.split(b"\0")[0] for name in vgda.names.tolist()]
        lps_held = _lps_held(entries)
        seen: set[bytes] = set()
        for minor, lv_map in maps.items():
            index, lps, most, state, copies, policy = rows[minor - 1]
            at, name = vgda.format.lvs.at(minor - 1), names[index] if 0 <= index < slots else b""
            if vgda.format.kind is VgKind.SCALABLE and (number := int(vgda.lvs["minor"][minor - 1])) != minor:
                self._add("lv-number", record, "minor", at, f"expected {minor}, found {number}")
            if not 0 <= index < slots:
                self._add(
                    "lv-name-slot", record, "lvname", at, f"expected 0 to {slots - 1}, found {index}", lvs=[minor]
                )
            if not name or name in seen:
                name_at = vgda.format.names.at(index % slots)
                if not name:
                    self._add("lv-name-none", LV_NAME, "name", name_at, f"LV {minor} has no name", lvs=[minor])
                else:
                    self._add(
                        "lv-name-twice", LV_NAME, "name", name_at, f"name {printable(name)} is there twice", lvs=[minor]
                    )
            seen.add(name)
            found = len(lv_map.pv)
            if copies != found:
                text = f"expected {found} as the PP entries have it, found {copies}"
                self._add("lv-copies", record, "mirror", at, text, lvs=[minor])
            if state not in _LV_STATES or not state & 1:
                self._add("lv-state", record, "lv_state", at, f"expected 1 to 7 and odd, found {state}", lvs=[minor])
            if policy not in _POLICIES:
                self._add(
                    "lv-policy", record, "mirror_policy", at, f"expected 1 to 5 or 8, found {policy}", lvs=[minor]
                )
            if policy_of(vgda, minor, None).strip_size == NO_STRIP:
                said = ", ".join(f"{name} {int(vgda.lvs[name][minor - 1])}" for name in STRIPE_FIELDS)
                self._add("lv-stripe", record, "striping_width", at, f"mirror_policy {policy}, {said}", lvs=[minor])
            if lps > most:
                self._add("lv-limit", record, "maxsize", at, f"expected {lps} or more, found {most}", lvs=[minor])
            if lps != lps_held[minor]:
                text = f"{lps} LPs, but {lps - lps_held[minor]} of them have no PP"
                self._add("lv-holes", record, "num_lps", at, text, lvs=[minor])

    def _pps(self, entries: Entries) -> None:
        vgda = self.vgda
        beyond = np.flatnonzero((vgda.pps.flat["lp_num"] != 0) & ~vgda.exists.flat)
        pv, _, known = vgda.slots.locate(beyond)
        beyond = beyond[known & vgda.pv_used[pv]]
        self._entries("pp-beyond", "lp_num", beyond, "an LP on a PP that the PV does not have")
        self._entries("pp-lv", "lv_index", entries.no_lv, "no such LV")
        self._entries("pp-lp", "lp_num", entries.no_lp, "no such LP in the LV")
        for rule, field, wrong, text in (
            ("pp-copy", "copy", ~entries.order_known, "copy numbers make no sense; ordered by PV and PP number"),
            ("pp-surplus", "copy", ~entries.usable, f"more than {MAX_COPIES} copies of an LP"),
            ("pp-alternates", "fst_alt_vol", ~entries.alternates_agree, "the other copies lie elsewhere"),
        ):
            self._entries(rule, field, entries.rows[wrong], text)

    def _entries(self, rule: str, field: str, rows: NDArray[np.int64], text: str) -> None:
        if len(rows):
            pv, pp, _ = self.vgda.slots.locate(rows[:1])
            table = self.vgda.format.pps
            evidence = f"PV {int(pv[0]) + 1} PP {int(pp[0]) + 1} and {len(rows) - 1} more: {text}"
            said = np.unique(self.vgda.pps.flat["lv_index"][rows]).tolist()
            self._add(rule, table.record, field, table.at(int(rows[0])), evidence, lvs=said)


def _lps_held(entries: Entries) -> list[int]:
    """How many LPs of each LV have a PP, by minor number."""
    held = np.append(0, np.cumsum((entries.places[0] != 0).any(axis=0)))
    return [int(count) for count in np.diff(held[entries.starts])]
