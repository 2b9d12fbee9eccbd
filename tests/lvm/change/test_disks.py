"""Disks that join, leave, give nothing or are removed."""

from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm.change.disks import check_unowned
from lvmfmt.lvm.errors import DiskTaken, LastDisk, LastGoodCopy, PartitionsInUse
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20


def test_a_disk_joins_and_leaves(make_group: Any, disks: Any, origin: SeededOrigin) -> None:
    group, (one,) = make_group(1)
    new = disks(1)[0]
    check_unowned(new)
    with group.change(origin) as change:
        pvid = change.add_pv(new)
        with pytest.raises(OperationRefused, match="there already"):
            change.add_pv(new)
    assert group.pvs[2].pvid == pvid and group.total_vgdas == 3
    with pytest.raises(DiskTaken) as taken:
        check_unowned(new)
    assert taken.value.vgid == group.vgid
    with group.change(origin) as change:
        change.remove_pv(pvid)
    check_unowned(new)
    assert list(group.pvs) == [1] and group.total_vgdas == 2
    first = group.pvs[1].pvid
    with pytest.raises(PartitionsInUse) as used, group.change(origin) as change:
        change.remove_pv(first)
    assert used.value.count == 10
    with pytest.raises(LastDisk), group.change(origin) as change:
        for name in group.logical_volumes:
            change.remove_lv(name)
        change.remove_pv(first)
    assert one.read(7 * 512, 4).tobytes() == b"_LVM"


def test_a_disk_that_came_in_the_same_change_leaves_no_trace(make_group: Any, disks: Any, origin: SeededOrigin) -> None:
    group, _ = make_group(1)
    new = disks(1)[0]
    change = group.begin(origin)
    change.remove_pv(change.add_pv(new))
    assert change.changes.joined == set() and change.changes.left == []


def test_giving_nothing_and_removed(make_group: Any, origin: SeededOrigin) -> None:
    group, _ = make_group(2)
    first, second = group.physical_volumes
    with group.change(origin) as change:
        change.set_disk(second, allocatable=False)
    assert group.pvs[2].state == 1 | 8 and group.pvs[1].state == 1
    with group.change(origin) as change:
        change.set_disk(second, allocatable=True)
    assert group.pvs[2].state == 1
    with pytest.raises(LastGoodCopy) as last, group.change(origin) as change:
        change.set_disk(first, removed=True)  # hd5 lies there alone
    assert (last.value.volume, last.value.lps) == ("hd5", 2)
    with group.change(origin) as change:
        for name in ("hd5", "lv00"):
            if 2 in group.logical_volumes[name].pv_numbers:
                change.remove_lv(name)
        change.set_disk(second, removed=True)
    assert group.logical_volumes["hd4"].stale_pps == 5 and group.pvs[2].state == 1 | 4 | 16
