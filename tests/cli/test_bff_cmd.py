"""`lvmfmt bff`: listing and unpacking archives.

Tests of `lvmfmt.cli.bff_cmd`.
"""

import json

import pytest

from lvmfmt.backup import Member, write_archive
from lvmfmt.cli.main import main
from lvmfmt.origin import FixedOrigin

LPP_NAME = b"4 R I PkgA {\nPkgA.rte 1.0.0.0 1 N U en_US Package A\n[\n]\n}\n"


def file(name, data, **fields):
    return Member(name, 0o100644, size=len(data), content=lambda: iter([data]), **fields)


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "PkgA.1.0.0.0.bff"
    members = [
        Member(b"./", 0o40755, nlink=3, key=1),
        file(b"./lpp_name", LPP_NAME),
        Member(b"./usr", 0o40755, nlink=2, key=2),
        file(b"./usr/text", b"abracadabra\n" * 30, mtime=1700000000),
        Member(b"./usr/link", 0o120777, size=4, target=b"text"),
        file(b"./odd\x1b[2J", b""),
    ]
    with path.open("wb") as stream:
        write_archive(stream.write, members, origin=FixedOrigin(1700000000 * 10**9), pack=True, block_size=512)
    return path


def test_a_listing(package, capsys) -> None:
    assert main(["bff", "list", str(package)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["package PkgA, type I, format 4 R", "fileset PkgA.rte 1.0.0.0  Package A"]
    assert out[-2].endswith("./usr/link -> text") and out[-1].endswith("./odd\\x1b[2J")
    assert any("packed" in line and "2023-11-14T22:13:20" in line for line in out)


def test_a_listing_as_json(package, capsys) -> None:
    assert main(["bff", "list", "--json", str(package)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["package"]["name"] == "PkgA" and found["date"] == "2023-11-14T22:13:20Z" and found["problems"] == []
    text = found["members"][3]
    assert (text["name"], text["size"], text["packed"]) == ("./usr/text", 360, True)
    assert found["members"][4]["target"] == "text"


def test_extraction(package, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bff", "extract", str(package)]) == 0
    top = tmp_path / "PkgA.1.0.0.0"
    assert (top / "usr" / "text").read_bytes() == b"abracadabra\n" * 30
    assert (top / "usr" / "link").readlink().name == "text"
    assert "5 paths" in capsys.readouterr().out
    assert main(["bff", "extract", str(package)]) == 2  # there is something by now
    assert main(["bff", "extract", str(package), "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["paths"] == 5


def test_damage_is_told(package, capsys) -> None:
    package.write_bytes(package.read_bytes()[:700])
    assert main(["bff", "list", str(package)]) == 1
    captured = capsys.readouterr()
    assert "./usr" in captured.out and "archive" in captured.err


@pytest.mark.parametrize(("content", "status"), [(b"no archive at all", 1), (b"", 1), (None, 2)])
def test_what_is_no_archive(tmp_path, capsys, content, status) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert main(["bff", "list", str(path)]) == status
    assert capsys.readouterr().err.startswith("lvmfmt: ")


@pytest.mark.parametrize("line", [["bff", "--help"], ["bff", "list", "--help"], ["bff", "extract", "--help"]])
def test_help_has_examples(line, capsys) -> None:
    assert main(line) == 0
    assert "examples:" in capsys.readouterr().out
