"""Checks 46, 51 and 72 to 74: names and inodes compared, once all of both are known."""

from __future__ import annotations

import stat
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect.inode_form import ATTRIBUTE_OBJECT
from ..reading.inodes import ROOT_DIRECTORY
from .dtree_checks import NameTable
from .subject import Subject


class Census:
    """Every inode in use and every name.

    Attributes:
        names: all names.
        attribute_objects: (object, inode that refers to it, byte offset of the reference).
    """

    def __init__(self) -> None:
        self.names = NameTable()
        self.attribute_objects: list[tuple[int, int, int]] = []
        self._columns: list[tuple[NDArray[Any], ...]] = []

    def add(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any], parents: NDArray[np.int64]
    ) -> None:
        """Add inodes; `parents` is what directories name as theirs, 0 for other inodes."""
        columns = (numbers, at, rows["di_nlink"].astype(np.int64), rows["di_mode"].astype(np.uint32), parents)
        self._columns.append(tuple(column.copy() for column in columns))

    @property
    def columns(self) -> list[tuple[NDArray[Any], ...]]:
        """Numbers, byte offsets, links, modes and parents of the inodes, in the parts that were added."""
        return self._columns

    @property
    def totals(self) -> tuple[int, int, int]:
        """Inodes in use, directories, and regular files."""
        kinds = [mode & 0xF000 for _, _, _, mode, _ in self._columns]
        directories, files = (sum(int((k == t).sum()) for k in kinds) for t in (stat.S_IFDIR, stat.S_IFREG))
        return sum(len(k) for k in kinds), directories, files

    def check(self, subject: Subject) -> None:
        """Judge links, parents and reachability."""
        if self._columns:
            _Links(subject, self.names, self._columns).check(self.attribute_objects)


class _Links:
    def __init__(self, subject: Subject, names: NameTable, columns: list[tuple[NDArray[Any], ...]]) -> None:
        self._subject = subject
        self._inode = subject.dialect.structures.inode
        self._leaf = subject.dialect.structures.leaf_slot
        self._numbers, self._at, self._nlink, self._mode, self._parents = (
            np.concatenate(column) for column in zip(*columns, strict=True)
        )
        self._is_directory = self._mode & 0xF000 == stat.S_IFDIR
        child, parent = _signed(names.child), _signed(names.parent)
        self._entry_at = np.array(names.at, np.int64)
        self._child_number = child
        self._child, known = self._row(child)
        self._parent, _ = self._row(parent)
        known &= child > ROOT_DIRECTORY
        self._entry_inode(known | (child <= ROOT_DIRECTORY), parent)
        self._child, self._parent = self._child[known], self._parent[known]

    def _row(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of inodes, and which of them exist."""
        row = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        return row, self._numbers[row] == numbers

    def _entry_inode(self, known: NDArray[np.bool_], parent: NDArray[np.int64]) -> None:
        self._subject.find_rows(
            "entry-inode", self._leaf, "inumber", ~known, self._entry_at,
            lambda i: f"an entry of directory {parent[i]} names inode {self._child_number[i]}, which is not in use",
        )  # fmt: skip

    def check(self, objects: list[tuple[int, int, int]]) -> None:
        count = len(self._numbers)
        named = np.bincount(self._child, minlength=count)
        directory_names = self._is_directory[self._child]
        below = np.bincount(self._parent[directory_names], minlength=count)
        system = np.isin(self._numbers, self._subject.dialect.inode_form.unnamed)
        attribute = (self._mode & self._subject.dialect.inode_form.attribute_mark != 0) & (named == 0)
        expected = np.where(self._is_directory, 2 + below, named)
        judged = ~system & ~attribute & (self._nlink >= 1) & (self._is_directory | (named > 0))
        self._find(
            "inode-links", "di_nlink", judged & (self._nlink != expected),
            lambda i: f"di_nlink is {self._nlink[i]}, counted {expected[i]}",
        )  # fmt: skip
        self._directory_parents(named)
        reached = self._reach(directory_names)
        lost = np.where(self._is_directory, ~reached, named == 0) & ~system & ~attribute
        self._find("inode-reachable", "", lost, lambda i: "no path from the root leads to it")
        self._attribute_objects(objects)

    def _find(self, name: str, field: str, wrong: NDArray[np.bool_], text: Any) -> None:
        self._subject.find_rows(
            name, self._inode, field, wrong, self._at, lambda i: f"inode {self._numbers[i]}: {text(i)}"
        )

    def _directory_parents(self, named: NDArray[np.int64]) -> None:
        """Every directory has one name, and names the directory where that is."""
        root = self._numbers == ROOT_DIRECTORY
        several = self._is_directory & ((named > 1) | (root & (named > 0)))
        self._find("directory-parent", "", several, lambda i: f"a directory with {named[i]} names")
        actual = np.where(root, ROOT_DIRECTORY, -1)
        actual[self._child] = np.where(root[self._child], ROOT_DIRECTORY, self._numbers[self._parent])
        wrong = self._is_directory & ((named == 1) | root) & (self._parents != actual)
        self._find("directory-parent", "root", wrong, lambda i: f"parent {self._parents[i]}, it is in {actual[i]}")

    def _reach(self, directory_names: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which inodes are directories that a path from the root leads to."""
        reached = np.zeros(len(self._numbers), bool)
        child, parent = self._child[directory_names], self._parent[directory_names]
        order = np.argsort(parent, kind="stable")
        child, parent = child[order], parent[order]
        bounds = np.searchsorted(parent, np.arange(len(self._numbers) + 1)).tolist()
        children = child.tolist()
        row, there = self._row(np.array([ROOT_DIRECTORY]))
        pending = row[there].tolist()
        seen = set(pending)
        while pending:
            d = pending.pop()
            for c in children[bounds[d] : bounds[d + 1]]:
                if c not in seen:
                    seen.add(c)
                    pending.append(c)
        reached[list(seen)] = True
        return reached

    def _attribute_objects(self, objects: list[tuple[int, int, int]]) -> None:
        for number, referrer, at in objects:
            row, there = self._row(np.array([min(number, (1 << 63) - 1)]))
            if not there[0] or not self._mode[row[0]] & ATTRIBUTE_OBJECT:
                text = f"attributes of inode {referrer} refer to inode {number}, which is no attribute object"
                self._subject.report.add("inode-attribute-objects", "j2_ea_root", "eaDirectory", at, text)


def _signed(numbers: array[int]) -> NDArray[np.int64]:
    """Inode numbers as signed ones; those that no inode can have become the largest."""
    return np.minimum(np.array(numbers, np.uint64), np.uint64((1 << 63) - 1)).astype(np.int64)
