"""Directories built at once: the codec of single nodes finds no fault, every name is there, and no page is wasted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.building.dtree_build import Directories
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec, NodeHeader, PagePlace

FIRST, BPP = 1000, 1


def rendered(dialect: Dialect, names: list[list[bytes]], *, indexed: bool = False) -> tuple[Directories, list, list]:
    """Directories of inodes 10, 11, ... in inode 2, whose entries name the inodes 100, 101, ..."""
    flat = [name for part in names for name in part]
    owner = np.repeat(np.arange(len(names)), [len(part) for part in names])
    numbers = np.arange(10, 10 + len(names))
    built = Directories(
        dialect, numbers, np.full(len(names), 2), owner, 100 + np.arange(len(flat)), flat, indexed=indexed
    )
    roots, pages = built.render(FIRST + BPP * np.arange(built.page_total), BPP)
    return built, [root.tobytes() for root in roots], [page.tobytes() for page in pages]


def read(codec: DirectoryCodec, root: bytes, pages: list[bytes]) -> tuple[list[tuple[bytes, int]], list[list[int]]]:
    """The entries of a directory in the order of its tree, and the pages of each level; all nodes have no fault."""
    header, faults = codec.root(root)
    contents = codec.contents(header)
    assert faults == contents.faults == [] and codec.parent_of(root) == 2
    level: list[tuple[NodeHeader, object]] = [(header, contents)]
    levels: list[list[int]] = []
    bounds: list[tuple[bytes, bytes | None]] = [(b"", None)]
    while not level[0][0].is_leaf:
        children: list[tuple[int, bytes, bytes | None]] = []
        for (node, found), (_, high) in zip(level, bounds, strict=True):
            keys = [*found.keys, high]
            assert codec.faults_of_edge(found.items, leftmost=node is level[0][0]) == []
            for i, item in enumerate(found.items):
                address, length = codec.child_of(node, item.slot)
                assert length == BPP
                children.append((address, keys[i] or b"", keys[i + 1]))
        blocks = [0, *(address for address, _, _ in children), 0]
        level, bounds = [], [(low, high) for _, low, high in children]
        for i, (address, low, high) in enumerate(children):
            page = codec.page(pages[address - FIRST], address)
            found = codec.contents(page[0])
            place = PagePlace(address, BPP, low, high, i == 0, blocks[i], blocks[i + 2], len(children) == 1)
            assert page[1] == found.faults == codec.faults_of_place(page[0], found, place) == []
            level.append((page[0], found))
        levels.append([address for address, _, _ in children])
    entries = [
        (codec.dialect.decode_name(item.coded), codec.number_of(node, item.slot))
        for node, found in level
        for item in found.items
    ]
    return entries, levels


NAMES = st.sets(st.text("aäb0", min_size=1, max_size=90), max_size=150)


@given(st.lists(NAMES, min_size=1, max_size=3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_name_is_there_and_no_node_has_a_fault(parts: list[set[str]], indexed: bool) -> None:
    names = [[name.encode() for name in sorted(part, key=hash)] for part in parts]
    for dialect in (AIX, LINUX):
        with_index = indexed and dialect is LINUX
        built, roots, pages = rendered(dialect, names, indexed=with_index)
        codec = DirectoryCodec(dialect, 4096, FIRST + len(pages) + 1, indexed=with_index)
        number, seen = 100, 0
        for directory, (part, root) in enumerate(zip(names, roots, strict=True)):
            entries, levels = read(codec, root, pages)
            assert dict(entries) == {name: number + i for i, name in enumerate(part)} and len(entries) == len(part)
            number += len(part)
            used = sorted(block for level in levels for block in level)
            assert used == list(range(FIRST + seen, FIRST + seen + len(used)))
            seen += len(used)
            assert built.page_counts[directory] == len(used)
            assert built.leaf_counts[directory] == (len(levels[-1]) if levels else 0)
            assert built.sizes()[directory] == (4096 * len(levels[-1]) if levels else 256)
        assert built.page_total == len(pages) == seen
        assert built.entry_counts.tolist() == [len(part) for part in names]


@pytest.mark.parametrize(("count", "leaves"), [(8, 0), (9, 1), (123, 1), (124, 2), (8 * 123, 8), (8 * 123 + 1, 9)])
def test_pages_are_filled(count: int, leaves: int) -> None:
    """Short names take a slot each: a root has 8, a page 123 [jfs2 2.5]; a root has 8 routers, else a page is above."""
    built, roots, pages = rendered(AIX, [[b"%05d" % i for i in range(count)]])
    assert built.leaf_counts.tolist() == [leaves] and built.page_total == leaves + (leaves > 8)
    codec = DirectoryCodec(AIX, 4096, FIRST + 100, indexed=False)
    entries, levels = read(codec, roots[0], pages)
    assert entries == [(b"%05d" % i, 100 + i) for i in range(count)]
    assert len(levels) == (leaves > 0) + (leaves > 8)
    address, position = built.places(FIRST + np.arange(len(pages)))
    assert position.tolist() == [i % 123 if leaves else i for i in range(count)]
    assert address.tolist() == [FIRST + i // 123 if leaves else 0 for i in range(count)]


def test_routers_are_as_short_as_they_can_be() -> None:
    """The 123 first names fill a page; the first of the next one differs at its third byte."""
    names = [b"a%03dlong" % i for i in range(123)] + [b"abc", b"abd"]
    _, roots, _ = rendered(AIX, [names])
    codec = DirectoryCodec(AIX, 4096, 2000, indexed=False)
    header, _ = codec.root(roots[0])
    assert [item.coded for item in codec.contents(header).items] == [b"", b"ab"]


def test_indexes_follow_the_order_of_the_tree() -> None:
    """The first is 2 [jfs2 2.5]; every directory begins anew."""
    _, roots, _ = rendered(LINUX, [[b"b", b"a"], [b"c"]], indexed=True)
    at = LINUX.with_index().structures.leaf_slot.offset_of("index")
    found = [[int.from_bytes(root[slot * 32 + at :][:4], "little") for slot in (1, 2)] for root in roots]
    assert found[0] == [2, 3] and found[1][0] == 2
