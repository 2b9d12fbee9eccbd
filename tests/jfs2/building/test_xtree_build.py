"""Runs that cover ranges of files, and the extent trees of many files at once, read back by the codec of one node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.building.xtree_build import ExtentTrees, FileRuns
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.nodes.extent_node import ExtentNodeCodec, ExtentTreeLimits
from lvmfmt.jfs2.nodes.extent_tree import walk

RANGES = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(1, 9)), max_size=12)


@given(RANGES, st.sampled_from([1, 4]))
def test_runs_cover_the_blocks_of_the_ranges_and_no_others(wanted: list[tuple[int, int, int]], block: int) -> None:
    """Ranges of one file do not overlap; those whose blocks touch are one run."""
    rows, end_of = [], {1: 0, 2: 0, 3: 0}
    for inode, gap, length in sorted(wanted, key=lambda row: row[0]):
        start = end_of[inode] + gap
        end_of[inode] = start + length
        rows.append((inode, start, start + length))
    table = np.array(rows, np.int64).reshape(-1, 3)
    runs, where = FileRuns.of(*table.T, block)
    covered = {(inode, at // block) for inode, a, b in rows for at in range(a, b)}
    found = [
        (inode, at)
        for inode, offset, length in zip(runs.inode.tolist(), runs.offset.tolist(), runs.length.tolist(), strict=True)
        for at in range(offset, offset + length)
    ]
    assert sorted(found) == sorted(covered) and not runs.address.any()
    assert found == sorted(found)
    for (inode, start, _), run in zip(rows, where.tolist(), strict=True):
        assert runs.inode[run] == inode
        assert runs.offset[run] <= start // block < runs.offset[run] + runs.length[run]
    behind = {
        (inode, offset + length) for inode, offset, length in zip(runs.inode, runs.offset, runs.length, strict=True)
    }
    assert not behind & set(zip(runs.inode, runs.offset, strict=True))


def test_a_long_run_is_cut_where_an_extent_ends() -> None:
    """The length of an extent has 24 bits [jfs2 2.1]."""
    most = (1 << 24) - 1
    runs, where = FileRuns.of(np.array([5, 6]), np.array([8, 0]), np.array([8 + 2 * most + 3, 1]), 1)
    assert runs.inode.tolist() == [5, 5, 5, 6] and where.tolist() == [0, 3]
    assert runs.offset.tolist() == [8, 8 + most, 8 + 2 * most, 0]
    assert runs.length.tolist() == [most, most, 3, 1]
    assert runs.place(100) == 100 + 2 * most + 4
    assert runs.address.tolist() == [100, 100 + most, 100 + 2 * most, 103 + 2 * most]


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_trees_of_many_files_are_read_back(dialect: Dialect) -> None:
    """A root has 16 extents, a page 254 [jfs2 2.4]."""
    counts = {1: 16, 2: 17, 4: 1, 5: 254 * 16 + 1, 6: 600}
    inode = np.repeat(list(counts), list(counts.values()))
    index = np.concatenate([np.arange(count) for count in counts.values()])
    extents = FileRuns(inode, 3 + 2 * index, np.ones(len(inode), np.int64), 500 + np.arange(len(inode)))
    trees = ExtentTrees(dialect, extents, 8)
    assert trees.counts.tolist() == [0, 16, 17, 0, 1, 4065, 600, 0]
    assert trees.page_counts.tolist() == [0, 0, 1, 0, 0, 18, 3, 0]  # 17 leaves need a page above them
    bpp, codec, limits = 4, ExtentNodeCodec(dialect), ExtentTreeLimits(1 << 20, 4, (18,))
    first = np.where(trees.page_counts > 0, 100_000 + 1000 * np.arange(8), 0)
    roots = trees.roots(1, 7, first, bpp)
    for file in range(1, 7):
        pages = trees.pages(file, int(first[file]), bpp)
        at = {int(first[file]) + bpp * i: page for i, page in enumerate(pages)}
        entered = set(at)
        nodes = list(walk(codec, roots[file - 1], limits, read=at.__getitem__, enter=lambda b, e=entered: b in e))
        assert not [fault for _, node in nodes for fault in node.faults] and len(nodes) == 1 + len(at)
        found = [entry for _, node in nodes if node.is_leaf for entry in node.entries.tolist()]
        own = inode == file
        assert found == [
            (3 + 2 * i, 1, a, 0) for i, a in zip(index[own].tolist(), extents.address[own].tolist(), strict=True)
        ]


def test_a_root_of_four_entries_and_flags() -> None:
    """The tree of a directory's index [jfs2 2.5]; flags are those of the runs."""
    runs = FileRuns(
        np.zeros(4, np.int64), np.arange(4), np.ones(4, np.int64), 50 + np.arange(4), np.arange(4, dtype=np.uint8)
    )
    [root] = ExtentTrees(LINUX, runs, 1, root_entries=4).roots(0, 1, np.zeros(1, np.int64), 1)
    assert len(root) == 32 + 4 * 16 and root[16] == 0x83 and root[18:22].tolist() == [6, 0, 6, 0]
    assert root[32::16].tolist() == [0, 1, 2, 3]
    more = FileRuns(np.zeros(5, np.int64), np.arange(5), np.ones(5, np.int64), 50 + np.arange(5))
    assert ExtentTrees(LINUX, more, 1, root_entries=4).page_counts.tolist() == [1]
    assert ExtentTrees(LINUX, more, 1).roots(0, 0, np.zeros(1, np.int64), 1).shape == (0, 288)
