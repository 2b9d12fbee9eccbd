"""Places of the structures of big and scalable groups, and what a scan finds of them.

Tests of `lvmfmt.inspect.structure_places`.
"""

from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli.main import main
from lvmfmt.errors import OperationRefused
from lvmfmt.inspect.hexdump import dump
from lvmfmt.inspect.leftovers import salvage
from lvmfmt.layout.catalog import CATALOG
from lvmfmt.lvm import VgKind, VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB, SECTOR = 1 << 20, 512
MARK = b"lvmfmt1"  # what our own layouts bear (layout.vgda_scalable, layout.vgda)


def make(folder: Path, kind: VgKind, count: int = 2) -> list[ImageFile]:
    devices = [ImageFile.create(folder / f"{kind}{i}.img", 96 * MIB) for i in range(count)]
    group = VolumeGroup.create(devices, origin=SeededOrigin(1), machine_id="00F7B72A4C00", pp_size=MIB, kind=kind)
    with group.change(SeededOrigin(2)) as change:
        for name in ("hd4", "data"):
            change.add_lv(name, "jfs2", 3, label=f"/{name}")
    for lv in group.logical_volumes.values():
        lv.device.write(MIB, b"content of " + lv.name.encode())
    return devices


@pytest.fixture(params=[VgKind.BIG, VgKind.SCALABLE], ids=str)
def group(request: Any, tmp_path: Path) -> tuple[VgKind, list[ImageFile]]:
    return request.param, make(tmp_path, request.param)


# [lvm 9]: copies of 32 + 8802 sectors, from sector 128 on
BIG = {
    ("vgsa_big", 1): 128, ("vgda_header_big", 1): 160, ("vgda_trailer", 1): 160 + 8801,
    ("vgsa_big", 2): 8962, ("vgda_header_big", 2): 8994,
}  # fmt: skip


@pytest.mark.parametrize(("name", "copy"), BIG)
def test_places_of_a_big_group(name: str, copy: int, tmp_path: Path) -> None:
    disk = make(tmp_path, VgKind.BIG, 1)[0]
    found = dump(disk, CATALOG[name], copy=copy)
    assert found.offset == BIG[name, copy] * SECTOR
    if name == "vgda_header_big":
        values = {field.name: field for field in found.fields}
        assert values["layout"].bytes.rstrip(b"\0").startswith(b"lvmfmt") and values["layout"].grade == "C"


def test_places_of_a_scalable_group(tmp_path: Path) -> None:
    disk = make(tmp_path, VgKind.SCALABLE, 1)[0]
    begins = [dump(disk, CATALOG["area_begin"], copy=copy) for copy in range(1, 17)]
    assert begins[0].offset == 128 * SECTOR
    assert all(f.bytes.rstrip(b"\0") == MARK for found in begins for f in found.fields if f.name == "layout")
    ends = [dump(disk, CATALOG["area_end"], copy=copy).offset + 8 for copy in range(1, 17)]
    assert [end % SECTOR for end in ends] == [0] * 16
    assert ends[:7] == [found.offset for found in begins[1:8]]  # one area after the other
    assert dump(disk, CATALOG["vg_info"]).offset == begins[3].offset
    assert dump(disk, CATALOG["pv_info"], copy=2).offset == begins[12].offset + 16
    lv = {field.name: field.value for field in dump(disk, CATALOG["lv_entry_scalable"]).fields}
    assert "hd4" in lv["name"]
    assert dump(disk, CATALOG["mwc_record"], copy=20).offset == 119 * SECTOR  # [lvm 1.1]
    with pytest.raises(OperationRefused, match="copies 1 to 2, not 3"):
        dump(disk, CATALOG["vg_info"], copy=3)


@pytest.mark.parametrize("name", ["vgda_header", "vgsa", "lvm_record"])
def test_a_scalable_group_has_no_classic_structures(name: str, tmp_path: Path) -> None:
    disk = make(tmp_path, VgKind.SCALABLE, 1)[0]
    with pytest.raises(OperationRefused, match="scalable volume group") as refused:
        dump(disk, CATALOG[name])
    assert refused.value.hint


def test_what_is_not_ours_is_recognised_and_not_read(group: tuple[VgKind, list[ImageFile]]) -> None:
    kind, devices = group
    for disk in devices:
        raw = disk.read(0, 24 * MIB).tobytes()
        at = raw.find(MARK)
        while at >= 0:  # as if another had laid it out
            disk.write(at, bytes(len(MARK)))
            at = raw.find(MARK, at + 1)
        mark = raw.find(b"lvmfmt layout 1")
        while mark >= 0:
            disk.write(mark, bytes(15))
            mark = raw.find(b"lvmfmt layout 1", mark + 1)
    name = "vgda_header_big" if kind is VgKind.BIG else "vg_info"
    with pytest.raises(OperationRefused, match="not published, and it is not ours"):
        dump(devices[0], CATALOG[name])


@pytest.mark.parametrize(
    ("name", "words"),
    [("lv_entry", "sectors 1 to 16, 256 entries; big 1 to 32, 512"), ("lv_name", "256 names; big 577 sectors, 512")],
)
def test_tables_without_a_fixed_place_tell_of_every_kind_of_group(name: str, words: str, tmp_path: Path) -> None:
    # a big group has 512 LVs: 512 x 32 bytes are 32 sectors, 512 names of 64 bytes and the copies of 512 LVCBs,
    # a sector each, with the trailer end it: 64 + 512 + 1 = 577 [lvm 9]
    devices = make(tmp_path, VgKind.BIG)
    with pytest.raises(OperationRefused, match=words):
        dump(devices[0], CATALOG[name])


# ---- what is left of a group: [lvm 4] (backup record), [lvm 11] (two places a disk, every disk)


def destroy(disk: ImageFile, what: str) -> None:
    record = VolumeGroup.open([disk]).record
    if what in ("record", "all"):
        disk.write(7 * SECTOR, bytes(SECTOR))
    if what == "all":
        disk.write(70 * SECTOR, bytes(SECTOR))
    for index in {"first": (0,), "second": (1,), "all": (0, 1)}.get(what, ()):
        disk.write(record.vgda_psn[index] * SECTOR, b"\xa5" * (record.vgda_len * SECTOR))


@pytest.mark.parametrize("what", ["record", "first", "second"])
@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_one_disk_with_one_thing_destroyed(what: str, kind: VgKind, tmp_path: Path) -> None:
    (disk,) = make(tmp_path, kind, 1)
    destroy(disk, what)
    disk.close()
    opened = VolumeGroup.open([ImageFile(disk.name)])  # for reading: nothing is written to it
    assert {n: lv.device.read(MIB, 12).tobytes() for n, lv in opened.logical_volumes.items()} == {
        "hd4": b"content of h", "data": b"content of d",
    }  # fmt: skip
    assert opened.problems


def test_the_vgda_of_another_disk(group: tuple[VgKind, list[ImageFile]]) -> None:
    _, devices = group
    pvids = list(VolumeGroup.open(devices).physical_volumes)
    destroy(devices[0], "all")
    opened = VolumeGroup.open(devices)  # the disk is known by its PVID
    assert list(opened.physical_volumes) == pvids and opened.complete
    assert opened.logical_volumes["hd4"].device.read(MIB, 14).tobytes() == b"content of hd4"
    alone = VolumeGroup.open(devices[1:])
    assert [alone.physical_volumes[pvid].device is None for pvid in pvids] == [True, False]


def test_without_any_vgda_the_control_blocks_are_found(
    group: tuple[VgKind, list[ImageFile]], capsys: pytest.CaptureFixture[str]
) -> None:
    kind, devices = group
    disk = devices[0]
    whole = {(f.name, f.label, f.lps, f.found_by) for f in salvage(disk) if f.found_by == "metadata"}
    assert whole == {("hd4", "/hd4", 3, "metadata"), ("data", "/data", 3, "metadata")}
    for psn in (7, 70):
        disk.write(psn * SECTOR, bytes(SECTOR))
    record = VolumeGroup.open(devices[1:]).record
    for start in record.vgda_psn:  # torn, and no record says where they are
        disk.write(start * SECTOR, b"\xa5" * SECTOR)
    found = [f for f in salvage(disk) if f.found_by == "metadata"]
    assert {f.name for f in found} == {"hd4", "data"} and all(f.offset % SECTOR == 0 for f in found)
    if kind is VgKind.BIG:  # those have one in the volume too (D11)
        assert {f.name for f in salvage(disk) if f.found_by == "scan"} == {"hd4", "data"}
    disk.flush()
    assert main(["vg", "scan", disk.name]) == 0
    assert "hd4" in capsys.readouterr().out
