"""`lvmfmt hexdump` as a command: text, JSON, places, refusals.

Tests of `lvmfmt.cli.hexdump_cmd`.
"""

import json
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli


@pytest.fixture
def disk(tmp_path: Path) -> str:
    with ImageFile.create(tmp_path / "hdisk0.img", 1 << 20) as image:
        image.write(0, bytes.fromhex("c9c2d4c1"))
        image.write(0x80, bytes.fromhex("0041a97b0622ef7f"))
    return str(tmp_path / "hdisk0.img")


def test_text_shows_offset_bytes_name_and_grade(disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hexdump", disk, "boot_record"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("boot_record at byte 0x0: IPL record, which also holds the PVID (512 bytes)")
    pvid = next(line for line in lines if " pv_id " in line)
    assert pvid.startswith("00000080  00 41 a9 7b 06 22 ef 7f 00 00 00 00 00 00 00 00  pv_id") and "  A  " in pvid


def test_json_has_stable_keys(disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hexdump", disk, "boot_record", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"structure", "title", "image", "offset", "size", "fields"}
    field = next(f for f in shown["fields"] if f["name"] == "pv_id")
    assert set(field) == {"offset", "name", "bytes", "value", "meaning", "grade", "source"}
    assert (field["offset"], field["bytes"]) == (0x80, "0041a97b0622ef7f" + "00" * 8)


def test_places_by_sector_and_byte_agree(disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for where in (["--psn", "0"], ["--offset", "0x0"], []):
        assert cli.main(["hexdump", disk, "boot_record", *where]) == 0
        outputs.append(capsys.readouterr().out)
    assert len(set(outputs)) == 1


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["nonesuch"], 2),
        (["vgda_header"], 2),
        (["pp_entry"], 2),
        (["boot_record", "--copy", "2"], 2),
        (["boot_record", "--lv", "hd4"], 2),
        (["boot_record", "--psn", "1000000"], 1),
        (["boot_record", "--psn", "1", "--copy", "1"], 2),
    ],
    ids=str,
)
def test_refusals(argv: list[str], status: int, disk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hexdump", disk, *argv]) == status
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err
