"""`lvmfmt fs logdump` and `fs logredo` on an image that Linux left behind, bare and in a logical volume.

Tests of `lvmfmt.cli.fs_log`.
"""

import json
import lzma
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.jfs2 import AIX, ExternalLog, format_log, mkfs
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.journal import mount, open_shared_log
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs"
MIB = 1 << 20
NOW = 1_700_000_000_000_000_000


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
    with FileSystem.open(dirty) as fs:
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


@pytest.fixture
def crashed_pair(tmp_path: Path) -> str:
    """A disk with two file systems that share a log volume; both were mounted and changed when the power went off."""
    path = tmp_path / "hdisk1.img"
    origin = SeededOrigin(1)
    with ImageFile.create(path, 60 * MIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("loglv00", "jfs2log", 1)
            change.add_lv("fslv00", "jfs2", 16)
            change.add_lv("fslv01", "jfs2", 16)
        volumes = group.logical_volumes
        format_log(volumes["loglv00"].device, AIX)
        shared = open_shared_log(volumes["loglv00"].device)
        for name in ("fslv00", "fslv01"):
            volume = volumes[name]
            mkfs(
                volume.device,
                dialect=AIX,
                origin=FixedOrigin(NOW),
                log=ExternalLog(10 << 32 | volumes["loglv00"].minor),
            )
            mounted = mount(volume.device, origin=FixedOrigin(NOW), log=shared, aggregate=10 << 32 | volume.minor)
            mounted.write_file(f"/{name}", b"committed", now=NOW)
            mounted.sync()  # and never unmounted
    return str(path)


def test_logredo_of_one_member_and_of_all(crashed_pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "logredo", crashed_pair, "--lv", "fslv01", "--log", "loglv00"]) == 0
    assert "fslv01: 1 transactions" in capsys.readouterr().out
    assert cli.main(["fs", "logredo", crashed_pair, "--all", "--log", "loglv00"]) == 0  # the one that is left
    out = capsys.readouterr().out
    assert "fslv00: " in out and "fslv01" not in out
    for name in ("fslv00", "fslv01"):
        assert cli.main(["fs", "cat", crashed_pair, "--lv", name, f"/{name}"]) == 0
        assert capsys.readouterr() == ("committed", "")
    assert cli.main(["fs", "logredo", crashed_pair, "--all", "--lv", "fslv00"]) == 2


def test_commands_find_the_log_that_the_superblock_names(
    crashed_pair: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody names the log: its minor number is in the superblock (s_logdev), and both members use it."""
    new = tmp_path / "new"
    new.write_bytes(b"later")
    assert cli.main(["fs", "cat", crashed_pair, "--lv", "fslv01", "/fslv01"]) == 0
    out, err = capsys.readouterr()
    assert out == "committed" and "1 transactions" in err  # replayed in memory
    put = ["fs", "put", crashed_pair, "--lv", "fslv00", str(new), "/new"]
    assert cli.main(put) == 2
    assert cli.main(["fs", "fsck", "-y", crashed_pair, "--lv", "fslv00"]) == 0
    assert "All observed inconsistencies have been repaired" in capsys.readouterr().out
    assert cli.main(["fs", "fsck", crashed_pair, "--lv", "fslv00"]) == 0
    assert "the log is open" in capsys.readouterr().out
    assert cli.main(put) == 2  # the other's transactions are in the log still
    assert "logredo" in capsys.readouterr().err
    assert cli.main(["fs", "fsck", "-y", crashed_pair, "--lv", "fslv01"]) == 0
    assert cli.main(put) == 0
    for name, path, content in (("fslv00", "/new", "later"), ("fslv01", "/fslv01", "committed")):
        capsys.readouterr()
        assert cli.main(["fs", "cat", crashed_pair, "--lv", name, path]) == 0
        assert capsys.readouterr() == (content, "")
        assert cli.main(["fs", "fsck", crashed_pair, "--lv", name]) == 0
    capsys.readouterr()
    assert cli.main(["fs", "history", crashed_pair, "--lv", "loglv00"]) == 0
    assert "new is inode" in capsys.readouterr().out  # the change went through the log
