"""A VGDA in memory: which PPs there are, what is allocated, PVs that come and go [lvm 8, 9, 10]."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import NoSpace
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.descriptor.vgda import Vgda
from lvmfmt.lvm.disk.record import LvmRecord
from lvmfmt.lvm.vgdaformat import scalable_areas

SECTOR = 512
VGID = "00f7b72a00004c0000000124dd891ce8"
PVID = "00f7b72add8924b9"


def vgda(kind: VgKind = VgKind.CLASSIC, factor: int = 1, max_pps: int = 32 * 1024) -> Vgda:
    version, areas = 8, ()
    if kind is VgKind.SCALABLE:
        version, areas = 31, scalable_areas(1024, 256, max_pps)
    record = LvmRecord.new(VGID, kind, version, 20, areas)
    return Vgda.empty(record.vgda_format(factor), record, 256, max_pps)


def test_an_empty_one() -> None:
    found = vgda()
    header = found.header
    assert [int(header[n]) for n in ("maxlvs", "pp_size", "vgda_size", "quorum", "auto_varyon", "numpvs")] == [
        256, 20, 2098, 1, 1, 0,
    ]  # fmt: skip
    assert header["vg_id"].tobytes().hex() == VGID and found.is_ours and found.stamp == 0
    assert (found.max_lvs, found.max_pps, found.factor, found.last_row) == (256, 32 * 1016, 1, 0)
    assert found.numbers.tolist() == [] and not found.exists.any() and not found.allocated.any()
    header["maxlvs"] = 9999
    assert found.max_lvs == len(found.lvs) == 256


@pytest.mark.parametrize(("factor", "pvs"), [(1, 32), (4, 8), (32, 1)])
def test_a_factor_gives_a_pv_more_rows(factor: int, pvs: int) -> None:
    found = vgda(factor=factor)
    assert len(found.pvs) == pvs
    for number in {1, pvs}:
        found.define_pv(number, PVID, 1016 * factor, 4352)
        assert found.pp_count(number) == 1016 * factor
        found.pvs["pp_count"][number - 1] = 1016 * factor + 1
        assert found.pp_count(number) == 1016 * factor


def test_a_pv_in_the_tables() -> None:
    found = vgda()
    found.define_pv(2, PVID, 100, 4352)
    pv = found.pvs[1]
    assert pv["pv_id"].tobytes().hex() == PVID + "0" * 16
    assert [int(pv[n]) for n in ("pp_count", "pv_state", "psn_part1", "pv_num")] == [100, 1, 4352, 2]
    assert found.numbers.tolist() == [2] and int(found.exists.sum()) == 100
    rows = found.slots.rows_of(np.array([2, 2]), np.array([1, 100]))
    assert found.exists.flat[rows].all() and not found.exists.flat[rows[1] + 1] and not found.exists.flat[rows[0] - 1]
    entry = np.zeros((), found.pps.dtype)
    entry["lv_index"] = entry["lp_num"] = 1
    found.set_pps(rows, entry)
    assert np.flatnonzero(found.allocated.flat).tolist() == rows.tolist()
    # each PV header has a sector of its own, its PP entries follow: 64 sectors a PV from sector 17 on [lvm 8.1]
    assert found.format.pps.at(int(rows[0])) == (17 + 64) * SECTOR + 32
    assert found.last_row == int(rows[0]) + 1016
    found.remove_pv(2)
    assert not found.raw[17 * SECTOR :].any() and found.numbers.tolist() == [] and not found.allocated.any()


def test_entries_that_were_there_before_a_pv_are_cleared() -> None:
    found = vgda()
    rows = found.slots.rows_of(np.array([1, 1]), np.array([10, 11]))
    found.pps.flat["lp_num"][rows] = 7
    found.define_pv(1, PVID, 10, 4352)
    assert found.pps.flat["lp_num"][rows].tolist() == [0, 7] and not found.allocated.any()


def test_runs_of_a_scalable_group_are_packed_and_used_again() -> None:
    found = vgda(VgKind.SCALABLE)
    for number, count in ((1, 10), (2, 20), (3, 30)):
        found.define_pv(number, PVID, count, 4352)
    assert found.slots.first[:3].tolist() == [0, 10, 30] and int(found.header["next_pp"]) == 60
    assert found.last_row == 60 and [int(x) for x in found.pvs["first_pp"][:3]] == [0, 10, 30]
    found.remove_pv(2)
    found.define_pv(5, PVID, 21, 4352)  # does not fit into the gap
    assert int(found.slots.first[4]) == 60
    found.define_pv(4, PVID, 20, 4352)  # does, exactly
    assert int(found.slots.first[3]) == 10 and int(found.header["next_pp"]) == 81
    left = found.max_pps - 81
    with pytest.raises(NoSpace, match=f"no room for {left + 1} PPs"):
        found.define_pv(6, PVID, left + 1, 4352)
    found.define_pv(6, PVID, left, 4352)
    assert found.last_row == found.max_pps == 32 * 1024


def test_the_idle_end_of_the_table() -> None:
    found = vgda(VgKind.SCALABLE)
    start = found.format.pps.at(0)
    size = found.pps.dtype.itemsize
    found.define_pv(1, PVID, 3 * SECTOR // size + 1, 4352)
    first, end = found.idle
    used = start + (3 * SECTOR // size + 1) * size
    assert first % SECTOR == end % SECTOR == 0 and used <= first < used + SECTOR
    assert found.format.pps.at(found.format.pps.rows) - SECTOR < end <= found.format.pps.at(found.format.pps.rows)


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [(1, 0, 1), (2, 0, 2), (0, 0, 0), (3, 0, -1), (0, 1, 1), (9, 2, 2), (9, 3, -1), (1, 2, 1), (0, 7, 0)],
)
def test_either_place_of_the_copies_of_a_pv(first: int, second: int, count: int) -> None:
    found = vgda()
    found.define_pv(1, PVID, 10, 4352)
    found.pvs["pvnum_vgdas"][0] = first
    other = found.pvs["reserved1"][0]
    other[:] = 0
    other[-1] = second
    assert found.vgda_count(1) == count


@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_a_layout_of_ours_bears_a_mark(kind: VgKind) -> None:
    found = vgda(kind)
    assert found.is_ours and int(found.header["quorum"]) == 1
    marks = [0] if kind is VgKind.BIG else found.format.begins
    for at in marks:
        twin = found.copy()
        if kind is VgKind.BIG:
            twin.header["layout"] = b"other"
        else:
            twin.raw[at + 8] ^= 1
        assert not twin.is_ours


def test_a_copy_is_independent() -> None:
    found = vgda()
    found.define_pv(1, PVID, 10, 4352)
    assert not found.allocated.any()
    twin = found.copy()
    entry = np.zeros((), found.pps.dtype)
    entry["lp_num"] = 1
    twin.set_pps(twin.slots.rows_of(np.array([1]), np.array([1])), entry)
    assert twin.allocated.any() and not found.allocated.any() and int(found.pps[0, 0]["lp_num"]) == 0


def test_a_classic_stamp_goes_where_the_copy_keeps_it(make_group: Any) -> None:
    found = make_group()[0].state.vgda.copy()
    found.stamp = 1_300_000_000 * 10**9 + 1
    assert found.stamp == 1_300_000_000 * 10**9 + 1
    assert bytes(found.raw[:8]) == bytes(found.raw[2097 * SECTOR : 2097 * SECTOR + 8])
