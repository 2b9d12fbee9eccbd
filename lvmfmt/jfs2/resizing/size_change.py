"""Growing and shrinking a file system that is not mounted.

The superblock first says what is going on and where it leads (`s_xsize`, `s_xfsckpxd`, `s_xlogpxd`), and carries a
mark that keeps everybody else away. All that follows is computed from the bits of the block map that both sizes
share, and gives the same bytes however often it is done: a resize that was interrupted is finished by doing it again.
New pages of the map come out of the new space and are one more extent of its inode. What lies behind a new end moves
before it first (`evacuation`). Source: [jfs2 3.13, 3.14].
"""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arguments import expect
from ...block import BlockDevice, DeviceLike, opened
from ...errors import OperationRefused, UnsupportedFeature
from ...units import SECTOR, align_up
from ..dialect import Dialect
from ..geometry import MAX_EXTENT, PAGE, SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET, Geometry
from ..inodes.inode import Inode
from ..inodes.inode_table import BLOCK_MAP
from ..log.format import REDONE, format_log
from ..log.locate import find_log
from ..maps.block_map import BlockMapWriter
from ..maps.levels import unused_control_pages
from ..maps.map_file import MapFile
from ..maps.used_blocks import MappedBlocks, UsedBlocks, last_used
from ..nodes.extent_node import FIRST_ENTRY, ROOT_ENTRIES, ROOT_MAXENTRY, ExtentNodeCodec
from ..nodes.inode_group import link_groups
from ..nodes.packed_extents import ENTRY
from ..nodes.tree_flags import ROOT_LEAF
from ..reading.inodes import InodeMap
from ..reading.xtree import read_extents
from ..superblock import CLEAN, EXTENDFS, SHRINKFS, Superblock, read_superblock
from .evacuation import Evacuation
from .shrink_intent import ShrinkIntent, erase_intent, read_intent


def resize(device: DeviceLike, size: int | None = None, *, log_bytes: int | None = None) -> Geometry:
    """Make a file system as large as its device, or smaller; or finish what was interrupted.

    Args:
        device: the file system, writable, unmounted; a volume that has been extended already, or is cut afterwards.
        size: bytes that it is to take from the device, its inline log included; by default all.
        log_bytes: length of the inline log from now on; by default it stays. It moves to the new end.

    Returns:
        Its new geometry.

    Raises:
        OperationRefused: it is not clean, or `size` is more than the device has.
        NoSpace: what lies behind the new end does not fit before it.
        UnsupportedFeature: the map lies in too many pieces, something cannot be moved, or there are snapshots.
        CorruptImage: it makes no sense.
    """
    expect(size, (int, NoneType), "a size in bytes")
    expect(log_bytes, (int, NoneType), "the size of a log in bytes")
    with opened(device, writable=True) as volume:
        return _resize(volume, size, log_bytes)


def _resize(device: BlockDevice, size: int | None, log_bytes: int | None) -> Geometry:
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
    if state == CLEAN:
        change = _Change(device, superblock, new)
        evacuation = change.evacuation()
        change.prove()
        erase_intent(device, old)
        if evacuation is not None:
            evacuation.carry_out()
        change.announce()
    if (book := read_intent(device, old)) is not None:
        _finish_evacuation(device, superblock, book)
        superblock = read_superblock(device)
        new = new._replace(second_table=superblock.geometry.ait2, second_map=superblock.geometry.aim2)
    _Change(device, superblock, new).carry_out()
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
    return new._replace(second_table=old.ait2, second_map=old.aim2)


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
    return new._replace(second_table=old.ait2, second_map=old.aim2)


_X_PLACES = ("s_xfsckpxd", "s_xlogpxd")


def _finish_evacuation(device: BlockDevice, superblock: Superblock, book: ShrinkIntent) -> None:
    """Write the sectors of the intent record, then the block map and the places of the second tables; then end it."""
    for rows in book.sectors(device):
        for offset, data in zip(rows["offset"].tolist(), rows["data"], strict=True):
            device.write(offset, data)
    device.flush()
    old, dialect = superblock.geometry, superblock.dialect
    volume = superblock.volume(device)
    inode = InodeMap(volume, superblock).aggregate_inode(BLOCK_MAP)
    map_file = MapFile(volume, read_extents(volume, inode.root, at=inode.root_at))
    use = MappedBlocks(map_file, old.blocks, UsedBlocks(book.taken), UsedBlocks(book.freed))
    BlockMapWriter(map_file, old, use, anew=True).write()
    device.flush()
    places = {"s_ait2": (book.ait2, old.blocks_per_extent)}
    if old.has_aim2:
        places["s_aim2"] = (book.aim2, 2 * old.blocks_per_page)
    for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET):
        _put_superblock(device, dialect, offset, places)
    erase_intent(device, old)


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
        self.volume = superblock.volume(device)._replace(blocks=larger)
        self.inodes = InodeMap(self.volume, superblock)
        self.map_inode = self.inodes.aggregate_inode(BLOCK_MAP)
        before = read_extents(self.volume, self.map_inode.root, at=self.map_inode.root_at).tolist()
        if self.dialect.structures.xtree_header.table(self.map_inode.root, 1)["flag"][0] != ROOT_LEAF:
            raise UnsupportedFeature("resizing a file system whose block map has a tree", where=device.name)
        self.before = [(int(a), int(n)) for _, n, a, _ in before]
        self.after = self._map_extents()
        if len(self.after) > ROOT_ENTRIES:
            raise UnsupportedFeature(f"a block map of {len(self.after)} pieces", where=device.name)

    def evacuation(self) -> Evacuation | None:
        """The plan that empties what is cut off, None where nothing is there.

        Raises:
            NoSpace: it does not fit.
        """
        if last_used(self._bits(), self.new.blocks, self.old.blocks) < 0:
            return None
        use = MappedBlocks(self._map_file(self.before), self.old.blocks)
        return Evacuation(self.device, self.superblock, self.inodes, use, self.new)

    def prove(self) -> None:
        """Read all that `carry_out` will need: what makes no sense is found before the first write."""
        self.inodes.aggregate_inode(BLOCK_MAP, second=True)
        if self._regroups():
            self._regrouped()

    def announce(self) -> None:
        """Say in the primary superblock what is going on."""
        shrinks = self.new.blocks < self.old.blocks and self.dialect.superblock_form.shrink_has_state
        self._superblock(SUPERBLOCK_OFFSET, s_state=SHRINKFS if shrinks else EXTENDFS)

    def carry_out(self) -> None:
        """Block map, inode of the block map with its copy, inode map, log; then both superblocks."""
        self.prove()
        pages = self.new.map_pages
        target = self._map_file(self.after)
        BlockMapWriter(target, self.new, self._bits(), anew=True).write()
        unused = [page for _, page in unused_control_pages(self.new)]
        for page in (*unused, pages - 1):  # levels that the size does not need, and the spare page
            target.write(page, np.zeros(PAGE, np.uint8))
        self.device.flush()
        for inode in (self.map_inode, self.inodes.aggregate_inode(BLOCK_MAP, second=True)):
            self._describe_map(inode)
        if self._regroups():
            control, rows = self._regrouped()
            self.inodes.file.write(0, control)
            self.inodes.file.write(1, rows)
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

    def _bits(self) -> MappedBlocks:
        """Used blocks afterwards."""
        cut: list[tuple[int, int]] = []
        for address, length in self.before:
            left = next((n for a, n in self.after if a == address), 0)
            if left < length:
                cut.append((address + left, length - left))
        more, fewer = (UsedBlocks(np.array(pieces, np.int64).reshape(-1, 2)) for pieces in (self.after, cut))
        return MappedBlocks(self._map_file(self.before), self.old.blocks, more, fewer)

    def _map_file(self, pieces: list[tuple[int, int]]) -> MapFile:
        return MapFile.of_pieces(self.volume, pieces)

    def _describe_map(self, inode: Inode) -> None:
        row = inode.row.copy()
        offset, extents = 0, []
        for address, length in self.after:
            extents.append((offset, length, address, 0))
            offset += length
        root = row["root"][0]
        root[FIRST_ENTRY * ENTRY :] = 0
        ExtentNodeCodec(self.dialect).write_root(root, 0, extents, leaf=True, maxentry=ROOT_MAXENTRY)
        row["di_size"], row["di_nblocks"] = self.new.map_pages * PAGE, offset
        self.device.write(inode.at, row)

    def _regroups(self) -> bool:
        """Whether allocation groups have another size or are gone."""
        starts = [int(self.inodes.iag(k).row["agstart"][0]) for k in range(self.inodes.iag_count)]
        return self.new.ag_log2 != self.old.ag_log2 or max(starts) >= self.new.blocks

    def _regrouped(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The inode map: inode groups belong to the allocation groups that their start is in now, or, where that is
        gone, their first extent."""
        groups = self.inodes.groups(0, self.inodes.iag_count)
        rows = groups.table
        first = np.take_along_axis(groups.address, (groups.address != 0).argmax(axis=1)[:, None], axis=1)[:, 0]
        start = rows["agstart"].astype(np.int64)
        start = np.where(start >= self.new.blocks, first, start)
        rows["agstart"] = start >> self.new.ag_log2 << self.new.ag_log2
        return link_groups(self.dialect, self.new, rows, self.inodes.control), rows

    def _format_log(self) -> None:
        size = self.new.block_size
        format_log(
            self.device, self.dialect, offset=self.new.log_address * size, length=self.new.log_blocks * size,
            flag=self.superblock.flag, serial=int(self.superblock.values["s_logserial"]), block_size=size,
        )  # fmt: skip

    def _superblock(self, offset: int, **values: Any) -> None:
        """Change one superblock: the fields given, and those that say where the resize leads."""
        values |= {
            "s_xsize": self.new.blocks,
            "s_xfsckpxd": (self.new.fsck_address, self.new.fsck_blocks),
            "s_xlogpxd": (self.new.log_address, self.new.log_blocks),
        }
        _put_superblock(self.device, self.dialect, offset, values)


def _put_superblock(device: BlockDevice, dialect: Dialect, offset: int, values: dict[str, Any]) -> None:
    """Change fields of one superblock; a pair is an extent, address and length."""
    record = dialect.structures.superblock
    page = device.read(offset, record.size)
    table = page.view(record.dtype)
    for name, value in values.items():
        if isinstance(value, tuple):
            dialect.put_pxd(table[name], slice(None), *value)
        else:
            table[name] = value
    device.write(offset, page[:SECTOR])
    device.flush()
