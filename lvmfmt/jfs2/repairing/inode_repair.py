"""Single inodes: fields that follow from place and content, trees and directories built anew where they are damaged.

Source: [jfs2 2.3 to 2.5, 3.11, invariants 42 to 71].
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...block.overlay import Overlay
from ...units import ceil_div
from ..attributes.dxd import with_area_mark
from ..attributes.ead import FEATURE_FORMAT_2
from ..checking.inode_checks import InodeRows
from ..geometry import AIT_OFFSET, INODE_SIZE, MAX_FILE_SIZE, PAGE
from ..inodes.inode_table import FILE_TYPES, FILESET, INLINE_AREA, SHORT_ROOT_MAXENTRY, modes_by_role, shorten_roots
from ..inventory.arrays import MAX_LINK
from ..nodes.directory_node import ROOT_SLOTS
from ..nodes.extent_node import FIRST_ENTRY, ROOT_MAXENTRY, SIDES
from ..nodes.tree_flags import ROOT_INTERNAL, ROOT_LEAF
from ..superblock import Superblock
from ..volume import Volume
from .attributes import AttributeMender
from .directories import DirectorySalvager, Name
from .extents import build_tree, copy_repeated, copy_shared, salvage_extents
from .fixes import Plan
from .inode_judge import InodeJudge, InodeTrial
from .new_directory import build_directory
from .unclaimed_blocks import Ranges, UnclaimedBlocks

_TREE_FINDINGS = ("xtree-", "extent-", "block-owners")


@dataclass(frozen=True)
class RepairContext:
    """What every part of a repair needs.

    Attributes:
        device: the file system as far as it has been repaired.
        source: the file system as it was; copies are taken from it.
        superblock: of it.
        stamp: that all inodes have.
        room: free blocks.
        plan: receives what is done.
        judge: says what is sound.
        now: instant in nanoseconds.
    """

    device: Overlay
    source: BlockDevice
    superblock: Superblock
    stamp: int
    room: UnclaimedBlocks
    plan: Plan
    judge: InodeJudge
    now: int

    @property
    def volume(self) -> Volume:
        """The blocks of the file system."""
        return self.superblock.volume(self.device)

    def write_row(self, at: int, row: NDArray[Any]) -> None:
        """Write an inode, shape (1,)."""
        self.device.write(at, row)

    def map_row(self) -> NDArray[Any]:
        """The inode of the fileset's inode map, shape (1,)."""
        return self.read_row(AIT_OFFSET + FILESET * INODE_SIZE)

    def read_row(self, at: int) -> NDArray[Any]:
        """An inode, shape (1,)."""
        record = self.superblock.dialect.structures.inode
        return record.table(self.device.read(at, record.size), 1)


class InodeMender:
    """Repairs single inodes in use."""

    def __init__(self, work: RepairContext) -> None:
        self._work = work
        self._dialect = work.superblock.dialect
        self._attributes = AttributeMender(work.device, work.source, work.volume, work.room)
        self._salvager = DirectorySalvager(work.device, work.superblock)

    def mend(self, inode: InodeRows, shared: Ranges) -> tuple[InodeRows, InodeTrial] | None:
        """Repair one inode and write it; None when nothing of it can be read.

        Args:
            inode: it, arrays of shape (1,).
            shared: ranges of its blocks that another owner keeps.

        Raises:
            NoSpace: there is no room for what has to be built anew; nothing of it was written.
        """
        number, at, row = int(inode.numbers[0]), int(inode.at[0]), inode.rows.copy()
        if not self._identity(inode, row):
            return None
        kind = stat.S_IFMT(int(row["di_mode"][0]) & 0xFFFF)
        trial = self._work.judge.try_out(replace(inode, rows=row))
        features = 0 if self._dialect.has_aim2 else int(self._work.superblock.values["s_feature_incompat"])
        for text in self._attributes.mend(row, shared, format_2=bool(features & FEATURE_FORMAT_2)):
            self._work.plan.add("attributes", f"inode {number}: {text}", number)
        if kind == stat.S_IFDIR:
            self._directory(number, at, row, trial, shared)
        elif kind == stat.S_IFLNK:
            self._link(number, row, trial, shared)
        elif kind == stat.S_IFREG:
            self._file(number, row, trial, shared)
        else:
            if kind in (stat.S_IFCHR, stat.S_IFBLK) and "inode-device" in trial.findings:
                self._device(number, row)
            if "inode-size" in trial.findings:
                self._size(number, row, 0)
        if self._dialect.inode_form.inline_area_mark and number not in self._dialect.inode_form.reserved:
            marked = with_area_mark(self._dialect, row)
            if marked[0] != row["di_mode"][0]:
                self._work.plan.add("inode", f"inode {number}: its mode says again whose its inline area is", number)
                row["di_mode"] = marked
        mended = replace(inode, rows=row)
        trial = self._work.judge.try_out(mended)
        if {"inode-blocks", "inode-device"} & set(trial.findings):
            text = f"inode {number}: di_nblocks is {row['di_nblocks'][0]}, becomes {trial.blocks}"
            row["di_nblocks"] = trial.blocks
            self._work.plan.add("inode", text, number)
            trial = self._work.judge.try_out(mended)
        if not trial.columns:
            return None
        self._work.judge.accept(trial)
        self._work.write_row(at, row)
        return mended, trial

    def reach(self, inode: InodeRows) -> Ranges:
        """Every run of blocks that a damaged inode may still be read from; nothing is to be built there."""
        number, at, root = int(inode.numbers[0]), int(inode.at[0]), inode.rows["root"][0]
        result = self._salvager.read(number, root.tobytes(), at + self._root_at).pages
        found = salvage_extents(self._work.volume, root)
        bpp = self._work.volume.blocks_per_page
        result += [(page, page + bpp) for page in found.pages]
        result += [(address, address + length) for _, length, address, _ in found.extents.tolist()]
        return result

    def _identity(self, inode: InodeRows, row: NDArray[Any]) -> bool:
        """Say who the inode is; False when it is none."""
        number, plan = int(inode.numbers[0]), self._work.plan
        mode = int(row["di_mode"][0])
        modes = modes_by_role(self._dialect, inode.numbers, row["di_mode"])
        if modes[0] != mode and not mode & 0o7777:  # nothing of the mode is left
            modes |= np.uint32(0o755)
        if modes[0] != mode:
            text = f"inode {number}: its mode is {mode:#x}, becomes {modes[0]:#x} by its role"
            plan.add("inode-type", text, number)
            row["di_mode"] = modes
        elif mode & 0xF000 not in FILE_TYPES:
            kind = self._likely_type(row)
            if kind is None:
                return False
            plan.add("inode-type", f"inode {number}: its mode has no type; by its tree it is {_NAMES[kind]}", number)
            row["di_mode"] = mode & ~0xF000 | kind
        links = int(row["di_nlink"][0])
        for field, value in (
            ("di_number", number),
            ("di_fileset", FILESET),
            ("di_inostamp", self._work.stamp),
            ("di_nlink", links if 1 <= links < 1 << 31 and number not in self._dialect.inode_form.empty else 1),
            ("di_gen", 1 if number in self._dialect.inode_form.of_generation_1 else int(row["di_gen"][0])),
        ):
            if int(row[field][0]) != value:
                plan.add("inode", f"inode {number}: {field} is {row[field][0]}, becomes {value}", number)
                row[field] = value
        length, address = (int(value[0]) for value in self._dialect.get_pxd(row["di_ixpxd"]))
        if (address, length) != (int(inode.address[0]), int(inode.length[0])):
            text = f"inode {number}: di_ixpxd is {length}@{address}, becomes {inode.length[0]}@{inode.address[0]}"
            plan.add("inode", text, number)
            self._dialect.put_pxd(row["di_ixpxd"], slice(None), inode.address, inode.length)
        return True

    def _device(self, number: int, row: NDArray[Any]) -> None:
        """AIX: a device number has bit 63 set."""
        mark = self._dialect.inode_form.devices.mark
        if row["root"][0, INLINE_AREA] & mark != mark:
            self._work.plan.add("inode", f"inode {number}: its device number gets the mark of one (bit 63)", number)
            row["root"][0, INLINE_AREA] |= mark

    def _directory(self, number: int, at: int, row: NDArray[Any], trial: InodeTrial, shared: Ranges) -> None:
        names = ("dtree-", "entry-", "directory-index", "inode-size", *_TREE_FINDINGS)
        if not (shared or _any(trial, names) or self._work.judge.shares_pages(trial)):
            return
        found = self._salvager.read(number, row["root"][0].tobytes(), at + self._root_at)
        kind = "directory-salvaged" if found.lost or found.removed else "directory"
        detail = f"; {found.lost} places could not be read in full" if found.lost else ""
        detail += f"; {found.removed} impossible names are dropped" if found.removed else ""
        self._work.plan.add(kind, f"directory {number}: built anew with {len(found.names)} names{detail}", number)
        self.build(row, found.parent, found.names)

    def build(self, row: NDArray[Any], parent: int, names: list[Name]) -> None:
        """Make names the content of a directory, whose row (shape (1,)) is changed."""
        build_directory(self._work.device, self._work.superblock, self._work.room, row, parent, names)

    def parent(self, row: NDArray[Any]) -> int:
        """The parent that a directory names."""
        record = self._dialect.structures.dtree_root
        return int(row["root"][0, : record.size].view(record.dtype)["idotdot"][0])

    def names(self, number: int, at: int, row: NDArray[Any]) -> list[Name]:
        """The names in a directory."""
        return self._salvager.read(number, row["root"][0].tobytes(), at + self._root_at).names

    @property
    def _root_at(self) -> int:
        return self._dialect.structures.inode.offset_of("root")

    def _file(self, number: int, row: NDArray[Any], trial: InodeTrial, shared: Ranges) -> None:
        size, bsize = int(row["di_size"][0]), self._work.volume.block_size
        possible, pages = 0 <= size <= MAX_FILE_SIZE, ceil_div(size, PAGE) * PAGE
        ends, most = self._dialect.inode_form.ends_with_size, MAX_FILE_SIZE
        if number in self._dialect.inode_form.empty:
            possible, pages, most = size == 0, 0, 0
        wrong = bool(shared) or _any(trial, _TREE_FINDINGS) or self._work.judge.shares_pages(trial)
        if wrong or (ends and self._end(row) * bsize > most):  # the size is the better witness
            limit = pages if possible else most
            self._tree(number, row, trial, shared, end=limit // bsize if ends else None)
        end = self._end(row) * bsize
        if not possible or (ends and end > pages):
            self._size(number, row, min(end, most))

    def _end(self, row: NDArray[Any]) -> int:
        """Behind which block the extents of a file end."""
        extents = salvage_extents(self._work.volume, row["root"][0]).extents
        return int((extents["offset"] + extents["length"]).max(initial=0))

    def _tree(
        self,
        number: int,
        row: NDArray[Any],
        trial: InodeTrial,
        shared: Ranges,
        *,
        most: int | None = None,
        end: int | None = None,
    ) -> NDArray[Any]:
        """Build the tree of a file anew from its extents, at most `most` of them, up to logical block `end`."""
        work = self._work
        found = salvage_extents(work.volume, row["root"][0])
        extents, own = found.extents[:most], "block-owners" in trial.findings
        if end is not None:
            extents = extents[extents["offset"] < end]
            extents["length"] = np.minimum(extents["length"], end - extents["offset"])
        dropped = found.dropped + len(found.extents) - len(extents)
        if shared:
            moved = copy_shared(work.device, work.source, work.volume, work.room, extents, shared)
            if not np.array_equal(moved, extents):
                text = f"inode {number}: {len(shared)} runs of blocks that another owner keeps are copied"
                work.plan.add("duplicate", text, number)
            extents = moved
        if own:
            taken = self._attributes.ranges(row)
            moved = copy_repeated(work.device, work.source, work.volume, work.room, extents, taken)
            if not np.array_equal(moved, extents):
                work.plan.add("duplicate", f"inode {number}: blocks that it has twice are copied", number)
            extents = moved
        if dropped:
            text = f"inode {number}: {dropped} impossible extents are dropped, {len(extents)} stay"
            work.plan.add("tree-cut", text, number)
        else:
            work.plan.add("tree", f"inode {number}: its tree is built anew from {len(extents)} extents", number)
        root, _ = build_tree(work.device, work.volume, work.room, extents)
        self._attributes.keep_inline(row, root, len(extents))
        row["root"][0] = root
        shorten_roots(self._dialect, row, np.array([len(extents)]))
        return extents

    def _link(self, number: int, row: NDArray[Any], trial: InodeTrial, shared: Ranges) -> None:
        size, limit, work = int(row["di_size"][0]), self._dialect.symlink_inline_limit, self._work
        found = salvage_extents(work.volume, row["root"][0])
        whole = not found.dropped and len(found.extents) == 1 and found.extents["offset"][0] == 0
        if not whole and (size < limit or size > MAX_LINK):
            self._inline_link(number, row)
            return
        if size < limit and not _any(trial, ("inode-symlink",)):
            return
        if shared or not whole or _any(trial, _TREE_FINDINGS):
            self._tree(number, row, trial, shared, most=1)
            found = salvage_extents(work.volume, row["root"][0])
        if not len(found.extents):
            self._inline_link(number, row)
            return
        room = int(found.extents["length"][0]) * work.volume.block_size
        if limit <= size <= min(room, MAX_LINK):
            return
        data = work.device.read(int(found.extents["address"][0]) * work.volume.block_size, min(room, MAX_LINK))
        length = int(np.append(data, 0).argmin())
        if length >= limit:
            self._size(number, row, length)
        else:  # too short for an extent: its place is in the inode
            row["root"][0] = 0
            row["root"][0, INLINE_AREA : INLINE_AREA + length] = data[:length]
            self._inline_link(number, row)

    def _inline_link(self, number: int, row: NDArray[Any]) -> None:
        """A target in the inode: no extents, and as long as it says, or up to its NUL."""
        header = row["root"][0, :INLINE_AREA].view(self._dialect.structures.xtree_header.dtype)
        if header["flag"][0] & 0x80 and header["nextindex"][0] > FIRST_ENTRY:
            self._work.plan.add("inode", f"inode {number}: the extents of a short symlink are dropped", number)
            header["nextindex"] = FIRST_ENTRY
        size, limit = int(row["di_size"][0]), self._dialect.symlink_inline_limit
        if not 1 <= size < limit:
            target = np.append(row["root"][0, INLINE_AREA : INLINE_AREA + limit - 1], 0)
            self._size(number, row, max(int(target.argmin()), 1))

    def _likely_type(self, row: NDArray[Any]) -> int | None:
        """What the root of an inode looks like: that of an extent tree, that of a directory, or neither."""
        root = row["root"][0]
        tree = self._dialect.structures.xtree_header.table(root, 1)[0]
        if int(tree["flag"]) & ~SIDES not in (ROOT_LEAF, ROOT_INTERNAL):
            return None
        capacity, count = int(tree["maxentry"]), int(tree["nextindex"])
        if capacity in (SHORT_ROOT_MAXENTRY, ROOT_MAXENTRY) and FIRST_ENTRY <= count <= capacity:
            return stat.S_IFREG
        directory = self._dialect.structures.dtree_root.table(root, 1)[0]
        slots = directory["stbl"][: directory["nextindex"]].tolist()
        if len(set(slots)) == directory["nextindex"] and all(1 <= slot < ROOT_SLOTS for slot in slots):
            return stat.S_IFDIR
        return None

    def _size(self, number: int, row: NDArray[Any], size: int) -> None:
        if int(row["di_size"][0]) != size:
            text = f"inode {number}: di_size is {row['di_size'][0]}, becomes {size}"
            self._work.plan.add("size", text, number)
            row["di_size"] = size


_NAMES = {stat.S_IFREG: "a regular file", stat.S_IFDIR: "a directory"}


def _any(trial: InodeTrial, names: tuple[str, ...]) -> bool:
    """Whether a finding begins with one of the names."""
    return any(name.startswith(names) for name in trial.findings)
