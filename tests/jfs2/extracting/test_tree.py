"""Directories, symlinks, FIFOs and further names as they are made on this machine."""

import os
import stat
from pathlib import Path

import pytest

from lvmfmt.jfs2.extracting.facts import Facts, Trouble
from lvmfmt.jfs2.extracting.tree import TreeMaker
from lvmfmt.jfs2.inventory.builder import InventoryBuilder

OWNER = {"uid": os.geteuid(), "gid": os.getegid()}


@pytest.fixture
def built() -> InventoryBuilder:
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o751, mtime=7 * 10**9, **OWNER)
    return b


def add(b: InventoryBuilder, parent: int, name: bytes, mode: int, **fields: int) -> int:
    row = b.add_inode(mode, **{**OWNER, **fields})
    b.add_entry(parent, row, name)
    return row


def maker(b: InventoryBuilder, top: Path, *, devices: bool = False) -> tuple[TreeMaker, Trouble]:
    inventory, trouble = b.finish(), Trouble(str(top))
    top.mkdir(exist_ok=True)
    return TreeMaker(inventory, Facts(inventory, set_id=True), trouble, str(top), devices=devices), trouble


def test_directories_are_closed_until_they_are_finished(built: InventoryBuilder, tmp_path: Path) -> None:
    outer = add(built, 0, b"outer", stat.S_IFDIR | 0o555, atime=10**9, mtime=2 * 10**9)
    add(built, outer, b"inner", stat.S_IFDIR | 0o1777, mtime=3 * 10**9)
    making, trouble = maker(built, tmp_path / "top")
    making.make_folders()
    inner = tmp_path / "top" / "outer" / "inner"
    assert stat.S_IMODE(inner.stat().st_mode) == 0o700
    making.finish_folders()
    stats = {path.name: path.stat() for path in (inner, inner.parent, inner.parents[1])}
    found = {name: (stat.S_IMODE(s.st_mode), s.st_mtime_ns) for name, s in stats.items()}
    assert found == {"inner": (0o1777, 3 * 10**9), "outer": (0o555, 2 * 10**9), "top": (0o751, 7 * 10**9)}
    assert trouble.problems == []


def test_symlinks_and_fifos(built: InventoryBuilder, tmp_path: Path) -> None:
    link = add(built, 0, b"link", stat.S_IFLNK | 0o777, mtime=5 * 10**9)
    built.links[link] = b"/etc/passwd"
    add(built, 0, b"pipe", stat.S_IFIFO | 0o640, mtime=6 * 10**9)
    making, trouble = maker(built, tmp_path / "top")
    making.make_special()
    top = tmp_path / "top"
    assert (top / "link").readlink() == Path("/etc/passwd") and (top / "link").lstat().st_mtime_ns == 5 * 10**9
    assert stat.S_ISFIFO((top / "pipe").stat().st_mode) and (top / "pipe").stat().st_mtime_ns == 6 * 10**9
    assert trouble.problems == []


def test_nodes_and_sockets_are_left_out_and_told(built: InventoryBuilder, tmp_path: Path) -> None:
    add(built, 0, b"null", stat.S_IFCHR | 0o666, rdev=1 << 32 | 3)
    add(built, 0, b"disk", stat.S_IFBLK | 0o600, rdev=8 << 32)
    add(built, 0, b"sock", stat.S_IFSOCK | 0o600)
    making, trouble = maker(built, tmp_path / "top")
    making.make_special()
    assert list((tmp_path / "top").iterdir()) == []
    assert trouble.problems == ["null: device node, left out", "disk: device node, left out", "sock: socket, left out"]
    assert trouble.failures == 0


def test_device_numbers_are_those_of_the_inode(built: InventoryBuilder, tmp_path: Path, monkeypatch) -> None:
    made = []
    monkeypatch.setattr(os, "mknod", lambda name, mode, device, dir_fd: made.append((name, mode, device)))
    monkeypatch.setattr(os, "utime", lambda *a, **k: None)
    add(built, 0, b"tty", stat.S_IFCHR | 0o620, rdev=4 << 32 | 65)
    maker(built, tmp_path / "top", devices=True)[0].make_special()
    assert made == [(b"tty", stat.S_IFCHR | 0o620, os.makedev(4, 65))]


def test_a_target_that_no_system_takes_is_told(built: InventoryBuilder, tmp_path: Path) -> None:
    built.links[add(built, 0, b"l", stat.S_IFLNK | 0o777)] = b"a\0b"
    making, trouble = maker(built, tmp_path / "top")
    making.make_special()
    assert len(trouble.problems) == 1 and trouble.problems[0].startswith("l: cannot be made")


def test_further_names_link_to_the_first(built: InventoryBuilder, tmp_path: Path) -> None:
    one, two = (add(built, 0, name, stat.S_IFDIR | 0o755) for name in (b"one", b"two"))
    pipe = add(built, one, b"pipe", stat.S_IFIFO | 0o600)
    built.add_entry(two, pipe, b"other")
    built.add_entry(0, pipe, b"third")
    making, trouble = maker(built, tmp_path / "top")
    making.make_folders()
    making.make_special()
    making.make_further_names()
    top = tmp_path / "top"
    assert len({(top / p).stat().st_ino for p in ("one/pipe", "two/other", "third")}) == 1
    assert (top / "third").stat().st_nlink == 3 and trouble.problems == []


def test_a_name_that_is_taken_is_told_and_the_rest_is_made(built: InventoryBuilder, tmp_path: Path) -> None:
    add(built, 0, b"a", stat.S_IFDIR | 0o755)
    add(built, 0, b"b", stat.S_IFDIR | 0o755)
    making, trouble = maker(built, tmp_path / "top")
    (tmp_path / "top" / "a").write_text("")
    making.make_folders()
    assert (tmp_path / "top" / "b").is_dir() and len(trouble.problems) == 1
