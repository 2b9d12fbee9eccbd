"""Trees of extents: laid out, and walked again."""

import numpy as np
import pytest

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.nodes.extent_node import ExtentNodeCodec, ExtentTreeLimits
from lvmfmt.jfs2.nodes.extent_tree import lay_out, page_counts, walk
from lvmfmt.jfs2.nodes.tree_flags import MAX_DEPTH


def test_page_counts():
    assert page_counts(16, 16) == [] and page_counts(17, 16) == [1] and page_counts(254, 16) == [1]
    assert page_counts(255, 16) == [2] and page_counts(254 * 16, 16) == [16]
    assert page_counts(254 * 16 + 1, 16) == [17, 1]


class Tree:
    """A tree in pages of 4 blocks from block 1000 on, its extents of one block at 7, 9, 11, ..."""

    def __init__(self, dialect, count):
        self.codec, self.extents = ExtentNodeCodec(dialect), [(7 + 2 * i, 1, 10 + i, 0) for i in range(count)]
        self.limits, self.pages, at = ExtentTreeLimits(1 << 20, 4, (18,)), {}, 1000
        levels = []
        for pages in page_counts(count, 16):
            levels.append([at + 4 * i for i in range(pages)])
            at += 4 * pages
        nodes, top = lay_out(self.extents, levels, 4)
        for block, leaf, links, part in nodes:
            self.put(block, part, leaf=leaf, links=links)
        self.root = np.zeros(288, np.uint8)
        self.codec.write_root(self.root, 0, top, leaf=not levels, maxentry=18)

    def walk(self, **options):
        seen = set()
        read, options = self.pages.__getitem__, {"enter": lambda b: not (b in seen or seen.add(b)), **options}
        return list(walk(self.codec, self.root, self.limits, read=read, **options))

    def faults(self, **options):
        return [(place.block, f.check, f.field) for place, node in self.walk(**options) for f in node.faults]

    def put(self, block, entries, *, leaf, links):
        page = self.pages[block] = np.zeros(4096, np.uint8)
        self.codec.write_page(page, entries, leaf=leaf, block=block, length=4, links=links)


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request):
    return request.param


@pytest.mark.parametrize("count", [0, 1, 16, 17, 254, 255, 5000])
def test_what_is_laid_out_is_found(dialect, count):
    tree = Tree(dialect, count)
    nodes = tree.walk()
    assert [e for _, node in nodes if node.is_leaf for e in node.entries.tolist()] == tree.extents
    assert tree.faults() == [] and len(nodes) == 1 + len(tree.pages)
    for place, node in nodes:
        if not node.is_leaf and place.first == 0:
            assert node.entries["offset"][0] == 0  # the left edge, though the file begins with a hole


def test_siblings_keys_and_order_across_pages(dialect):
    tree = Tree(dialect, 600)
    first, second, third = sorted(tree.pages)
    tree.codec.write_page(
        tree.pages[second], tree.extents[254:508], leaf=True, block=second, length=4, links=(first, 0)
    )
    assert tree.faults() == [(second, "xtree-shape", "next")]
    late = [(o - 1, 2, a, f) for o, _, a, f in tree.extents[254:508]]
    tree.put(second, late, leaf=True, links=(first, third))
    assert tree.faults() == [(second, "xtree-routers", "off_lo")]
    early = [(tree.extents[253][0], 1, 5, 0), *tree.extents[255:508]]
    tree.put(second, early, leaf=True, links=(first, third))
    assert tree.faults() == [(second, "xtree-order", "off_lo"), (second, "xtree-routers", "off_lo")]


def test_a_page_twice_is_not_entered_again(dialect):
    tree = Tree(dialect, 600)
    first, _, third = sorted(tree.pages)
    routers = [(0, 4, first, 0), (515, 4, first, 0), (1023, 4, third, 0)]
    tree.codec.write_root(tree.root, 0, routers, leaf=False, maxentry=18)
    assert (None, "", "addr_lo") in tree.faults()
    assert [place.block for place, _ in tree.walk()] == [None, first, third]
    assert [place.block for place, _ in tree.walk(enter=lambda block: block != third)] == [None, first, first]


def test_levels_have_an_end(dialect):
    tree = Tree(dialect, 0)
    tree.codec.write_root(tree.root, 0, [(0, 4, 1000, 0)], leaf=False, maxentry=18)
    for i in range(20):
        block = 1000 + 4 * i
        tree.pages[block] = np.zeros(4096, np.uint8)
        tree.codec.write_page(
            tree.pages[block], [(0, 4, block + 4, 0)], leaf=False, block=block, length=4, links=(0, 0)
        )
    assert len(tree.walk()) == MAX_DEPTH
    assert tree.faults() == [(1000 + 4 * (MAX_DEPTH - 2), "xtree-shape", "flag")]


def test_doubtful_nodes_are_followed_when_asked(dialect):
    tree = Tree(dialect, 600)
    tree.root[16] = 0x80  # neither leaf nor internal
    assert len(tree.walk()) == 1
    nodes = tree.walk(doubtful=True)
    assert [e for _, node in nodes if node.is_leaf for e in node.entries.tolist()] == tree.extents
    leaf = Tree(dialect, 3)
    leaf.root[16] = 0x80
    leaf.pages[10] = np.zeros(4096, np.uint8)
    assert [node.is_leaf for _, node in leaf.walk(doubtful=True)] == [True]
    assert [node.is_leaf for _, node in leaf.walk()] == [None]
