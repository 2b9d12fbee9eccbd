"""Attributes through the bulk builder (`lvmfmt.jfs2.building.attribute_plan`): kept in both dialects, judged by our
checks and by jfs_fsck.
"""

import errno
import os
import stat
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InventoryBuilder, build, scan_trees
from lvmfmt.jfs2.checking import check
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_000_000_000
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF))
)
BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


class Zeros:
    def read_into(self, offset, buffer):
        memoryview(buffer).cast("B")[:] = bytes(memoryview(buffer).nbytes)


def everything():
    """An inventory with one of everything that can have attributes, and what each has, by path."""
    tree, wanted = InventoryBuilder(), {}
    zeros = tree.add_source(Zeros())

    def add(name, values, mode=stat.S_IFREG | 0o644, *, extents=0, link=b"", **columns):
        row = tree.add_inode(mode, size=extents * 8192, **columns)
        if row:
            tree.add_entry(0, row, name.encode())
        for i in range(extents):
            tree.add_extent(row, i * 8192, 4096, zeros, 0)
        if link:
            tree.links[row] = link
        if values:
            tree.attributes[row] = values
        wanted[f"/{name}"] = values

    short, long = {b"user.x": b"vvvvv", b"user.y": b""}, {b"user.l": bytes(range(256)) * 100, b"user.x": b"v"}
    add("", {b"user.root": b"r"}, stat.S_IFDIR | 0o755)
    add("short", short)
    add("long", long)
    add("none", {})
    add("list of 128 bytes", {b"user.x": b"v" * (128 - 4 - 5 - 6)})
    add("list of 129 bytes", {b"user.x": b"v" * (129 - 4 - 5 - 6)})
    add("8 extents", short, extents=8)
    add("9 extents", short, extents=9)
    add("300 extents", short, extents=300)
    add("folder", short, stat.S_IFDIR | 0o700)
    add("link", {b"trusted.x": b"v"}, stat.S_IFLNK | 0o777, link=b"target")
    add("link of 130", {b"trusted.x": b"v"}, stat.S_IFLNK | 0o777, link=b"t" * 130)
    add("link of 300", {b"trusted.x": b"v"}, stat.S_IFLNK | 0o777, link=b"t" * 300)
    add("device", {b"trusted.x": b"v"}, stat.S_IFCHR | 0o600, rdev=5 << 32 | 6)
    add("pipe", {b"trusted.x": b"v"}, stat.S_IFIFO | 0o600)
    return tree, wanted


INLINE = {"/short", "/list of 128 bytes", "/8 extents", "/link", "/link of 300", "/device", "/pipe"}
"""At most 8 extents (maxentry 10), a target below 128 bytes, a list of 128 bytes [jfs2 2.10, invariant 49]."""


@BOTH
def test_attributes_come_back(dialect, built):
    tree, wanted = everything()
    with FileSystem.open(built(dialect, tree.finish())) as fs:
        assert {path: fs.xattrs(path) for path in wanted} == wanted
        inline = {path for path in wanted if fs.attributes(path).kind.value == "inline"}
        assert inline == (INLINE if dialect is LINUX else set())
        assert fs.stat("/long").blocks == 7  # 4 + (5 + 6 + 25,600) + (5 + 6 + 1) = 25,627 bytes
        assert fs.stat("/device").rdev == 5 << 32 | 6
        report = check(fs.device)
        assert report.findings == [] and report.notes == []


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(block_size, built):
    tree, wanted = everything()
    with FileSystem.open(built(AIX, tree.finish(), block_size=block_size)) as fs:
        assert {path: fs.xattrs(path) for path in wanted} == wanted
        assert fs.stat("/long").blocks == -(-25_627 // block_size)
        assert check(fs.device).findings == []


@pytest.mark.judge
def test_jfs_fsck_finds_nothing(built, jfs_fsck, judge):
    tree, _ = everything()
    image = built(LINUX, tree.finish())
    text = jfs_fsck(image)
    # 7 of the long one, a block each where the list has 129 bytes, the tree more than 8 extents or the target 130
    # bytes, and of the folder; the root directory is not counted (neither is it where a kernel wrote the block)
    assert f"{(7 + 5) * 4} kilobytes in extended attributes" in text
    with FileSystem.open(image) as fs:
        number = fs.stat("/short").number
    shown = subprocess.run(
        [judge("jfs_debugfs"), image], input=f"inode {number}\nx\nquit\n", capture_output=True, text=True, check=False
    ).stdout
    assert "di_ea.flag:\t0x40" in shown
    assert "di_ea.size:\t0x0000001f" in shown  # 4 + (5 + 6 + 5) + (5 + 6 + 0) = 31


@BOTH
def test_from_file_system_to_file_system(dialect, built):
    other = LINUX if dialect is AIX else AIX
    tree, wanted = everything()
    tree.attributes[1] = {**tree.attributes[1], b"system.posix_acl_access": ACL}
    with FileSystem.open(built(dialect, tree.finish())) as first:
        between = first.inventory()
        with FileSystem.open(built(other, between)) as second:
            assert {path: second.xattrs(path) for path in wanted} == wanted
        acls = [str(acl) for acl in first.acl("/short")]
        assert acls == (
            ["access: owner rw-, user 1000 r--, owning group r--, mask r--, others ---"] if dialect is LINUX else []
        )


def test_what_cannot_be_kept_is_told(tmp_path):
    tree, _ = everything()
    tree.attributes[1] = {b"user.x": b"v", b"system.posix_acl_access": ACL}
    tree.attributes[2] = {b"user.a": bytes(40_000), b"user.b": bytes(40_000)}
    with ImageFile.create(tmp_path / "image", 16 * MIB) as image:
        report = build(image, tree.finish(), dialect=AIX, origin=FixedOrigin(NOW))
    assert len(report.problems) == 2
    assert "at most 65535 bytes" in report.problems[0] and "1 access control lists of Linux" in report.problems[1]
    with FileSystem.open(tmp_path / "image") as fs:
        assert fs.xattrs("/short") == {b"user.x": b"v"} and fs.xattrs("/long") == {}


def test_attributes_follow_their_inodes_through_selection_and_split():
    tree, wanted = everything()
    whole = tree.finish()
    kept = whole.select(~(whole.entries["child"] == 1))
    for inventory in (kept, kept.split([])[0]["/"]):
        paths = [b"/", *inventory.entry_paths()]
        rows = [0, *inventory.entries["child"].tolist()]
        found = {p.decode(): inventory.attributes.get(row, {}) for p, row in zip(paths, rows, strict=True)}
        assert found == {path: values for path, values in wanted.items() if path != "/short"}


@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=20).filter(lambda n: b"\0" not in n), st.binary(max_size=5000), max_size=4
    )
)
@settings(max_examples=10)
def test_any_attributes_are_kept(tmp_path_factory, values):
    empty = tmp_path_factory.getbasetemp() / "attributes"
    if not empty.exists():
        ImageFile.create(empty, 16 * MIB).close()
    for dialect in (AIX, LINUX):
        tree = InventoryBuilder()
        tree.add_inode(stat.S_IFDIR | 0o755)
        tree.add_entry(0, tree.add_inode(stat.S_IFREG), b"f")
        tree.attributes[1] = values
        device = Overlay(ImageFile(empty))
        build(device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
        assert FileSystem.open(device).xattrs("/f") == values
        assert check(device).findings == []


@pytest.fixture
def host(tmp_path, monkeypatch):
    """`host(attributes)`: a tree with `file`, `twice` (a second name of it), `folder` and `link`, and system calls that
    say that files of these names have these attributes; None: that their file system has none.
    """
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "file").write_bytes(b"")
    (top / "twice").hardlink_to(top / "file")
    (top / "link").symlink_to("file")

    def make(attributes):
        calls = []

        def listed(path, *, follow_symlinks):
            calls.append((Path(path).name, follow_symlinks))
            if attributes is None:
                raise OSError(errno.ENOTSUP, "Operation not supported")
            return list(attributes.get(Path(path).name, {}))

        def got(path, name, *, follow_symlinks):
            value = attributes[Path(path).name][name]
            if isinstance(value, OSError):
                raise value
            return value

        monkeypatch.setattr(os, "listxattr", listed)
        monkeypatch.setattr(os, "getxattr", got)
        return scan_trees([(top, "/")], origin=FixedOrigin(NOW)), calls

    return make


def found_in(inventory):
    paths = dict(zip(inventory.entries["child"].tolist(), inventory.entry_paths(), strict=True))
    return {paths.get(row, b"/").decode(): values for row, values in inventory.attributes.items()}


def test_attributes_of_this_machine(host):
    (inventory, problems), calls = host(
        {
            "file": {"user.b": b"2", "user.a": b"1", "security.selinux": b"s", "trusted.t": b"t"},
            "folder": {
                "system.posix_acl_default": ACL,
                "system.other": b"",
                "user.gone": OSError(errno.ENODATA, "No data"),
            },
            "tree": {"user.root": b"r"},
            "link": {"user.never": b""},
        }
    )
    found = found_in(inventory)
    assert found.pop("/twice") == {b"user.a": b"1", b"user.b": b"2"}  # the last name of the inode
    assert found == {"/": {b"user.root": b"r"}, "/folder": {b"system.posix_acl_default": ACL}}
    assert len(problems) == 1 and "user.gone cannot be read (No data), left out" in problems[0]
    assert sorted(calls) == [("file", False), ("folder", False), ("tree", False)]


def test_a_file_system_without_attributes_is_asked_once(host):
    (inventory, problems), calls = host(None)
    assert inventory.attributes == {} and problems == [] and len(calls) == 1
