"""The buddy trees of the block map, as a pure function of the bits.

Source: [jfs2 2.7.1]; recomputing the trees from the bits gives the stored bytes exactly, on every
image that Linux wrote.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
Tree = NDArray[np.int8]

DMAP_BUDMIN = 5


def _free_run_of_byte(value: int) -> int:
    """log2 of the longest aligned run of zero bits in a byte, -1 if it has none."""
    for log2 in (3, 2, 1, 0):
        width = 1 << log2
        if any(not (value >> shift) & ((1 << width) - 1) for shift in range(0, 8, width)):
            return log2
    return -1


_FREE_RUN = np.array([_free_run_of_byte(value) for value in range(256)], np.int8)


def word_leaves(words: NDArray[np.uint8]) -> Tree:
    """Leaf values of map words before combination.

    Args:
        words: shape (..., 4), dtype uint8: the four bytes of each 32-bit word, most significant first; 1 = in use.

    Returns:
        shape (...,), dtype int8: log2 of the longest aligned run of free blocks in the word (5 = all), -1 if none.
    """
    leaves: Tree = _FREE_RUN[words].max(axis=-1)
    halves = words.view(">u2") if words.flags.c_contiguous else np.ascontiguousarray(words).view(">u2")
    leaves[(halves == 0).any(axis=-1)] = 4
    leaves[(halves == 0).all(axis=-1)] = 5
    return leaves


def combine(leaves: Tree, budmin: int) -> Tree:
    """Join free buddies: shape (trees, leaves), changed in place and returned."""
    count = leaves.shape[1]
    size, value = 1, budmin
    while size < count:
        left = leaves[:, 0 :: 2 * size]
        right = leaves[:, size :: 2 * size]
        both = (left == value) & (right == value)
        left[both] = value + 1
        right[both] = -1
        size, value = size * 2, value + 1
    return leaves


def tree(leaves: Tree) -> Tree:
    """Whole trees from combined leaves.

    Args:
        leaves: shape (trees, leaves) with leaves a power of 4.

    Returns:
        shape (trees, 1 + 4 + ... + leaves), dtype int8: every inner value is the largest of its four children.
    """
    levels = [leaves]
    while levels[0].shape[1] > 1:
        top = levels[0]
        levels.insert(0, top.reshape(len(top), -1, 4).max(axis=2))
    return np.concatenate(levels, axis=1)


def dmap_trees(words: NDArray[np.uint8]) -> Tree:
    """Trees of dmap pages: words of shape (pages, 256, 4) give shape (pages, 341)."""
    return tree(combine(word_leaves(words), DMAP_BUDMIN))


def control_tree(roots: NDArray[Any], budmin: int) -> Tree:
    """Tree of one control page from the roots of its children (at most 1024): shape (1365,)."""
    leaves = np.full((1, 1024), -1, np.int8)
    leaves[0, : len(roots)] = roots
    whole: Tree = tree(combine(leaves, budmin))[0]
    return whole
