"""Files and trees that go into a host and come out again."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from lvmfmt.cli.main import main
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.machine import trees

from ..conftest import Box


def snapshot(root: Path) -> dict[str, tuple[int, bytes | str]]:
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (0 if path.is_symlink() else stat.S_IMODE(mode), content)
    return found


def test_a_tree_comes_back_as_it_went_in(
    single: Box, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = tmp_path / "upgrade"
    (source / "bin/deep").mkdir(parents=True)
    (source / "bin/tool").write_bytes(b"\x7fELF" * 9000)
    (source / "bin/tool").chmod(0o751)
    (source / "bin/deep/empty").touch()
    (source / "link").symlink_to("bin/tool")
    box = str(single.path)
    assert main(["host", "put", "-r", box, str(source), "/opt/upgrade"]) == 0
    assert main(["host", "get", "-r", box, "/opt/upgrade", str(tmp_path / "back")]) == 0
    assert snapshot(tmp_path / "back") == snapshot(source)
    single.good("shutdown -Fr")
    assert main(["host", "cat", box, "/opt/upgrade/link"]) == 0
    assert capsysbinary.readouterr().out == b"\x7fELF" * 9000
    assert main(["host", "ls", box, "/opt/upgrade", "--json"]) == 0
    rows = json.loads(capsysbinary.readouterr().out)
    assert [(r["mode"], r["name"]) for r in rows] == [("drwxr-xr-x", "bin"), ("lrwxrwxrwx", "link")]
    assert rows[1]["target"] == "bin/tool"


def test_edit_runs_the_editor(single: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box = str(single.path)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "sed -i s/user/users/")
    assert main(["host", "edit", box, "/etc/exclude.rootvg"]) == 0
    with Host.open(single.path).machine(print, writable=False) as machine:
        assert machine.read_file("/etc/exclude.rootvg") == b"^./home/users/f2$\n^./opt/app/\n"
    before = single.digests()
    monkeypatch.setenv("EDITOR", "false")
    assert main(["host", "edit", box, "/etc/exclude.rootvg"]) == 2
    assert single.digests() == before


def test_refusals_change_nothing(single: Box, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_bytes(b"f")
    before = single.digests()
    with Host.open(single.path).machine(print, writable=True) as machine:
        for error, source, target in (
            (NotFound, tmp_path / "none", "/tmp"),
            (OperationRefused, tmp_path / "d", "/tmp"),
            (NotFound, tmp_path / "f", "/no/such/place"),
        ):
            with pytest.raises(error):
                trees.put(machine, source, target)
        with pytest.raises(OperationRefused):
            trees.get(machine, "/etc", tmp_path / "etc")
        with pytest.raises(NotFound):
            trees.get(machine, "/nothing", tmp_path / "x")
    assert single.digests() == before


def test_a_tree_goes_across_mount_points_and_begins_with_a_directory(single: Box) -> None:
    with Host.open(single.path).machine(print, writable=False) as machine:
        paths = set(trees.inventory(machine, "/").entry_paths())
        assert b"/etc/exclude.rootvg" in paths and any(path.startswith(b"/home/") for path in paths)  # hd4, hd1
        with pytest.raises(OperationRefused):
            trees.inventory(machine, "/etc/exclude.rootvg")


def test_a_planted_symlink_is_not_written_through(single: Box, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    box, out = str(single.path), tmp_path / "out"
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted/exclude.rootvg").symlink_to(mine)
    assert main(["host", "get", "-r", box, "/etc", str(tmp_path / "planted")]) == 2
    out.symlink_to(mine)
    disk = Path(box) / "disks" / "hdisk0.img"
    before = disk.stat().st_ino, disk.stat().st_size
    assert main(["host", "get", box, "/etc/exclude.rootvg", str(disk)]) == 2
    assert before == (disk.stat().st_ino, disk.stat().st_size)
    assert main(["host", "get", box, "/etc/exclude.rootvg", str(out)]) == 0
    assert mine.read_bytes() == b"mine" and not out.is_symlink()


def test_what_cannot_be_made_outside_ends_with_status_1(
    single: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, box = tmp_path / "source", str(single.path)
    source.mkdir()
    (source / "link").symlink_to("f")
    (source / "f").write_bytes(b"f")
    assert main(["host", "put", "-r", box, str(source), "/opt/tree"]) == 0

    def refuse(*_: object, **__: object) -> None:
        raise FileExistsError(errno.EEXIST, "exists")

    monkeypatch.setattr(os, "symlink", refuse)
    assert main(["host", "get", "-r", box, "/opt/tree", str(tmp_path / "back")]) == 1
    assert "link: cannot be made as it is (File exists)" in capsys.readouterr().err
    assert (tmp_path / "back" / "f").read_bytes() == b"f"


def test_what_is_not_put_is_told(single: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, box = tmp_path / "source", str(single.path)
    source.mkdir()
    os.mkfifo(source / "pipe")
    (source / "f").write_bytes(b"f")
    assert main(["host", "put", box, str(source / "pipe"), "/opt"]) == 2
    assert "not a plain file" in capsys.readouterr().err
    assert main(["host", "put", "-r", box, str(source), "/opt/tree"]) == 0
    assert "pipe: no file, directory or symlink, left out" in capsys.readouterr().err
    assert main(["host", "cat", box, "/opt/tree/f"]) == 0


def test_a_directory_that_cannot_be_listed_is_not_an_empty_one(
    single: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    (source / "closed").mkdir(parents=True)
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["host", "put", "-r", str(single.path), str(source), "/opt/tree"]) == 3
