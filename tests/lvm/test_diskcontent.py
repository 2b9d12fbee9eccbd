"""What an image holds where a PV has its LVs: control blocks that are its own, others, and room."""

from types import SimpleNamespace
from typing import Any

import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.diskcontent import Content, content_as, end_of, pool_fits

MIB, SECTOR = 1 << 20, 512
FIRST = 4352 * SECTOR
"""Where the first PP of a classic group lies [lvm 1.2]."""


def content(state: Any, device: Any, number: int) -> Content:
    return content_as(state, SimpleNamespace(device=device), number)  # type: ignore[arg-type]


def place(group: Any, name: str, copy: int = 0) -> int:
    """The byte at which a copy of the first LP begins."""
    lv = group.logical_volumes[name]
    return int(group.pvs[int(lv.map.pv[copy, 0])].offset(int(lv.map.pp[copy, 0])))


def test_control_blocks_of_the_group_and_of_others(make_group: Any) -> None:
    group, devices = make_group(2)
    state = group.state
    held = [sum(number in lv.map.pv[:, 0] for lv in group.logical_volumes.values()) for number in (1, 2)]
    assert sum(held) == 4  # one LV of three has two copies
    for number, device in enumerate(devices, 1):
        assert content(state, device, number) == Content(True, held[number - 1], 0)
    pv = int(group.logical_volumes["hd5"].map.pv[0, 0])
    device = devices[pv - 1]
    there = next(name for name in ("lv00", "hd4") if pv in group.logical_volumes[name].map.pv[:, 0])
    copy = group.logical_volumes[there].map.pv[:, 0].tolist().index(pv)
    device.write(place(group, there, copy), device.read(place(group, "hd5"), SECTOR))
    assert content(state, device, pv) == Content(True, held[pv - 1] - 1, -1)
    device.write(place(group, there, copy), bytes(SECTOR))  # nobody's
    assert content(state, device, pv) == Content(True, held[pv - 1] - 1, 0)


def test_what_cannot_be_read_speaks_for_nothing(make_group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    group, (device,) = make_group(1)

    def refuse(*_: object) -> None:
        raise ImageIOError("bad sector")

    monkeypatch.setattr(type(device), "read_into", refuse)
    assert content(group.state, device, 1) == Content(True, 0, 0)


def test_room_for_its_pps(make_group: Any, memory_disk: Any) -> None:
    state = make_group(1)[0].state
    pps = int(state.vgda.pvs["pp_count"][0])
    assert end_of(state, 1) == FIRST + pps * MIB
    for more, fits in ((0, True), (-SECTOR, False), (SECTOR, True)):
        assert content(state, memory_disk("other", FIRST + pps * MIB + more), 1).fits is fits


def test_a_scalable_group_has_its_control_blocks_elsewhere(make_group: Any) -> None:
    """In its VGDA [lvm 10]: what an image holds at an LV says nothing."""
    group, (device,) = make_group(1, kind=VgKind.SCALABLE)
    assert content(group.state, device, 1) == Content(True, 0, 0)


def test_the_relocation_pool_lies_behind_the_pps_and_inside_the_disk(make_group: Any, memory_disk: Any) -> None:
    state = make_group(1)[0].state
    end = end_of(state, 1) // SECTOR
    record = state.members[1].record._replace(reloc_len=256)
    disk = memory_disk("disk", (end + 300) * SECTOR)
    for psn, fits in ((end - 1, False), (end, True), (end + 44, True), (end + 45, False)):
        assert pool_fits(state, 1, disk, record._replace(reloc_psn=psn)) is fits
