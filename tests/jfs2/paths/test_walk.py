"""Walking a tree, and paths in it."""

import stat

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, NotFound, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, InventoryBuilder, build
from lvmfmt.jfs2.paths.view import View, check_name, name_bytes, name_text, parts_of
from lvmfmt.jfs2.paths.walk import descend, runs
from lvmfmt.jfs2.reading.inodes import InodeMap
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB


class Zeros:
    def read_into(self, offset, buffer):
        memoryview(buffer).cast("B")[:] = b"x" * memoryview(buffer).nbytes


@pytest.fixture(scope="module", params=[AIX, LINUX], ids=lambda d: d.name)
def device(request, tmp_path_factory):
    """/a/b/c (5000 bytes), /a/z, /l -> a, and /e, an empty directory."""
    tree = InventoryBuilder()
    top, a, b, e = (tree.add_inode(stat.S_IFDIR | 0o755) for _ in range(4))
    c = tree.add_inode(stat.S_IFREG | 0o644, size=5000)
    tree.add_extent(c, 0, 5000, tree.add_source(Zeros()), 0)
    z = tree.add_inode(stat.S_IFIFO | 0o600)
    link = tree.add_inode(stat.S_IFLNK | 0o777)
    tree.links[link] = b"a"
    for parent, child, name in (
        (top, a, b"a"),
        (a, b, b"b"),
        (b, c, b"c"),
        (a, z, b"z"),
        (top, link, b"l"),
        (top, e, b"e"),
    ):
        tree.add_entry(parent, child, name)
    path = tmp_path_factory.mktemp("walk") / "image"
    with ImageFile.create(path, 16 * MIB) as image:
        build(image, tree.finish(), dialect=request.param, origin=FixedOrigin(0))
    return ImageFile(path)


@pytest.fixture
def view(device):
    return opened(Overlay(device))


def opened(device):
    superblock = read_superblock(device)
    volume = superblock.volume(device)
    return View(superblock, volume, InodeMap(volume, superblock))


def paths(view, top="/", **options):
    return [path for path, _ in view.walk(top, **options) if path != "/lost+found"]


def test_a_directory_comes_before_what_is_in_it(view) -> None:
    assert paths(view) == ["/", "/a", "/a/b", "/a/b/c", "/a/z", "/e", "/l"]
    assert paths(view, "/a") == ["/a", "/a/b", "/a/b/c", "/a/z"]
    assert paths(view, depth=0) == ["/"] and paths(view, depth=1) == ["/", "/a", "/e", "/l"]
    assert paths(view, "/a", depth=1) == ["/a", "/a/b", "/a/z"] and paths(view, "/a/b/c") == ["/a/b/c"]


def test_where_in_the_tree_each_is(view) -> None:
    b = view.inode("/a/b")
    found = list(descend(runs(view.volume, view.inodes, view.directories, "top", view.inode("/a"), None)))
    assert [(f.path, f.level, f.is_last) for f in found] == [
        ("top", 0, True), ("top/b", 1, False), ("top/b/c", 2, True), ("top/z", 1, True),
    ]  # fmt: skip
    _, below, *_ = runs(view.volume, view.inodes, view.directories, "top", view.inode("/a"), None)
    assert (below.prefix, below.names, below.ends) == ("top/", ["b"], False)
    assert below.folder[:3] == (b.number, b.root.tobytes(), b.root_at)


def test_a_directory_with_two_names(view) -> None:
    entry = next(e for e in view.entries(view.inode("/a")) if e.name == b"z")
    number = view.inode("/a/b").number
    packing = view.dialect.inode_number
    raw = bytearray(view.volume.device.read(view.inode("/a").root_at, 288).tobytes())
    at = raw.index(packing.pack(entry.number))
    view.volume.device.write(view.inode("/a").root_at + at, packing.pack(number))
    with pytest.raises(CorruptImage, match="no name yet"):
        paths(opened(view.volume.device))


def test_paths_name_what_is_there(view) -> None:
    assert view.exists("/a//b/c") and not view.exists("/a/b/c/d") and not view.exists("/b")
    assert view.listdir("/a") == ["b", "z"] and view.listdir("/e") == []
    assert view.readlink("/l") == "a"
    assert view.stat("/a/b/c").size == 5000 and view.stat("/l").is_symlink
    for path, call in (("/a", view.read), ("/a", view.readlink), ("/a/z", view.listdir), ("/l", view.file_device)):
        with pytest.raises(OperationRefused):
            call(path)
    with pytest.raises(NotFound):
        view.stat("/nothing")


@pytest.mark.parametrize(
    ("offset", "length", "size"),
    [
        (0, None, 5000),
        (4999, None, 1),
        (5000, None, 0),
        (9999, 5, 0),
        (-3, 7, 7),
        (4, -1, 0),
        (4990, 100, 10),
        (1, 4, 4),
    ],
)
def test_parts_of_a_file(view, offset, length, size) -> None:
    assert view.read("/a/b/c", offset, length) == b"x" * size


def test_counts(view) -> None:
    counts = view.statfs()
    assert 0 < counts.free_blocks < counts.total_blocks == view.volume.blocks
    record = view.dialect.structures.dbmap
    for field, value in (
        ("dn_mapsize", counts.total_blocks + 1),
        ("dn_nfree", counts.total_blocks + 1),
        ("dn_nfree", -1),
    ):
        device = Overlay(view.volume.device)
        raw = device.read(0x10000, 4096)
        record.table(raw)[field] = value
        device.write(0x10000, raw)
        with pytest.raises(CorruptImage, match=field):
            opened(device).statfs()


def test_names() -> None:
    assert parts_of("/a//b/") == ["a", "b"] and parts_of("/") == []
    with pytest.raises(OperationRefused, match="bytes"):
        parts_of(b"/a")
    assert name_text(name_bytes("a\udcff")) == "a\udcff" and name_bytes("ä\udcff") == b"\xc3\xa4\xff"
    for good in (b"a", b"x" * 255, b"...", b" "):
        check_name(AIX, good, "here")
    check_name(LINUX, "ä".encode() * 255, "here")  # 255 units, 510 bytes
    for bad in (b"", b"x" * 256, b".", b"..", b"a\0b"):
        with pytest.raises(OperationRefused):
            check_name(AIX, bad, "here")
