"""The annotated dump: places, nested structures, runs, and damage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage, NotFound, OperationRefused
from lvmfmt.inspect.hexdump import annotate, decode, dump
from lvmfmt.layout.catalog import CATALOG
from lvmfmt.layout.lvm_disk import LVM_RECORD

SECTOR = 512
PVID = bytes.fromhex("0041a97b0622ef7f")


@pytest.fixture
def disk(tmp_path: Path) -> ImageFile:
    """A disk with a boot record and an LVM record at the published places [lvm 1.1, 1.2]."""
    image = ImageFile.create(tmp_path / "hdisk0.img", 4 << 20)
    image.write(0, bytes.fromhex("c9c2d4c1"))
    image.write(0x80, PVID)
    record = {"lvm_id": b"_LVM", "vgda_len": 2098, "vgda_psn": [136, 2242], "vgsa_psn": [128, 2234], "version": 1}
    image.write(7 * SECTOR, LVM_RECORD.build(record))
    return image


def test_the_boot_record_is_at_sector_0(disk: ImageFile) -> None:
    result = dump(disk, CATALOG["boot_record"])
    fields = {f.name: f for f in result.fields}
    assert (result.offset, result.size, result.image) == (0, 512, disk.name)
    assert fields["pv_id"].offset == 0x80 and fields["pv_id"].bytes.startswith(PVID)
    assert fields["pv_id"].grade == "A"
    covered = sum(len(f.bytes) for f in result.fields)
    assert covered <= 512 and result.fields[-1].offset + len(result.fields[-1].bytes) == 512


@pytest.mark.parametrize(
    ("name", "copy", "psn"),
    [
        ("lvm_record", 1, 7), ("lvm_record", 2, 70), ("config_record", 2, 64), ("bad_block_directory", 2, 71),
        ("vgsa", 1, 128), ("vgsa", 2, 2234), ("vgda_header", 1, 136), ("vgda_header", 2, 2242),
        ("vgda_trailer", 1, 136 + 2097),
    ],
)  # fmt: skip
def test_places_of_the_published_disk_map(disk: ImageFile, name: str, copy: int, psn: int) -> None:
    assert dump(disk, CATALOG[name], copy=copy).offset == psn * SECTOR


def test_the_backup_lvm_record_serves_where_the_primary_is_gone(disk: ImageFile) -> None:
    disk.write(70 * SECTOR, disk.read(7 * SECTOR, SECTOR))
    disk.punch(7 * SECTOR, SECTOR)
    assert dump(disk, CATALOG["vgda_header"]).offset == 136 * SECTOR
    disk.punch(70 * SECTOR, SECTOR)
    with pytest.raises(NotFound, match="no LVM record"):
        dump(disk, CATALOG["vgda_header"])


def test_a_place_beyond_the_disk_names_the_field_that_says_it(disk: ImageFile) -> None:
    # vgda_psn is 8 bytes at 0x1C of the record [lvm 4.1]; the second value is at 0x20
    disk.write(7 * SECTOR + 0x20, b"\xff\xff\xff\xff")
    with pytest.raises(CorruptImage) as caught:
        dump(disk, CATALOG["vgda_header"], copy=2)
    error = caught.value
    assert (error.structure, error.field, error.offset) == ("lvm_record", "vgda_psn[1]", 7 * SECTOR + 0x20)


def test_what_cannot_be_placed_is_refused(disk: ImageFile) -> None:
    with pytest.raises(OperationRefused, match="no fixed place") as caught:
        dump(disk, CATALOG["pp_entry"])
    assert "--offset" in caught.value.hint
    for copy in (0, 3):
        with pytest.raises(OperationRefused, match="copies 1 to 2"):
            dump(disk, CATALOG["lvm_record"], copy=copy)
    with pytest.raises(CorruptImage, match="expected 512 bytes, found 100 bytes"):
        dump(disk, CATALOG["boot_record"], offset=disk.size - 100)
    with pytest.raises(CorruptImage, match="found 0 bytes"):
        dump(disk, CATALOG["boot_record"], offset=1 << 60)


def test_runs_of_equal_elements_are_one_line(disk: ImageFile) -> None:
    at = 8 * SECTOR
    disk.write(at, b"DEFECT\x00\x01" + b"\x10\x00\x00\x07\x80\x00\x00\x09")
    names = [f.name for f in dump(disk, CATALOG["bad_block_directory"]).fields]
    assert names == [
        "id",
        "count",
        "entries[0].reason_block",
        "entries[0].state_relocation",
        "entries[1..1406].reason_block",
        "entries[1..1406].state_relocation",
    ]


@pytest.mark.parametrize("name", list(CATALOG))
def test_every_structure_is_covered_without_holes(name: str) -> None:
    record = CATALOG[name]
    data = bytes((37 * i + 11) % 256 for i in range(record.size))
    at = 1000
    for field in annotate(record, data, 1000):
        assert field.offset == at and field.bytes == data[at - 1000 : at - 1000 + len(field.bytes)]
        width = 1
        if ".." in field.name:  # a run of equal elements stands for all of them
            first, last = field.name[field.name.index("[") + 1 : field.name.index("]")].split("..")
            width = int(last) - int(first) + 1
        at += len(field.bytes) * width
    assert at == 1000 + record.size


@pytest.mark.parametrize(
    ("type", "data", "value"),
    [
        ("u8", b"\x07", "7"),
        ("u16be", b"\x01\x02", "258 (0x102)"),
        ("u16le", b"\x01\x02", "513 (0x201)"),
        ("s16be", b"\xff\xff", "-1"),
        ("s32be", b"\xff\xff\xff\x00", "-256 (-0x100)"),
        ("u24be", b"\x00\x01\x00", "256 (0x100)"),
        ("u32be[2]", b"\0\0\0\x88\0\0\x08\xc2", "136 (0x88), 2242 (0x8c2)"),
        ("bytes[4]", b"_LVM", '"_LVM"'),
        ("bytes[4]", b"\xc9\xc2\xd4\xc1", ""),
        ("bytes[4]", bytes(4), ""),
        ("text[6]", b"hd4\0\0\0", '"hd4"'),
        ("text[6]", b"\x1b[2J\0\0", '"\\x1b[2J"'),
    ],
)
def test_values(type: str, data: bytes, value: str) -> None:
    assert decode(type, data) == value


@given(st.sampled_from(["u8", "s64le", "text[9]", "bytes[9]", "u16be[4]"]), st.binary(min_size=8, max_size=8))
def test_values_are_printable(type: str, data: bytes) -> None:
    assert decode(type, data).isprintable()
