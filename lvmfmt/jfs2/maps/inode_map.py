"""Inode maps: control page and IAG pages from the facts they sum up.

Source: reference sections 2.6, 3.1 and the invariants 24 to 41.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import EXTENTS_PER_IAG, INODES_PER_EXTENT, INODES_PER_IAG, Geometry


def iag_pages(
    dialect: Dialect,
    geometry: Geometry,
    used: NDArray[np.bool_],
    extents: NDArray[np.int64],
    *,
    first: int = 0,
) -> NDArray[Any]:
    """IAG pages with everything but their lists.

    Args:
        dialect: structures and byte order.
        geometry: for allocation groups and extent length.
        used: which inodes are in use, shape (pages * 4096,).
        extents: block address of each inode extent, 0 for none, shape (pages * 128,).
        first: number of the first IAG.

    Returns:
        shape (pages,), dtype of the iag record; all links are -1 (see `link_lists`).
    """
    count = len(extents) // EXTENTS_PER_IAG
    places = extents.reshape(count, EXTENTS_PER_IAG)
    backed = places != 0
    in_use = used.reshape(count, EXTENTS_PER_IAG, INODES_PER_EXTENT)
    full = in_use.all(axis=2)
    table = dialect.structures.iag.empty_table(count)
    first_extent = places[np.arange(count), backed.argmax(axis=1)]
    table["agstart"] = first_extent >> geometry.ag_log2 << geometry.ag_log2
    table["iagnum"] = first + np.arange(count)
    for link in ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree"):
        table[link] = -1
    table["inosmap"] = _words(~(backed & ~full))
    table["extsmap"] = _words(backed)
    table["nfreeinos"] = (backed[:, :, None] & ~in_use).sum(axis=(1, 2))
    table["nfreeexts"] = EXTENTS_PER_IAG - backed.sum(axis=1)
    table["wmap"] = table["pmap"] = _words(in_use.reshape(count, INODES_PER_IAG))
    lengths = np.where(backed, geometry.blocks_per_extent, 0)
    dialect.put_pxd(table["inoext"], slice(None), places, lengths)
    return table


def control_page(dialect: Dialect, geometry: Geometry, iags: NDArray[Any]) -> NDArray[Any]:
    """The control page over all IAGs of a map, whose lists are linked in place.

    Args:
        iags: every IAG page of the map, shape (iags,), changed: links of the lists.

    Returns:
        shape (1,), dtype of the dinomap record.
    """
    page = dialect.structures.dinomap.empty_table(1)
    groups = iags["agstart"].astype(np.int64) >> geometry.ag_log2
    backed = (EXTENTS_PER_IAG - iags["nfreeexts"].astype(np.int64)) * INODES_PER_EXTENT
    free = iags["nfreeinos"].astype(np.int64)
    page["in_freeiag"] = -1
    page["in_nextiag"] = len(iags)
    page["in_numinos"] = backed.sum()
    page["in_numfree"] = free.sum()
    page["in_nbperiext"] = geometry.blocks_per_extent
    page["in_l2nbperiext"] = geometry.blocks_per_extent.bit_length() - 1
    empty = np.flatnonzero(backed == 0)
    if len(empty):
        page["in_freeiag"] = empty[0]
        iags["iagfree"][empty] = np.append(empty[1:], -1)
    control = page["in_agctl"][0]
    control["numinos"] = np.bincount(groups, backed, 128)
    control["numfree"] = np.bincount(groups, free, 128)
    for head, forward, back, member in (
        ("inofree", "inofreefwd", "inofreeback", free > 0),
        ("extfree", "extfreefwd", "extfreeback", (iags["nfreeexts"] > 0) & (backed > 0)),
    ):
        control[head] = -1
        for group in np.unique(groups[member]).tolist():
            rows = np.flatnonzero(member & (groups == group))
            control[head][group] = rows[0]
            iags[forward][rows] = np.append(rows[1:], -1)
            iags[back][rows] = np.insert(rows[:-1], 0, -1)
    return page


def _words(bits: NDArray[np.bool_]) -> NDArray[Any]:
    """Map words, bit 0 the most significant: shape (rows, bits) gives (rows, bits / 32), dtype >u4."""
    return np.packbits(bits, axis=1).view(">u4")
