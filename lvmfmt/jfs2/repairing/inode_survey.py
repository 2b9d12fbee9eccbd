"""The inodes of the fileset, group by group: which are in use, which are sound, and who owns which blocks.

Source: [jfs2 2.6, 3.11, invariants 15, 26 to 45].
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace, UnsupportedFeature
from ..checking.aggregate_checks import check_aggregate
from ..checking.findings import Report
from ..checking.imap_checks import IAGS_AT_ONCE
from ..checking.inode_checks import InodeRows, inode_rows
from ..checking.ownership import INODE_TABLE
from ..checking.subject import Subject
from ..geometry import EXTENTS_PER_IAG, INODES_PER_IAG, PAGE
from ..inodes.inode_table import FILE_TYPES, FILESET, blank_inodes, empty_root, system_inodes
from ..maps.map_file import MapFile
from ..nodes.inode_group import InodeGroups
from ..reading.inodes import ROOT_DIRECTORY
from .aggregate import RepairedAggregate
from .inode_judge import InodeTrial
from .inode_repair import InodeMender, RepairContext
from .new_directory import build_directory
from .unclaimed_blocks import Ranges


class InodeSurvey:
    """What the inodes of a file system are, after each was looked at and, where needed, mended.

    Args:
        work: what every part needs.
        aggregate: what the aggregate says.

    Attributes:
        used: which inodes are in use, shape (groups, 4096).
        extents: block of each inode extent, 0 for none, shape (groups, 128).
        numbers, at, links, modes, parents: of the inodes in use, ascending by number; filled by `run`.
        child, parent, entry_at: of all names: inode, directory, byte offset of the entry.
        spares: inodes that look like files but are marked free, by number.
        unlinked: inodes in use that had no links.
        objects: (attribute object, inode that refers to it, byte offset of the reference).
        nameless: inodes in use that no directory names.
        failures: what could not be repaired, a line each.
    """

    def __init__(self, work: RepairContext, aggregate: RepairedAggregate) -> None:
        self.work = work
        self.mender = InodeMender(work)
        self.map_extents = aggregate.map_extents
        self.file = MapFile(work.volume, aggregate.map_extents)
        count = max(self.file.pages - 1, 0)
        self.used = np.zeros((count, INODES_PER_IAG), bool)
        self.extents = np.zeros((count, EXTENTS_PER_IAG), np.int64)
        self.nameless = work.superblock.dialect.inode_form.unnamed
        self.spares: dict[int, InodeRows] = {}
        self.unlinked: set[int] = set()
        self.failures: list[str] = []
        self.objects: list[tuple[int, int, int]] = []
        self._bad: dict[int, tuple[InodeRows, InodeTrial]] = {}
        self._columns: list[tuple[NDArray[Any], ...]] = []
        self._names: list[NDArray[np.int64]] = []
        self._claims: list[NDArray[np.int64]] = []

    def run(self) -> None:
        """Look at all inodes, and mend those that are not sound.

        Raises:
            UnsupportedFeature: there are inode extents of several lengths.
            CorruptImage: more is shared than can be sorted out, or the inode map has no group.
        """
        if not len(self.used):
            raise self.work.volume.corrupt("inode", "root", None, "a map with a group of inodes", "none")
        self._claim_aggregate()
        work = self.work
        for first in range(0, len(self.used), IAGS_AT_ONCE):
            count = min(IAGS_AT_ONCE, len(self.used) - first)
            table = self.file.table(work.superblock.dialect.structures.iag, first + 1, count)
            groups = InodeGroups(work.superblock.dialect, work.superblock.geometry, table)
            for i in range(count):
                self._group(first + i, groups, i)
        shared = self._conflicts()
        claims = np.concatenate(self._claims, axis=1)
        self.work.room.keep(claims[0], claims[1])
        for number in self._reserved_missing():
            self._make(number)
        self.drop(shared.keys() - self._bad.keys())
        for number in sorted(self._bad.keys() | shared.keys()):
            self._mend(number, shared.get(number, []))
        self.collect()

    def revive(self, numbers: Iterable[int]) -> bool:
        """Take inodes that are marked free, but named, back into use; whether any was."""
        chosen = [self.spares.pop(number) for number in sorted(set(numbers) & self.spares.keys())]
        for inode in chosen:
            number = int(inode.numbers[0])
            for part, trial, sound in self.work.judge.sift(inode):
                claims = trial.claims
                self.work.room.keep(claims[0], claims[1])
                kept = np.array(self.mender.reach(part), np.int64).reshape(-1, 2)
                self.work.room.keep(kept[:, 0], kept[:, 1])
                self._bad[number] = part, trial
                if sound:
                    self._accept(self._bad.pop(number)[1])
                else:
                    self._mend(number, [])
            self.used[divmod(number, INODES_PER_IAG)] = True
            self.work.plan.add("inode-map", f"inode {number}: marked free, but a directory names it", number)
        if chosen:
            self.collect()
        return bool(chosen)

    def forget(self, number: int) -> None:
        """An inode is not in use any more."""
        self.used[divmod(number, INODES_PER_IAG)] = False

    def place(self, number: int) -> int:
        """Byte offset of an inode in the device."""
        k, within = divmod(number, INODES_PER_IAG)
        extent, slot = divmod(within, INODES_PER_IAG // EXTENTS_PER_IAG)
        size = self.work.superblock.dialect.structures.inode.size
        return int(self.extents[k, extent]) * self.work.superblock.geometry.block_size + slot * size

    def free_inode(self) -> int:
        """The lowest free inode that has a place, or the first of a new extent.

        Raises:
            NoSpace: there is no room for an extent.
        """
        backed = np.repeat(self.extents != 0, INODES_PER_IAG // EXTENTS_PER_IAG, axis=1)
        free = np.flatnonzero((backed & ~self.used).ravel())
        if len(free):
            return int(free[0])
        missing = np.flatnonzero(self.extents.ravel() == 0)
        if not len(missing):
            raise NoSpace("no room for one more inode", where=self.work.volume.where)
        first = int(missing[0]) * (INODES_PER_IAG // EXTENTS_PER_IAG)
        self._new_extent(first)
        return first

    def _new_extent(self, first: int) -> None:
        g, dialect = self.work.superblock.geometry, self.work.superblock.dialect
        address = self.work.room.take(g.blocks_per_extent)
        count = INODES_PER_IAG // EXTENTS_PER_IAG
        rows = blank_inodes(
            dialect, first + np.arange(count), fileset=FILESET, stamp=self.work.stamp, generation=0
        )  # fmt: skip
        dialect.put_pxd(rows["di_ixpxd"], slice(None), address, g.blocks_per_extent)
        self.work.device.write(address * g.block_size, rows)
        self.extents[divmod(first // count, EXTENTS_PER_IAG)] = address
        self.work.plan.add("inode-map", f"a new inode extent for inodes {first} to {first + count - 1}")

    def _claim_aggregate(self) -> None:
        subject = Subject.of(self.work.device, self.work.superblock, Report())
        check_aggregate(subject)
        self._claims.append(subject.owners.ranges())
        e = self.map_extents
        self._claims.append(np.stack((e["address"], e["address"] + e["length"], np.full(len(e), -1))))

    def _group(self, k: int, groups: InodeGroups, i: int) -> None:
        """One inode allocation group, row `i` of some."""
        work = self.work
        subject = Subject.of(work.device, work.superblock, Report())
        length, address, present = groups.length[i], groups.address[i], groups.present[i]
        g = work.superblock.geometry
        if work.superblock.variable_inode_extents and (present & (length * g.block_size % (4 * PAGE) != 0)).any():
            raise UnsupportedFeature("repairing inode extents of several lengths", where=work.volume.where)
        inside = present & (address > 0) & (address + g.blocks_per_extent <= work.volume.blocks)
        for e in np.flatnonzero(present & ~inside).tolist():
            self._drop_extent(k, e, int(address[e]), int(length[e]), "is not inside the file system")
        marked, working = groups.used[i], groups.working[i]
        where = np.where(inside, address, 0)
        lengths = np.where(inside, g.blocks_per_extent, 0)
        if not inside.any():
            return
        rows = inode_rows(subject, k * INODES_PER_IAG, where, lengths, np.ones(INODES_PER_IAG, bool))
        values, within = rows.rows, rows.numbers - k * INODES_PER_IAG
        number = values["di_number"] == rows.numbers
        stamped, fileset = values["di_inostamp"] == work.stamp, values["di_fileset"] == FILESET
        extent = within // (INODES_PER_IAG // EXTENTS_PER_IAG)
        ours = np.bincount(extent, number & (fileset | stamped), EXTENTS_PER_IAG) > 0
        for e in np.flatnonzero(inside & ~ours).tolist():
            self._drop_extent(k, e, int(address[e]), int(length[e]), "holds no inodes with these numbers")
        self.extents[k] = np.where(inside & ours, address, 0)
        kept = self.extents[k][self.extents[k] > 0]
        table = np.stack((kept, kept + g.blocks_per_extent, np.full(len(kept), INODE_TABLE)))
        self._claims.append(table)
        here = ours[extent]
        links, kind = values["di_nlink"].astype(np.int64), values["di_mode"] & 0xF000
        strict = number & fileset & stamped & np.isin(kind, FILE_TYPES) & (links >= 1) & (links < 1 << 31)
        # an inode that was never used, or is not there at all
        blank = (kind == 0) & (links == 0) & ~values["root"].any(axis=1)
        used = here & (marked[within] | (working[within] & strict)) & ~blank
        lengths, places = work.superblock.dialect.get_pxd(values["di_ixpxd"])
        placed = (places == rows.address) & (lengths == rows.length)
        # what two facts or more say is another place's
        foreign = used & ~(number & (fileset | stamped | placed)) & ~(placed & (fileset | stamped))
        reserved = np.isin(rows.numbers, work.superblock.dialect.inode_form.reserved)
        foreign &= ~reserved | ~(number | fileset | stamped | placed)
        for i in np.flatnonzero(foreign).tolist():
            text = f"inode {rows.numbers[i]}: what lies there is none of this place"
            work.plan.add("inode-cleared", text, int(rows.numbers[i]))
        used &= ~foreign
        for i in np.flatnonzero(here & marked[within] & blank).tolist():
            work.plan.add(
                "inode-free", f"inode {rows.numbers[i]}: marked in use, but it is blank", int(rows.numbers[i])
            )
        self.used[k, within[used]] = True
        self.unlinked |= set(rows.numbers[used & ((links < 1) | (links >= 1 << 31))].tolist())
        spare = here & strict & ~used
        for i in np.flatnonzero(spare).tolist():
            self.spares[int(rows.numbers[i])] = rows.select(np.arange(len(within)) == i)
        stale = here & ~used & ~spare & number & fileset & stamped & (links != 0)
        for i in np.flatnonzero(stale).tolist():
            self.unlink(int(rows.numbers[i]), int(rows.at[i]))
        rows.used[:] = used
        for part, trial, sound in work.judge.sift(rows.select(used)):
            if sound:
                self._accept(trial)
            else:
                self._bad[int(part.numbers[0])] = part, trial
                self._claims.append(trial.claims)
                kept = np.array(self.mender.reach(part), np.int64).reshape(-1, 2)
                work.room.keep(kept[:, 0], kept[:, 1])

    def unlink(self, number: int, at: int) -> None:
        """An inode that is not in use has no links."""
        row = self.work.read_row(at)
        self.work.plan.add("inode-free", f"inode {number}: free, its {row['di_nlink'][0]} links become 0", number)
        row["di_nlink"] = 0
        self.work.write_row(at, row)

    def _drop_extent(self, k: int, e: int, address: int, length: int, why: str) -> None:
        first = k * INODES_PER_IAG + e * (INODES_PER_IAG // EXTENTS_PER_IAG)
        text = f"the inode extent of inodes {first} and on at {length}@{address} {why}; it is taken out of the map"
        self.work.plan.add("inode-extent", text)

    def _accept(self, trial: InodeTrial) -> None:
        self._columns += trial.columns
        names = trial.names
        columns = (np.array(column, np.uint64) for column in (names.child, names.parent, names.at))
        limit = np.uint64((1 << 63) - 1)
        self._names.append(np.stack([np.minimum(column, limit).astype(np.int64) for column in columns]))
        self._claims.append(trial.claims)
        self.objects += trial.objects

    def _conflicts(self) -> dict[int, Ranges]:
        """Ranges of blocks that two own, by the inode that has to give way.

        What the file system itself owns stays, then what a sound inode owns, then that with the lower number.
        """
        claims = np.concatenate(self._claims, axis=1)
        claims = claims[:, np.argsort(claims[0], kind="stable")]
        starts, ends, owners = claims
        result: dict[int, Ranges] = defaultdict(list)
        reach = np.maximum.accumulate(ends) if len(ends) else ends
        before = np.concatenate(([0], reach[:-1])) if len(ends) else ends
        for row in np.flatnonzero(starts < before).tolist():
            other = int(np.searchsorted(reach, before[row]))
            a, b = int(owners[other]), int(owners[row])
            shared = int(starts[row]), int(min(ends[row], before[row]))
            loser = max((a, b), key=lambda owner: (owner >= 0, owner in self._bad, owner))
            if loser >= 0:
                result[loser].append(shared)
        return result

    def _inode(self, number: int) -> InodeRows:
        """An inode that was accepted, as it lies on the device."""
        k, within = divmod(number, INODES_PER_IAG)
        g, at = self.work.superblock.geometry, self.place(number)
        address = int(self.extents[k, within // (INODES_PER_IAG // EXTENTS_PER_IAG)])
        return InodeRows(
            np.array([number]), np.array([at]), self.work.read_row(at), np.array([address]),
            np.array([g.blocks_per_extent]), np.array([True]),
        )  # fmt: skip

    def _mend(self, number: int, shared: Ranges) -> None:
        inode, trial = self._bad.pop(number, (None, None))
        if inode is None:
            inode = self._inode(number)
        try:
            result = self.mender.mend(inode, shared)
        except NoSpace as error:
            self.failures.append(f"inode {number}: {error.what}")
            trial = trial or self.work.judge.try_out(inode)
            result = (inode, trial) if trial.columns else None
        if result is not None:
            self._accept(result[1])
            return
        if number in self.work.superblock.dialect.inode_form.reserved:
            self._make(number)
            return
        self.work.plan.add("inode-cleared", f"inode {number}: nothing of it can be read", number)
        self.forget(number)
        row = self.work.read_row(int(inode.at[0]))
        row["di_nlink"] = 0
        self.work.write_row(int(inode.at[0]), row)

    def drop(self, numbers: Set[int]) -> None:
        """What was accepted of inodes that are to be mended counts no longer."""
        if not numbers:
            return
        gone = np.array(sorted(numbers), np.int64)
        self._columns = [
            tuple(column[keep] for column in columns)
            for columns in self._columns
            for keep in [~np.isin(columns[0], gone)]
        ]
        self._names = [names[:, ~np.isin(names[1], gone)] for names in self._names]
        self.objects = [reference for reference in self.objects if reference[1] not in numbers]

    def _reserved_missing(self) -> list[int]:
        names = self.work.superblock.dialect.inode_form.reserved
        return [number for number in names if not len(self.used) or not self.used[0, number]]

    def _make(self, number: int) -> None:
        """Make an inode that every file system has; the root directory without names."""
        work, dialect = self.work, self.work.superblock.dialect
        if not self.extents[0, 0]:
            self._new_extent(0)
        self.spares.pop(number, None)
        at = self.place(number)
        row = system_inodes(dialect, [number], fileset=FILESET, now=work.now)
        row["di_inostamp"] = work.stamp
        g = work.superblock.geometry
        dialect.put_pxd(row["di_ixpxd"], slice(None), int(self.extents[0, 0]), g.blocks_per_extent)
        if number == ROOT_DIRECTORY:
            row["di_mode"] = int(row["di_mode"][0]) & ~0xFFFF | stat.S_IFDIR | 0o755
            row["di_nlink"] = 2
            build_directory(work.device, work.superblock, work.room, row, ROOT_DIRECTORY, [])
        else:
            row["root"] = empty_root(dialect)
        work.write_row(at, row)
        self.used[0, number] = True
        work.plan.add("inode-made", f"inode {number} was made", number)
        trial = work.judge.try_out(self._inode(number))
        work.judge.accept(trial)
        self._accept(trial)

    def recount(self, number: int, at: int) -> None:
        """Set the blocks of an inode that was rewritten to what it holds now."""
        trial = self.work.judge.try_out(self._inode(number))
        if "inode-blocks" in trial.findings:
            row = self.work.read_row(at)
            row["di_nblocks"] = trial.blocks
            self.work.write_row(at, row)

    def adopt(self, number: int) -> None:
        """An inode that was made or rewritten is in use, with what it holds now."""
        self.used[divmod(number, INODES_PER_IAG)] = True
        self.drop({number})
        self._accept(self.work.judge.try_out(self._inode(number)))

    def collect(self) -> None:
        """Bring the columns up to date with what was accepted."""
        columns = [np.concatenate(column) for column in zip(*self._columns, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        self.numbers, self.at, self.links, self.modes, self.parents = (column[order] for column in columns)
        self.child, self.parent, self.entry_at = np.concatenate(self._names, axis=1)
