"""`fs build` from every kind of source, `fs get -r` and `fs tree` of what it made.

Tests of `lvmfmt.cli.fs_build` and `lvmfmt.cli.fs_tree`.
"""

import contextlib
import json
import socket
import tarfile
from pathlib import Path

import pytest

from lvmfmt.cli.main import main


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "t" / "d").mkdir(parents=True)
    (tmp_path / "t" / "d" / "f").write_bytes(b"content")
    (tmp_path / "t" / "bad\x1b[31m").write_bytes(b"")
    return tmp_path / "t"


def paths(image, capsys, *more):
    capsys.readouterr()
    assert main(["fs", "tree", str(image), *more, "--json"]) == 0
    return [entry["path"] for entry in json.loads(capsys.readouterr().out)]


def test_a_directory_an_archive_and_an_image_of_the_other_dialect(tree, tmp_path, capsys):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tree / "d", "d")
    first, second = tmp_path / "1.img", tmp_path / "2.img"
    assert main(["fs", "build", str(first), f"{tree}:/host", f"{tmp_path}/a.tar.gz:/tar"]) == 0
    assert main(["fs", "build", str(second), f"{first}:/host", str(tmp_path / "a.tar.gz"), "--dialect", "linux"]) != 0
    assert "two sources" in capsys.readouterr().err and not second.exists()
    assert main(["fs", "build", str(second), f"{first}:/tar", "--dialect", "linux"]) == 0
    assert paths(second, capsys) == ["/", "/d", "/d/f"]
    assert paths(first, capsys, "/host/d", "--depth", "0") == ["/host/d"]
    assert main(["fs", "get", "-r", str(second), "/", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "d" / "f").read_bytes() == b"content"
    assert main(["fs", "get", "-r", str(second), "/", str(tmp_path / "out")]) == 2


def test_a_seed_gives_the_same_bytes(tree, tmp_path):
    for name in ("a", "b"):
        assert main(["fs", "build", str(tmp_path / name), str(tree), "--seed", "7", "--size", "16M"]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_names_cannot_drive_the_terminal(tree, tmp_path, capsys):
    assert main(["fs", "build", str(tmp_path / "a"), str(tree)]) == 0
    capsys.readouterr()
    assert main(["fs", "tree", str(tmp_path / "a")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "bad\\x1b[31m" in out and "2 files" in out


def test_a_tree_is_drawn_with_its_branches(tree, tmp_path, capsys):
    (tree / "d" / "e" / "g").mkdir(parents=True)
    (tree / "d" / "e" / "h").symlink_to("../f")
    assert main(["fs", "build", str(tmp_path / "a"), f"{tree / 'd'}:/top/d", f"{tree / 'd'}:/top/x"]) == 0
    capsys.readouterr()
    assert main(["fs", "tree", str(tmp_path / "a"), "/top"]) == 0
    below = ["├── e", "│   ├── g", "│   └── h -> ../f", "└── f"]
    expected = ["/top", "├── d", *("│   " + line for line in below), "└── x", *("    " + line for line in below)]
    assert capsys.readouterr().out.splitlines() == [*expected, "", "6 directories, 4 files"]
    assert main(["fs", "tree", str(tmp_path / "a"), "/top", "--depth", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == ["/top", "├── d", "└── x", "", "2 directories, 0 files"]


def test_a_name_in_a_message_is_spelled_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tree").mkdir()
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(tmp_path / "tree"):
        listening.bind("a\\b\x1b")
    assert main(["fs", "build", str(tmp_path / "fs.img"), str(tmp_path / "tree")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "/tree/a\\\\b\\x1b: " in line and line.endswith("left out")


def test_what_is_missing_in_the_image_is_in_the_status(tree, tmp_path, capsys):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tree / "d", "d")
        tar.addfile(tarfile.TarInfo("../escape"))
    assert main(["fs", "build", str(tmp_path / "1.img"), f"{tmp_path}/a.tar"]) == 1
    assert "../escape: its name leads out of the archive, left out" in capsys.readouterr().err
    assert paths(tmp_path / "1.img", capsys) == ["/", "/d", "/d/f", "/lost+found"]
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tree / "d" / "s"))
    assert main(["fs", "build", str(tmp_path / "2.img"), str(tree)]) == 0
    assert "socket, left out" in capsys.readouterr().err


def test_a_file_that_a_user_may_not_read_is_missing(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda path, *_: not str(path).endswith("/d/f"))
    assert main(["fs", "build", str(tmp_path / "1.img"), str(tree)]) == 1
    assert "not readable, left out" in capsys.readouterr().err
    box = tmp_path / "box"
    assert main(["host", "create", str(box), "--disk", "hdisk0=1G", "--tree", f"{tree}:/home/t", "--seed", "1"]) == 1
    assert "not readable, left out" in capsys.readouterr().err
