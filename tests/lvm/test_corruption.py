"""Every field of every structure set to zero, to its maximum and to something random, and whole images of rubbish.

The group opens with problems, or a `LvmfmtError` says structure, field and offset; nothing else is ever raised, and
reading everything that the group offers raises nothing else either.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage, ImageIOError, LvmfmtError, OperationRefused, UnsupportedFeature
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import BOOT_RECORD, LVM_RECORD, VGSA_CLASSIC
from lvmfmt.layout.record import Record
from lvmfmt.layout.vgda import LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER, VGDA_HEADER, VGDA_TRAILER
from lvmfmt.lvm import Severity, VolumeGroup, scan

SECTOR = 512
VGDA, VGSA = (136, 2242), (128, 2234)  # [lvm 1.2]
PV_AREA = 17 * SECTOR
LV_MINOR = 2  # hd4

# record -> where copies of it lie, relative to nothing (absolute bytes); the copies are damaged one or all
PLACES: dict[str, tuple[Record, list[int]]] = {
    "boot_record": (BOOT_RECORD, [0]),
    "lvm_record": (LVM_RECORD, [7 * SECTOR, 70 * SECTOR]),
    "vgsa": (VGSA_CLASSIC, [psn * SECTOR for psn in VGSA]),
    "vgda_header": (VGDA_HEADER, [psn * SECTOR for psn in VGDA]),
    "lv_entry": (LV_ENTRY, [psn * SECTOR + SECTOR + 32 * (LV_MINOR - 1) for psn in VGDA]),
    "pv_header": (PV_HEADER, [psn * SECTOR + PV_AREA for psn in VGDA]),
    "pp_entry": (PP_ENTRY, [psn * SECTOR + PV_AREA + 32 * 1 for psn in VGDA]),
    "lv_name": (LV_NAME, [(psn + 2098 - 33) * SECTOR + 64 * (LV_MINOR - 1) for psn in VGDA]),
    "vgda_trailer": (VGDA_TRAILER, [(psn + 2097) * SECTOR for psn in VGDA]),
    "lvcb": (LVCB, [4352 * SECTOR]),  # hd5, PP 1
}


def cases(which: str) -> Iterator[tuple[str, int, int]]:
    """(field, offset in the record, size) of every field."""
    for field in PLACES[which][0].fields():
        yield field.name, field.offset, field.size


def use(devices: list[Any]) -> VolumeGroup | None:
    """Open the group and ask it for everything; None if it was refused with a proper error."""
    for info in scan(devices):
        assert all(str(problem) for problem in info.problems)
    try:
        group = VolumeGroup.open(devices)
    except CorruptImage as error:
        assert error.structure and error.offset is not None and error.where
        return None
    except (UnsupportedFeature, OperationRefused) as error:
        assert str(error)
        return None
    for pv in group.physical_volumes.values():
        assert pv.pp_count == len(pv.used) == len(pv.stale) <= 1016 * 32
        assert 0 <= pv.reachable <= pv.pp_count
    for lv in group.logical_volumes.values():
        assert lv.lps <= 32512 and lv.copies <= 3
        _ = (lv.name, lv.type, lv.label, lv.fs, lv.policy, lv.pps, lv.stale_pps, lv.pv_numbers)
        try:
            device = lv.device
            assert device.size == lv.size
            if device.size:
                device.read(0, SECTOR)
                device.read(device.size - SECTOR, SECTOR)
        except (ImageIOError, CorruptImage):
            pass
    assert all(str(problem).isprintable() for problem in group.problems)
    return group


def summary(group: VolumeGroup) -> Any:
    return [
        (name, lv.minor, lv.map.pv.tolist(), lv.map.pp.tolist(), lv.stale.tolist())
        for name, lv in group.logical_volumes.items()
    ]


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    random = np.random.default_rng(2)
    return {
        "zero": lambda size: bytes(size),
        "max": lambda size: b"\xff" * size,
        "max signed": lambda size: b"\x7f" + b"\xff" * (size - 1),
        "random": lambda size: random.bytes(size),
    }


@pytest.mark.parametrize("how", ["zero", "max", "max signed", "random"])
@pytest.mark.parametrize("which", PLACES)
def test_field_in_one_copy(which: str, how: str, make_group: Any, values: Any):
    """One disk, two copies of everything but boot record and LVCB: the other copy serves."""
    group, (disk,) = make_group(1)
    whole = summary(group)
    _record, places = PLACES[which]
    for name, offset, size in cases(which):
        at = places[0] + offset
        before = bytes(disk.read(at, size))
        disk.write(at, values[how](size))
        changed = bytes(disk.read(at, size)) != before
        opened = use([disk])
        disk.write(at, before)
        if opened is None:
            # only a field that makes the record another kind of group's ends the attempt
            assert (which, name) in {("lvm_record", "version"), ("lvm_record", "vg_type"), ("lvm_record", "vg_id")}
        elif which not in ("boot_record", "lvcb") and changed:
            assert opened.problems, (name, how)
            assert summary(opened) == whole or which in ("pp_entry", "lv_entry", "pv_header", "lv_name", "vgsa"), name


@pytest.mark.parametrize("how", ["zero", "max", "max signed", "random"])
@pytest.mark.parametrize("which", PLACES)
def test_field_in_all_copies(which: str, how: str, make_group: Any, values: Any):
    _, (disk,) = make_group(1)
    _record, places = PLACES[which]
    for _name, offset, size in cases(which):
        value = values[how](size)
        saved = [bytes(disk.read(at + offset, size)) for at in places]
        for at in places:
            disk.write(at + offset, value)
        use([disk])
        for at, before in zip(places, saved, strict=True):
            disk.write(at + offset, before)


@pytest.mark.parametrize(
    ("which", "field", "value", "severity", "structure"),
    [
        ("lvm_record", "pv_num", 33, None, "lvm_record"),
        ("lvm_record", "pp_size", 19, None, "lvm_record"),
        ("lvm_record", "vgda_len", 2099, None, "lvm_record"),
        ("lvm_record", "version", 0, None, "lvm_record"),
        ("lvm_record", "vgsa_len", 7, None, "lvm_record"),
        ("vgda_header", "vg_id", 1, None, "vgda_header"),
        ("vgda_header", "pp_size", 21, None, "vgda_header"),
        ("vgda_header", "vgda_size", 2000, None, "vgda_header"),
        ("vgda_header", "maxlvs", 512, None, "vgda_header"),
        ("vgda_header", "sec", 1, None, "vgda_trailer"),
        ("vgda_header", "numlvs", 9, Severity.WARNING, "vgda_header"),
        ("vgda_header", "numpvs", 9, Severity.WARNING, "vgda_header"),
        ("vgda_header", "total_vgdas", 9, Severity.WARNING, "vgda_header"),
        ("vgda_header", "quorum", 2, Severity.WARNING, "vgda_header"),
        ("vgsa", "end_sec", 1, Severity.ERROR, "vgsa"),
        ("vgsa", "factor", 3, Severity.ERROR, "vgsa"),
        ("lv_entry", "lvname", 256, Severity.WARNING, "lv_entry"),
        ("lv_entry", "num_lps", 6, Severity.ERROR, "lv_entry"),
        ("lv_entry", "maxsize", 4, Severity.WARNING, "lv_entry"),
        ("lv_entry", "mirror", 2, Severity.WARNING, "lv_entry"),
        ("pv_header", "pp_count", 1017, Severity.ERROR, "pv_header"),
        ("pv_header", "psn_part1", 4351, Severity.ERROR, "pv_header"),
        ("pv_header", "pvnum_vgdas", 3, Severity.WARNING, "pv_header"),
        ("pv_header", "pv_num", 2, Severity.WARNING, "pv_header"),
        ("pp_entry", "lv_index", 77, Severity.ERROR, "pp_entry"),
        ("pp_entry", "lp_num", 3, Severity.ERROR, "pp_entry"),
        ("pp_entry", "copy", 4, Severity.WARNING, "pp_entry"),
        ("pp_entry", "fst_alt_vol", 1, Severity.WARNING, "pp_entry"),
        ("lv_name", "name", 0, Severity.WARNING, "lv_name"),
    ],
)
def test_what_is_said_about_it(
    which: str, field: str, value: int, severity: Severity | None, structure: str, make_group: Any
):
    """One step outside the range in all copies: which structure is named, and whether the group still opens."""
    _, (disk,) = make_group(1)
    _record, places = PLACES[which]
    _, offset, size = next(case for case in cases(which) if case[0] == field)
    for at in places:
        disk.write(at + offset, value.to_bytes(size, "big"))
    if severity is None:
        with pytest.raises(CorruptImage) as caught:
            VolumeGroup.open([disk])
        assert caught.value.structure == structure
        assert caught.value.offset is not None
        assert {"vgda_trailer": "sec"}.get(structure, field) == caught.value.field
    else:
        found = [p for p in VolumeGroup.open([disk]).problems if p.structure == structure]
        assert severity in {p.severity for p in found}
        assert field in {p.field for p in found} or structure == "vgsa"


def test_a_disk_whose_first_pp_lies_over_the_metadata_is_never_written(make_group: Any):
    _, (disk,) = make_group(1)
    for psn in VGDA:
        disk.write(psn * SECTOR + PV_AREA + PV_HEADER.offset_of("psn_part1"), (128).to_bytes(4, "big"))
    device = VolumeGroup.open([disk]).logical_volumes["hd4"].device
    with pytest.raises(LvmfmtError):
        device.write(0, b"x")


@pytest.mark.parametrize("size", [0, 1, 511, 512, 7 * 512, 8 * 512, 100 * 512, 4000 * 512])
@pytest.mark.parametrize("content", ["zeros", "random"])
def test_rubbish(size: int, content: str, memory_disk: Any):
    disk = memory_disk("rubbish", size)
    if content == "random":
        disk.data[:] = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    with pytest.raises(CorruptImage, match=r"lvm_record.*expected.*found"):
        VolumeGroup.open([disk])


@pytest.mark.parametrize("sectors", [8, 70, 136, 2000, 2234, 3000, 4339, 4352, 5000, 40000])
def test_truncated(sectors: int, make_group: Any, memory_disk: Any):
    _, (disk,) = make_group(1)
    short = memory_disk("short", sectors * SECTOR)
    short.data[:] = disk.data[: short.size]
    group = use([short])
    assert (group is None) == (sectors < 4340)
    if group is not None:
        assert any(p.structure == "pv_header" and "end at byte" in p.text for p in group.problems)


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes_all_over_the_metadata(seed: int, make_group: Any):
    _, disks = make_group(2)
    random = np.random.default_rng(seed)
    for disk in disks:
        for psns in VGDA[:1] + VGSA[:1]:
            at = psns * SECTOR + random.integers(8, 2048, 1 + seed * 4)  # the first sectors, stamps spared
            disk.data[at] = random.integers(0, 256, len(at), np.uint8)
        areas = 136 * SECTOR + PV_AREA + random.integers(0, 40 * 32, 1 + seed * 4)
        disk.data[areas] = random.integers(0, 256, len(areas), np.uint8)
    use(disks)


def test_kinds_of_groups_that_are_recognised_and_refused(make_group: Any):
    _, (disk,) = make_group(1)
    version, vg_type = LVM_RECORD.offset_of("version"), LVM_RECORD.offset_of("vg_type")
    for at, value, words in ((version, 31, "scalable"), (version, 32001, "foreign"), (vg_type, 1, "big")):
        for psn in (7, 70):
            disk.write(psn * SECTOR + at, value.to_bytes(2, "big"))
        with pytest.raises(UnsupportedFeature, match=words):
            VolumeGroup.open([disk])
        assert scan([disk])[0].record.kind.value == words
        for psn in (7, 70):
            disk.write(psn * SECTOR + version, (8).to_bytes(2, "big"))
