"""The programs of the documentation are short, and do in order what they say."""

import runpy
from pathlib import Path

import pytest

from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.geometry import BLOCK_MAP_OFFSET
from lvmfmt.lvm import VolumeGroup
from lvmfmt.system import System

PROGRAMS = Path(__file__).resolve().parent.parent / "docs" / "programs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a small tree in `site`."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>Welcome</h1>\n")
    (tmp_path / "site" / "style.css").write_text("h1 { color: green }\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(PROGRAMS / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_a_program_has_at_most_15_lines(program: Path) -> None:
    assert len([line for line in program.read_text().splitlines() if line.strip()]) <= 15


def test_make_read_change_and_repair(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("make", capsys).startswith("4 inodes, 0 problems: <VolumeGroup ")
    lines = run("read", capsys).splitlines()
    assert [line.split()[1] for line in lines[:4]] == ["/", "/index.html", "/lost+found", "/style.css"]
    assert lines[4] == "<h1>Welcome</h1>"
    assert run("change", capsys) == ""
    with System.open("hdisk0.img") as disks:
        site = disks.file_system("/site")
        assert site.read("/index.html") == b"<h1>Welcome back</h1>\n"
        assert site.stat("/news").uid == 2 and site.listdir("/news") == ["style.css", "today.html"]
    assert run("repair", capsys) == ""  # nothing is wrong
    with System.open("hdisk0.img", writable=True) as disks:
        disks.logical_volume("/site").device.write(BLOCK_MAP_OFFSET + 8, bytes(8))  # its count of free blocks
    said = run("repair", capsys)
    assert said.startswith("error: bmap-counts: dn_nfree is 0") and said.endswith("1 fixes; clean: True\n")
    assert run("repair", capsys) == ""
    with VolumeGroup.open("hdisk0.img") as group, FileSystem.open(group.logical_volumes["sitelv"].device) as site:
        assert site.read("/news/style.css") == b"h1 { color: green }\n"


def test_clone_on_a_host_and_prove_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clone", capsys).endswith("10 files are the same, 0 things differ\n")
