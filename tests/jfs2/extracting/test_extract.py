"""Bringing trees out: what comes out is what went in, and nothing leads out of the destination."""

import os
import stat
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import AlreadyExists, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InventoryBuilder, build, scan_trees
from lvmfmt.jfs2.extracting.extract import extract
from lvmfmt.jfs2.extracting.folders import Folders
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000 * 10**9


def attributes(top):
    """Everything that must survive, by path; what two paths share is the smallest path of the same inode."""
    first, found = {}, {}
    for path in (top, *sorted(top.rglob("*"))):
        s = path.lstat()
        key = str(path.relative_to(top))
        same = first.setdefault(s.st_ino, key)
        content = None
        if stat.S_ISREG(s.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(s.st_mode):
            content = path.readlink()
        found[key] = (s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, same, content)
    return found


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_what_went_in_comes_out(tmp_path, dialect):
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "f").write_bytes(b"content" * 1000)
    (source / "empty").write_bytes(b"")
    os.link(source / "deep" / "er" / "f", source / "second")
    (source / "out").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    with (source / "sparse").open("wb") as stream:
        stream.truncate(64 << 20)
        stream.seek(9 << 20)
        stream.write(b"island")
    special = 0o6000 if os.geteuid() == 0 else 0  # bits that only the superuser keeps
    (source / "deep").chmod(0o2511 & (special | 0o777))
    (source / "second").chmod(0o4755 & (special | 0o777))
    for i, path in enumerate((source / "second", source / "pipe", source / "out", source / "deep", source)):
        os.utime(path, ns=(10**9 * i, 10**18 + i), follow_symlinks=False)
    with ImageFile.create(tmp_path / "fs.img", 32 << 20) as device:
        build(
            device, scan_trees([(source, "/x")], origin=FixedOrigin(NOW))[0], dialect=dialect, origin=FixedOrigin(NOW)
        )
        done = extract(FileSystem.open(device).inventory("/x"), tmp_path / "copy", set_id=True)
    assert done.problems == []
    assert attributes(tmp_path / "copy") == attributes(source)
    assert (tmp_path / "copy" / "sparse").stat().st_blocks * 512 < 1 << 20


def tree(*names, target=b"/etc"):
    b = InventoryBuilder()
    root = b.add_inode(stat.S_IFDIR | 0o755)
    for name in names:
        b.add_entry(root, b.add_inode(stat.S_IFREG | 0o644), name)
    link = b.add_inode(stat.S_IFLNK | 0o777, size=len(target))
    b.links[link] = target
    b.add_entry(root, link, b"link")
    return b.finish()


@pytest.mark.parametrize("name", [b"..", b".", b"", b"a/b", b"/etc/passwd", b"a\0b"])
def test_names_that_lead_elsewhere_are_refused_before_anything_is_made(tmp_path, name):
    with pytest.raises(OperationRefused):
        extract(tree(name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_the_machine_cannot_make_is_said_and_the_rest_comes_out(tmp_path):
    done = extract(tree(b"n" * 300, b"good", b"\xff\x1b[31m", target=b"a\0b"), tmp_path / "out")
    assert sorted(os.fsencode(p.name) for p in (tmp_path / "out").iterdir()) == [b"good", b"\xff\x1b[31m"]
    assert len(done.problems) == done.failures == 2 and all(p.isprintable() for p in done.problems)


def test_set_id_bits_are_left_out_and_told(tmp_path: Path) -> None:
    b = InventoryBuilder()
    root = b.add_inode(stat.S_IFDIR | 0o755)
    b.add_entry(root, b.add_inode(stat.S_IFREG | 0o4755, uid=os.geteuid(), gid=os.getegid()), b"su")
    done = extract(b.finish(), tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out/su").stat().st_mode) == 0o755
    assert done.problems == ["su: set-id bits, left out"] and done.failures == 0


def test_only_an_empty_place_is_used(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("elsewhere")
    for place in ("full", "full/mine", "link"):
        with pytest.raises(AlreadyExists):
            extract(tree(b"f"), tmp_path / place)
    assert (tmp_path / "full" / "mine").read_bytes() == b"mine" and not (tmp_path / "elsewhere").exists()


def test_more_directories_than_may_be_open(tmp_path):
    parent, name = [0], [b""]
    for i in range(300):
        (tmp_path / str(i)).mkdir()
        parent.append(0)
        name.append(b"%d" % i)
    with Folders(str(tmp_path), parent, name) as folders:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for row in range(1, 301):
            assert os.path.samestat(os.fstat(folders.fd(row)), (tmp_path / str(row - 1)).stat())
        assert len(list(Path("/proc/self/fd").iterdir())) - before <= 129


def test_a_symlink_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    with Folders(str(tmp_path), [0, 0], [b"", b"link"]) as folders, pytest.raises(OSError):
        folders.fd(1)
