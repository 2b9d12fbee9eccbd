"""`lvmfmt copy`: whole or not at all, holes stay holes, and never onto itself.

Tests of `lvmfmt.cli.copy_cmd`.

Tests of `lvmfmt.block.newfile`.
"""

import fcntl
import json
import os
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.copying.image import copy_image
from lvmfmt.cli import main as cli
from lvmfmt.errors import ImageIOError

from ..block.copying.faulty import bad_sectors, full_from

MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "src.img"
    with ImageFile.create(path, 64 * MIB) as image:
        image.write(0, b"IBMA" * 128)
        image.write(20 * MIB + 512, np.random.default_rng(1).integers(0, 256, 9 * MIB, np.uint8))
        image.write(64 * MIB - 10, b"0123456789")
    return path


def test_a_copy_has_the_same_bytes_and_no_more_blocks(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "dst.img"
    target.write_bytes(b"old" * 1000)
    assert cli.main(["copy", str(source), str(target), "--verify", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert target.read_bytes() == source.read_bytes()
    assert report["size"] == 64 * MIB and 9 * MIB <= report["bytes_copied"] < 10 * MIB and not report["torn"]
    assert target.stat().st_blocks <= source.stat().st_blocks + 16
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dst.img", "src.img"]


def test_an_empty_image_copies(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert cli.main(["copy", str(tmp_path / "a"), str(tmp_path / "b"), "--verify"]) == 0
    assert (tmp_path / "b").read_bytes() == b""


@pytest.mark.parametrize("how", ["same path", "hard link", "symbolic link", "other spelling"])
def test_a_copy_onto_itself_is_refused(
    source: Path, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = source.read_bytes()
    target = tmp_path / "other.img"
    if how == "hard link":
        target.hardlink_to(source)
    elif how == "symbolic link":
        target.symlink_to(source)
    else:
        target = source if how == "same path" else tmp_path / "." / ".." / tmp_path.name / "src.img"
    assert cli.main(["copy", str(source), str(target)]) == 2
    assert "one file" in capsys.readouterr().err
    assert source.read_bytes() == before


def test_a_locked_target_is_refused_and_kept(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "dst.img"
    target.write_bytes(b"in use")
    with target.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_SH)
        assert cli.main(["copy", str(source), str(target)]) == 2
    assert "another process is using the image" in capsys.readouterr().err
    assert target.read_bytes() == b"in use"


def test_a_source_in_use_is_copied_and_marked(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ImageFile(source, writable=True):
        assert cli.main(["copy", str(source), str(tmp_path / "dst.img")]) == 0
    assert "may be torn" in capsys.readouterr().err


def test_targets_that_are_not_plain_files_are_refused(source: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dir").mkdir()
    for name in ("fifo", "dir"):
        assert cli.main(["copy", str(source), str(tmp_path / name)]) == 2
    assert cli.main(["copy", str(tmp_path / "none"), str(tmp_path / "dst.img")]) == 2
    assert cli.main(["copy", str(source), str(tmp_path / "no" / "dst.img")]) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dir", "fifo", "src.img"]


def test_a_target_link_is_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "real.img").write_bytes(b"old")
    (tmp_path / "link.img").symlink_to("real.img")
    assert cli.main(["copy", str(source), str(tmp_path / "link.img")]) == 0
    assert (tmp_path / "link.img").is_symlink()
    assert (tmp_path / "real.img").read_bytes() == source.read_bytes()


def test_verify_notices_a_target_that_holds_something_else(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ImageFile.write

    def flips_a_bit(self: ImageFile, offset: int, buffer: object) -> None:
        data = bytearray(memoryview(buffer).cast("B"))  # type: ignore[arg-type]
        data[0] ^= 1
        honest(self, offset, data)

    target = tmp_path / "dst.img"
    target.write_bytes(b"old")
    monkeypatch.setattr(ImageFile, "write", flips_a_bit)
    monkeypatch.setattr("lvmfmt.block.copying.image.directly", lambda *_: nullcontext(-1))
    with pytest.raises(ImageIOError, match=f"differs from the source at byte {20 * MIB}"):
        copy_image(source, target, verify=True)
    assert target.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dst.img", "src.img"]


def test_what_cannot_be_read_is_listed_with_its_owners_and_the_copy_waits_beside_its_place(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "dst.img"
    target.write_bytes(b"old")
    with bad_sectors(source, [7, 20 * MIB // 512 + 3, 20 * MIB // 512 + 4]):
        assert cli.main(["copy", str(source), str(target), "--no-flush"]) == 1
        out, err = capsys.readouterr()
        rows = [line.split(maxsplit=2) for line in out.splitlines()[1:]]
        assert rows == [["0xe00", "512", "LVM record"], ["0x1400600", "1024", "unknown"]]  # sector 7 [lvm 1.1]
        assert "1536 bytes could not be read" in err and "--resume goes on" in err
        assert str(tmp_path / ".dst.img.partial") in err and str(tmp_path / ".dst.img.map") in err
        assert cli.main(["copy", str(source), str(target), "--no-flush", "--resume", "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert [(one["offset"], one["length"]) for one in report["missing"]] == [(0xE00, 512), (0x1400600, 1024)]
    assert target.read_bytes() == b"old"
    assert cli.main(["copy", str(source), str(target), "--no-flush", "--resume"]) == 0
    assert f"{source.stat().st_size - 1536} bytes were there" in capsys.readouterr().out
    assert target.read_bytes() == source.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if "dst" in path.name) == ["dst.img"]


def test_a_full_disk_says_what_is_not_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full_from(monkeypatch, 25 * MIB)
    assert cli.main(["copy", str(source), str(tmp_path / "dst.img"), "--no-flush"]) == 3
    err = capsys.readouterr().err
    assert "No space left" in err and "not copied: bytes " in err and f"to {64 * MIB}" in err
    assert "--resume goes on" in err
    monkeypatch.undo()
    assert cli.main(["copy", str(source), str(tmp_path / "dst.img"), "--resume"]) == 0
    assert (tmp_path / "dst.img").read_bytes() == source.read_bytes()
