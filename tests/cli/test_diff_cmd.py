"""`lvmfmt diff` (`lvmfmt.cli.diff_cmd`): text, JSON and exit status."""

import json
import shutil
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import VolumeGroup

MIB = 1 << 20


@pytest.fixture
def disks(tmp_path: Path) -> tuple[str, str]:
    """A disk of a volume group as it was, and as it is."""
    before, after = tmp_path / "before.img", tmp_path / "after.img"
    ImageFile.create(after, 32 * MIB).close()
    with VolumeGroup.create(after, pp_size=MIB) as group, group.change() as change:
        change.add_lv("lv00", "raw", 4)
    shutil.copy(after, before)
    return str(before), str(after)


def test_the_same_bytes(disks: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", *disks]) == 0
    assert capsys.readouterr().out == "the images have the same bytes\n"
    assert cli.main(["diff", *disks, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"before": disks[0], "after": disks[1], "size": 32 * MIB, "changes": [], "bytes": 0}


def test_what_differs_has_its_owner(disks: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with ImageFile(disks[1], writable=True) as disk:
        disk.write(0x1B0, b"\xff\xff")  # boot record
    with VolumeGroup.open(disks[1], writable=True) as group:
        volume = group.logical_volumes["lv00"]
        at = volume.pvs[1].offset(int(volume.map.pp[0, 1]))
        volume.device.write(MIB + 512, b"abc")
    assert cli.main(["diff", *disks]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"5 of {32 * MIB} bytes differ"
    assert [line.split() for line in lines[2:]] == [
        ["0x0", "1", "2", "boot", "record"],
        [f"{at + 512:#x}", "1", "3", "lv00:", "raw"],
    ]
    assert cli.main(["diff", *disks, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["bytes"] == 5
    assert found["changes"][1] == {"owner": "lv00: raw", "sectors": 1, "bytes": 3, "first": at + 512}


def test_refusals(disks: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short").write_bytes(bytes(512))
    assert cli.main(["diff", disks[0], str(tmp_path / "short")]) == 2
    assert "sizes differ" in capsys.readouterr().err
    assert cli.main(["diff", disks[0], str(tmp_path / "none")]) == 2
    assert cli.main(["diff", disks[0], disks[1], "--group", str(tmp_path / "none")]) == 2
