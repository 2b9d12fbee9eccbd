"""Filling stale partitions: which runs there are, which copy is believed, and when they are called good."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm import VolumeGroup, sync
from lvmfmt.lvm.change.copies import Copies
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.lvm.sync import copy_ranges, distrust_copies, fill, good_copies, mark_good, stale_runs, within_reach
from lvmfmt.origin import SeededOrigin

MIB, SECTOR = 1 << 20, 512


@pytest.fixture
def mirrored(make_group: Any) -> Any:
    """hd4 (2 copies of 5 LPs) with stale second copies, m3 with three copies of 2 LPs."""
    group, devices = make_group(3)
    with group.change() as change:
        change.add_lv("m3", "raw", 2, 3)
        change.mark_stale("hd4")
    return VolumeGroup.open(devices), devices


def places(group: Any, name: str, copy: int) -> list[tuple[int, int]]:
    lv_map = group.logical_volumes[name].map
    return list(zip(lv_map.pv[copy].tolist(), lv_map.pp[copy].tolist(), strict=True))


def test_what_is_within_reach(mirrored: Any) -> None:
    group, _ = mirrored
    last = group.pvs[1].pp_count
    assert within_reach(group.pvs, 1, last) and not within_reach(group.pvs, 1, last + 1)
    assert not within_reach(group.pvs, 9, 1)
    minor = group.logical_volumes["m3"].minor
    assert sorted(pv for pv, _ in good_copies(group, minor, 0)) == [1, 2, 3]
    assert good_copies(group, 2, 1) == [places(group, "hd4", 0)[1]]


def test_runs_of_stale_partitions(mirrored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    group, _ = mirrored
    stale = places(group, "hd4", 1)
    number = stale[0][0]
    (run,) = stale_runs(group)
    assert (run.minor, run.number) == (2, number) and run.pps == [(pp, lp) for lp, (_, pp) in enumerate(stale)]
    assert list(stale_runs(group, ["m3"])) == [] and len(list(stale_runs(group, ["hd4"]))) == 1
    pvids = {n: pvid for pvid, n in ((p, v.number) for p, v in group.physical_volumes.items())}
    assert len(list(stale_runs(group, (), [pvids[number]]))) == 1
    assert list(stale_runs(group, (), [pvid for n, pvid in pvids.items() if n != number])) == []
    monkeypatch.setattr(sync, "RUN", 2 * MIB + 5)
    assert [len(run.pps) for run in stale_runs(group)] == [2, 2, 1]
    monkeypatch.setattr(sync, "RUN", 1)
    assert [len(run.pps) for run in stale_runs(group)] == [1] * 5


def test_without_a_good_copy_there_is_nothing_to_fill(mirrored: Any) -> None:
    group, _ = mirrored
    for pv, pp in places(group, "hd4", 0)[:2]:
        group.state.stale[pv - 1, pp - 1] = True
    assert [lp for run in stale_runs(group) for _, lp in run.pps] == [2, 3, 4]


def test_filling_copies_data_punches_holes_and_marks(mirrored: Any) -> None:
    group, devices = mirrored
    volume = group.logical_volumes["hd4"]
    (run,) = stale_runs(group)
    good, bad = places(group, "hd4", 0), places(group, "hd4", 1)
    random = np.random.default_rng(1).integers(0, 256, MIB, np.uint8)
    first = 4352 * SECTOR

    def at(place: tuple[int, int]) -> tuple[Any, int]:
        return devices[place[0] - 1], first + (place[1] - 1) * MIB

    device, offset = at(good[3])
    device.write(offset, random)
    other, there = at(bad[3])
    other.write(there, b"old" * 1000)
    assert fill(group, run) == 5 * MIB  # a disk in memory has no holes
    assert np.array_equal(other.read(there, MIB), random)
    mark_good(group.state, run, group.state.vgsa.stamp + 10)
    assert not VolumeGroup.open(devices).logical_volumes["hd4"].stale_pps and volume.minor == 2


def test_ranges_go_to_the_targets_and_never_from_them(mirrored: Any) -> None:
    group, devices = mirrored
    minor = group.logical_volumes["m3"].minor
    all_places = [places(group, "m3", copy)[1] for copy in range(3)]
    for n, (pv, pp) in enumerate(all_places):
        devices[pv - 1].write(group.pvs[pv].offset(pp) + 4096, bytes([n + 1]) * 1024)
    assert copy_ranges(group, minor, [(1, 4096 + 512, 256, all_places[:2])]) == 512
    for n, (pv, pp) in enumerate(all_places):
        found = devices[pv - 1].read(group.pvs[pv].offset(pp) + 4096, 1024).tobytes()
        assert found == bytes([n + 1]) * 512 + bytes([3]) * 256 + bytes([n + 1]) * 256
    with pytest.raises(ImageIOError) as refused:
        copy_ranges(group, minor, [(1, 0, 512, all_places)])
    assert refused.value.where == f"LV {minor} LP 2"


def test_which_copy_is_believed_when_all_are_filled(mirrored: Any) -> None:
    group, _ = mirrored
    pvids = {v.number: pvid for pvid, v in group.physical_volumes.items()}
    m3 = group.logical_volumes["m3"].map

    def stale_after(names: tuple[str, ...], disks: list[str] | None) -> dict[str, list[list[bool]]]:
        change: Any = Copies(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")
        distrust_copies(change, group, names, disks)
        return {name: change.state.maps[lv.minor].look_up(change.state.stale).tolist()
                for name, lv in group.logical_volumes.items()}  # fmt: skip

    found = stale_after((), None)
    assert found["m3"] == [[False] * 2, [True] * 2, [True] * 2]  # the first good copy stays
    assert found["hd4"] == [[False] * 5, [True] * 5]  # as it was: it has only one
    assert not np.any(found["lv00"]) and not np.any(found["hd5"])
    assert not np.any(stale_after(("hd4",), None)["m3"])
    first = int(m3.pv[0, 0])
    assert stale_after((), [pvids[first]])["m3"] == [[True] * 2, [False] * 2, [False] * 2]
    two = stale_after((), [pvids[int(m3.pv[copy, 0])] for copy in (0, 1)])["m3"]
    assert two == [[True] * 2, [True] * 2, [False] * 2]  # one that is not to be filled is believed
    assert stale_after((), list(pvids.values()))["m3"] == [[False] * 2, [True] * 2, [True] * 2]
