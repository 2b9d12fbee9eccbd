"""Places of what lies behind the new end: every block is there once and before the end, and free ones are taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.errors import NoSpace
from lvmfmt.jfs2 import AIX
from lvmfmt.jfs2.maps.free_space import FreeSpace
from lvmfmt.jfs2.nodes.extent_node import FILE_EXTENT
from lvmfmt.jfs2.resizing.beyond_end import BLOCKS, TREE, BeyondEnd
from lvmfmt.jfs2.resizing.placement import ShrinkPlacement, place
from lvmfmt.jfs2.volume import Volume

END = 1000
VOLUME = Volume(None, AIX, 4096, 2000)


def full(wanted: str, there: str) -> NoSpace:
    return NoSpace(f"{wanted}, {there}")


def extents(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(list(rows), FILE_EXTENT)


def places(found: ShrinkPlacement) -> dict[tuple[int, int], int]:
    """Block of each block of a tree afterwards, as the runs of the new trees have it."""
    runs = found.trees._runs
    return {
        (int(tree), int(offset) + i): int(address) + i
        for tree, offset, length, address in zip(runs.inode, runs.offset, runs.length, runs.address, strict=True)
        for i in range(length)
    }


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=6)), max_size=4
    ),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.integers(-60, 60),
)
@settings(max_examples=60, deadline=None)
def test_data_moves_before_the_end(files: list, free: list[int], shift: int) -> None:
    """Extents lie one after the other around the end; rigid ones move whole, the others are cut at the end."""
    at, behind = END + shift, BeyondEnd(END)
    where: dict[tuple[int, int], int] = {}
    table = []
    for tree, (rigid, pieces) in enumerate(files):
        offset, rows = 0, []
        for gap, length in pieces:
            offset += gap
            rows.append((offset, length, at, tree))
            where |= {(tree, offset + i): at + i for i in range(length)}
            offset, at = offset + length, at + length
        behind.extents.append(extents(*rows))
        table.append((10 + tree, rigid, 0))
    behind.trees = np.array(table, TREE)
    runs = np.array([(100 + 50 * i, length) for i, length in enumerate(free)], np.int64).reshape(-1, 2)
    allowed = {block for first, length in runs.tolist() for block in range(first, first + length)}
    try:
        found = place(VOLUME, behind, FreeSpace(runs, full), map_blocks=0)
    except NoSpace:
        return
    now = places(found)
    assert now.keys() == where.keys()
    moved = {key for key in where if now[key] != where[key]}
    assert all(now[key] < END for key in now) and {now[key] for key in moved} <= allowed
    assert len(set(now.values())) == len(now)
    for key in where:
        if where[key] >= END:
            assert key in moved
        elif not files[key[0]][0]:
            assert key not in moved
    copies = {a + i: to + i for a, length, to in found.moves.tolist() for i in range(length)}
    assert copies == {where[key]: now[key] for key in moved}
    spread = [
        {b for first, n in table.tolist() for b in range(first, first + n)} for table in (found.freed, found.taken)
    ]
    assert spread[0] == set(copies) and set(copies.values()) <= spread[1] <= allowed
    for i, pages in enumerate(found.trees.page_counts.tolist()):
        assert (found.tree_address[i] > 0) == (pages > 0)
    assert (found.trees._runs.flag == found.trees._runs.inode).all()


def test_what_stays_together_comes_first_and_is_aligned() -> None:
    behind = BeyondEnd(END)
    behind.solid = np.array([(0, 1000, 4, 4, 0), (5, 1010, 3, 1, 0)], BLOCKS)
    behind.pages = np.array([(7, 1020, 1, 1, 0)], BLOCKS)
    found = place(VOLUME, behind, FreeSpace(np.array([(101, 7), (300, 4)]), full), map_blocks=0)
    assert behind.solid["to"].tolist() == [104, 300] and behind.pages["to"].tolist() in ([101], [303])
    assert found.moves.tolist() == [[1000, 4, 104], [1010, 3, 300]]  # pages are written anew, not copied
    assert [found.solid.block(block) for block in (1003, 1012, 1020)] == [107, 302, 1020]
    assert sorted(found.freed.tolist()) == [[1000, 4], [1010, 3], [1020, 1]]
    with pytest.raises(NoSpace, match="4 blocks in one piece, the longest free run is 3"):
        place(VOLUME, behind, FreeSpace(np.array([(100, 3)]), full), map_blocks=0)


def test_of_the_block_map_only_what_is_needed_moves() -> None:
    behind = BeyondEnd(END)
    behind.trees, behind.extents = np.array([(-2, True, 0)], TREE), [extents((0, 6, 1100, 0))]
    found = place(VOLUME, behind, FreeSpace(np.array([(100, 20)]), full), map_blocks=4)
    assert found.moves.tolist() == [[1100, 4, 100]]
    assert places(found) == {(0, i): (100 if i < 4 else 1100) + i for i in range(6)}
