"""Operations on logical volumes: what they do, what they refuse, and what a stop at any write leaves.

Bytes are compared with what was written through the LVs before; places with the formulas of [lvm 14, 15].

Modules: `lvmfmt.lvm.change.volumes`, `lvmfmt.lvm.change.copies`, `lvmfmt.lvm.change.policies`,
`lvmfmt.lvm.change.disks`, `lvmfmt.lvm.change.draft`, `lvmfmt.lvm.sync`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import AlreadyExists, CorruptImage, LvmfmtError, NotFound, OperationRefused
from lvmfmt.lvm import Change, LvPolicy, Severity, VgKind, VolumeGroup
from lvmfmt.lvm.change.mapfile import PartitionRange, parse_map_file
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.errors import (
    AllocationRefused,
    BadArgument,
    BadMap,
    CopiesExist,
    LastDisk,
    LastGoodCopy,
    MaximumReached,
    NotOnDisk,
    PartitionsInUse,
    SnapshotGroup,
)
from lvmfmt.lvm.migrating import copy_lv, copy_onto, migrate, migrate_lp
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.lvm.split import join_group, split_group
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"
MIB = 1 << 20
SECTOR = 512
FIRST_PP = 4352 * SECTOR
KIB = 1024


@pytest.fixture
def small(memory_disk: type[Any], origin: SeededOrigin) -> Callable[..., tuple[VolumeGroup, list[Any]]]:
    """`small(3)`: a group of disks of 12 PPs of 1 MiB whose LVs hold data; options go to `VolumeGroup.create`."""

    def make(count: int, volumes: str = "bms", **options: Any) -> tuple[VolumeGroup, list[Any]]:
        size = 15 * MIB + (9 * MIB if options.get("kind") else 0)
        devices = [memory_disk(f"disk{i + 1}", size) for i in range(count)]
        group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB, **options)
        with group.change(origin) as change:
            if "b" in volumes:
                change.add_lv("hd5", "boot", 2, policy=LvPolicy(intra="e"), label="primary_bootlv")
            if "m" in volumes:
                change.add_lv("hd4", "jfs2", 2, min(count, 2), label="/", fs="vfs=jfs2:log=/dev/hd8")
            if "s" in volumes and count > 1:
                change.add_lv("stripe", "raw", 4, policy=LvPolicy(strip_size=64 * KIB, stripe_width=2))
        for seed, lv in enumerate(group.logical_volumes.values()):
            data = np.random.default_rng(seed).integers(0, 256, lv.size - SECTOR, np.uint8)
            lv.device.write(SECTOR, data)
        return group, devices

    return make


def pvid(group: VolumeGroup, number: int) -> str:
    return list(group.physical_volumes)[number - 1]


def contents(group: VolumeGroup) -> dict[str, bytes]:
    """What every LV holds behind its control block."""
    return {
        name: lv.device.read(SECTOR, lv.size - SECTOR).tobytes() for name, lv in group.logical_volumes.items()
    }  # fmt: skip


def stop_everywhere(devices: Sequence[Any], act: Callable[[], Any], look: Callable[[Sequence[Any]], None]) -> int:
    """Let `act` change the disks, then replay its writes one by one; `look` at the disks after each."""
    before = [device.copy() for device in devices]
    log: list[Any] = []
    for device in devices:
        device.log = log
    act()
    for device in devices:
        device.log = None
    by_id = {id(device): copy for device, copy in zip(devices, before, strict=True)}
    look(before)
    for device, offset, data in log:
        disk = by_id[id(device)]
        kept = disk.read(offset, len(data)).tobytes()
        disk.write(offset, data[: len(data) // 2 // SECTOR * SECTOR])
        look(before)
        disk.write(offset, kept)
        disk.write(offset, data)
        look(before)
    assert all(np.array_equal(a.data, b.data) for a, b in zip(devices, before, strict=True))
    return len(log)


# ---- moving and copying data


def moved(group: VolumeGroup, origin: SeededOrigin) -> None:
    migrate(group, [pvid(group, 1)], [pvid(group, 3)], origin=origin)


def moved_one(group: VolumeGroup, origin: SeededOrigin) -> None:
    migrate(group, [pvid(group, 1)], [pvid(group, 3)], origin=origin, name="hd5")


def moved_lp(group: VolumeGroup, origin: SeededOrigin) -> None:
    migrate_lp(group, "hd4", 2, pvid(group, 3), origin=origin)


def copied(group: VolumeGroup, origin: SeededOrigin) -> None:
    copy_lv(group, "hd4", "copy", origin=origin)


def copied_stripe(group: VolumeGroup, origin: SeededOrigin) -> None:
    copy_lv(group, "stripe", "copy", origin=origin)


MOVES = {"group": moved, "lv": moved_one, "lp": moved_lp, "cplv": copied, "cplv striped": copied_stripe}


@pytest.mark.parametrize("name", MOVES)
def test_moving_stopped_at_every_write(name: str, small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3)
    before = contents(group)
    states = []

    def look(disks: Sequence[Any]) -> None:
        now = VolumeGroup.open(disks)
        assert not [p for p in now.problems if p.severity is Severity.ERROR]
        found = contents(now)
        extra = found.keys() - before.keys()
        assert {name: found[name] for name in before} == before
        for new in extra:  # a new LV is there as a whole or not at all
            assert found[new] == before["hd4" if name == "cplv" else "stripe"]
        states.append(tuple(tuple(lv.map.pv.ravel().tolist()) for lv in now.logical_volumes.values()))

    assert stop_everywhere(devices, lambda: MOVES[name](group, origin), look) > 4
    steps = [a != b for a, b in pairwise(states)]
    assert sum(steps) == (3 if name == "group" else 1)  # one LV after the other, each at once
    assert check(devices) == []
    if name in ("group", "lv"):
        assert set(group.logical_volumes["hd5"].pv_numbers).isdisjoint({1})
    if name == "group":
        assert not group.physical_volumes[pvid(group, 1)].used.any()


@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_the_operations_in_big_and_scalable_groups(kind: VgKind, small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3, "ms", kind=kind)
    before = contents(group)
    moved_lp(group, origin)
    with group.change(origin) as change:
        change.set_policy("stripe", replace(change.policy("stripe"), max_lps=20))
    migrate(group, [pvid(group, 2)], [pvid(group, 3), pvid(group, 1)], origin=origin, name="hd4")
    copied_stripe(group, origin)
    group.logical_volumes["copy"].device.write(0, b"block 0")
    other, (disk,) = small(1, "b")
    with pytest.raises(AllocationRefused):
        copy_lv(group, "copy", "c", origin=origin, into=other)  # two disks
    again = VolumeGroup.open(devices)
    assert contents(again) == {**before, "copy": before["stripe"]} and check(devices) == []
    for lv in group.logical_volumes.values():
        assert lv.lps == lv.lvcb.lps
    assert check([disk]) == []


def test_block_0_of_an_application_is_copied(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2, "m")
    group.logical_volumes["hd4"].device.write(0, b"database".ljust(SECTOR, b"."))
    copy_lv(group, "hd4", "copy", origin=origin)
    lv = VolumeGroup.open(devices).logical_volumes["copy"]
    assert lv.device.read(0, 8).tobytes() == b"database" and lv.lvcb is None
    svg, _ = small(2, "", kind=VgKind.SCALABLE)
    copy_lv(group, "hd4", "copy", origin=origin, into=svg)
    lv = svg.logical_volumes["copy"]
    assert lv.device.read(0, 8).tobytes() == b"database" and lv.lvcb is not None


def test_migration_reads_and_writes_nothing_that_is_not_allocated(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3)
    log: list[Any] = []
    devices[2].log = log
    migrate(group, [pvid(group, 1)], [pvid(group, 3)], origin=origin)
    data = sum(len(data) for _, offset, data in log if offset >= FIRST_PP)
    assert data == int(group.physical_volumes[pvid(group, 3)].used.sum()) * MIB == (2 + 2 + 2) * MIB


def test_a_stale_partition_is_good_where_it_went(small: Any, origin: SeededOrigin) -> None:
    group, _ = small(3)
    before = contents(group)
    with group.change(origin) as change:
        change.mark_stale("hd4")
    second = pvid(group, int(group.logical_volumes["hd4"].map.pv[1, 0]))
    migrate(group, [second], [pvid(group, 3)], origin=origin, name="hd4")
    lv = group.logical_volumes["hd4"]
    assert not lv.stale_pps and contents(group) == before
    assert lv.copy_device(1).read(0, lv.size).tobytes() == lv.copy_device(2).read(0, lv.size).tobytes()


def test_a_copy_in_another_group_and_onto_another_volume(small: Any, origin: SeededOrigin) -> None:
    group, _ = small(2)
    other, devices = small(2, "m")
    copy_lv(group, "stripe", "copy", origin=origin, into=other)
    assert contents(other)["copy"] == contents(group)["stripe"]
    assert other.logical_volumes["copy"].policy.stripe_width == 2
    assert copy_onto(group, "hd4", "hd4", origin=origin, into=other) == 2 * MIB - SECTOR
    assert contents(other)["hd4"] == contents(group)["hd4"] and check(devices) == []


# ---- splitting and joining


def test_splitting_stopped_at_every_write(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2, "m")
    before = contents(group)
    off = devices[1]
    seen = set()

    def look(disks: Sequence[Any]) -> None:
        rest, away = disks[0], disks[1]
        alone = VolumeGroup.open([rest])
        assert contents(alone) == before
        try:
            both = VolumeGroup.open(disks)
            assert contents(both) == before
            assert not [p for p in both.problems if p.severity is Severity.ERROR]
            seen.add("one")
        except OperationRefused:  # two groups
            snapshot = VolumeGroup.open([away])
            assert list(contents(snapshot).values()) == list(before.values())
            assert snapshot.logical_volumes["fshd4"].label == "/fs"
            seen.add("two")

    assert stop_everywhere(devices, lambda: split_group(group, [pvid(group, 2)], origin=origin), look) > 10
    assert seen == {"one", "two"}
    snapshot = VolumeGroup.open([off])
    assert check([off]) == [] == check(devices[:1])
    assert snapshot.logical_volumes["fshd4"].lvcb.lvid == f"{snapshot.vgid}.1" != group.logical_volumes["hd4"].lvid

    snapshot.logical_volumes["fshd4"].device.write(MIB + 9, b"on the snapshot")
    group.logical_volumes["hd4"].device.write(9000, b"on the group")
    after = contents(group)

    def look_again(disks: Sequence[Any]) -> None:
        assert contents(VolumeGroup.open(disks[:1])) == after
        try:
            both = VolumeGroup.open(disks)
        except OperationRefused:
            return
        assert contents(both) == after

    stop_everywhere(devices, lambda: join_group(group, [off], origin=origin), look_again)
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    assert check(devices) == [] and not lv.stale_pps
    assert lv.copy_device(1).read(0, lv.size).tobytes() == lv.copy_device(2).read(0, lv.size).tobytes()


@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_splitting_big_and_scalable_groups(kind: VgKind, small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2, "m", kind=kind)
    data = contents(group)["hd4"]
    for number in (2, 1):
        away, stays = devices[number - 1], devices[2 - number]
        group = VolumeGroup.open(devices)
        snapshot = split_group(group, [pvid(group, number)], origin=origin)
        assert contents(snapshot)["fshd4"] == data and check([away]) == [] == check([stays])
        assert VolumeGroup.open([away]).logical_volumes["fshd4"].label == "/fs"
        snapshot.logical_volumes["fshd4"].device.write(5000, b"changed")
        join_group(VolumeGroup.open([stays]), [away], origin=origin)
        assert contents(VolumeGroup.open(devices))["hd4"] == data and check(devices) == []


def test_joining_copies_only_what_differs(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2, "m")
    with group.change(origin) as change:
        change.extend_lv("hd4", 4)
    lv = group.logical_volumes["hd4"]
    lv.device.write(2 * MIB, bytes([7]) * 4 * MIB)
    split_group(group, [pvid(group, 2)], origin=origin)
    group.logical_volumes["hd4"].device.write(4 * MIB, b"changed")
    # LP 1 has another control block, LP 5 was changed, the others are equal
    assert join_group(group, [devices[1]], origin=origin) == 2 * MIB


def test_a_stopped_split_can_be_joined(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2, "m")
    before, copies = contents(group), [d.copy() for d in devices]
    log: list[Any] = []
    for device in devices:
        device.log = log
    split_group(group, [pvid(group, 2)], origin=origin)
    seen = set()
    for device, offset, data in log:
        copies[devices.index(device)].write(offset, data)
        trial = [d.copy() for d in copies]
        now = VolumeGroup.open(trial[:1])
        if not any(pv.state & 64 for pv in now.physical_volumes.values()):
            continue
        join_group(now, trial[1:], origin=origin)
        seen.add(offset)
        assert contents(VolumeGroup.open(trial)) == before and check(trial) == []
    assert len(seen) > 5


# ---- making, extending, copies


def test_a_striped_volume_lies_as_the_formula_says(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3)
    lv = group.logical_volumes["stripe"]
    assert (lv.policy.stripe_width, lv.policy.strip_size) == (2, 64 * KIB)
    assert int(group.state.vgda.lvs[lv.minor - 1]["mirror_policy"]) == 5
    assert (lv.lvcb.stripe_width, lv.lvcb.stripe_exp) == (2, 16)
    data = np.random.default_rng(5).integers(0, 256, lv.size - SECTOR, np.uint8)
    lv.device.write(SECTOR, data)
    for x in np.random.default_rng(6).integers(SECTOR, lv.size, 200).tolist():
        strip, width = 64 * KIB, 2
        unit, g = x // strip, x // (width * MIB)  # [lvm 15]
        unit -= g * width * MIB // strip
        lp, at = g * width + unit % width, unit // width * strip + x % strip
        disk = devices[int(lv.map.pv[0, lp]) - 1]
        assert disk.data[FIRST_PP + (int(lv.map.pp[0, lp]) - 1) * MIB + at] == data[x - SECTOR]


def test_striped_and_mirrored(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(4, "")
    with group.change(origin) as change:
        change.add_lv("both", "raw", 3, 2, policy=LvPolicy(strip_size=4 * KIB, stripe_width=2))
    lv = group.logical_volumes["both"]
    assert lv.lps == 4 and lv.policy.strict == "s" and lv.policy.upper_bound == 2
    assert [sorted(set(row)) for row in lv.map.pv.tolist()] == [[1, 2], [3, 4]]
    data = np.random.default_rng(7).integers(0, 256, lv.size - SECTOR, np.uint8)
    lv.device.write(SECTOR, data)
    for copy in (1, 2):
        assert np.array_equal(lv.copy_device(copy).read(SECTOR, len(data)), data)
    with group.change(origin) as change:
        change.remove_copies("both", 1)
    with group.change(origin) as change:
        change.mirror("both")
    group.sync(origin=origin)
    assert np.array_equal(group.logical_volumes["both"].copy_device(2).read(SECTOR, len(data)), data)
    with group.change(origin) as change:
        change.extend_lv("both", 1)
    assert group.logical_volumes["both"].lps == 6 and check(devices) == []


def test_map_files(small: Any, origin: SeededOrigin) -> None:
    group, _ = small(2, "")
    pvids = {"hdisk0": pvid(group, 1), "hdisk1": pvid(group, 2)}
    text = "hdisk0:4\n\n hdisk0:6-7 \nhdisk1:9-7\n"
    with group.change(origin) as change:
        change.add_lv("lv", "raw", 3, 2, partitions=parse_map_file(text, pvids))
    lv = group.logical_volumes["lv"]
    assert lv.map.pv.tolist() == [[1] * 3, [2] * 3] and lv.map.pp.tolist() == [[4, 6, 7], [9, 8, 7]]
    for bad in ("hdisk0", "hdisk2:1", "hdisk0:x", "hdisk0:1-", ":1", "hdisk0:1:2"):
        with pytest.raises(BadMap, match="line 1"):
            parse_map_file(bad, pvids)


def test_copies_are_taken_off_the_disks_that_are_named(small: Any, origin: SeededOrigin) -> None:
    group, _ = small(3, "")
    with group.change(origin) as change:
        change.add_lv("three", "raw", 2, 3)
    for disks, left in (([1], {2, 3}), ([3, 2], {1, 2}), (None, {1, 2})):
        with pytest.raises(ZeroDivisionError), group.change(origin) as change:
            change.remove_copies("three", 2, disks and [pvid(group, n) for n in disks])
            assert set(change.state.maps[1].pv.ravel().tolist()) == left
            raise ZeroDivisionError


def test_mirror_to_three_at_once_and_elsewhere(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3, "b")
    before = contents(group)
    with group.change(origin) as change:
        change.mirror("hd5", copies=3, policy=replace(change.policy("hd5"), intra="ie"))
    lv = group.logical_volumes["hd5"]
    assert lv.copies == 3 and lv.stale.sum() == 4 and lv.map.pp[1:].min() > 9
    group.sync(origin=origin)
    assert all(
        group.logical_volumes["hd5"].copy_device(c).read(SECTOR, lv.size - SECTOR).tobytes() == before["hd5"]
        for c in (1, 2, 3)
    )
    assert check(devices) == []


def test_flags(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2)
    with group.change(origin) as change:
        asked = LvPolicy(
            "ie", "x", "s", 1, contiguous=False, stripe_width=0, relocatable=False, bb_relocation=False,
            write_verify=True, mwc="p", schedule="pr", read_only=True, max_lps=77,
        )  # fmt: skip
        change.set_policy("hd4", asked)
    group = VolumeGroup.open(devices)
    lv = group.logical_volumes["hd4"]
    assert lv.policy == asked
    assert (lv.lvcb.intra, lv.lvcb.inter, lv.lvcb.strict) == ("ie", "x", "s")
    assert (lv.lvcb.upper_bound, lv.lvcb.relocatable) == (1, False)
    entry = group.state.vgda.lvs[lv.minor - 1]  # [lvm 8.2]
    codes = ("bb_relocation", "write_verify", "mirwrt_consist", "mirror_policy", "permissions", "maxsize")
    assert [int(entry[code]) for code in codes] == [2, 1, 3, 8, 2, 77]
    assert check(devices) == []


def test_a_larger_factor_stopped_at_every_write(small: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, devices = small(3)
    before = contents(group)
    seen = []

    def look(disks: Sequence[Any]) -> None:
        now = VolumeGroup.open(disks)
        assert contents(now) == before
        assert not [p for p in now.problems if p.severity is Severity.ERROR]
        seen.append(now.factor)

    def grow() -> None:
        with group.change(origin) as change:
            change.set_options(factor=4)

    stop_everywhere(devices, grow, look)
    assert seen == sorted(seen) and {seen[0], seen[-1]} == {1, 4} == set(seen)
    assert check(devices) == []
    large = memory_disk("large", (4352 + 256) * SECTOR + 1500 * MIB)
    with group.change(origin) as change:
        change.add_pv(large)
        change.add_lv("beyond", "raw", 1100, policy=LvPolicy(max_lps=2000))
    again = VolumeGroup.open([*devices, large])
    assert [pv.pp_count for pv in again.physical_volumes.values()] == [12, 12, 12, 1500]
    assert again.logical_volumes["beyond"].lps == 1100 and check([*devices, large]) == []
    with group.change(origin) as change:
        change.remove_lv("beyond")
    with group.change(origin) as change:
        change.set_options(factor=8)
    assert VolumeGroup.open([*devices, large]).factor == 8 and contents(group) == before


def test_a_larger_factor_of_one_disk_and_with_stale_partitions(small: Any, origin: SeededOrigin) -> None:
    for count in (1, 2):
        group, devices = small(count)
        with group.change(origin) as change:
            change.mark_stale("hd4")
        with group.change(origin) as change:
            change.set_options(factor=2)
        again = VolumeGroup.open(devices)
        assert again.factor == 2 and contents(again) == contents(group)
        assert again.logical_volumes["hd4"].stale_pps == 2 * (count - 1) and check(devices) == []


# ---- refusals


def fill_up(change: Change, group: VolumeGroup) -> None:
    change.add_lv("x", "raw", 30)


REFUSALS: dict[str, tuple[type[LvmfmtError], Callable[[Change, VolumeGroup], Any]]] = {
    "no room": (AllocationRefused, lambda c, g: c.add_lv("x", "raw", 99)),
    "strict": (AllocationRefused, lambda c, g: c.add_lv("x", "raw", 1, 3)),
    "upper bound": (AllocationRefused, lambda c, g: c.add_lv("x", "raw", 12, policy=LvPolicy(upper_bound=1))),
    "name in use": (AlreadyExists, lambda c, g: c.add_lv("hd4", "raw", 1)),
    "bad name": (OperationRefused, lambda c, g: c.add_lv("a/b", "raw", 1)),
    "no LPs": (BadArgument, lambda c, g: c.add_lv("x", "raw", 0)),
    "copies": (BadArgument, lambda c, g: c.add_lv("x", "raw", 1, 4)),
    "region": (BadArgument, lambda c, g: c.add_lv("x", "raw", 1, policy=LvPolicy(intra="z"))),
    "mwc": (BadArgument, lambda c, g: c.add_lv("x", "raw", 1, policy=LvPolicy(mwc="z"))),
    "strip of a sector": (BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(strip_size=512))),
    "strip of three": (BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(strip_size=12288))),
    "strip above a PP": (BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(strip_size=2 * MIB))),
    "large strip in an old group": (
        BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(strip_size=256 * KIB))),
    "stripe of one": (
        BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(strip_size=4096, stripe_width=1))),
    "stripe without strips": (BadArgument, lambda c, g: c.add_lv("x", "raw", 2, policy=LvPolicy(stripe_width=2))),
    "map too short": (BadMap, lambda c, g: c.add_lv("x", "raw", 2, partitions=[PartitionRange(pvid(g, 1), 12, 12)])),
    "map on a used PP": (BadMap, lambda c, g: c.add_lv("x", "raw", 1, partitions=[PartitionRange(pvid(g, 1), 1, 1)])),
    "map off the disk": (BadMap, lambda c, g: c.add_lv("x", "raw", 1, partitions=[PartitionRange(pvid(g, 1), 0, 0)])),
    "map against strictness": (
        BadMap, lambda c, g: c.add_lv("x", "raw", 1, 2, partitions=[PartitionRange(pvid(g, 1), 10, 11)])),
    "boot map in pieces": (BadMap, lambda c, g: c.add_lv(
        "x", "boot", 2, partitions=[PartitionRange(pvid(g, 1), 12, 11)])),
    "maximum": (MaximumReached, lambda c, g: (
        c.set_policy("hd4", replace(c.policy("hd4"), max_lps=3)), c.extend_lv("hd4", 2))),
    "extend by none": (BadArgument, lambda c, g: c.extend_lv("hd4", 0)),
    "extend what is not": (NotFound, lambda c, g: c.extend_lv("nothing", 1)),
    "extend a boot LV": (AllocationRefused, lambda c, g: (c.add_lv(
        "x", "raw", 1, partitions=[PartitionRange(pvid(g, 1), 3, 3)]), c.extend_lv("hd5", 1))),
    "third copy": (AllocationRefused, lambda c, g: c.mirror("hd4")),
    "two there are": (CopiesExist, lambda c, g: c.mirror("hd4", copies=2)),
    "fewer than there are": (CopiesExist, lambda c, g: c.remove_copies("hd5", 1)),
    "rmlvcopy to none": (BadArgument, lambda c, g: c.remove_copies("hd4", 0)),
    "last good copy": (LastGoodCopy, lambda c, g: (c.mark_stale("hd4"), c.unmirror("hd4", pvid(g, 1)))),
    "not on disk": (NotOnDisk, lambda c, g: c.unmirror("hd5", pvid(g, 2))),
    "strict after the fact": (BadArgument, lambda c, g: c.set_policy("hd4", replace(c.policy("hd4"), upper_bound=0))),
    "fewer LPs than there are": (BadArgument, lambda c, g: c.set_policy("hd4", replace(c.policy("hd4"), max_lps=1))),
    "stripe made wider": (
        BadArgument, lambda c, g: c.set_policy("stripe", replace(c.policy("stripe"), stripe_width=3))),
    "stripe made loose": (BadArgument, lambda c, g: c.set_policy("stripe", replace(c.policy("stripe"), strict="n"))),
    "factor without room for the disks": (BadArgument, lambda c, g: c.set_options(factor=32)),
    "factor that is none": (OperationRefused, lambda c, g: c.set_options(factor=3)),
    "smaller factor": (BadArgument, lambda c, g: (c.set_options(factor=4), c.set_options(factor=2))),
    "disk in use": (PartitionsInUse, lambda c, g: c.remove_pv(pvid(g, 1))),
    "move nothing": (NotOnDisk, lambda c, g: c.move("hd5", [pvid(g, 2)], [pvid(g, 1)])),
    "move against strictness": (AllocationRefused, lambda c, g: c.move("hd4", [pvid(g, 1)], [pvid(g, 2)])),
    "move a column to its neighbour": (
        AllocationRefused, lambda c, g: c.move("stripe", [pvid(g, 1)], [pvid(g, 2)])),
    "move to a used PP": (AllocationRefused, lambda c, g: c.move_lp("hd5", 1, pvid(g, 1), 2)),
    "move one LP of a boot LV": (AllocationRefused, lambda c, g: c.move_lp("hd5", 1, pvid(g, 2))),
    "move an LP that is not": (NotFound, lambda c, g: c.move_lp("hd5", 9, pvid(g, 2))),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_changes_no_byte(name: str, small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2)
    before = [device.data.copy() for device in devices]
    error, act = REFUSALS[name]
    with pytest.raises(error), group.change(origin) as change:
        act(change, group)
    assert all(np.array_equal(a.data, b) for a, b in zip(devices, before, strict=True))


def test_refusals_of_whole_operations_change_no_byte(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(2)
    other, (stranger,) = small(1, "b")
    mirrored, pair = small(2, "m")
    with mirrored.change(origin) as change:
        change.rename_lv("hd4", "fourteen_chars")
    everything = [*devices, stranger, *pair]
    before = [device.data.copy() for device in everything]
    first, second = pvid(group, 1), pvid(group, 2)
    for error, act in (
        (NotOnDisk, lambda: migrate(group, [second], [first], origin=origin, name="hd5")),
        (NotFound, lambda: migrate(group, [first], [second], origin=origin, name="nothing")),
        (AllocationRefused, lambda: migrate(group, [first], [second], origin=origin, name="hd4")),
        (AlreadyExists, lambda: copy_lv(group, "hd4", "hd5", origin=origin)),
        (AllocationRefused, lambda: copy_lv(group, "hd4", "new", origin=origin, into=other)),
        (OperationRefused, lambda: copy_onto(group, "hd4", "hd4", origin=origin)),
        (OperationRefused, lambda: copy_onto(group, "hd4", "stripe", origin=origin)),
        (OperationRefused, lambda: split_group(group, [second], origin=origin)),  # hd5 is not mirrored
        (OperationRefused, lambda: split_group(mirrored, [pvid(mirrored, 2)], origin=origin)),  # name too long
        (OperationRefused, lambda: split_group(mirrored, list(mirrored.physical_volumes), origin=origin)),
        (OperationRefused, lambda: join_group(group, [stranger], origin=origin)),
    ):
        with pytest.raises(error):
            act()
    with pytest.raises(LastDisk), other.change(origin) as change:
        change.remove_lv("hd5")
        change.remove_pv(pvid(other, 1))
    assert all(np.array_equal(a.data, b) for a, b in zip(everything, before, strict=True))


def test_a_split_group_is_varied_on_without_force(small: Any, origin: SeededOrigin) -> None:
    group, devices = small(3, "")
    with group.change(origin) as change:
        change.add_lv("lv", "raw", 2, 2)
    split_group(group, [pvid(group, 2)], origin=origin)
    online = varyon([devices[0], devices[2]], origin=origin)
    with online.open_lv("lv") as volume:
        volume.write(SECTOR, b"written while split")
        volume.flush()
    migrate(online, [pvid(group, 1)], [pvid(group, 3)], origin=origin)
    online.varyoff()
    rest = VolumeGroup.open([devices[0], devices[2]])
    join_group(rest, [devices[1]], origin=origin)
    lv = VolumeGroup.open(devices).logical_volumes["lv"]
    assert lv.pv_numbers == [2, 3] and not lv.stale_pps and check(devices) == []
    for copy in (1, 2):
        assert lv.copy_device(copy).read(SECTOR, 19).tobytes() == b"written while split"


def test_a_split_group_is_not_extended_or_split_again(small: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, _ = small(3, "")
    with group.change(origin) as change:
        change.add_lv("lv", "raw", 1, 2)
    split_group(group, [pvid(group, 2)], origin=origin)
    with pytest.raises(SnapshotGroup), group.change(origin) as change:
        change.add_pv(memory_disk("new", 15 * MIB))
    with pytest.raises(SnapshotGroup):
        split_group(group, [pvid(group, 3)], origin=origin)


def test_a_torn_volume_cannot_be_moved(small: Any, origin: SeededOrigin) -> None:
    _, devices = small(3)
    part = VolumeGroup.open(devices[1:])
    with pytest.raises(LvmfmtError):
        migrate(part, [pvid(part, 1)], [pvid(part, 3)], origin=origin)
    assert isinstance(VolumeGroup.open(devices), VolumeGroup)
    with pytest.raises(CorruptImage):
        VolumeGroup.open([type(devices[0])("empty", 15 * MIB)])


def test_an_lv_gives_its_last_partitions_back(make_group: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    before = group.logical_volumes["hd4"]
    kept, used = before.device.read(0, 2 * MIB).tobytes(), group.physical_volumes[pvid(group, 1)].used.sum()
    with group.change(origin) as change:
        change.shrink_lv("hd4", 2)
    group = VolumeGroup.open(devices)
    lv = group.logical_volumes["hd4"]
    assert (lv.lps, lv.pps, lv.copies) == (2, 4, 2) and lv.lvcb is not None and lv.lvcb.lps == 2
    assert (lv.map.pp == before.map.pp[:, :2]).all()
    assert group.physical_volumes[pvid(group, 1)].used.sum() == used - 3
    assert lv.device.read(512, 2 * MIB - 512).tobytes() == kept[512:] and check(devices) == []
    for lps in (0, 3):
        with pytest.raises(BadArgument), group.change(origin) as change:
            change.shrink_lv("hd4", lps)
