"""`inspect`: what is there is named, and each kind of damage is found with structure, field and place.

Tests of `lvmfmt.inspect.area_copies`, `lvmfmt.cli.inspect_cmd`, `lvmfmt.cli.inspect_text`.
"""

import json
from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.inspect.summary import Remark, Summary, inspect
from lvmfmt.lvm import VolumeGroup, read_pvid
from lvmfmt.origin import FixedOrigin

from .conftest import MIB, Rootvg

SECTOR = 512


def patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def found(summary: Summary) -> set[tuple[str, str, int | None]]:
    return {(f.structure, f.field, f.offset) for f in summary.findings}


def test_a_whole_group_has_no_findings(rootvg: Rootvg) -> None:
    summary = inspect(rootvg.paths)
    assert summary.findings == []
    assert [d.image for d in summary.disks] == rootvg.paths
    with ImageFile(rootvg.disks[0]) as device:
        assert summary.disks[0].pvid == read_pvid(device)
    assert [d.pv_number for d in summary.disks] == [1, 2]
    # a group of two disks has two VGDAs on the first and one on the second ([lvm 8]; VGDA PSNs 136 and 2242)
    assert [(c.area, c.copy, c.psn) for c in summary.disks[0].copies] == [
        ("vgsa", 1, 128), ("vgda", 1, 136), ("vgsa", 2, 2234), ("vgda", 2, 2242),
    ]  # fmt: skip
    assert all(c.whole for c in summary.disks[0].copies)
    (group,) = summary.groups
    assert (group.pp_size, group.total_vgdas, len(group.physical_volumes)) == (MIB, 3, 2)
    volumes = {lv.name: lv for lv in group.logical_volumes}
    assert {n: (lv.type, lv.lps, lv.pps, lv.copies, lv.label) for n, lv in volumes.items()} == {
        "hd5": ("boot", 2, 4, 2, ""),
        "hd8": ("jfs2log", 1, 2, 2, ""),
        "hd4": ("jfs2", 24, 48, 2, "/"),
        "hd1": ("jfs2", 20, 40, 2, "/home"),
    }
    fs = volumes["hd4"].file_system
    assert fs is not None and (fs.dialect, fs.block_size, fs.log, fs.clean, fs.names) == (
        "aix", 4096, "external", True, ["/", "hd4"],
    )  # fmt: skip


def test_one_disk_of_two_is_still_shown_and_the_other_is_named(rootvg: Rootvg) -> None:
    summary = inspect(rootvg.paths[1:])
    assert [pv.image for pv in summary.groups[0].physical_volumes] == [None, rootvg.paths[1]]
    assert summary.findings
    volumes = {lv.name: lv for lv in summary.groups[0].logical_volumes}
    assert volumes["hd4"].file_system is not None  # the mirror serves


@pytest.mark.parametrize(
    ("offset", "data", "expected"),
    [
        (0, b"XXXX", ("boot_record", "IPL_record_id", 0)),
        (7 * SECTOR, b"XXXX", ("lvm_record", "lvm_id", 7 * SECTOR)),
        (7 * SECTOR + 0x2C, b"\x7f\xff", ("lvm_record", "pv_num", 7 * SECTOR + 0x2C)),
        (7 * SECTOR + 0x2E, b"\x00\x05", ("lvm_record", "pp_size", 7 * SECTOR + 0x2E)),
        (128 * SECTOR, b"\x00\x00\x00\x01", ("vgsa", "end_sec", 128 * SECTOR + 0xFF8)),
        (136 * SECTOR, b"\x00\x00\x00\x01", ("vgda_trailer", "sec", (136 + 2097) * SECTOR)),
    ],
)  # fmt: skip
def test_damage_of_the_disk_is_named(rootvg: Rootvg, offset: int, data: bytes, expected: tuple[str, str, int]) -> None:
    patch(rootvg.disks[0], offset, data)
    summary = inspect(rootvg.paths)
    assert expected in found(summary)
    assert summary.groups and len(summary.groups[0].logical_volumes) == 4  # the other copies serve


def test_damage_of_a_file_system_is_named_and_the_others_are_shown(rootvg: Rootvg) -> None:
    places = []
    for disk in rootvg.disks:
        with ImageFile(disk) as device:
            volume = VolumeGroup.open([device]).logical_volumes["hd4"]
            pv = next(pv for pv in volume.pvs.values() if pv.device is device)
            row, lp = next((c, 0) for c in range(2) if volume.map.pv[c, 0] == pv.number)
            places.append(pv.offset(int(volume.map.pp[row, lp])))
    for disk, place in zip(rootvg.disks, places, strict=True):
        patch(disk, place + 0x8000, b"XXXX")
    summary = inspect(rootvg.paths)  # the secondary superblock serves
    assert ("j2_superblock", "", 0xF000) in found(summary)
    for disk, place in zip(rootvg.disks, places, strict=True):
        patch(disk, place + 0xF000, b"XXXX")
    summary = inspect(rootvg.paths)
    assert ("j2_superblock", "s_magic", 0x8000) in found(summary)
    volumes = {lv.name: lv for lv in summary.groups[0].logical_volumes}
    assert volumes["hd4"].file_system is None and volumes["hd1"].file_system is not None


def test_two_groups_and_a_bare_file_system_at_once(rootvg: Rootvg, tmp_path: Path) -> None:
    from lvmfmt.origin import SeededOrigin

    from .conftest import make_rootvg

    make_rootvg([tmp_path / "other.img"], rootvg.tree, SeededOrigin(9, ticks=1000), copies=1)
    bare = tmp_path / "bare.img"
    inventory, _ = jfs2.scan_trees([(rootvg.tree, "/")], origin=FixedOrigin(0))
    with ImageFile.create(bare, 24 * MIB) as device:
        jfs2.build(device, inventory, dialect=jfs2.LINUX, origin=FixedOrigin(0), identity=jfs2.Identity(label="data"))
    summary = inspect([*rootvg.paths, str(bare), str(tmp_path / "other.img")])
    assert summary.findings == []
    assert len(summary.groups) == 2 and len(summary.disks) == 3
    fs = summary.file_systems[str(bare)]
    assert (fs.dialect, fs.log, fs.names) == ("linux", "inline", ["data"])


def test_the_command_prints_text_and_json(rootvg: Rootvg, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", *rootvg.paths]) == 0
    text = capsys.readouterr().out
    assert "nothing wrong was found" in text and "hd4  jfs2" in text
    assert cli.main(["inspect", "--json", *rootvg.paths]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed) == {"disks", "groups", "file_systems", "findings"}
    assert listed["groups"][0]["logical_volumes"][2]["file_system"]["dialect"] == "aix"
    patch(rootvg.disks[0], 0, b"\x1b[2J")
    assert cli.main(["inspect", *rootvg.paths]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert Remark.__doc__


def test_reading_changes_nothing(rootvg: Rootvg) -> None:
    before = [(disk.read_bytes(), disk.stat().st_mtime_ns) for disk in rootvg.disks]
    inspect(rootvg.paths)
    assert before == [(disk.read_bytes(), disk.stat().st_mtime_ns) for disk in rootvg.disks]
