"""`lvmfmt fs fsck`: phases, findings, JSON and exit status, on bare images and in logical volumes.

Tests of `lvmfmt.cli.fs_check`.
"""

import json
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.jfs2 import InventoryBuilder, build
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin

MIB = 1 << 20


def inventory():
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    tree.add_entry(0, tree.add_inode(0o100644), b"file")
    return tree.finish()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "root.img"
    with ImageFile.create(path, 16 * MIB) as device:
        build(device, inventory(), origin=FixedOrigin(0))
    return path


def corrupt(path: Path) -> None:
    with path.open("r+b") as f:
        f.seek(0x8000 + 92)
        f.write((2).to_bytes(4, "big"))  # s_state: dirty


def test_clean(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "fsck", "-n", str(image)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"The current volume is: {image}"
    assert [line for line in lines if line.startswith("***")] == [  # as AIX names them, without "and repair"
        "*** Phase 1 - Initial inode scan",
        "*** Phase 2 - Process remaining directories",
        "*** Phase 3 - Process remaining files",
        "*** Phase 4 - Check inode allocation map",
        "*** Phase 5 - Check block allocation map",
    ]
    assert lines[-1] == "File system is clean."


def test_findings(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corrupt(image)
    before = image.read_bytes()
    assert cli.main(["fs", "fsck", str(image)]) == 1
    out = capsys.readouterr().out
    assert "error: superblock-state [10] (j2_superblock.s_state at byte 0x805c): s_state is 0x2" in out
    assert out.splitlines()[-3:] == [
        "File system is not clean: 1 errors, 0 warnings.",
        "would fix: superblock: s_state is 0x2, becomes 0x0",
        "Nothing was written; fsck -y does the above.",
    ]
    assert image.read_bytes() == before


def test_json(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corrupt(image)
    assert cli.main(["fs", "fsck", "--json", str(image)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["clean"], found["aix_exit_status"], found["errors"]) == (False, 8, 1)
    assert found["counts"] == {"superblock-state": 1}
    (finding,) = found["findings"]
    assert (finding["number"], finding["name"], finding["severity"]) == (10, "superblock-state", "error")
    assert (finding["structure"], finding["field"], finding["offset"]) == ("j2_superblock", "s_state", 0x805C)


def test_in_a_logical_volume_and_at_an_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hdisk0.img"
    origin = SeededOrigin(1)
    with ImageFile.create(path, 40 * MIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("hd4", "jfs2", 20, label="/")
        build(group.logical_volumes["hd4"].device, inventory(), origin=FixedOrigin(0))
    assert cli.main(["fs", "fsck", str(path), "--lv", "hd4"]) == 0
    assert "File system is clean." in capsys.readouterr().out
    assert cli.main(["fs", "fsck", str(path), "--offset", "0"]) == 1
    assert "superblock" in capsys.readouterr().err


def test_no_file_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(16 * MIB))
    assert cli.main(["fs", "fsck", str(path)]) == 1
    assert "expected J2FS or JFS1" in capsys.readouterr().err


def test_repair_and_undo(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corrupt(image)
    before = image.read_bytes()
    undo = tmp_path / "before.undo"
    assert cli.main(["fs", "fsck", "-y", str(image), "--undo", str(undo)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "All observed inconsistencies have been repaired."
    assert image.read_bytes() != before
    assert cli.main(["fs", "fsck", str(image)]) == 0
    assert cli.main(["undo", str(undo), "--yes"]) == 0
    assert image.read_bytes() == before
    assert cli.main(["fs", "fsck", "-p", "-f", "--json", str(image)]) == 0


def test_undo_goes_with_a_repair(image: Path, tmp_path: Path) -> None:
    before = image.read_bytes()
    assert cli.main(["fs", "fsck", str(image), "--undo", str(tmp_path / "undo")]) == 2
    assert image.read_bytes() == before and not (tmp_path / "undo").exists()
