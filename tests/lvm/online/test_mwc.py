"""MWC records [lvm 5]: 62 entries, two sectors written in turn, and which LTG has to leave for another one."""

from typing import Any

import pytest

from lvmfmt.layout.lvm_disk import MWC_RECORD
from lvmfmt.lvm.kinds import VgKind
from lvmfmt.lvm.online.mwc import SLOTS, Ltg, MwcCache, build, psns, read

SECTOR = 512
NOW = 1_300_000_000 * 10**9


def ltgs(*numbers: int) -> list[Ltg]:
    return [Ltg(1, number) for number in numbers]


@pytest.fixture
def disk(disks: Any) -> Any:
    return disks(1, 1 << 20)[0]


def test_the_places_of_records() -> None:
    assert list(psns(VgKind.CLASSIC)) == [2, 3] == list(psns(VgKind.BIG))
    assert (psns(VgKind.SCALABLE)[0], psns(VgKind.SCALABLE)[-1]) == (100, 119)
    assert SLOTS == 62


def test_a_record(disk: Any) -> None:
    sector = build(NOW + 5, [Ltg(3, 7), Ltg(4, 0xFFFFFFFF)])
    values = MWC_RECORD.parse(sector)
    assert len(sector) == SECTOR
    assert (values.begin_sec, values.begin_nsec) == (values.end_sec, values.end_nsec) == (1_300_000_000, 5)
    assert [(e.minor, e.ltg) for e in values.entries[:3]] == [(3, 7), (4, 0xFFFFFFFF), (0, 0)]
    assert len(values.entries) == 62
    assert read(disk, VgKind.CLASSIC) == (0, [], 3)  # so the first one goes to sector 2
    disk.write(3 * SECTOR, sector)
    assert read(disk, VgKind.CLASSIC) == (NOW + 5, [Ltg(3, 7), Ltg(4, 0xFFFFFFFF)], 3)


def test_the_newest_whole_record_counts(disk: Any) -> None:
    disk.write(2 * SECTOR, build(NOW, ltgs(1)))
    disk.write(3 * SECTOR, build(NOW + 1, ltgs(2)))
    assert read(disk, VgKind.CLASSIC)[1:] == (ltgs(2), 3)
    disk.write(2 * SECTOR, build(NOW + 1, ltgs(3)))  # of equals the first
    assert read(disk, VgKind.CLASSIC)[1:] == (ltgs(3), 2)
    disk.write(2 * SECTOR + MWC_RECORD.offset_of("end_nsec"), b"\1")  # torn
    assert read(disk, VgKind.CLASSIC)[1:] == (ltgs(2), 3)


@pytest.mark.parametrize("kind", [VgKind.CLASSIC, VgKind.SCALABLE])
def test_sectors_are_written_in_turn(disk: Any, kind: VgKind) -> None:
    cache = MwcCache(disk, kind)
    disk.log = []
    for number in range(len(psns(kind)) + 1):
        cache.note(ltgs(number), NOW)
    assert [offset // SECTOR for _, offset, _ in disk.log] == [*psns(kind), psns(kind)[0]]
    # the clock stands still, the stamps do not
    assert read(disk, kind)[0] == NOW + len(psns(kind))
    assert MwcCache(disk, kind).entries.keys() == cache.entries.keys()


def test_what_is_named_is_not_written_again(disk: Any) -> None:
    cache = MwcCache(disk, VgKind.CLASSIC)
    cache.note(ltgs(1, 2), NOW)
    disk.log = []
    cache.note(ltgs(1), NOW + 1)
    assert disk.log == [] and list(cache.entries) == ltgs(2, 1) and cache.dirty == set(ltgs(1, 2))
    cache.note(ltgs(3), NOW + 2)
    assert len(disk.log) == 1 and read(disk, VgKind.CLASSIC)[1] == ltgs(2, 1, 3)


def test_the_oldest_leave_when_62_are_named(disk: Any) -> None:
    cache = MwcCache(disk, VgKind.CLASSIC)
    cache.note(ltgs(*range(62)), NOW)
    assert not cache.evicts_dirty(ltgs(0, 61)) and cache.evicts_dirty(ltgs(62))
    cache.dirty.discard(Ltg(1, 0))
    assert not cache.evicts_dirty(ltgs(62)) and cache.evicts_dirty(ltgs(62, 63))
    assert cache.evicts_dirty(ltgs(0, 62))  # the oldest is wanted itself, so the next one goes
    cache.note(ltgs(62), NOW + 1)
    assert list(cache.entries) == ltgs(*range(1, 63)) == read(disk, VgKind.CLASSIC)[1]
    cache.note(ltgs(5, 63, 64), NOW + 2)
    assert list(cache.entries) == ltgs(3, 4, *range(6, 63), 5, 63, 64)


def test_clearing(disk: Any) -> None:
    cache = MwcCache(disk, VgKind.CLASSIC)
    disk.log = []
    cache.clear(NOW)
    assert disk.log == []  # nothing was named
    cache.note(ltgs(1), NOW)
    cache.clear(NOW + 1)
    assert read(disk, VgKind.CLASSIC)[:2] == (NOW + 1, []) and not cache.entries and not cache.dirty
