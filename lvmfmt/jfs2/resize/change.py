"""Growing and shrinking a file system that is not mounted.

The superblock first says what is going on and where it leads (`s_xsize`, `s_xfsckpxd`, `s_xlogpxd`), and carries a
mark that keeps everybody else away. All that follows is computed from the bits of the block map that both sizes
share, and gives the same bytes however often it is done: a resize that was interrupted is finished by doing it again.
New pages of the map come out of the new space and are one more extent of its inode; nothing else moves. Source:
reference sections 3.13 and 3.14.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, Piece, PieceList
from ..errors import NoSpace, OperationRefused, UnsupportedFeature
from ..units import SECTOR, align_up
from .blockmap import MapBits, UsedBlocks, write_block_map
from .dialect import AIX, Dialect
from .geometry import BLOCK_MAP_OFFSET, MAX_EXTENT, PAGE, SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET, Geometry
from .inode_map import control_page
from .inodes import Inode, InodeMap
from .log.locate import find_log
from .log_format import REDONE, format_log
from .superblock import CLEAN, EXTENDFS, Superblock, read_superblock
from .xtree import read_extents
from .xtree_build import FIRST_ENTRY, ROOT_ENTRIES, ROOT_LEAF

SHRINKFS = 0x20
BLOCK_MAP = 2
_LINKS = ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree")


def resize(device: BlockDevice, size: int | None = None, *, log_bytes: int | None = None) -> Geometry:
    """Make a file system as large as its device, or smaller; or finish what was interrupted.

    Args:
        device: the file system, writable, unmounted; a volume that has been extended already, or is cut afterwards.
        size: bytes that it is to take from the device, its inline log included; by default all.
        log_bytes: length of the inline log from now on; by default it stays. It moves to the new end.

    Returns:
        Its new geometry.

    Raises:
        OperationRefused: it is not clean, or `size` is more than the device has.
        NoSpace: blocks behind the new end are in use.
        UnsupportedFeature: the map lies in too many pieces, or the file system has snapshots.
        CorruptImage: it makes no sense.
    """
    device.check_writable()
    superblock = read_superblock(device)
    old, where = superblock.geometry, device.name
    state = superblock.state
    if superblock.offset != SUPERBLOCK_OFFSET or state not in (CLEAN, EXTENDFS, SHRINKFS):
        raise OperationRefused("the file system is not clean", where=where, hint="run fsck first")
    if not superblock.writable_features:
        raise UnsupportedFeature("resizing a file system with snapshots", where=where)
    if state == CLEAN:
        new = _target(device, superblock, size, log_bytes)
        if (new.blocks, new.log_blocks) == (old.blocks, old.log_blocks):
            return old
    else:
        new = _announced(superblock)
    change = _Change(device, superblock, new)
    if state == CLEAN:
        change.check()
        change.announce()
    change.carry_out()
    return new


def _target(device: BlockDevice, superblock: Superblock, size: int | None, log_bytes: int | None) -> Geometry:
    old, where = superblock.geometry, device.name
    size = device.size if size is None else size
    if size > device.size:
        raise OperationRefused(f"there are {device.size} bytes, not {size}", where=where)
    if log_bytes is not None and not old.log_blocks:
        raise OperationRefused("its log is on another volume", where=where, hint="extend that, then use logform")
    if old.log_blocks:
        log = find_log(device, superblock)
        if log.state != REDONE:
            raise OperationRefused("its log was not closed", where=where, hint="replay it (logredo) first")
        log_bytes = old.log_blocks * old.block_size if log_bytes is None else log_bytes
        if log_bytes * 10 >= size:
            raise OperationRefused(f"an inline log of {log_bytes} bytes is a tenth of {size} or more", where=where)
    new = Geometry.of(size, old.block_size, log_bytes=log_bytes or 0, has_aim2=old.has_aim2)
    return replace(new, second_table=old.ait2, second_map=old.aim2)


def _announced(superblock: Superblock) -> Geometry:
    """Where an interrupted resize leads."""
    v, old, dialect = superblock.values, superblock.geometry, superblock.dialect
    fsck, log = ((int(v[n]["len"]), int(v[n]["addr_hi"]) << 32 | int(v[n]["addr_lo"])) for n in _X_PLACES)
    blocks = int(v["s_xsize"])
    end = max(fsck[0] + fsck[1], sum(log))
    new = Geometry.of(
        end * old.block_size, old.block_size, log_bytes=log[0] * old.block_size, has_aim2=dialect.has_aim2
    )  # fmt: skip
    if new.blocks != blocks:
        raise OperationRefused("the resize that was interrupted cannot be understood", hint="run fsck")
    return replace(new, second_table=old.ait2, second_map=old.aim2)


_X_PLACES = ("s_xfsckpxd", "s_xlogpxd")


class _Change:
    """One resize, from the state of the superblock on.

    Args:
        device: the file system.
        superblock: of it, with the old size.
        new: where it leads.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, new: Geometry) -> None:
        self.device, self.superblock, self.old, self.new = device, superblock, superblock.geometry, new
        self.dialect: Dialect = superblock.dialect
        larger = device.size // new.block_size if new.blocks > self.old.blocks else self.old.blocks
        self.volume = replace(superblock.volume(device), blocks=larger)
        self.inodes = InodeMap(self.volume, superblock)
        self.map_inode = self.inodes.aggregate_inode(BLOCK_MAP)
        before = read_extents(self.volume, self.map_inode.root, at=self.map_inode.root_at).tolist()
        if self.map_inode.root[16] != ROOT_LEAF:
            raise UnsupportedFeature("resizing a file system whose block map has a tree", where=device.name)
        self.before = [(int(a), int(n)) for _, n, a, _ in before]
        self.after = self._map_extents()
        if len(self.after) > ROOT_ENTRIES:
            raise UnsupportedFeature(f"a block map of {len(self.after)} pieces", where=device.name)

    def check(self) -> None:
        """Refuse to cut off what is in use.

        Raises:
            NoSpace: there is something behind the new end.
        """
        bits = self._bits()
        group = 1 << 23
        last = 0
        for first in range(self.new.blocks // group * group, self.old.blocks, group):
            count = align_up(min(group, self.old.blocks - first), 8192)
            used = np.flatnonzero(bits.bits(first, count)[: self.old.blocks - first]) + first
            last = int(used[-1]) if len(used) else last
        if last >= self.new.blocks:
            raise NoSpace(
                f"block {last} is in use, the new end is block {self.new.blocks}", where=self.device.name,
                hint="a smaller file system is made by building a new one from its files",
            )  # fmt: skip

    def announce(self) -> None:
        """Say in the primary superblock what is going on."""
        shrinks = self.new.blocks < self.old.blocks and self.dialect is AIX
        self._superblock(SUPERBLOCK_OFFSET, s_state=SHRINKFS if shrinks else EXTENDFS)

    def carry_out(self) -> None:
        """Block map, inode of the block map with its copy, inode map, log; then both superblocks."""
        pages = self.new.map_pages
        target = self._map_file(self.after)
        write_block_map(target, self.new, self.dialect, self._bits())
        target.write(BLOCK_MAP_OFFSET + (pages - 1) * PAGE, bytes(PAGE))  # the spare page
        self.device.flush()
        for inode in (self.map_inode, self.inodes.aggregate_inode(BLOCK_MAP, second=True)):
            self._describe_map(inode)
        if self.new.ag_log2 != self.old.ag_log2:
            self._regroup_inodes()
        if self.new.log_blocks:
            self._format_log()
        self.device.flush()
        size = self.new.block_size
        final: dict[str, Any] = {
            "s_state": CLEAN,
            "s_size": self.new.blocks * (size // SECTOR),
            "s_agsize": self.new.ag_size,
            "s_fsckpxd": (self.new.fsck_address, self.new.fsck_blocks),
            "s_logpxd": (self.new.log_address, self.new.log_blocks),
        }
        for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET):
            self._superblock(offset, **final)

    def _map_extents(self) -> list[tuple[int, int]]:
        """(address, length) of the map's pieces afterwards: cut, or with one more from the new space."""
        need, extents = self.new.map_pages * self.new.blocks_per_page, []
        for address, length in self.before:
            part = min(length, need)
            need -= part
            if part:
                extents.append((address, part))
        start = align_up(self.old.blocks, self.new.blocks_per_page)
        while need:
            part = min(need, MAX_EXTENT // self.new.blocks_per_page * self.new.blocks_per_page)
            extents.append((start, part))
            start, need = start + part, need - part
        return extents

    def _bits(self) -> MapBits:
        """Used blocks afterwards."""
        cut: list[tuple[int, int]] = []
        for address, length in self.before:
            left = next((n for a, n in self.after if a == address), 0)
            if left < length:
                cut.append((address + left, length - left))
        source = self._map_file(self.before)
        return MapBits(
            source, self.dialect, self.old.blocks,
            UsedBlocks(np.array(self.after, np.int64).reshape(-1, 2)),
            UsedBlocks(np.array(cut, np.int64).reshape(-1, 2)),
        )  # fmt: skip

    def _map_file(self, extents: list[tuple[int, int]]) -> PieceList:
        """The map as if in one piece at its place."""
        size = self.new.block_size
        pieces = [Piece(self.device, a * size, n * size) for a, n in extents]
        return PieceList([Piece(self.device, 0, BLOCK_MAP_OFFSET), *pieces], name=self.device.name)

    def _describe_map(self, inode: Inode) -> None:
        row = inode.row.copy()
        xads = row["root"][0][32:].view(self.dialect.structures.xad.dtype)
        offset = 0
        xads[:] = np.zeros(1, xads.dtype)
        for i, (address, length) in enumerate(self.after):
            self.dialect.put_xad(xads, slice(i, i + 1), offset, address, length)
            offset += length
        header = row["root"][0][:32].view(self.dialect.structures.xtree_header.dtype)
        header["nextindex"] = FIRST_ENTRY + len(self.after)
        row["di_size"], row["di_nblocks"] = self.new.map_pages * PAGE, offset
        self.device.write(inode.at, row)

    def _regroup_inodes(self) -> None:
        """Allocation groups have another size: inode groups belong to those that their start is in now."""
        record = self.dialect.structures.iag
        rows: NDArray[Any] = record.table(
            b"".join(self.inodes.iag(k).row.tobytes() for k in range(self.inodes.iag_count))
        ).copy()
        rows["agstart"] = rows["agstart"].astype(np.int64) >> self.new.ag_log2 << self.new.ag_log2
        for link in _LINKS:
            rows[link] = -1
        control = control_page(self.dialect, self.new, rows)
        for field in ("in_unused", "in_rsvd"):
            control[field] = self.inodes.control[field]
        self.device.write(self.inodes.map_offset(-1), control)
        for k in range(len(rows)):
            self.device.write(self.inodes.map_offset(k), rows[k : k + 1])

    def _format_log(self) -> None:
        size = self.new.block_size
        format_log(
            self.device, self.dialect, offset=self.new.log_address * size, length=self.new.log_blocks * size,
            flag=self.superblock.flag, serial=int(self.superblock.values["s_logserial"]), block_size=size,
        )  # fmt: skip

    def _superblock(self, offset: int, **values: Any) -> None:
        """Change one superblock: the fields given, and those that say where the resize leads."""
        record = self.dialect.structures.superblock
        page = self.device.read(offset, record.size)
        table = page.view(record.dtype)
        values |= {
            "s_xsize": self.new.blocks,
            "s_xfsckpxd": (self.new.fsck_address, self.new.fsck_blocks),
            "s_xlogpxd": (self.new.log_address, self.new.log_blocks),
        }
        for name, value in values.items():
            if isinstance(value, tuple):
                self.dialect.put_pxd(table[name], slice(None), *value)
            else:
                table[name] = value
        self.device.write(offset, page[:SECTOR])
        self.device.flush()
