"""Copies of VGSA and VGDA in their places: stamps at their ends, which of them is believed, how they are told apart."""

import struct
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.descriptor.copies import AreaCopies, Place, choose, choose_vgsa, survey_vgda, survey_vgsa
from lvmfmt.lvm.opening import load

SECTOR = 512


def places(state: Any) -> list[Place]:
    return [Place(member.device, member.record, index) for member in state.members.values() for index in (0, 1)]


def test_places_of_a_classic_group(make_group: Any) -> None:
    first, second = places(make_group()[0].state)
    assert (first.vgsa_offset, first.vgda_offset) == (128 * SECTOR, 136 * SECTOR)  # [lvm 1.2]
    assert (second.vgsa_offset, second.vgda_offset) == (2234 * SECTOR, 2242 * SECTOR)


def test_stamps_at_the_ends_of_a_classic_copy(make_group: Any) -> None:
    group, (disk,) = make_group()
    place = places(group.state)[0]
    assert place.vgsa_stamp() == (group.state.vgsa.stamp, True)
    assert place.vgda_stamp() == (group.state.vgda.stamp, True)
    assert group.state.vgda.stamp > 10**18
    disk.write(128 * SECTOR + 0xFFF, b"\1")
    assert place.vgsa_stamp() == (group.state.vgsa.stamp, False)
    trailer = (136 + 2097) * SECTOR
    disk.write(trailer, bytes(8))
    assert place.vgda_stamp() == (group.state.vgda.stamp, False)
    disk.write(trailer + SECTOR - 8, disk.read(136 * SECTOR, 8))  # the other place of the ending stamp [lvm 8.5]
    assert place.vgda_stamp() == (group.state.vgda.stamp, True)


@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_stamps_of_the_other_kinds(make_group: Any, kind: VgKind) -> None:
    group, (disk,) = make_group(1, kind=kind)
    place = places(group.state)[0]
    assert place.vgsa_stamp() == (group.state.vgsa.stamp, True)
    assert place.vgda_stamp() == (group.state.vgda.stamp, True)
    assert place.bears_our_mark
    fmt = group.state.vgda.format
    # a stamp in the last 8 bytes counts in classic groups only
    end = place.vgda_offset + fmt.ends[-1]
    other = place.vgda_offset + fmt.sectors * SECTOR - 8
    disk.write(end, b"\1")
    if other != end:
        disk.write(other, disk.read(place.vgda_offset, 8))
    assert place.vgda_stamp() == (group.state.vgda.stamp, False)
    disk.write(place.vgda_offset + fmt.header.offset_of("layout"), b"X")
    assert not place.bears_our_mark
    record = group.record
    areas = record.areas[:3] or (record.vgsa_len,)
    for length in np.cumsum(areas).tolist():
        at = place.vgsa_offset + length * SECTOR - 8
        kept = disk.read(at, 8)
        disk.write(at, b"\1")
        assert place.vgsa_stamp() == (group.state.vgsa.stamp, False)
        disk.write(at, kept)


def restamp(disk: Any, psn: int, ends: tuple[int, int], seconds: int) -> None:
    for at in ends:
        (sec,) = struct.unpack(">I", disk.read(psn * SECTOR + at, 4))
        disk.write(psn * SECTOR + at, struct.pack(">I", sec + seconds))


VGSA_ENDS, VGDA_ENDS = (0, 0xFF8), (0, 2097 * SECTOR)


def test_newest_and_holders(make_group: Any) -> None:
    group, (disk, _) = make_group(2)  # two copies on the first disk, one on the second
    group = places(group.state)[:3]
    survey = survey_vgda(group, 1)
    assert survey.holders == [group] and [place for place, _ in survey.newest] == group[:1]
    disk.write(2242 * SECTOR + SECTOR + 31, b"\7")  # the reserved end of an LV entry [lvm 8.2]
    survey = survey_vgda(group, 1)
    assert survey.holders == [[group[0], group[2]], [group[1]]] and survey.best([0, 0]) == (0, False)
    restamp(disk, 136, VGDA_ENDS, -2)
    survey = survey_vgda(group, 1)
    assert survey.holders == [[group[1]], [group[2]]]
    assert survey.best([0, 0]) == (0, True) and survey.best([1, 0]) == (1, False) and survey.best([0, 1]) == (0, False)
    header = survey.newest[0][1].format.header
    (older, differs) = survey.problems(
        "vgda", header, 1, False, lambda _: True, lambda place: place.vgda_offset, lambda _: (" in a byte", [2])
    )
    assert (older.rule, older.offset, older.text) == (
        "vgda-older", 136 * SECTOR, "older copy: 2.000000000 s behind the newest"
    )  # fmt: skip
    assert (differs.rule, differs.offset, differs.lvs) == ("vgda-differs", (2242 + 1) * SECTOR + 31, {2})
    assert differs.text == "differs in a byte from the copy on disk2 with the same time stamp"
    tied = survey.problems("vgda", header, 0, True, lambda p: p is group[2], lambda _: 0, lambda _: ("", ()))
    assert [(p.rule, p.where) for p in tied] == [("vgda-tie", "disk2")]
    restamp(disk, 2242, VGDA_ENDS, 2)
    chosen = choose(survey_vgda(group, 1))
    assert (chosen.place, chosen.tie, chosen.believed) == (group[1], False, 0)


def test_two_copies_on_one_disk_have_one_vote(make_group: Any) -> None:
    group, (_, disk) = make_group(2)
    disk.write(136 * SECTOR + SECTOR + 31, b"\7")
    survey = survey_vgda(places(group.state)[:3], 1)
    assert [len(held) for held in survey.holders] == [2, 1] and survey.best([0, 0]) == (0, True)
    assert survey.best([1, 0]) == (1, False) and survey.best([0, 1]) == (0, False)


def test_no_valid_copy_is_an_error(make_group: Any) -> None:
    group, (disk,) = make_group()
    for psn in (136, 2242):
        disk.write(psn * SECTOR, bytes(8))
    with pytest.raises(CorruptImage) as lost:
        survey_vgda(places(group.state), 1)
    assert lost.value.offset == 136 * SECTOR
    found = AreaCopies.of(places(group.state), lambda place: place.read_vgda(1))
    assert set(found.failures) == set(places(group.state)) and found.newest == []


def test_the_vgsa_that_agrees_with_the_pp_entries_is_believed(make_group: Any) -> None:
    group, devices = make_group(2)
    with group.change() as change:
        change.mark_stale("hd4")
    state, _ = load(devices)
    vgda = state.vgda
    lv_map = state.maps[2]
    at = 12 + 127 * (int(lv_map.pv[1, 0]) - 1) + (int(lv_map.pp[1, 0]) - 1) // 8
    devices[0].write(128 * SECTOR + at, bytes(1))  # one copy has forgotten what the PP entries mark
    found = survey_vgsa(places(state)[:3])
    assert len(found.newest) == 2 and choose_vgsa(found, vgda) == (1, False)
    devices[0].write(2234 * SECTOR + at, bytes(1))
    found = survey_vgsa(places(state)[:3])
    assert choose_vgsa(found, vgda) == (1, False)  # what agrees is more than what most say
    for psn in (128, 2234):
        devices[0].write(psn * SECTOR + at, devices[1].read(128 * SECTOR + at, 1))
    devices[0].write(128 * SECTOR + 12 + 127 * 5, b"\1")  # a bit of no PP of the group
    found = survey_vgsa(places(state)[:3])
    assert choose_vgsa(found, vgda) == (1, False)  # agree alike, and two places hold it
    assert choose_vgsa(survey_vgsa(places(state)[1:2]), vgda) == (0, False)
