"""Mirrored writes: exactly what was touched becomes stale, exactly what an MWC record names is repaired.

Modules: `lvmfmt.lvm.online.mirroring`, `lvmfmt.lvm.online.onlinegroup`, `lvmfmt.lvm.online.recovery`,
`lvmfmt.lvm.online.mwc`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.layout.lvm_disk import MWC_RECORD
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.online import mwc as mwcs
from lvmfmt.lvm.online.mwc import Ltg
from lvmfmt.lvm.online.spans import spans
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin

MIB, SECTOR, LTG = 1 << 20, 512, 128 << 10
Make = Callable[..., tuple[VolumeGroup, list[Any]]]
BREAKABLE = ("read_into", "write", "punch", "flush")


def fail(device: Any, *names: str) -> None:
    def broken(*_: object) -> None:
        raise ImageIOError("broken", where=device.name)

    for name in names or BREAKABLE:
        setattr(device, name, broken)


def heal(device: Any) -> None:
    for name in BREAKABLE:
        device.__dict__.pop(name, None)


def stale_row(device: Any, number: int) -> set[int]:
    """Stale PPs of a PV by the first VGSA: 127 bytes a PV from byte 12, lowest bit first [lvm 7.1]."""
    row = device.read(128 * SECTOR + 12 + 127 * (number - 1), 127).tobytes()
    return {pp for pp in range(1, 1017) if row[(pp - 1) // 8] >> (pp - 1) % 8 & 1}


def copy_bytes(group: VolumeGroup, name: str, copy: int) -> bytes:
    lv = group.logical_volumes[name]
    return lv.copy_device(copy).read(0, lv.size).tobytes()


def pps(group: VolumeGroup, name: str, number: int) -> list[int]:
    """The PPs of an LV on a PV, by LP."""
    lv_map = group.logical_volumes[name].map
    return [int(lv_map.pp[lv_map.pv[:, lp] == number, lp][0]) for lp in range(lv_map.lps)]


@pytest.mark.parametrize("how", [BREAKABLE, ("write",), ("flush",)])
def test_exactly_the_touched_partitions_become_stale(how: tuple[str, ...], make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    hd4 = pps(group, "hd4", 2)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(3 * MIB, b"before")
    volume.flush()
    fail(devices[1], *how)
    volume.write(2 * MIB - 1, b"ab")
    volume.flush()
    assert stale_row(devices[0], 2) == stale_row(devices[2], 2) == {hd4[1], hd4[2]}
    assert volume.read(2 * MIB - 1, 2).tobytes() == b"ab" and volume.read(3 * MIB, 6).tobytes() == b"before"
    heal(devices[1])
    volume.write(4 * MIB, b"later")  # it stays away until it is varied on again
    volume.flush()
    assert stale_row(devices[0], 2) == {hd4[1], hd4[2], hd4[4]}
    volume.close()
    online.varyoff()
    back = varyon(devices, origin=origin, sync=False)
    assert stale_row(devices[1], 2) == {hd4[1], hd4[2], hd4[4]}
    assert back.sync() == 3 * MIB
    assert not stale_row(devices[1], 2) and copy_bytes(back.group, "hd4", 1) == copy_bytes(back.group, "hd4", 2)
    assert not check(devices)


def test_a_place_that_cannot_be_written_costs_its_partition_not_the_disk(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    online = varyon(devices, origin=origin)
    lv = group.logical_volumes["hd4"]
    bad = group.pvs[2].offset(pps(group, "hd4", 2)[1])
    write = devices[1].write

    def picky(offset: int, buffer: Any) -> None:
        if bad <= offset < bad + MIB:
            raise ImageIOError("bad sector", where="disk2")
        write(offset, buffer)

    devices[1].write = picky
    volume = online.open_lv("hd4")
    volume.write(0, b"x" * lv.size)
    volume.flush()
    assert stale_row(devices[0], 2) == stale_row(devices[1], 2) == {pps(group, "hd4", 2)[1]}
    assert online.missing == set()
    assert online.sync() == 0 and online.group.logical_volumes["hd4"].stale_pps == 1  # it cannot be filled either


def test_reads_go_to_any_good_copy(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(3)
    volume = varyon(devices, origin=origin).open_lv("hd4")
    volume.write(MIB, b"text")
    for device in devices[:2]:
        fail(device, "read_into")
        heal(devices[1 - devices.index(device)])
        assert volume.read(MIB, 4).tobytes() == b"text"


def test_the_last_good_copy_fails_with_an_error_and_is_not_stale(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    alone = next(n for n, pv in group.pvs.items() if n in group.logical_volumes["lv00"].pv_numbers)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("lv00")
    fail(devices[alone - 1])
    with pytest.raises(ImageIOError):
        volume.write(0, b"x")
    with pytest.raises(ImageIOError):
        volume.read(0, 1)
    assert online.group.logical_volumes["lv00"].stale_pps == 0


def test_a_lost_barrier_of_the_only_copy_is_told(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    (alone,) = group.logical_volumes["lv00"].pv_numbers
    volume = varyon(devices, origin=origin).open_lv("lv00")
    volume.write(0, b"x")
    fail(devices[alone - 1], "flush")
    with pytest.raises(ImageIOError, match="barrier"):
        volume.flush()


# ---- mirror write consistency


def named(device: Any) -> set[tuple[int, int]]:
    """What the newer record of PSN 2 and 3 names, (LV, LTG), read by the places of [lvm 6]."""
    best = (0, 0)
    found: set[tuple[int, int]] = set()
    for psn in (2, 3):
        words = np.frombuffer(device.read(psn * SECTOR, SECTOR).tobytes(), ">u4").tolist()
        if words[:2] == words[-2:] and tuple(words[:2]) > best:
            best = words[0], words[1]
            found = {(words[i + 1], words[i]) for i in range(2, 126, 2) if words[i + 1]}
    return found


def test_the_record_names_what_was_written_and_is_empty_after_varyoff(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    hd4 = group.logical_volumes["hd4"]
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(LTG - 1, b"ab")
    volume.write(3 * MIB, b"x")
    wanted = {(hd4.minor, ltg) for ltg in (0, 1, 3 * MIB // LTG)}
    for number, device in enumerate(devices, 1):
        assert named(device) == (wanted if number in hd4.pv_numbers else set())
    online.open_lv("lv00").write(0, b"x")  # not mirrored
    assert len(named(devices[0])) == 3
    for open_volume in list(online._open):
        open_volume.close()
    online.varyoff()
    assert all(named(device) == set() for device in devices)


def test_varyon_repairs_exactly_what_the_records_name(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    hd4 = group.logical_volumes["hd4"]
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(MIB, bytes([7]) * (hd4.size - MIB))
    volume.flush()
    volume.write(2 * MIB + 5, b"x")
    # power fails: the second copy differs inside the LTG that is named, and in one that is not
    for device in devices:
        device.write(2 * SECTOR, bytes(2 * SECTOR))
        device.write(3 * SECTOR, mwcs.build(origin.now(), [Ltg(hd4.minor, 2 * MIB // LTG)]))
    second = group.logical_volumes["hd4"].copy_device(2)
    second.write(2 * MIB + 900, b"differs")
    second.write(3 * MIB, b"differs")
    log: list[Any] = []
    for device in devices:
        device.log = log
    online = varyon(devices, origin=origin)
    for device in devices:
        device.log = None
    assert online.repaired == [("hd4", 2 * MIB, LTG)]
    one, two = (copy_bytes(group, "hd4", copy) for copy in (1, 2))
    assert one[2 * MIB : 2 * MIB + LTG] == two[2 * MIB : 2 * MIB + LTG]
    assert two[3 * MIB : 3 * MIB + 7] == b"differs"
    data = [(disk, len(data)) for disk, offset, data in log if offset >= 4352 * SECTOR]
    assert data == [(devices[1], LTG)], "nothing else is written to the partitions"
    assert all(named(device) == set() for device in devices)


def test_a_missing_disk_that_a_record_names_has_a_stale_partition(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    volume = varyon(devices, origin=origin).open_lv("hd4")
    volume.write(3 * MIB, b"x")
    varyon(devices[:1], origin=origin, force=True)
    assert stale_row(devices[0], 2) == {pps(group, "hd4", 2)[3]}


@pytest.mark.parametrize(("mode", "entries"), [("off", []), ("passive", [mwcs.WHOLE])])
def test_other_modes(mode: str, entries: list[int], make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    minor = group.logical_volumes["hd4"].minor
    with group.change(origin) as change:
        change.state.vgda.lvs["mirwrt_consist"][minor - 1] = {"off": 2, "passive": 3}[mode]
    volume = varyon(devices, origin=origin).open_lv("hd4")
    volume.write(MIB, b"x")
    volume.write(4 * MIB, b"x")
    assert named(devices[0]) == {(minor, ltg) for ltg in entries}
    online = varyon(devices, origin=origin)
    assert sum(length for _, _, length in online.repaired) == (5 * MIB if mode == "passive" else 0)


def test_the_record_is_torn_or_hostile(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    rows = [{"minor": 2, "ltg": 0xFFFFFFF0}, {"minor": 0xFFFFFFFF, "ltg": 1}, *([{"minor": 0, "ltg": 0}] * 60)]
    stamp = {"begin_sec": 1, "begin_nsec": 2, "end_sec": 1, "end_nsec": 2}
    devices[0].write(2 * SECTOR, MWC_RECORD.build({**stamp, "entries": rows}))
    devices[0].write(3 * SECTOR, MWC_RECORD.build({**stamp, "begin_sec": 9, "entries": rows}))
    assert varyon(devices, origin=origin).repaired == []


# ---- syncvg


def test_an_interrupted_synchronisation_keeps_what_was_done(
    make_group: Make, origin: SeededOrigin, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lvmfmt.lvm.sync.RUN", MIB)
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.mirror("lv00")
    online = varyon(devices, origin=origin, sync=False)
    seen: list[int] = []

    def progress(count: int) -> None:
        seen.append(count)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        online.sync(progress=progress)
    assert seen == [MIB] * 3
    assert VolumeGroup.open(devices).logical_volumes["lv00"].stale_pps == 1
    assert varyon(devices, origin=origin, sync=False).sync("lv00") == MIB


def test_by_disk_and_by_volume(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    pvids = list(group.physical_volumes)
    with group.change(origin) as change:
        change.mirror("lv00", pvids[1])
        change.mirror("hd5", pvids[2])
    online = varyon(devices, origin=origin, sync=False)
    assert online.sync(pvids=[pvids[2]]) == 2 * MIB
    assert online.group.logical_volumes["lv00"].stale_pps == 3
    assert online.sync("hd4") == 0 and online.sync("lv00") == 3 * MIB
    assert not check(devices)


def test_forced_all_copies_are_filled_from_a_good_one(make_group: Make, origin: SeededOrigin):
    # syncvg -f: "Specifies a good physical copy is chosen and propagated to all other copies ... whether or not stale"
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    lv.device.write(MIB, b"good" * 100)
    behind = lv.copy_device(2)
    behind.write(MIB, b"rotten, and nobody knows")
    assert group.sync(origin=origin) == 0 and copy_bytes(group, "hd4", 1) != copy_bytes(group, "hd4", 2)
    assert group.sync("lv00", origin=origin, force=True) == 0  # no copies to fill
    assert group.sync("hd4", origin=origin, force=True) > 0
    assert copy_bytes(group, "hd4", 1) == copy_bytes(group, "hd4", 2)
    assert copy_bytes(group, "hd4", 1)[MIB : MIB + 4] == b"good" and check(devices) == []


def test_forced_for_a_disk_the_copy_on_the_other_is_believed(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    first = int(group.logical_volumes["hd4"].map.pv[0, 0])
    group.logical_volumes["hd4"].copy_device(1).write(MIB, b"rotten")
    online = varyon(devices, origin=origin)
    assert online.sync("hd4", pvids=[list(group.physical_volumes)[first - 1]], force=True) > 0
    online.varyoff()
    opened = VolumeGroup.open(devices)
    assert copy_bytes(opened, "hd4", 1) == copy_bytes(opened, "hd4", 2)
    assert copy_bytes(opened, "hd4", 1)[MIB : MIB + 6] == bytes(6) and check(devices) == []


def test_a_forced_synchronisation_that_is_stopped_leaves_a_good_copy(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    group.logical_volumes["hd4"].device.write(MIB, b"good")
    writes = devices[1].write

    def failing(offset: int, buffer: Any) -> None:
        if offset > 3 * MIB:
            raise ImageIOError("broken", where=devices[1].name)
        writes(offset, buffer)

    devices[1].write = failing
    with pytest.raises(ImageIOError):
        group.sync("hd4", origin=origin, force=True)
    opened = VolumeGroup.open(devices)
    assert opened.logical_volumes["hd4"].device.read(MIB, 4).tobytes() == b"good"
    assert opened.logical_volumes["hd4"].stale_pps  # and what was not filled is known


def test_spans_of_a_striped_volume():
    # u = x >> e, g, u', LP = g w + u' mod w + 1, offset = (u' div w) s + x mod s [lvm 15]
    pp, strip, width = MIB, 64 << 10, 3
    for x in (0, strip - 1, strip, 5 * strip + 7, 3 * MIB + 4 * strip + 9):
        (span,) = spans(pp, x, 1, strip=strip, width=width)
        unit = x // strip - x // (width * pp) * (width * pp // strip)
        assert span.lp == x // (width * pp) * width + unit % width
        assert span.inside == unit // width * strip + x % strip
    whole = list(spans(pp, 0, 6 * MIB, strip=strip, width=width))
    assert sum(s.length for s in whole) == 6 * MIB and len({(s.lp, s.inside) for s in whole}) == 6 * MIB // strip
