"""Checks 14, 16 and 52 to 59: extent trees.

The roots of all inodes of a group are judged at once; those that are not leaves without fault are taken one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nodes.extent_node import (
    FILE_EXTENT,
    ExtentNode,
    ExtentNodeCodec,
    ExtentNodePlace,
    ExtentTreeLimits,
)
from ..nodes.extent_roots import sound_leaf_roots
from ..nodes.extent_tree import walk
from ..nodes.fault import Fault
from .ownership import owner_name
from .subject import Subject


@dataclass
class Trees:
    """What a number of extent trees hold.

    Attributes:
        data: blocks of their extents, shape (trees,).
        pages: blocks of their pages, shape (trees,).
        end: logical block after the last extent, shape (trees,).
        count: extents, shape (trees,).
    """

    data: NDArray[np.int64]
    pages: NDArray[np.int64]
    end: NDArray[np.int64]
    count: NDArray[np.int64]


def check_trees(
    subject: Subject,
    owners: NDArray[np.int64],
    at: NDArray[np.int64],
    roots: NDArray[np.uint8],
    capacities: tuple[int, ...],
    *,
    found: list[NDArray[Any]] | None = None,
) -> Trees:
    """Judge extent trees and claim their blocks.

    Args:
        subject: the file system.
        owners: owner of each tree, shape (trees,).
        at: byte offset of each root in the device, shape (trees,).
        roots: header and entries of each root, shape (trees, bytes), contiguous.
        capacities: what `maxentry` of a root may be.
        found: receives the extents that make sense, arrays of `FILE_EXTENT`.
    """
    volume = subject.volume
    limits = ExtentTreeLimits(volume.blocks, volume.blocks_per_page, capacities)
    trees = Trees(*(np.zeros(len(owners), np.int64) for _ in range(4)))
    sound, extents, tree = sound_leaf_roots(subject.dialect, roots, limits)
    checker = _TreeChecker(subject, limits, trees, found)
    checker.count(extents, tree, owners)
    for row in np.flatnonzero(~sound).tolist():
        checker.check(row, int(owners[row]), int(at[row]), roots[row])
    return trees


class _TreeChecker:
    """Takes trees one by one."""

    def __init__(
        self, subject: Subject, limits: ExtentTreeLimits, trees: Trees, found: list[NDArray[Any]] | None
    ) -> None:
        self._subject, self._limits, self._trees, self._found = subject, limits, trees, found
        self._codec = ExtentNodeCodec(subject.dialect)

    def count(self, extents: NDArray[Any], tree: NDArray[np.int64], owners: NDArray[np.int64]) -> None:
        """Claim extents that make sense; `tree` says for each which one it belongs to."""
        trees = self._trees
        np.maximum.at(trees.end, tree, extents["offset"] + extents["length"])
        np.add.at(trees.count, tree, 1)
        np.add.at(trees.data, tree, extents["length"])
        self._subject.owners.claim_many(extents["address"], extents["length"], owners[tree])
        if self._found is not None:
            self._found.append(extents)

    def check(self, row: int, owner: int, at: int, root: NDArray[np.uint8]) -> None:
        """Judge one tree."""
        s, bpp, trees = self._subject, self._limits.blocks_per_page, self._trees

        def enter(block: int) -> bool:
            trees.pages[row] += bpp
            return s.owners.enter(block, bpp, owner)

        def read(block: int) -> NDArray[np.uint8]:
            return s.volume.read(block, bpp)

        for place, node in walk(self._codec, root, self._limits, read=read, enter=enter):
            start = at if place.block is None else place.block * s.volume.block_size
            for fault in node.faults:
                if fault.check:
                    text = _text(fault, place, node, owner_name(owner))
                    s.report.add(fault.check, fault.structure, fault.field, start + fault.offset, text)
            if node.is_leaf and node.is_sure:
                e = node.entries
                if len(e):
                    trees.end[row] = max(trees.end[row], int((e["offset"] + e["length"]).max()))
                trees.count[row] += len(e)
                trees.data[row] += int(e["length"].sum())
                good = e[node.inside]
                s.owners.claim_many(good["address"], good["length"], np.full(len(good), owner))
                if self._found is not None:
                    self._found.append(good)


_WORDS = {"off_lo": "offset", "addr_lo": "place", "len": "length"}


def _text(fault: Fault, place: ExtentNodePlace, node: ExtentNode, owner: str) -> str:
    """A fault in words."""
    name = f"the root of {owner}" if place.block is None else f"page {place.block} of {owner}"
    if fault.entry is not None:
        name = f"{'extent' if node.is_leaf else 'router'} {fault.entry} of {name}"
    return f"{name}: {_WORDS.get(fault.field, fault.field)} {fault.found}, expected {fault.expected}"


def extents_of(
    subject: Subject, owner: int, at: int, root: NDArray[np.uint8], capacities: tuple[int, ...]
) -> tuple[NDArray[Any], Trees]:
    """Judge one tree and return its extents, an array of `FILE_EXTENT`, with its counts."""
    found: list[NDArray[Any]] = []
    trees = check_trees(
        subject, np.array([owner]), np.array([at]), np.ascontiguousarray(root)[None, :], capacities, found=found
    )
    return np.concatenate(found) if found else np.empty(0, FILE_EXTENT), trees
