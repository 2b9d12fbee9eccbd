"""Making a group and changing it; who has it varied on is asked first."""

from contextlib import contextmanager
from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm.group import GroupView
from lvmfmt.lvm.volumegroup import VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20


class Keeper:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    @contextmanager
    def change(self, origin: Any = None, *, machine_id: Any = None) -> Any:
        self.asked.append(("change", machine_id))
        yield "a change"

    def sync(self, *names: str, pvids: Any = None, force: bool = False, progress: Any = None) -> int:
        self.asked.append(("sync", names, pvids, force))
        return 7


def test_a_view_does_not_change_and_a_group_does(make_group: Any) -> None:
    group, devices = make_group(2)
    seen = GroupView.open(devices)
    assert list(seen.logical_volumes) == list(group.logical_volumes) == ["hd5", "hd4", "lv00"]
    assert not hasattr(seen, "change") and isinstance(group, GroupView)


def test_the_keeper_changes_it(make_group: Any) -> None:
    group, _ = make_group()
    group.keeper = keeper = Keeper()
    with group.change(machine_id="00C0FFEE4C00") as change:
        assert change == "a change"
    assert group.sync("hd4", pvids=["x"], force=True) == 7
    assert keeper.asked == [("change", "00C0FFEE4C00"), ("sync", ("hd4",), ["x"], True)]


def test_a_change_that_fails_changes_nothing(make_group: Any) -> None:
    group, (disk,) = make_group()
    before = disk.data.copy()
    with pytest.raises(RuntimeError), group.change() as change:
        change.remove_lv("lv00")
        raise RuntimeError
    assert (disk.data == before).all() and "lv00" in group.logical_volumes


def test_identifiers_are_those_of_the_machine(disks: Any) -> None:
    with pytest.raises(OperationRefused, match="needs a disk"):
        VolumeGroup.create([], origin=SeededOrigin(1))
    group = VolumeGroup.create(disks(1), origin=SeededOrigin(1), machine_id="00C0FFEE4C00", pp_size=MIB)
    assert group.vgid.startswith("00c0ffee00004c00") and next(iter(group.physical_volumes)).startswith("00c0ffee")
    change = group.begin(SeededOrigin(2))
    change.add_lv("lv00", "raw", 1)
    assert change.finish()[1].new_lvcbs[1].count(b"FFEE4C00") == 1  # the last nine digits [lvm 13.2]


def test_syncing_fills_and_marks(make_group: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    lv.device.write(512, b"new")
    with group.change(origin) as change:
        change.mark_stale("hd4")
    stale = group.logical_volumes["hd4"].stale_pps
    assert stale == 5 and group.sync("lv00", origin=origin) == 0
    assert group.sync("hd4", origin=origin) > 0 and group.logical_volumes["hd4"].stale_pps == 0
    assert group.sync(origin=origin) == 0
    assert [lv.copy_device(n).read(512, 3).tobytes() for n in (1, 2)] == [b"new", b"new"]
    assert VolumeGroup.open(devices).problems == []
