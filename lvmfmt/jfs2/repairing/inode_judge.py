"""Trials: the checks as the judge of single inodes, with a report and owners of their own.

What the checks call sound is kept as it stands; a repair only looks at what they do not.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import CorruptImage
from ..checking.dtree_checks import NameTable
from ..checking.findings import Report
from ..checking.inode_checks import InodeChecker, InodeRows
from ..checking.names_checks import Census
from ..checking.subject import Subject
from ..superblock import Superblock

_SPARE_VISITS = 1 << 16


@dataclass
class InodeTrial:
    """What the checks say of some inodes.

    Attributes:
        findings: how many of each name.
        errors: how many of them are errors.
        claims: first block, block after the last, owner of what they point to, shape (3, ranges).
        pages: blocks of pages that were walked.
        names: the names in the directories among them.
        columns: of the census: arrays for the inodes that could be judged.
        objects: references to attribute objects.
    """

    findings: Counter[str]
    errors: int
    claims: NDArray[np.int64]
    pages: frozenset[int]
    names: NameTable
    columns: list[tuple[NDArray[Any], ...]]
    objects: list[tuple[int, int, int]]

    @property
    def blocks(self) -> int:
        """Blocks that are claimed."""
        return int((self.claims[1] - self.claims[0]).sum())


class InodeJudge:
    """Tries inodes of one file system.

    Args:
        device: the file system, as far as it has been repaired.
        superblock: of it.
        stamp: that all inodes have.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, stamp: int) -> None:
        self._device = device
        self._superblock = superblock
        self._stamp = stamp
        self._pages: set[int] = set()
        # trees that share pages are walked once for each: that work has an end
        self._visits = _SPARE_VISITS + 4 * superblock.geometry.blocks // superblock.geometry.blocks_per_page

    def try_out(self, inodes: InodeRows) -> InodeTrial:
        """Run the checks on inodes that are said to be in use.

        Raises:
            CorruptImage: more trees share pages than can be sorted out.
        """
        subject = Subject.of(self._device, self._superblock, Report())
        census = Census()
        InodeChecker(subject, self._stamp, census).check(inodes)
        claims = subject.owners.ranges()
        pages = subject.owners.pages
        self._visits -= len(pages)
        if self._visits < 0:
            raise CorruptImage(
                subject.dialect.structures.inode.name, "root", expected="trees with pages of their own",
                found="more shared ones than can be sorted out", where=self._device.name,
            )  # fmt: skip
        return InodeTrial(
            subject.report.counts,
            subject.report.errors,
            claims,
            pages,
            census.names,
            census.columns,
            list(census.attribute_objects),
        )

    def sift(self, inodes: InodeRows) -> Iterator[tuple[InodeRows, InodeTrial, bool]]:
        """Yield inodes in large parts that are sound, and alone where they are not: (inodes, trial, sound)."""
        pending = [inodes]
        while pending:
            part = pending.pop()
            if not len(part.numbers):
                continue
            trial = self.try_out(part)
            judged = sum(len(column[0]) for column in trial.columns)
            sound = not trial.errors and judged == len(part.numbers)
            sound &= self._pages.isdisjoint(trial.pages)
            if sound or len(part.numbers) == 1:
                if sound:
                    self._pages |= trial.pages
                yield part, trial, sound
                continue
            pending += _halves(part)

    def shares_pages(self, trial: InodeTrial) -> bool:
        """Whether an inode that was accepted has one of the pages."""
        return not self._pages.isdisjoint(trial.pages)

    def accept(self, trial: InodeTrial) -> bool:
        """Whether a repaired inode is sound and has its pages for itself; then it keeps them."""
        if trial.errors or not trial.columns or not self._pages.isdisjoint(trial.pages):
            return False
        self._pages |= trial.pages
        return True


def _halves(inodes: InodeRows) -> list[InodeRows]:
    """Two or more parts: directories each for itself, since to look at one again costs most; others in halves."""
    directories = inodes.rows["di_mode"] & 0xF000 == stat.S_IFDIR
    if directories.any():
        alone = [inodes.select(np.arange(len(directories)) == i) for i in np.flatnonzero(directories).tolist()]
        return [inodes.select(~directories), *reversed(alone)]
    half = np.arange(len(directories)) < len(directories) // 2
    return [inodes.select(~half), inodes.select(half)]
