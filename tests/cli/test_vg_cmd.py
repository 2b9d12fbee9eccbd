"""`lvmfmt vg check`, `--repair` and `lvmfmt undo` on image files.

Tests of `lvmfmt.cli.vg_cmd` and `lvmfmt.cli.undo_cmd`.
"""

import hashlib
import json
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
SECTOR = 512


@pytest.fixture
def disks(tmp_path: Path) -> list[str]:
    return make(tmp_path, "hdisk", 1)


def make(folder: Path, name: str, seed: int) -> list[str]:
    paths = [folder / f"{name}{n}.img" for n in (0, 1)]
    origin = SeededOrigin(seed)
    devices = [ImageFile.create(path, 16 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id=f"00c0ffe{seed}4c00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", 6, 2)
    for device in devices:
        device.close()
    return [str(path) for path in paths]


def digest(paths: list[str]) -> list[str]:
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]


def put(path: str, offset: int, data: bytes) -> None:
    with Path(path).open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def test_a_good_group(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = digest(disks)
    assert cli.main(["vg", "check", *disks]) == 0
    assert capsys.readouterr().out == "nothing wrong was found\n"
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 0
    assert digest(disks) == before and not (tmp_path / "undo").exists()


def test_check_repair_undo(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = digest(disks)
    put(disks[0], 7 * SECTOR, bytes(SECTOR))
    put(disks[1], 136 * SECTOR + 2097 * SECTOR, b"torn")
    broken = digest(disks)
    assert cli.main(["vg", "check", *disks]) == 1
    text = capsys.readouterr().out
    assert "record-copy" in text and "vgda-copy" in text and "the newest whole copy" in text and "0xe00" in text
    assert digest(disks) == broken
    undo = str(tmp_path / "undo")
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", undo, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {f["rule"] for f in report["findings"]} == {"record-copy", "vgda-copy"} and report["left"] == []
    assert set(report["findings"][0]) == {
        "rule", "severity", "where", "structure", "field", "grade", "offset", "evidence", "expected", "right",
    }  # fmt: skip
    assert cli.main(["vg", "check", *disks]) == 0
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", undo]) == 0  # nothing to do: not in the way
    assert cli.main(["undo", undo]) == 2 and "say --yes" in capsys.readouterr().err
    assert cli.main(["undo", undo, "--yes"]) == 0
    assert digest(disks) == broken != good
    assert cli.main(["undo", undo, "--yes"]) == 0
    assert "0 sectors" in capsys.readouterr().out.splitlines()[-1]


def test_undo_of_images_that_moved_or_changed(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(disks[1], 70 * SECTOR, bytes(SECTOR))
    broken, undo = digest(disks), str(tmp_path / "undo")
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", undo]) == 0
    moved = [str(Path(disk).rename(tmp_path / f"moved{n}.img")) for n, disk in enumerate(disks)]
    assert cli.main(["undo", undo, "--yes"]) == 2
    assert cli.main(["undo", undo, *moved]) == 2
    assert "about 1 images" in capsys.readouterr().err
    repaired = digest(moved)
    assert cli.main(["undo", undo, moved[1]]) == 0
    assert digest(moved) == broken
    put(moved[1], 70 * SECTOR, b"something else")
    changed = digest(moved)
    assert cli.main(["undo", undo, moved[1]]) == 2
    assert digest(moved) == changed != repaired
    put(undo, 3, b"?")
    assert cli.main(["undo", undo, moved[1]]) == 1


def test_undo_knows_the_images_in_whatever_order(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for disk, psn in ((0, 136), (0, 2242), (1, 136)):
        put(disks[disk], psn * SECTOR + 0x18, b"\0\x09")  # numlvs: the same bytes on both
    undo = str(tmp_path / "undo")
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", undo]) == 0
    repaired = digest(disks)
    assert cli.main(["undo", undo, *disks[::-1]]) == 2
    assert "another image than" in capsys.readouterr().err and digest(disks) == repaired
    assert cli.main(["undo", undo, *disks]) == 0


def test_undo_reads_no_device_as_its_file(disks: list[str]) -> None:
    assert cli.main(["undo", "/dev/zero", *disks]) == 2


@pytest.mark.parametrize("how", ["half", "two groups", "undo file there", "only the undo file"])
def test_refusals_change_no_byte(
    how: str, disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, words, undo = list(disks), ["--repair"], tmp_path / "undo"
    put(disks[0], 7 * SECTOR, bytes(SECTOR))
    if how == "half":
        images = disks[1:]  # it has one of the three descriptor copies
        put(disks[1], 7 * SECTOR, bytes(SECTOR))
    elif how == "two groups":
        images += make(tmp_path, "other", 2)
    elif how == "undo file there":
        undo.write_bytes(b"kept")
    else:
        words = []
    before = digest(images)
    assert cli.main(["vg", "check", *images, *words, "--undo-file", str(undo)]) == 2
    assert capsys.readouterr().err
    assert digest(images) == before
    assert undo.read_bytes() == b"kept" if how == "undo file there" else not undo.exists()


def test_a_disk_without_its_record_is_still_of_the_group(disks: list[str], tmp_path: Path) -> None:
    for psn in (7, 70):
        put(disks[1], psn * SECTOR, bytes(SECTOR))
    assert cli.main(["vg", "check", *disks]) == 1
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 0
    assert cli.main(["vg", "check", *disks]) == 0


def test_what_cannot_be_told_is_left_and_said(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for disk, psn in ((0, 136), (0, 2242), (1, 136)):
        put(disks[disk], psn * SECTOR + 0x24, b"\0\2")  # quorum [lvm 8.1]
    before = digest(disks)
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 1
    text = capsys.readouterr().out
    assert "header-switch" in text and "nobody can tell" in text and "0 of 1 findings" in text
    assert digest(disks) == before


def test_no_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.img").write_bytes(bytes(MIB))
    assert cli.main(["vg", "check", str(tmp_path / "x.img")]) == 1
    assert "lvm_record" in capsys.readouterr().err


def test_a_scan_says_what_a_scan_finds(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.img"
    ImageFile.create(empty, 4 * MIB).close()
    assert cli.main(["vg", "scan", str(empty)]) == 1
    assert capsys.readouterr().out == "nothing was found by scanning\n"
    assert cli.main(["vg", "scan", *disks]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("found by scanning") and lines[1].split()[:2] == ["IMAGE", "BYTE"]
    assert any("lvcb" in line and "hd4" in line for line in lines)
    assert cli.main(["vg", "scan", str(empty), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == []
    assert cli.main(["vg", "scan", *disks, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_sound_group_and_two_of_them(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vg", "check", *disks]) == 0
    assert capsys.readouterr().out == "nothing wrong was found\n"
    others = make(tmp_path, "other", 2)
    assert cli.main(["vg", "check", *disks, *others]) == 0
    before = digest(disks + others)
    assert cli.main(["vg", "check", "--repair", *disks, *others]) == 2
    assert "2 volume groups" in capsys.readouterr().err
    assert cli.main(["vg", "check", "--undo-file", str(tmp_path / "undo"), *disks]) == 2
    assert digest(disks + others) == before and not (tmp_path / "undo").exists()
