"""`lvmfmt layout`.

Tests of `lvmfmt.cli.layout_cmd`.
"""

import json

import pytest

from lvmfmt.cli import main as cli


def test_the_list_names_every_structure(capsys: pytest.CaptureFixture[str]) -> None:
    from lvmfmt.layout.catalog import CATALOG

    assert cli.main(["layout"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(CATALOG)
    assert cli.main(["layout", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [s["name"] for s in listed] == list(CATALOG)
    assert all(sum(s["grades"].values()) == s["fields"] for s in listed)


def test_the_fields_of_the_boot_record(capsys: pytest.CaptureFixture[str]) -> None:
    # [lvm 2]: the PVID is 16 bytes at 0x80 and was seen in dumps
    assert cli.main(["layout", "boot_record", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["size"] == 512
    field = next(f for f in record["fields"] if f["name"] == "pv_id")
    assert (field["offset"], field["size"], field["grade"]) == (0x80, 16, "A")
    assert set(field) == {"name", "offset", "size", "type", "meaning", "grade", "source"}
    assert cli.main(["layout", "boot_record"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if " pv_id " in line)
    assert line.split()[:3] == ["0x80", "16", "pv_id"]


def test_the_tags_of_a_structure_are_explained_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layout", "lv_name"]) == 0
    table, explained = capsys.readouterr().out.split("\n\n")
    assert table.splitlines()[-1].split()[5:7] == ["L,", "H"]
    assert [line.split()[0] for line in explained.splitlines()] == ["SOURCE", "H", "L"]
    assert cli.main(["layout", "lv_name", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"].keys() == {"H", "L"}


def test_the_whole_legend(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layout", "--legend", "--json"]) == 0
    tags = list(json.loads(capsys.readouterr().out))
    assert cli.main(["layout", "--legend"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == tags
    assert "own" in tags and "A" not in tags  # a tag that looks like a grade misleads


def test_an_unknown_name_is_refused_with_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layout", "vgda_heder"]) == 2
    assert "did you mean vgda_header" in capsys.readouterr().err
    assert cli.main(["layout", "\x1b[2J"]) == 2
    assert "\x1b" not in capsys.readouterr().err
