"""Reading extent trees: which blocks hold which part of a file.

Source: reference section 2.4 and invariants 52 to 58.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dialect import Dialect
from .geometry import PAGE
from .volume import Volume

ROOT_OFFSET = 224
"""Where a tree root lies in an inode."""
ROOT_MAXENTRY = 18
PAGE_MAXENTRY = 256
FIRST_ENTRY = 2
MAX_DEPTH = 8
LEAF, INTERNAL = 0x02, 0x04
ROOT_LEAF, ROOT_INTERNAL = 0x83, 0x85
NEVER_WRITTEN = 0x0C
"""Flags of an extent that is allocated but reads as zeros: ABNR of AIX, NOTRECORDED of Linux."""

FILE_EXTENT = np.dtype([("offset", "<i8"), ("length", "<i8"), ("address", "<i8"), ("flag", "u1")])
"""dtype of an extent of a file, in blocks."""


def read_extents(volume: Volume, root: NDArray[np.uint8], *, at: int, pages: list[int] | None = None) -> NDArray[Any]:
    """All extents of a tree in ascending offset: array of `FILE_EXTENT`.

    Args:
        volume: the file system.
        root: the tree root, at least header and entries: 288 bytes.
        at: byte offset of the root in the device, for messages.
        pages: receives the block address of every page of the tree.

    Raises:
        CorruptImage: the tree makes no sense.
    """
    seen: set[int] = set()
    found: list[NDArray[Any]] = []
    level = [(root, at, ROOT_MAXENTRY)]
    for _ in range(MAX_DEPTH):
        below = []
        for node, offset, limit in level:
            extents, is_leaf = _entries(volume, node, offset, limit)
            if is_leaf:
                found.append(extents)
                continue
            for address, length in zip(extents["address"].tolist(), extents["length"].tolist(), strict=True):
                if length != volume.blocks_per_page:
                    raise volume.corrupt("xad", "len", offset, f"{volume.blocks_per_page} blocks of a page", length)
                if address in seen:
                    raise volume.corrupt("xad", "addr_lo", offset, "a page that is not in the tree yet", address)
                seen.add(address)
                below.append((volume.read(address, length), address * volume.block_size, PAGE_MAXENTRY))
        level = below
        if not level:
            break
    else:
        raise volume.corrupt("xtree_header", "flag", level[0][1], f"at most {MAX_DEPTH} levels", "more")
    if pages is not None:
        pages.extend(sorted(seen))
    extents = np.concatenate(found) if len(found) != 1 else found[0]
    ends = extents["offset"] + extents["length"]
    if (extents["offset"][1:] < ends[:-1]).any():
        row = int(np.flatnonzero(extents["offset"][1:] < ends[:-1])[0])
        raise volume.corrupt("xad", "off_lo", at, f"an offset of {ends[row]} or more", extents["offset"][row + 1])
    return extents


def _entries(volume: Volume, node: NDArray[np.uint8], at: int, limit: int) -> tuple[NDArray[Any], bool]:
    """The entries of a root or page, and whether they are extents of the file (a leaf)."""
    s = volume.dialect.structures
    record = s.xtree_header
    header = record.table(node, 1)[0]
    kind = int(header["flag"]) & (LEAF | INTERNAL)
    if kind not in (LEAF, INTERNAL):
        raise volume.corrupt("xtree_header", "flag", at + 16, "leaf or internal", hex(header["flag"]))
    most, count = int(header["maxentry"]), int(header["nextindex"])
    if not FIRST_ENTRY < most <= limit or (limit == PAGE_MAXENTRY and most != limit):
        raise volume.corrupt("xtree_header", "maxentry", at + record.offset_of("maxentry"), limit, most)
    fewest = FIRST_ENTRY if limit != PAGE_MAXENTRY else FIRST_ENTRY + 1
    if not fewest <= count <= most:
        raise volume.corrupt(
            "xtree_header", "nextindex", at + record.offset_of("nextindex"), f"{fewest} to {most}", count
        )
    if limit == PAGE_MAXENTRY:
        length, address = volume.dialect.get_pxd(header["self"])
        if (int(address), int(length)) != (at // volume.block_size, PAGE // volume.block_size):
            raise volume.corrupt(
                "xtree_header", "self", at + record.offset_of("self"), f"its own block {at // volume.block_size}",
                f"{length}@{address}",
            )  # fmt: skip
    xads = s.xad.table(node, count - FIRST_ENTRY, FIRST_ENTRY * s.xad.size)
    extents = file_extents(volume.dialect, xads)
    bad = np.flatnonzero(volume.bad_extents(extents["address"], extents["length"]))
    if len(bad):
        row = int(bad[0])
        volume.check_extent(
            int(extents["address"][row]),
            int(extents["length"][row]),
            "xad",
            "addr_lo",
            at + (FIRST_ENTRY + row) * s.xad.size,
        )
    return extents, kind == LEAF


def file_extents(dialect: Dialect, xads: NDArray[Any]) -> NDArray[Any]:
    """A table of `xad` as an array of `FILE_EXTENT`, unchecked."""
    extents = np.empty(len(xads), FILE_EXTENT)
    offset, length, address, flag = dialect.get_xad(xads)
    extents["offset"], extents["length"], extents["address"], extents["flag"] = offset, length, address, flag
    return extents
