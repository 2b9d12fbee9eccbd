"""`lvmfmt fs logdump` and `fs logredo` on an image that Linux left behind, bare and in a logical volume."""

import json
import lzma
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.jfs2 import AIX, format_log
from lvmfmt.jfs2.filesystem import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs"
MIB = 1 << 20


@pytest.fixture
def dirty(tmp_path: Path) -> str:
    path = tmp_path / "dirty.img"
    path.write_bytes(lzma.decompress((FIXTURES / "dirty.img.xz").read_bytes()))
    return str(path)


@pytest.fixture
def disk(tmp_path: Path, dirty: str) -> str:
    """A disk with the crashed file system in one logical volume, and an empty log in another."""
    path = tmp_path / "hdisk0.img"
    origin = SeededOrigin(1)
    with ImageFile.create(path, 40 * MIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("fslv00", "jfs2", 16)
            change.add_lv("loglv00", "jfs2log", 1)
        group.logical_volumes["fslv00"].device.write(0x8000, Path(dirty).read_bytes()[0x8000:])
        format_log(group.logical_volumes["loglv00"].device, AIX)
    return str(path)


def test_logdump_prints_the_records(dirty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logdump", dirty]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "dialect linux serial 1 pages 256 flag 0x10200900 state open end 0x202c"
    assert len(lines) == 375  # as jfs_logdump counts them
    assert lines[-1] == "@0x00de7c tid 67 back 0xde58 COMMIT len 0"


def test_logdump_as_json(dirty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logdump", dirty, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["log"]["state"] == "open"
    assert len(found["records"]) == 375
    assert found["records"][-1]["lsn"] == 0xDE7C


def test_logdump_of_a_log_volume(disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logdump", disk, "--lv", "loglv00"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "@0x002040 tid 0 back 0x0 SYNCPT len 0 sync 0x0"


def test_logredo_of_an_image_and_once_more(dirty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logredo", dirty]) == 0
    assert capsys.readouterr().out == f"{dirty}: 67 transactions in 373 records, 13 pages changed\n"
    once = Path(dirty).read_bytes()
    assert cli.main(["fs", "logredo", dirty]) == 0
    assert Path(dirty).read_bytes() == once
    with FileSystem.open(ImageFile(dirty)) as fs:
        assert len(fs.listdir("/d")) == 60


def test_logredo_in_a_logical_volume(disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logredo", disk, "--lv", "fslv00", "--log", "loglv00"]) == 0  # its log is inline: not used
    assert "67 transactions" in capsys.readouterr().out
    with ImageFile(disk) as device:
        fs = FileSystem.open(VolumeGroup.open([device]).logical_volumes["fslv00"].device)
        assert len(fs.listdir("/d")) == 60


def test_what_is_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "zeros.img"
    ImageFile.create(path, MIB).close()
    assert cli.main(["fs", "logdump", str(path)]) == 1
    assert cli.main(["fs", "logredo", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 2
