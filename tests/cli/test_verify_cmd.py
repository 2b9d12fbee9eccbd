"""`lvmfmt verify`: the owner of what changed since the copy, by structure and by file; and its status.

Tests of `lvmfmt.inspect.changed`.
"""

import json
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.inspect.changed import changed_ranges
from lvmfmt.units import SECTOR


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    with ImageFile.create(tmp_path / "src.img", 1 << 20) as image:
        image.write(0, b"data" * 10_000)
    argv = ["copy", str(tmp_path / "src.img"), str(tmp_path / "dst.img"), "--manifest", str(tmp_path / "m")]
    assert cli.main([*argv, "--digest", "sha1"]) == 0
    return tmp_path / "dst.img"


def test_the_same_bytes_are_status_0_and_others_1(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["verify", str(copy), str(copy.parent / "m")]
    capsys.readouterr()
    assert cli.main(argv) == 0
    assert capsys.readouterr().out == "the same bytes and sha1\n"
    with ImageFile(copy, writable=True) as image:
        image.write(7 * SECTOR, b"\xc9")
        image.flush()
    assert cli.main(argv) == 1
    assert "LVM record" in capsys.readouterr().out  # sectors 7 [lvm 1.1]
    assert cli.main([*argv, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["same"] and found["changed"][0]["offset"] == 0
    assert cli.main(["verify", str(copy), str(copy)]) == 1
    assert "manifest" in capsys.readouterr().err


def test_a_wrong_digest_without_a_changed_piece_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = copy.parent / "m"
    lines = manifest.read_text().splitlines()
    last = json.loads(lines[-1])
    last["digests"]["sha1"] = "0" * 40
    manifest.write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n")
    assert cli.main(["verify", str(copy), str(manifest)]) == 1
    assert "another sha1" in capsys.readouterr().out


def test_ranges_that_touch_are_one_and_have_all_owners(copy: Path) -> None:
    with ImageFile(copy) as image:
        found = changed_ranges(image, [], [(0, 3 * SECTOR), (3 * SECTOR, 5 * SECTOR), (1 << 19, SECTOR)])
    assert [one[:2] for one in found] == [(0, 8 * SECTOR), (1 << 19, SECTOR)]
    assert found[0].owners == ["boot record", "configuration record", "MWC records", "LVM record"]
    assert found[1].owners == []


def test_progress_in_json_has_a_last_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["copy", str(copy), str(copy.parent / "other"), "--progress", "json", "--json"]) == 0
    out, err = capsys.readouterr()
    last = json.loads(err.splitlines()[-1])
    assert last["done"] == json.loads(out)["bytes_copied"]
    assert set(last) == {"label", "done", "total", "rate", "left"}
