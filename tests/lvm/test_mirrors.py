"""A disk that is an older state of itself: its data is compared, read last, and never called new."""

from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import VolumeGroup, check, mirrors
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.mirrors import differences, distrust_old_disks, same_content, unequal
from lvmfmt.lvm.opening import load

MIB = 1 << 20
NOW = 1_400_000_000 * 10**9


def with_an_old_disk(make_group: Any, *, alone: bool) -> tuple[list[Any], bytes]:
    """A group of two disks, the first replaced by its state before hd4 was written and an LV was made."""
    group, devices = make_group(2)
    pvids = list(group.physical_volumes)
    if not alone:  # hd5 and lv00 lie on disk 1, which then holds nothing that no other disk has
        with group.change() as change:
            change.remove_lv("hd5")
            change.remove_lv("lv00")
    old = devices[0].copy()
    group.logical_volumes["hd4"].device.write(2 * MIB + 4096, b"new")
    with group.change() as change:
        change.add_lv("later", "jfs2", 1, disks=pvids[1:])
    return [old, devices[1]], b"new"


def test_mirrors_that_differ_are_found(make_group: Any) -> None:
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    assert list(differences(lv)) == [] and check(devices, data=True) == []
    pv, pp = int(lv.map.pv[1, 2]), int(lv.map.pp[1, 2])
    devices[pv - 1].data[lv.pvs[pv].offset(pp) + MIB - 1] ^= 1
    (found,) = differences(lv)
    assert (found.lp, found.other) == (3, (pv, pp))
    (problem,) = unequal(group)
    assert problem.where == "hd4" and "LP 3" in problem.text
    assert check(devices) == [] and check(devices, data=True) == [problem]


def test_what_differs_on_an_old_disk_becomes_stale(make_group: Any) -> None:
    devices, new = with_an_old_disk(make_group, alone=False)
    assert "disk-behind" in {problem.rule for problem in check(devices)}
    assert VolumeGroup.open(devices).logical_volumes["hd4"].device.read(2 * MIB + 4096, 3).tobytes() == new
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices, data=True) == []
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    assert lv.stale_pps == 1 and lv.missing_lps.size == 0
    assert VolumeGroup.open(devices[:1]).logical_volumes["hd4"].missing_lps.tolist() == [3]


def test_what_only_an_old_disk_has_is_not_called_new(make_group: Any) -> None:
    devices, _ = with_an_old_disk(make_group, alone=True)
    with pytest.raises(OperationRefused, match=r"older state.*hd5"):
        plan(devices, now=NOW)
    with pytest.raises(OperationRefused):
        distrust_old_disks(load(devices)[0])


def test_ranges_are_compared_to_their_last_byte(memory_disk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "BUFFER", 1000)
    a, b = memory_disk("a", 1 << 16), memory_disk("b", 1 << 16)
    a.write(100, bytes(range(250)) * 10)
    b.write(300, bytes(range(250)) * 10)
    assert same_content(a, 100, b, 300, 2500) and same_content(a, 0, b, 200, 2600)
    for at in (0, 999, 1000, 1999, 2000, 2499):
        b.write(300 + at, b"\xff")
        assert not same_content(a, 100, b, 300, 2500)
        b.write(300 + at, a.read(100 + at, 1))
    b.write(300 + 2500, b"\xff")
    assert same_content(a, 100, b, 300, 2500) and not same_content(a, 100, b, 300, 2501)
