"""What does not add up inside one whole VGDA."""

from typing import Any

import pytest

from lvmfmt.lvm.descriptor.entries import gather
from lvmfmt.lvm.descriptor.maps import lv_maps
from lvmfmt.lvm.descriptor.review import Review


def review(state: Any) -> dict[str, Any]:
    vgda = state.vgda
    entries = gather(vgda)
    return {p.rule: p for p in Review(vgda, state.record, 1000, "disk1").run(entries, lv_maps(vgda, entries))}


def test_nothing(make_group: Any) -> None:
    assert review(make_group(2)[0].state) == {}


@pytest.mark.parametrize("table, row, field, value, rule", [
    ("header", 0, "numlvs", 9, "header-count"), ("header", 0, "total_vgdas", 9, "header-count"),
    ("header", 0, "quorum", 2, "header-switch"), ("header", 0, "auto_varyon", -1, "header-switch"),
    ("pvs", 0, "pp_count", 1017, "pv-pps"), ("pvs", 0, "pp_count", 0, "pv-pps"), ("pvs", 0, "pv_state", 16, "pv-state"),
    ("pvs", 1, "psn_part1", 4351, "pv-start"), ("pvs", 1, "pvnum_vgdas", 3, "pv-copies"),
    ("pvs", 0, "pv_num", 2, "pv-number"), ("lvs", 0, "lvname", 256, "lv-name-slot"),
    ("lvs", 0, "mirror_policy", 7, "lv-policy"), ("lvs", 0, "maxsize", 1, "lv-limit"),
    ("lvs", 0, "num_lps", 3, "lv-holes"),
])  # fmt: skip
def test_each_finding(make_group: Any, table: str, row: Any, field: str, value: int, rule: str) -> None:
    state = make_group(2)[0].state.copy()
    (getattr(state.vgda, table) if table == "header" else getattr(state.vgda, table)[row : row + 1])[field] = value
    found = review(state)
    assert rule in found
    where = getattr(state.vgda.format, table) if table != "header" else None
    record = where.record if where else state.vgda.format.header
    assert found[rule].structure == record.name or rule.startswith("lv-name")
    if rule != "lv-name-none":
        at = (where.at(row) if where else 0) + record.offset_of(found[rule].field)
        assert found[rule].offset == 1000 + at and found[rule].where == "disk1"


def test_what_is_legal(make_group: Any) -> None:
    state = make_group(2)[0].state.copy()
    state.vgda.pvs["pv_num"][0] = 0  # a number is not always there
    state.vgda.pvs["psn_part1"][1] = 4352
    state.vgda.header["quorum"] = 0
    state.vgda.lvs["maxsize"][0] = 2
    assert review(state) == {}


def test_names_and_pvids_that_are_there_twice(make_group: Any) -> None:
    state = make_group(2)[0].state.copy()
    state.vgda.names[1] = state.vgda.names[0]
    state.vgda.names[2] = b""
    state.vgda.pvs["pv_id"][1] = state.vgda.pvs["pv_id"][0]
    assert set(review(state)) == {"lv-name-twice", "lv-name-none", "pv-twice"}
    state.vgda.pvs["pv_id"][1][8:] = 7
    assert "pv-id" in review(state)
