"""Stopping a commit after any write, or in the middle of one, leaves the old group or the new one."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lvmfmt.errors import CorruptImage, ImageIOError, OperationRefused
from lvmfmt.lvm import Change, Severity, VolumeGroup
from lvmfmt.lvm.commit import counted, in_order
from lvmfmt.lvm.problems import Problem
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"
MIB = 1 << 20
SECTOR = 512


def view(devices: Sequence[Any]) -> tuple[dict[str, Any] | None, dict[int, Any], list[Problem]]:
    """What a group is: everything but its control blocks, the control blocks, and what is wrong. None: no group."""
    try:
        group = VolumeGroup.open(devices)
    except CorruptImage as error:
        assert (error.structure, error.field) == ("lvm_record", "lvm_id")
        return None, {}, []
    lvs, pvs = group.logical_volumes, group.physical_volumes
    metadata = {
        "pvs": {p: (v.number, v.pp_count, v.first_psn, v.vgda_count, v.state) for p, v in pvs.items()},
        "lvs": {n: (v.minor, v.map.pv.tolist(), v.map.pp.tolist(), v.state, v.policy.max_lps) for n, v in lvs.items()},
        "stale": {n: v.stale.tolist() for n, v in lvs.items()},
        "total": group.total_vgdas,
        "here": [p for p, v in pvs.items() if v.device is not None],
        "options": (group.quorum, group.auto_varyon),
    }
    return metadata, {v.minor: v.lvcb for v in lvs.values()}, group.problems


def torn(data: bytes) -> list[list[tuple[int, bytes]]]:
    """Ways in which a part of a write reaches the disk: the first sectors of it or the last."""
    sectors = [(at, data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]
    if len(sectors) == 1:
        return []
    half = len(sectors) // 2
    return [sectors[:1], sectors[:half], sectors[1:], sectors[half:]]


def stop_everywhere(devices: list[Any], act: Callable[[], None]) -> int:
    """Let `act` change the disks, then replay its writes one by one and open the group at every point."""
    before = [device.copy() for device in devices]
    log: list[Any] = []
    for device in devices:
        device.log = log
    act()
    for device in devices:
        device.log = None
    old, old_blocks, _ = view(before)
    new, new_blocks, problems = view(devices)
    assert old != new or old_blocks != new_blocks
    assert not [p for p in problems if p.severity is Severity.ERROR]
    by_id = {id(device): copy for device, copy in zip(devices, before, strict=True)}
    is_new = False
    stops = 0

    def look() -> None:
        nonlocal is_new, stops
        stops += 1
        state, blocks, problems = view(before)
        assert state in (old, new)
        assert not is_new or state == new, "it went back to the old state"
        is_new = state == new != old
        for minor, block in blocks.items():
            if state == new and minor not in old_blocks:
                assert block == new_blocks[minor], "a new LV without its control block"
            else:
                assert block in (old_blocks.get(minor), new_blocks.get(minor))
        # only a control block that is behind its VGDA contradicts the group, and nothing is out of reach
        assert not [p for p in problems if p.severity is Severity.ERROR]

    for device, offset, data in log:
        disk = by_id[id(device)]
        kept = bytes(disk.read(offset, len(data)))
        for part in torn(data):
            for at, sector in part:
                disk.write(offset + at, sector)
            look()
            disk.write(offset, kept)
        disk.write(offset, data)
        look()
    assert [d.data.tobytes() for d in before] == [d.data.tobytes() for d in devices]
    return stops


def pvid(group: VolumeGroup, number: int) -> str:
    return list(group.physical_volumes)[number - 1]


def several(change: Change, group: VolumeGroup) -> None:
    change.remove_lv("hd4")
    change.mirror("hd5")
    change.add_lv("x", "raw", 9, 3)
    change.rename_lv("lv00", "y")


ACTS: dict[str, tuple[int, Callable[[Change, VolumeGroup], None]]] = {
    "add": (2, lambda c, g: c.add_lv("new", "jfs2", 7, 2, label="/new")),
    "add on one disk": (1, lambda c, g: c.add_lv("new", "jfs2", 7, label="/new")),
    "rename": (1, lambda c, g: c.rename_lv("hd4", "alt_hd4")),
    "control block": (2, lambda c, g: c.set_lvcb("hd4", label="/alt_inst", fs="vfs=jfs2")),
    "remove": (3, lambda c, g: c.remove_lv("hd4")),
    "mirror": (3, lambda c, g: c.mirror("lv00", pvid(g, 3))),
    "unmirror": (2, lambda c, g: c.unmirror("hd4", pvid(g, 1))),
    "options": (1, lambda c, g: c.set_options(quorum=False)),
    "several": (3, several),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_change(name: str, make_group: Any, origin: SeededOrigin):
    count, act = ACTS[name]
    group, devices = make_group(count)

    def commit() -> None:
        with group.change(origin) as change:
            act(change, group)

    assert stop_everywhere(devices, commit) > 0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_create(count: int, disks: Any, origin: SeededOrigin):
    devices = disks(count)
    stop_everywhere(
        devices, lambda: VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB) and None
    )


@pytest.mark.parametrize("count", [1, 2])
def test_add_disk(count: int, make_group: Any, memory_disk: Any, origin: SeededOrigin):
    group, devices = make_group(count)
    added = memory_disk("added", 64 * MIB)

    def commit() -> None:
        with group.change(origin) as change:
            change.add_pv(added)

    stop_everywhere([*devices, added], commit)
    assert [pv.vgda_count for pv in group.physical_volumes.values()] == [[2, 1], [1, 1, 1]][count - 1]


@pytest.mark.parametrize(("count", "number"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_remove_disk(count: int, number: int, make_group: Any, origin: SeededOrigin):
    group, devices = make_group(count)
    victim = pvid(group, number)
    with group.change(origin) as change:
        for name, lv in group.logical_volumes.items():
            if number in lv.pv_numbers:
                change.remove_lv(name)

    def commit() -> None:
        with group.change(origin) as change:
            change.remove_pv(victim)

    stop_everywhere(devices, commit)


def test_sync(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.mirror("lv00")

    def commit() -> None:
        with group.change(origin) as change:
            change.mark_synced("lv00")

    stop_everywhere(devices, commit)


def test_the_only_sound_copy_is_overwritten_last(make_group: Any, origin: SeededOrigin):
    group, (disk,) = make_group(1)
    disk.write(2242 * SECTOR, bytes(SECTOR))  # header of the second copy

    def commit() -> None:
        with group.change(origin) as change:
            change.rename_lv("hd4", "other")

    assert stop_everywhere([disk], commit) > 0


def test_a_failed_write_reaches_the_caller_and_leaves_a_group(make_group: Any, origin: SeededOrigin):
    group, (disk,) = make_group(1)
    write, budget = disk.write, 3

    def failing(offset: int, buffer: Any) -> None:
        nonlocal budget
        budget -= 1
        if budget < 0:
            raise ImageIOError("no space", where=disk.name)
        write(offset, buffer)

    disk.write = failing
    with pytest.raises(ImageIOError), group.change(origin) as change:
        change.add_lv("new", "jfs2", 3)
    disk.write = write
    assert "new" not in VolumeGroup.open([disk]).logical_volumes


def test_an_error_inside_the_block_writes_nothing(make_group: Any, origin: SeededOrigin):
    group, (disk,) = make_group(1)
    before = disk.data.tobytes()
    with pytest.raises(RuntimeError), group.change(origin) as change:
        change.add_lv("new", "jfs2", 3)
        raise RuntimeError
    assert disk.data.tobytes() == before
    assert "new" not in group.logical_volumes


@pytest.mark.parametrize("how", ["missing", "read-only"])
def test_a_group_that_cannot_be_written_whole_is_not_changed(how: str, make_group: Any, origin: SeededOrigin):
    _, devices = make_group(2)
    if how == "missing":
        devices = devices[:1]
    else:
        devices[1].writable = False
    before = [d.data.tobytes() for d in devices]
    group = VolumeGroup.open(devices)
    with pytest.raises(OperationRefused), group.change(origin) as change:
        change.rename_lv("hd4", "other")
    assert [d.data.tobytes() for d in devices] == before


@pytest.mark.parametrize(
    "count, places", [(1, [(1, 0), (1, 1)]), (2, [(1, 0), (1, 1), (2, 0)]), (3, [(1, 0), (2, 0), (3, 0)])]
)
def test_places_that_the_group_counts(make_group: Any, count: int, places: list[tuple[int, int]]) -> None:
    """One disk has two copies, of two disks the first; of more each has one [lvm 1.2]."""
    state = make_group(count)[0].state
    numbers = {id(member.device): number for number, member in state.members.items()}
    assert [(numbers[id(place.device)], place.index) for place in counted(state)] == places


def test_copies_that_are_not_sound_are_written_first(make_group: Any) -> None:
    state = make_group(3)[0].state
    bad = counted(state)[2]

    def sound(place: Any) -> bool:
        if place == counted(state)[1]:
            raise CorruptImage("vgda_header", "sec", expected="a stamp", found=0)
        return place != bad

    order = list(in_order(state, sound))
    assert set(order[:2]) == {counted(state)[1], bad} and order[2:] == [counted(state)[0]]
