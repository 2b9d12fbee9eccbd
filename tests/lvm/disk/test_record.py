"""The LVM record [lvm 4]: where the areas of a new group lie, and which values are refused, from both sides."""

from typing import Any

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.layout.lvm_disk import LVM_RECORD, LVM_RECORD_SCALABLE
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.disk.record import AREAS, LvmRecord, kind_of, parse
from lvmfmt.lvm.vgdaformat import scalable_areas

VGID = "00f7b72a00004c0000000124dd891ce8"
SECTORS = 1 << 17
CLASSIC = LvmRecord.new(VGID, VgKind.CLASSIC, 8, 20).for_disk(SECTORS * 512, 1)
BIG = LvmRecord.new(VGID, VgKind.BIG, 10, 20).for_disk(SECTORS * 512, 1)
SCALABLE = LvmRecord.new(VGID, VgKind.SCALABLE, 31, 20, scalable_areas(1024, 256, 32 * 1024)).for_disk(SECTORS * 512, 1)


def read(record: LvmRecord | bytes, sectors: int = SECTORS) -> LvmRecord:
    sector = record if isinstance(record, bytes) else record.build()
    return parse(sector, offset=7 * 512, sectors=sectors, where="disk")


def changed(record: LvmRecord, **values: Any) -> bytes:
    return record.structure.build({**record.values(), **values})


def test_a_classic_record_has_the_published_places() -> None:
    # VGSA at 128 and 2234, VGDA at 136 and 2242, the PPs from 4352 on [lvm 1.2]
    assert (CLASSIC.vgsa_psn, CLASSIC.vgda_psn, CLASSIC.first_pp_psn) == ((128, 2234), (136, 2242), 4352)
    assert (CLASSIC.vgsa_len, CLASSIC.vgda_len) == (8, 2098)
    assert (CLASSIC.reloc_psn, CLASSIC.reloc_len) == (SECTORS - 256, 256)
    values = LVM_RECORD.parse(CLASSIC.build())
    assert (values.lvmarea_len, values.vg_type, values.pp_size, values.pv_num) == (2 * 2106, 0, 20, 1)


@pytest.mark.parametrize("record", [CLASSIC, BIG, SCALABLE], ids=lambda record: str(record.kind))
def test_what_is_written_comes_back(record: LvmRecord) -> None:
    assert read(record) == record and record.described
    assert record.vgda_psn[1] - record.vgda_psn[0] == record.vgsa_len + record.vgda_len
    assert record.first_pp_psn % 256 == 0 and 0 <= record.first_pp_psn - record.vgda_psn[1] - record.vgda_len < 256


def test_the_areas_of_a_scalable_group_lie_one_behind_the_other() -> None:
    values = LVM_RECORD_SCALABLE.parse(SCALABLE.build())
    for copy in (0, 1):
        at = SCALABLE.vgsa_psn[copy]
        for name, length in zip(AREAS, SCALABLE.areas, strict=True):
            assert (values[f"{name}_psn"][copy], values[f"{name}_len"]) == (at, length), name
            at += length
        assert at == SCALABLE.vgda_psn[copy] + SCALABLE.vgda_len
    assert values.res_area_len == 2 * (SCALABLE.vgda_len + SCALABLE.vgsa_len)
    assert (values.bb_reloc_psn, values.pp_shift) == (SECTORS - 256, 20)
    # three areas are the VGSA, five the VGDA
    assert (sum(SCALABLE.areas[:3]), sum(SCALABLE.areas[3:])) == (SCALABLE.vgsa_len, SCALABLE.vgda_len)


RANGES: list[tuple[LvmRecord, str, Any, bool]] = [
    (CLASSIC, "lvm_id", b"_LVN", False),
    (CLASSIC, "vg_id", bytes(16), False),
    *((CLASSIC, "version", version, 0 < version < 14) for version in (0, 1, 13, 14)),
    (CLASSIC, "version", 30, True),
    *((CLASSIC, "pv_num", number, 1 <= number <= 32) for number in (0, 1, 32, 33)),
    *((CLASSIC, "pp_size", shift, 20 <= shift <= 30) for shift in (19, 20, 30, 31)),
    (CLASSIC, "vgsa_len", 9, False),
    *((CLASSIC, "vgda_len", 50 + 64 * areas, 1 <= areas <= 32) for areas in (0, 1, 32)),
    (CLASSIC, "vgda_len", 50 + 64 * 32 + 1, False),
    (CLASSIC, "vgda_len", 50 + 64 * 33, False),
    # VGSA, VGDA, VGSA, VGDA lie one behind the other without a sector between them
    *((CLASSIC, "vgda_psn", [psn, 2242], psn == 136) for psn in (127, 136)),
    (CLASSIC, "vgda_psn", [2242, 136], True),
    (CLASSIC, "vgda_psn", [136, SECTORS - 2098], True),
    (CLASSIC, "vgda_psn", [136, SECTORS - 2097], False),
    (CLASSIC, "vgsa_psn", [2234, 128], True),
    *((CLASSIC, "vgsa_psn", [128, psn], psn == 2234) for psn in (128, 135, 136, 2233, 2234, 2235)),
    *((BIG, "pv_num", number, number <= 128) for number in (128, 129)),
    *((BIG, "version", version, version >= 5) for version in (4, 5)),
    *((SCALABLE, "pv_num", number, number <= 1024) for number in (1024, 1025)),
    *((SCALABLE, "pp_shift", shift, shift <= 37) for shift in (37, 38)),
]


@pytest.mark.parametrize(("record", "field", "value", "sound"), RANGES)
def test_ranges(record: LvmRecord, field: str, value: Any, sound: bool) -> None:
    sector = changed(record, **{field: value})
    if sound:
        read(sector)
        return
    with pytest.raises(CorruptImage) as refused:
        read(sector)
    assert (refused.value.structure, refused.value.field) == (record.structure.name, field)
    assert refused.value.offset == 7 * 512 + record.structure.offset_of(field)


@pytest.mark.parametrize(("said", "believed"), [(16, 17), (17, 17), (24, 24), (25, 17), (20, 20)])
def test_an_ltg_size_that_cannot_be_is_the_usual_one(said: int, believed: int) -> None:
    assert read(changed(CLASSIC, ltg_shift=said)).ltg_shift == believed  # 128 KiB to 16 MiB


@pytest.mark.parametrize("field", ["vgda_len", "vgsa_len"])
def test_a_big_record_of_another_layout_is_not_described(field: str) -> None:
    found = read(changed(BIG, **{field: BIG.values()[field] + 1}))
    assert not found.described and (found.pv_number, found.pp_shift) == (1, 20)


@pytest.mark.parametrize("field", ["ppsa_len", "ppea_len", "vgsa_len", "vgda_len"])
def test_a_scalable_record_of_another_layout_is_not_described(field: str) -> None:
    assert not read(changed(SCALABLE, **{field: SCALABLE.values()[field] + 1})).described


def test_areas_at_other_places_are_not_described() -> None:
    psns = SCALABLE.values()["lvea_psn"]
    assert not read(changed(SCALABLE, lvea_psn=[psns[0], psns[1] + 1])).described


def test_kinds() -> None:
    assert [kind_of(version, 1) for version in (10, 30, 31, 32, 31999, 32000, 32001)] == [
        VgKind.BIG, VgKind.BIG, VgKind.SCALABLE, VgKind.BIG, VgKind.BIG, VgKind.FOREIGN, VgKind.FOREIGN,
    ]  # fmt: skip
    assert kind_of(8, 0) is kind_of(8, 0xDDDD) is VgKind.CLASSIC  # fill bytes, as in D1
    foreign = read(changed(CLASSIC._replace(version=32000)))
    assert (foreign.kind, foreign.pv_number, foreign.described) == (VgKind.FOREIGN, 0, False)
    assert LVM_RECORD.offset_of("version") == LVM_RECORD_SCALABLE.offset_of("version")
