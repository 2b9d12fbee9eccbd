"""Varying on with and without all disks: quorum, missing marks, which copy is believed, what comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from lvmfmt.errors import ImageIOError, OperationRefused
from lvmfmt.lvm import VolumeGroup, scan
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.online.onlinegroup import OnlineGroup
from lvmfmt.lvm.online.varyon import NoQuorum, PvState, refresh, varyon
from lvmfmt.lvm.split import join_group, split_group
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
SECTOR = 512
Make = Callable[..., tuple[VolumeGroup, list[Any]]]


def findings(devices: list[Any]) -> set[str]:
    return {problem.rule for problem in check(devices)}


def pv_missing(device: Any) -> int:
    """The missing-PV bitmap of the first VGSA: byte 8 at PSN 128 [lvm 7.1]."""
    return int.from_bytes(device.read(128 * SECTOR + 8, 4).tobytes(), "big")


def stale_row(device: Any, number: int) -> set[int]:
    """Stale PPs of a PV by the VGSA on a disk: 127 bytes a PV from byte 12, lowest bit first (vector 8)."""
    row = device.read(128 * SECTOR + 12 + 127 * (number - 1), 127).tobytes()
    return {pp for pp in range(1, 1017) if row[(pp - 1) // 8] >> (pp - 1) % 8 & 1}


def fail(device: Any) -> Callable[[], None]:
    """Make every access fail; the result makes the disk work again."""
    kept = {name: getattr(device, name) for name in ("read_into", "write", "flush", "punch")}

    def broken(*_: object) -> None:
        raise ImageIOError("broken", where=device.name)

    for name in kept:
        setattr(device, name, broken)

    def heal() -> None:
        for name in kept:
            delattr(device, name)

    return heal


def test_with_all_disks_nothing_is_written(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(3)
    before = [d.data.tobytes() for d in devices]
    online = varyon(devices, origin=origin)
    assert online.missing == set() and online.repaired == []
    online.varyoff()
    assert [d.data.tobytes() for d in devices] == before


@pytest.mark.parametrize("quorum", [True, False])
def test_all_disks_must_be_here_whatever_the_quorum_setting(quorum: bool, make_group: Make, origin: SeededOrigin):
    # [lvm 11] (I6 technote), [commands 2.6]
    group, devices = make_group(3)
    with group.change(origin) as change:
        change.set_options(quorum=quorum)
    before = [d.data.tobytes() for d in devices]
    with pytest.raises(NoQuorum) as refused:
        varyon(devices[:2], origin=origin)
    assert [s.state for s in refused.value.statuses] == [PvState.ACTIVE, PvState.ACTIVE, PvState.NOT_FOUND]
    assert [s.pvid for s in refused.value.statuses] == list(group.physical_volumes)
    assert [d.data.tobytes() for d in devices] == before


def test_forced_it_marks_the_disk_as_missing_and_can_be_changed(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(3)
    with pytest.raises(OperationRefused), VolumeGroup.open(devices[:2]).change(origin) as change:
        change.rename_lv("hd4", "other")
    online = varyon(devices[:2], origin=origin, force=True)
    assert online.missing == {3}
    assert [pv_missing(d) for d in devices] == [0b100, 0b100, 0]
    with online.change() as change:
        change.rename_lv("hd4", "other")
        change.add_lv("new", "jfs2", 4)
    online.varyoff()
    # the next command finds it as it was left, without being told
    with VolumeGroup.open(devices[:2]).change(origin) as change:
        change.rename_lv("lv00", "third")
    assert [s.state for s in _statuses(devices[:2], origin)] == [PvState.ACTIVE, PvState.ACTIVE, PvState.MISSING]
    back = varyon(devices, origin=origin)
    assert back.missing == set() and [pv_missing(d) for d in devices] == [0, 0, 0]
    assert set(back.group.logical_volumes) == {"hd5", "other", "third", "new"}
    assert not findings(devices)
    copies = [d.read(136 * SECTOR, 2098 * SECTOR).tobytes() for d in devices]
    assert copies[0] == copies[1] == copies[2]


def _statuses(devices: list[Any], origin: SeededOrigin) -> list[Any]:
    with pytest.raises(NoQuorum) as refused:
        varyon(devices, origin=origin)
    return refused.value.statuses


def test_nothing_is_put_on_a_missing_disk(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    online = varyon(devices[:1], origin=origin, force=True)
    with pytest.raises(OperationRefused), online.change() as change:
        change.add_lv("two", "raw", 2, 2)
    with online.change() as change:
        change.add_lv("one", "raw", 2)
    assert online.group.logical_volumes["one"].pv_numbers == [1]


def test_a_control_block_that_a_missing_disk_did_not_get_makes_its_partition_stale(
    make_group: Make, origin: SeededOrigin
):
    group, devices = make_group(2)
    hd4 = group.logical_volumes["hd4"]
    first = int(hd4.map.pp[hd4.map.pv[:, 0] == 2, 0][0])
    online = varyon(devices[:1], origin=origin, force=True)
    with online.change() as change:
        change.set_lvcb("hd4", label="/other")
    online.varyoff()
    assert stale_row(devices[0], 2) == {first}
    back = varyon(devices, origin=origin)
    assert stale_row(devices[0], 2) == set() and not findings(devices)
    assert back.group.logical_volumes["hd4"].label == "/other"


@pytest.mark.parametrize(("count", "lost", "stays"), [(2, 0, False), (2, 1, True), (3, 0, True), (1, 0, False)])
def test_quorum_while_it_is_on(count: int, lost: int, stays: bool, make_group: Make, origin: SeededOrigin):
    # VGDAs 2 + 1, 1 + 1 + 1, 2: losing the disk with 2 of 3 loses quorum, losing the other does not (I6)
    _, devices = make_group(count)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    fail(devices[lost])
    if stays:
        volume.write(0, b"x" * SECTOR)
        volume.flush()
        assert volume.read(0, 1).tobytes() == b"x"
        assert online.missing == {lost + 1}
    else:
        with pytest.raises(ImageIOError):
            volume.write(0, b"x" * SECTOR)
            volume.flush()
        for _ in range(2):
            with pytest.raises(ImageIOError, match="quorum"):
                volume.read(0, 1)
            with pytest.raises(ImageIOError, match="quorum"):
                volume.write(SECTOR, b"y")


def test_half_of_the_vgdas_is_no_quorum(make_group: Make, origin: SeededOrigin) -> None:
    _, devices = make_group(4)  # a VGDA each
    online = varyon(devices, origin=origin)
    online.lose([4])
    assert online.missing == {4}  # three of four are enough
    with pytest.raises(ImageIOError, match="quorum is lost: 2 of 4"):
        online.lose([3])


def test_without_quorum_checking_one_vgda_is_enough(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.set_options(quorum=False)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    fail(devices[0])
    volume.write(SECTOR, b"x" * SECTOR)
    volume.flush()
    assert volume.read(SECTOR, 1).tobytes() == b"x" and not online.down


def test_forced_on_with_a_minority_those_that_are_here_count(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(3)
    online = varyon(devices[:1], origin=origin, force=True)
    volume = online.open_lv("hd4")
    volume.write(SECTOR, b"x" * SECTOR)
    volume.flush()
    assert online.missing == {2, 3}


def test_two_disks_with_one_pvid_are_named(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    twin = devices[1].copy()
    twin.name = "twin"
    with pytest.raises(OperationRefused, match=r"PVID .* is on disk2 and twin"):
        varyon([*devices, twin], origin=origin)


def test_open_volumes_keep_it_on(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    with pytest.raises(OperationRefused, match="hd4"):
        online.varyoff()
    with pytest.raises(OperationRefused, match="hd4"), online.change() as change:
        change.remove_lv("hd4")
    volume.close()
    online.varyoff()
    with pytest.raises(ImageIOError):
        online.open_lv("hd4")


def test_a_disk_that_went_on_alone_gives_its_partitions_up(make_group: Make, origin: SeededOrigin):
    """Each half is forced on without the other and written: what the older half has must not be mixed in."""
    group, devices = make_group(2)
    for text, disk in ((b"first", devices[0]), (b"later", devices[1])):
        online = varyon([disk], origin=origin, force=True)
        with_lv = online.open_lv("hd4")
        with_lv.write(MIB, text)
        with_lv.close()
        online.varyoff()
    online = varyon(devices, origin=origin, sync=False)
    assert stale_row(devices[1], 1) == set(group.logical_volumes["hd4"].map.pp[0].tolist())
    online.sync()
    for copy in (1, 2):
        assert online.group.logical_volumes["hd4"].copy_device(copy).read(MIB, 5).tobytes() == b"later"
    assert not findings(devices)


def test_stopping_a_degraded_change_anywhere_leaves_the_old_group_or_the_new(make_group: Make, origin: SeededOrigin):
    """One of three disks is left, with one VGDA: it is never the only copy while it is written."""
    _, devices = make_group(3)
    online = varyon(devices[:1], origin=origin, force=True)
    disk = devices[0]
    before, log = disk.copy(), []
    disk.log = log
    with online.change() as change:
        change.rename_lv("hd4", "other")
    disk.log = None
    names = []
    for _, offset, data in log:
        half = data[: len(data) // 2 // SECTOR * SECTOR]
        for part in (half, data):
            before.write(offset, part)
            names.append("other" in VolumeGroup.open([before]).logical_volumes)
    assert names[0] is False and names[-1] is True and names == sorted(names)
    assert before.read(2242 * SECTOR, SECTOR).tobytes() == bytes(SECTOR), "the spare copy is not counted"


def test_a_group_without_a_valid_vgsa(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(1)
    for psn in (128, 2234):
        devices[0].write(psn * SECTOR, bytes(SECTOR))
    online = varyon(devices, origin=origin)
    assert isinstance(online, OnlineGroup) and not findings(devices)


# ---- disks that come back while the group is on ([commands 2.6]: varyonvg of a group that is on)


def test_a_disk_comes_back_while_a_volume_is_open(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    hd4 = {int(n): p.tolist() for n, p in zip(group.logical_volumes["hd4"].map.pv[:, 0],
                                              group.logical_volumes["hd4"].map.pp, strict=True)}  # fmt: skip
    away = 2
    assert away in hd4
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(MIB, b"before")
    volume.flush()
    heal = fail(devices[away - 1])
    volume.write(3 * MIB, b"while it is away")
    volume.flush()
    assert online.missing == {away}
    with online.change(origin) as change:  # it misses this too
        change.rename_lv("hd4", "other")
    heal()
    assert refresh(online, devices, origin=origin, sync=False) is online
    assert online.missing == set() and online.votes == 3 and volume.name == "other"
    assert [pv_missing(d) for d in devices] == [0, 0, 0]
    # what its MWC record still names, the control block and what was written meanwhile; LPs 3 and 5 are as they were
    assert stale_row(devices[0], away) == {hd4[away][lp] for lp in (0, 1, 3)}
    assert volume.read(3 * MIB, 16).tobytes() == b"while it is away"
    volume.write(4 * MIB, b"to both again")
    assert online.sync() > 0
    volume.flush()
    other = fail(devices[0])
    assert volume.read(3 * MIB, 16).tobytes() == b"while it is away" and volume.read(MIB, 6).tobytes() == b"before"
    assert volume.read(4 * MIB, 13).tobytes() == b"to both again"
    other()
    volume.close()
    online.varyoff()
    assert findings(devices) == set()


def test_what_was_under_way_on_a_disk_that_comes_back_is_stale(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(2 * MIB, b"announced in the records of both, durable on neither yet")
    heal = fail(devices[1])
    volume.flush()
    heal()
    lv_map = group.logical_volumes["hd4"].map
    third = next(int(lv_map.pp[copy, 2]) for copy in (0, 1) if lv_map.pv[copy, 2] == 2)
    refresh(online, devices, origin=origin, sync=False)
    assert third in stale_row(devices[0], 2)
    online.sync()
    assert stale_row(devices[0], 2) == set() == stale_row(devices[1], 2)


def test_a_disk_that_fails_again_while_it_comes_back_stays_missing(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(3)
    online = varyon(devices, origin=origin)
    heal = fail(devices[1])
    online.lose([2])
    heal()

    def broken(*_: object) -> None:
        raise ImageIOError("broken", where=devices[1].name)

    devices[1].write = broken
    refresh(online, devices, origin=origin)
    assert online.missing == {2} and not online.down
    del devices[1].write
    refresh(online, devices, origin=origin)
    assert online.missing == set()
    online.varyoff()
    assert findings(devices) == set()


def test_a_strange_disk_is_not_taken_back(make_group: Make, memory_disk: Any, origin: SeededOrigin):
    _, devices = make_group(2)
    online = varyon(devices[:1], origin=origin, force=True)
    stranger = memory_disk("stranger", 64 * MIB)
    refresh(online, [*devices[:1], stranger], origin=origin)
    assert online.missing == {2} and not stranger.data.any()


def test_missing_follows_split_and_join(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.remove_lv("hd5")
        change.remove_lv("lv00")
    online = varyon(devices, origin=origin)
    pvids = list(online.group.physical_volumes)
    split_group(online.group, pvids[1:], origin=origin)
    assert online.missing == {2} and online.votes == 3  # 2 + 1 VGDAs [lvm 11]
    volume = online.open_lv("hd4")
    volume.write(MIB, b"alone")
    volume.close()
    assert pv_missing(devices[0]) == 2
    join_group(online.group, devices[1:], origin=origin)
    assert online.missing == set() and online.votes == 3 and pv_missing(devices[0]) == 0
    online.varyoff()
    assert findings(devices) == set()


def test_a_number_that_a_missing_disk_had_is_not_missing_when_another_gets_it(
    make_group: Make, memory_disk: Any, origin: SeededOrigin
):
    group, devices = make_group(3)
    third = list(group.physical_volumes)[2]
    online = varyon(devices[:2], origin=origin, force=True)
    with online.change(origin) as change:
        change.remove_pv(third)
    assert online.missing == set() and pv_missing(devices[0]) == 0 and online.votes == 3
    added = [memory_disk(f"new{i}", 64 * MIB) for i in range(3)]
    with online.change(origin) as change:
        for disk in added:
            change.add_pv(disk)
    assert online.missing == set() and pv_missing(devices[0]) == 0 and online.votes == 5
    online.varyoff()
    assert findings([*devices[:2], *added]) == set()


def test_no_disk_is_left_to_say_that_others_are_split_off(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.remove_lv("hd5")
        change.remove_lv("lv00")
        change.set_options(quorum=False)
    before = devices[1].data.tobytes()
    online = varyon(devices, origin=origin)
    pvids = list(online.group.physical_volumes)
    heal = fail(devices[0])
    with pytest.raises(ImageIOError):
        split_group(online.group, pvids[1:], origin=origin)
    heal()
    assert scan(devices)[1].vgid == group.vgid and online.down
    again = varyon(devices, origin=origin, force=True)  # the second disk knows that the first one was missing
    assert not again.group.split_off and len(again.group.state.members) == 2
    assert devices[1].data.tobytes() != before
    again.varyoff()
    assert findings(devices) == set()
