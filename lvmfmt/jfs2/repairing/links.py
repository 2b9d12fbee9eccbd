"""Names and inodes brought together: names of nothing go, files without a name go to /lost+found, links are counted.

Source: [jfs2 3.11] (link counts, connectedness, orphans) and [jfs2 invariants 46, 51, 72 to 74].
"""

from __future__ import annotations

import stat
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace
from ..dialect.inode_form import ATTRIBUTE_OBJECT
from ..inodes.inode_table import FILESET, blank_inodes, get_generator, mode_attributes
from ..reading.inodes import ROOT_DIRECTORY
from .directories import Name
from .inode_repair import RepairContext
from .inode_survey import InodeSurvey
from .new_directory import build_directory

LOST_AND_FOUND = b"lost+found"
_MODE = stat.S_IFDIR | 0o700


def mend_links(work: RepairContext, survey: InodeSurvey) -> None:
    """Make names and inodes agree, in the overlay."""
    _Links(work, survey).mend()


class _Links:
    def __init__(self, work: RepairContext, survey: InodeSurvey) -> None:
        self.work, self.survey = work, survey

    def mend(self) -> None:
        survey = self.survey
        while survey.revive(set(survey.child.tolist()) - set(survey.numbers.tolist())):
            pass
        for inode in survey.spares.values():
            survey.unlink(int(inode.numbers[0]), int(inode.at[0]))
        self._free_unlinked()
        self._index()
        self._choose_names()
        orphans = self._connect()
        self._directories(orphans)
        survey.collect()
        self._index()
        self._choose_names()
        self._counts()
        self._objects()

    def _index(self) -> None:
        """Rows of the inodes that names are about."""
        s = self.survey
        self.is_directory = s.modes & 0xF000 == stat.S_IFDIR
        self.child, known = self._row(s.child)
        self.parent, has_parent = self._row(s.parent)
        self.good = known & has_parent & (s.child > ROOT_DIRECTORY) & ~np.isin(s.child, s.nameless)

    def _row(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        row = np.minimum(np.searchsorted(self.survey.numbers, numbers), max(len(self.survey.numbers) - 1, 0))
        return row, self.survey.numbers[row] == numbers

    def _free_unlinked(self) -> None:
        """Inodes without links that no directory names are files that were deleted."""
        s = self.survey
        for number in sorted(s.unlinked - set(s.child.tolist()) - {0, 1, 2, *s.nameless}):
            row, known = self._row(np.array([number]))
            if known[0]:
                s.unlink(number, int(s.at[row[0]]))
                s.forget(number)
                keep = s.numbers != number
                s.drop({number})
                s.numbers, s.at, s.links, s.modes, s.parents = (
                    column[keep] for column in (s.numbers, s.at, s.links, s.modes, s.parents)
                )
                s.child, s.parent, s.entry_at = (c[s.parent != number] for c in (s.child, s.parent, s.entry_at))

    def _choose_names(self) -> None:
        """A directory has one name: the one in the directory that it says it is in, else the first."""
        s = self.survey
        rows = np.flatnonzero(self.good & self.is_directory[self.child])
        first: dict[int, int] = {}
        counts = np.bincount(self.child[rows], minlength=len(s.numbers))
        for row in rows[counts[self.child[rows]] > 1].tolist():
            child = int(self.child[row])
            kept = first.setdefault(child, row)
            if kept == row:
                continue
            if s.parent[kept] != s.parents[child] == s.parent[row]:
                first[child], row = row, kept
            self.good[row] = False

    def _connect(self) -> list[int]:
        """Rows of inodes that need a name: no path from the root leads to them."""
        s = self.survey
        rows = np.flatnonzero(self.good & self.is_directory[self.child])
        below: dict[int, list[int]] = defaultdict(list)
        entry_of: dict[int, int] = {}
        for row in rows.tolist():
            below[int(self.parent[row])].append(int(self.child[row]))
            entry_of[int(self.child[row])] = row
        reached: set[int] = set()

        def reach(start: int) -> None:
            pending = [start]
            while pending:
                at = pending.pop()
                if at not in reached:
                    reached.add(at)
                    pending += below[at]

        root, _ = self._row(np.array([ROOT_DIRECTORY]))
        reach(int(root[0]))
        orphans = []
        directories = np.flatnonzero(self.is_directory).tolist()
        nameless = [d for d in directories if d not in reached and d not in entry_of]
        for d in nameless:
            orphans.append(d)
            reach(d)
        for d in directories:
            if d not in reached:  # one of a ring of directories, which has to let go of its name
                self.good[entry_of[d]] = False
                orphans.append(d)
                reach(d)
        named = np.bincount(self.child[self.good], minlength=len(s.numbers)) > 0
        attribute = np.zeros(len(s.numbers), bool)
        if not self.work.superblock.dialect.has_aim2:
            attribute = s.modes & ATTRIBUTE_OBJECT != 0
        system = np.isin(s.numbers, (*s.nameless, ROOT_DIRECTORY))
        orphans += np.flatnonzero(~named & ~self.is_directory & ~attribute & ~system).tolist()
        return sorted(orphans)

    def _directories(self, orphans: list[int]) -> None:
        """Take names away, and give names to orphans."""
        s, plan = self.survey, self.work.plan
        gone: dict[int, set[int]] = defaultdict(set)
        for row in np.flatnonzero(~self.good).tolist():
            directory, child = int(s.parent[row]), int(s.child[row])
            gone[directory].add(int(s.entry_at[row]))
            plan.add("name-removed", f"directory {directory}: its name of inode {child} is removed", directory)
        found: int | None = None
        added = [Name(b"%d" % int(s.numbers[row]), int(s.numbers[row]), -1) for row in orphans]
        if added:
            try:
                found = self._lost_and_found(gone)
            except NoSpace as error:
                s.failures.append(f"/lost+found cannot be made: {error.what}")
        for directory in sorted(gone.keys() | ({found} if found is not None else set())):
            at = s.place(directory)
            names = [name for name in self._names(directory, at) if name.at not in gone[directory]]
            if directory == found:
                taken = {name.name for name in names}
                for name in added:
                    while name.name in taken:
                        name = name._replace(name=name.name + b"_")
                    names.append(name)
                    text = f"inode {name.number} is now /lost+found/{name.name.decode()}"
                    plan.add("reconnected", text, name.number)
            self._rewrite(directory, at, names)

    def _names(self, directory: int, at: int) -> list[Name]:
        return self.survey.mender.names(directory, at, self.work.read_row(at))

    def _rewrite(self, directory: int, at: int, names: list[Name], *, parent: int | None = None) -> None:
        row = self.work.read_row(at)
        old = self.survey.mender.parent(row) if parent is None else parent
        try:
            build_directory(self.work.device, self.work.superblock, self.work.room, row, old, names)
        except NoSpace as error:
            self.survey.failures.append(f"directory {directory}: {error.what}")
            return
        self.work.write_row(at, row)
        self.survey.recount(directory, at)
        self.survey.adopt(directory)

    def _lost_and_found(self, gone: dict[int, set[int]]) -> int:
        """Inode of /lost+found, which is made if there is none."""
        s, work = self.survey, self.work
        root_at = s.place(ROOT_DIRECTORY)
        names = [name for name in self._names(ROOT_DIRECTORY, root_at) if name.at not in gone[ROOT_DIRECTORY]]
        for name in names:
            where, known = self._row(np.array([name.number]))
            if name.name == LOST_AND_FOUND and known[0] and self.is_directory[where[0]]:
                return name.number
        taken = {name.name for name in names}
        title = next(t for t in (LOST_AND_FOUND + b"." * i for i in range(200)) if t not in taken)
        number = s.free_inode()
        at, dialect = s.place(number), work.superblock.dialect
        generation = get_generator(dialect, work.map_row()[0])
        inode = blank_inodes(dialect, np.array([number]), fileset=FILESET, stamp=work.stamp, generation=generation)
        old = work.read_row(at)
        inode["di_ixpxd"] = old["di_ixpxd"]
        modes = np.array([_MODE], np.uint32)
        inode["di_mode"], inode["di_nlink"] = modes | mode_attributes(dialect, modes), 2
        for field in ("di_atime", "di_mtime", "di_ctime", "di_otime"):
            dialect.put_time(inode[field], work.now)
        build_directory(work.device, work.superblock, work.room, inode, ROOT_DIRECTORY, [])
        work.write_row(at, inode)
        s.adopt(number)
        work.plan.add("lost-and-found", f"/{title.decode()} is made, inode {number}", number)
        self._rewrite(ROOT_DIRECTORY, root_at, [*names, Name(title, number, -1)], parent=ROOT_DIRECTORY)
        gone.pop(ROOT_DIRECTORY, None)
        return number

    def _counts(self) -> None:
        """Links of every inode, and the parent that every directory names."""
        s, plan = self.survey, self.work.plan
        good = self.good
        named = np.bincount(self.child[good], minlength=len(s.numbers))
        of_directories = good & self.is_directory[self.child]
        below = np.bincount(self.parent[of_directories], minlength=len(s.numbers))
        expected = np.where(self.is_directory, 2 + below, named)
        system = np.isin(s.numbers, s.nameless)
        wrong = ~system & (expected > 0) & (s.links != expected)
        parents = np.where(s.numbers == ROOT_DIRECTORY, ROOT_DIRECTORY, s.parents)
        parents[self.child[of_directories]] = s.numbers[self.parent[of_directories]]
        moved = self.is_directory & (parents != s.parents)
        for i in np.flatnonzero(wrong | moved).tolist():
            number, at = int(s.numbers[i]), int(s.at[i])
            row: NDArray[Any] = self.work.read_row(at)
            if wrong[i]:
                text = f"inode {number}: di_nlink is {s.links[i]}, becomes {expected[i]}"
                plan.add("inode", text, number)
                row["di_nlink"] = expected[i]
            if moved[i]:
                plan.add("inode", f"directory {number}: its parent is {s.parents[i]}, becomes {parents[i]}", number)
                record = self.work.superblock.dialect.structures.dtree_root
                row["root"][0, : record.size].view(record.dtype)["idotdot"] = parents[i]
            self.work.write_row(at, row)

    def _objects(self) -> None:
        """References to attribute objects that are none."""
        s = self.survey
        for number, referrer, at in s.objects:
            row, known = self._row(np.array([min(number, (1 << 63) - 1)]))
            if not known[0] or not s.modes[row[0]] & ATTRIBUTE_OBJECT:
                text = f"inode {referrer}: its reference to inode {number} is removed: that is no attribute object"
                self.work.plan.add("attributes", text, referrer)
                self.work.device.write(at, bytes(8))
