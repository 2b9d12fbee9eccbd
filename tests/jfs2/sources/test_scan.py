"""Reading trees of the running machine."""

import contextlib
import os
import socket
import stat

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import scan_trees
from lvmfmt.jfs2.sources.scan import HostFile
from lvmfmt.origin import FixedOrigin

NOW = 10**18


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "src"
    (top / "d").mkdir(parents=True)
    (top / "d" / "f").write_bytes(b"hello")
    os.link(top / "d" / "f", top / "hard")
    (top / "link").symlink_to("d/f")
    os.mkfifo(top / "pipe")
    os.utime(top / "d" / "f", ns=(11_000_000_001, 22_000_000_002))
    return top


def columns(inventory, path):
    return inventory.inodes[inventory.resolve(path)]


def test_kinds_times_and_hard_links(tree):
    inventory, problems = scan_trees([(tree, "/x/y")], origin=FixedOrigin(NOW))
    assert problems == []
    assert inventory.entry_paths() == [b"/x", b"/x/y", b"/x/y/d", b"/x/y/hard", b"/x/y/link", b"/x/y/pipe", b"/x/y/d/f"]
    f = columns(inventory, "/x/y/d/f")
    assert (f["size"], f["atime"], f["mtime"], f["ctime"]) == (5, 11_000_000_001, 22_000_000_002, NOW)
    assert inventory.resolve("/x/y/hard") == inventory.resolve("/x/y/d/f")
    assert inventory.links[inventory.resolve("/x/y/link")] == b"d/f"
    assert stat.S_ISFIFO(int(columns(inventory, "/x/y/pipe")["mode"]))
    assert columns(inventory, "/x")["mode"] == stat.S_IFDIR | 0o755


def test_what_is_left_out_is_said(tree):
    with socket.socket(socket.AF_UNIX) as s:
        with contextlib.chdir(tree):  # socket paths are short
            s.bind("sock")
        inventory, problems = scan_trees([(tree, "/")], origin=FixedOrigin(NOW))
    assert b"/sock" not in inventory.entry_paths()
    assert problems == [f"{tree}/sock: socket, left out"]


def test_sparse_files_keep_their_holes(tree):
    with (tree / "sparse").open("wb") as f:
        f.truncate(1 << 20)
        f.seek(512 << 10)
        f.write(b"x")
    inventory, _ = scan_trees([(tree, "/")], origin=FixedOrigin(NOW))
    extents = inventory.extents[inventory.extents["inode"] == inventory.resolve("/sparse")]
    assert len(extents) == 1
    assert extents["offset"][0] <= 512 << 10 < extents["offset"][0] + extents["length"][0] <= (512 << 10) + 65536


def test_trees_merge_and_conflicts_are_refused(tree, tmp_path):
    other = tmp_path / "other"
    (other / "d").mkdir(parents=True)
    (other / "d" / "g").write_bytes(b"g")
    inventory, _ = scan_trees([(tree, "/"), (other, "/")], origin=FixedOrigin(NOW))
    assert {b"/d/f", b"/d/g"} <= set(inventory.entry_paths())
    (other / "hard").write_bytes(b"")
    with pytest.raises(OperationRefused, match="two trees"):
        scan_trees([(tree, "/"), (other, "/")], origin=FixedOrigin(NOW))


def test_single_file_needs_a_place(tree):
    inventory, _ = scan_trees([(tree / "d" / "f", "/etc/exclude")], origin=FixedOrigin(NOW))
    assert inventory.entry_paths() == [b"/etc", b"/etc/exclude"]
    with pytest.raises(OperationRefused):
        scan_trees([(tree / "d" / "f", "/")], origin=FixedOrigin(NOW))
    with pytest.raises(OperationRefused, match="cannot read"):
        scan_trees([(tree / "nothing", "/")], origin=FixedOrigin(NOW))


def test_file_that_shrank_or_vanished_reads_as_zeros(tree):
    problems: list[str] = []
    buffer = bytearray(b"?" * 8)
    HostFile(str(tree / "d" / "f"), problems).read_into(0, buffer)
    assert bytes(buffer) == b"hello\0\0\0"
    HostFile(str(tree / "gone"), problems).read_into(0, buffer)
    assert bytes(buffer) == bytes(8)
    assert ["shorter" in problems[0], "cannot be read" in problems[1]] == [True, True]


def test_access_times_of_the_source_do_not_move(tree):
    before = (tree / "d" / "f").stat().st_atime_ns, (tree / "d").stat().st_atime_ns
    inventory, _ = scan_trees([(tree, "/")], origin=FixedOrigin(NOW))
    inventory.sources[0].read_into(0, bytearray(5))
    assert ((tree / "d" / "f").stat().st_atime_ns, (tree / "d").stat().st_atime_ns) == before
