"""Giving inode numbers and link counts to the inodes of an inventory."""

from __future__ import annotations

import numpy as np

from ...errors import OperationRefused
from ..inventory.arrays import Inventory
from ..nodes.directory_node import ROOT_INODE

LOST_FOUND = 3
FIRST_INODE = 4
"""First inode number that a user's file gets."""


class Numbering:
    """Inode numbers, in the order in which entries name the inodes, so that neighbours in a directory stay together.

    Attributes:
        number: inode number of each inventory row, shape (rows,).
        order: inventory row of inode `FIRST_INODE` + i, shape (inodes,).
        links: link count of each row.
        directories: rows of the directories, root first.
    """

    def __init__(self, inventory: Inventory, lost_found: int | None) -> None:
        rows, entries = len(inventory.inodes), inventory.entries
        children = entries["child"].astype(np.int64)
        is_directory = inventory.is_directory()
        named = np.bincount(children, minlength=rows)
        if rows == 0 or not is_directory[0] or named[0] or (named[1:] == 0).any() or (named[is_directory] > 1).any():
            raise OperationRefused("the inventory is not a tree: each directory but the root needs exactly one name")
        first = np.full(rows, len(entries), np.int64)
        np.minimum.at(first, children, np.arange(len(entries)))
        inside = entries["parent"] > 0
        if (first[entries["parent"][inside]] >= np.flatnonzero(inside)).any():
            raise OperationRefused("the inventory is not a tree: a directory's own entry must come before those in it")
        order = 1 + np.argsort(first[1:], kind="stable")
        self.order = order[order != lost_found] if lost_found else order
        self.number = np.zeros(rows, np.int64)
        self.number[self.order] = FIRST_INODE + np.arange(len(self.order))
        self.number[0] = ROOT_INODE
        if lost_found:
            self.number[lost_found] = LOST_FOUND
        below = entries["parent"][is_directory[children]]
        self.links = np.where(is_directory, 2 + np.bincount(below, minlength=rows), named)
        self.directories = np.flatnonzero(is_directory)
