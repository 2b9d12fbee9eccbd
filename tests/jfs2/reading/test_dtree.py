"""The way down a tree of two pages below a root, made by hand in an image of 64 blocks."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.jfs2.nodes.directory_writer import empty_page, empty_root, link_free, put_entry
from lvmfmt.jfs2.reading.directory import DirectoryEntry, DirectoryReader
from lvmfmt.jfs2.reading.dtree import DirectoryTreeReader
from lvmfmt.jfs2.volume import Volume

CODEC = DirectoryCodec(AIX, 4096, 64, indexed=False)


@dataclass
class Tree:
    volume: Volume
    root: bytearray


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """Pages at blocks 20 ("a", "b") and 30 ("m", "n"), the router of the second is "m"."""
    device = ImageFile.create(tmp_path / "image", 64 * 4096)
    for address, names in ((20, b"ab"), (30, b"mn")):
        page = empty_page(CODEC, address, leaf=True)
        for i, name in enumerate(names):
            put_entry(CODEC, page, 0, [5 + i], bytes([name]), struct.pack(">Q", name), leaf=True)
        page[32:34], page[17] = bytes([5, 6]), 2
        link_free(page, list(range(7, 128)))
        device.write(address * 4096, page)
    root = empty_root(CODEC, 2)
    for slot, address, key in ((1, 20, b""), (2, 30, b"m")):
        put_entry(CODEC, root, 0, [slot], key, struct.pack(">II", 1 << 8, address), leaf=False)
    root[16:18], root[24:26] = bytes([0x85, 2]), bytes([1, 2])
    link_free(root, list(range(3, 9)))
    yield Tree(Volume(device, AIX, 4096, 64), root)
    device.close()


def test_all_entries(tree: Tree) -> None:
    reader = DirectoryReader(tree.volume, indexed=False)
    pages: list[tuple[int, int]] = []
    found = list(reader.entries(bytes(tree.root), at=0, pages=pages))
    assert found == [DirectoryEntry(bytes([name]), name) for name in b"abmn"]
    assert pages == reader.pages(bytes(tree.root), at=0) == [(20, 1), (30, 1)]


def test_many_directories(tree: Tree) -> None:
    reader = DirectoryReader(tree.volume, indexed=False)
    [found] = reader.entries_of([(bytes(empty_root(CODEC, 2)), 0), (bytes(tree.root), 0)])
    assert found.leaf.tolist() == [1, 1, 1, 1] and found.names() == [b"a", b"b", b"m", b"n"]


def test_lookup(tree: Tree) -> None:
    reader = DirectoryReader(tree.volume, indexed=False)
    numbers = {name: reader.lookup(bytes(tree.root), name, at=0) for name in (b"a", b"b", b"m", b"n", b"", b"c", b"z")}
    assert numbers == {b"a": 97, b"b": 98, b"m": 109, b"n": 110, b"": None, b"c": None, b"z": None}


def test_first_after(tree: Tree) -> None:
    reader = DirectoryTreeReader(tree.volume, indexed=False)
    root = reader.root(bytes(tree.root), 0)
    assert [reader.first_after(root, key) for key in (b"", b"l", b"m", b"z")] == [1, 1, 2, 2]
    leaf = reader.child(root, 2, set())
    assert [reader.first_after(leaf, key) for key in (b"l", b"m", b"n")] == [0, 1, 2]
    assert leaf.at == 30 * 4096 and reader.entries(leaf) == ([109, 110], [b"m", b"n"])


@pytest.mark.parametrize(
    ("block", "at", "value", "field"),
    [
        (0, 16, 0x80, "dtree_root.flag"),
        (0, 18, 5, "dtree_root.freecnt"),
        (0, 24, 2, "dtree_root.stbl"),
        (0, 34, 2, "dtree_internal_slot.pxd"),  # two blocks of 4096 bytes
        (0, 39, 64, "dtree_internal_slot.pxd"),
        (0, 39, 30, "dtree_internal_slot.pxd"),  # the page of the other router
        (20, 16, 5, "dtree_page_header.flag"),
        (20, 31, 21, "dtree_page_header.self"),
        (20, 5 * 32, 0x80, "dtree_leaf_slot.inumber"),
        (20, 5 * 32 + 8, 9, "dtree_leaf_slot.namlen"),
        (20, 5 * 32 + 10, 0x2F, "dtree_leaf_slot.name"),
    ],
)
def test_the_first_fault_that_misleads_ends_it(tree: Tree, block: int, at: int, value: int, field: str) -> None:
    if block:
        tree.volume.device.write(block * 4096 + at, bytes([value]))
    else:
        tree.root[at] = value
    with pytest.raises(CorruptImage) as caught:
        list(DirectoryReader(tree.volume, indexed=False).entries(bytes(tree.root), at=0))
    error = caught.value
    assert f"{error.structure}.{error.field}" == f"j2_{field}"


@pytest.mark.parametrize(("at", "value"), [(19, 1), (19, 200), (16, 0x05), (32 * 5, 7)])
def test_other_faults_do_not(tree: Tree, at: int, value: int) -> None:
    tree.root[at] = value
    assert len(list(DirectoryReader(tree.volume, indexed=False).entries(bytes(tree.root), at=0))) == 4


def test_too_deep(tree: Tree) -> None:
    """A page that is its own child is in the tree already."""
    page = bytearray(tree.volume.read(20, 1).tobytes())
    page[16] = 4
    page[5 * 32 : 5 * 32 + 8] = struct.pack(">II", 1 << 8, 20)
    page[6 * 32 : 6 * 32 + 8] = struct.pack(">II", 1 << 8, 21)
    tree.volume.device.write(20 * 4096, page)
    with pytest.raises(CorruptImage, match="not in the tree yet"):
        DirectoryReader(tree.volume, indexed=False).pages(bytes(tree.root), at=0)
    reader = DirectoryTreeReader(tree.volume, indexed=False)
    assert "at most 8 levels" in str(reader.too_deep(reader.root(bytes(tree.root), 0)))
