"""Roots of many files at once: the twins of `ExtentNodeCodec` for tables of inodes.

Source: [jfs2 2.4].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from .extent_node import FIRST_ENTRY, ExtentTreeLimits, file_extents
from .packed_extents import ENTRY
from .tree_flags import ROOT_LEAF


def sound_leaf_roots(
    dialect: Dialect, roots: NDArray[np.uint8], limits: ExtentTreeLimits
) -> tuple[NDArray[np.bool_], NDArray[Any], NDArray[np.int64]]:
    """The extents of all roots that are leaves without any fault.

    Args:
        dialect: structures, byte order and flags.
        roots: header and entries of each root, shape (roots, bytes).
        limits: of all trees.

    Returns:
        Which roots those are, shape (roots,); their extents, array of `FILE_EXTENT`, in the order of the roots; the
        root of each extent.
    """
    s = dialect.structures
    header = np.ascontiguousarray(roots[:, : s.xtree_header.size]).view(s.xtree_header.dtype)[:, 0]
    room, count, most = roots.shape[1] // ENTRY, header["nextindex"], header["maxentry"]
    sound = (header["flag"] == ROOT_LEAF) & np.isin(most, limits.root_capacities)
    sound &= (count >= FIRST_ENTRY) & (count <= np.minimum(most, room))
    used = np.where(sound, count, FIRST_ENTRY).astype(np.int64) - FIRST_ENTRY
    tree = np.repeat(np.arange(len(roots)), used)
    index = np.arange(len(tree)) - np.repeat(np.cumsum(used) - used, used)
    xads = np.ascontiguousarray(roots[:, FIRST_ENTRY * ENTRY :]).view(s.xad.dtype)[tree, index]
    extents = file_extents(dialect, xads)
    end = extents["address"] + extents["length"]
    wrong = (extents["address"] <= 0) | (extents["length"] <= 0) | (end > limits.blocks)
    wrong |= extents["flag"] & ~np.uint8(dialect.extent_flags) != 0
    reached = np.where(tree[1:] == tree[:-1], (extents["offset"] + extents["length"])[:-1], 0)
    wrong[1:] |= extents["offset"][1:] < reached
    sound[tree[wrong]] = False
    kept = sound[tree]
    return sound, extents[kept], tree[kept]
