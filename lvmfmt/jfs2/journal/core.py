"""The write-back cache of metadata and its rules: nothing home before its record is durable, maps after commits.

Committed changes are kept in memory, as pages over the device and as records that are not written yet. A force writes
new data, then the log. A sync point forces, brings all pages and maps home, and tells the log that nothing older is
needed. Source: [jfs2 3.6 to 3.8].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import numpy as np

from ...block import BlockDevice, Buffer
from ...errors import NoSpace, OperationRefused
from ..dialect.log_form import COMMIT
from ..geometry import AIT_OFFSET, INODE_SIZE, INODES_PER_EXTENT, PAGE
from ..inodes.inode_table import AGGREGATE, BLOCK_MAP, FILESET, blank_inodes, get_generator, set_generator
from ..maps.map_file import MapFile
from ..nodes.extent_node import ROOT_OFFSET
from ..reading.xtree import read_extents
from ..superblock import Superblock
from .block_cache import BlockCache
from .coding import Coding
from .dtree_node import NodeFormat
from .file_extents import FileExtents
from .image_cache import ImageCache
from .inode_space import MountedInodes
from .space import MountedSpace
from .transaction import Transaction


class LogState(Protocol):
    """Where a log stands.

    Attributes:
        end: position behind the last record.
        durable: position up to which records survive a crash.
        capacity: bytes that the log holds.
        delta: bytes after which a new sync point is due.
    """

    end: int
    durable: int
    capacity: int
    delta: int

    @property
    def written(self) -> int:
        """Bytes since the last sync point."""


class CommitLog(Protocol):
    """What a journal asks of its log, see `shared_log.LogMember`."""

    @property
    def writer(self) -> LogState:
        """Where it stands."""

    def append(
        self, kind: int, data: bytes = b"", *, backchain: int = 0, tid: int = 0, fields: dict[str, Any] | None = None
    ) -> int:
        """Add a record; returns its address."""

    def force(self) -> None:
        """Make all records durable."""

    def sync_point(self) -> None:
        """Say that nothing older is needed."""


_DIRTY = 32 << 20
"""Bytes of changed metadata that are brought home before the next transaction begins."""


class Journal:
    """Commits transactions of one mounted file system.

    Args:
        device: the file system.
        superblock: of it, as it was before the mount.
        log: the log, open.

    Attributes:
        volume: the file system with all committed changes.
        inodes: its inodes.
        coding: of its dialect.
        hidden: inode numbers of files that are open and have no name any more.
        stamp: `di_inostamp` of all inodes.
        closed: why nothing can be changed; empty while changes are possible.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, log: CommitLog) -> None:
        self._device, self._log = device, log
        self._pages = BlockCache(device, superblock.geometry.block_size)
        self.superblock = superblock
        self.volume = superblock.volume(self._pages)
        at_home = superblock.volume(device)
        self.inodes = MountedInodes(self.volume, superblock)
        block_map = self.inodes.aggregate_inode(BLOCK_MAP)
        map_file = MapFile(at_home, read_extents(at_home, block_map.root, at=block_map.root_at))
        self._space = MountedSpace(superblock.geometry, map_file, self.force)
        self.stamp = int(self.inodes.map_inode.row["di_inostamp"][0])
        self.coding = Coding(self.volume.dialect)
        self._form = NodeFormat(self.volume, self.coding, indexed=superblock.indexed_directories)
        self._images = ImageCache(self.volume, self.coding)
        self._tid = 0
        self.closed = ""
        self.hidden: set[int] = set()
        self._unsafe_data = False
        self._shrunk: dict[int, int] = {}

    @contextmanager
    def transaction(self, *, creates: bool = False) -> Iterator[Transaction]:
        """Changes that commit together at the end of the block; an error takes all of them back.

        Args:
            creates: an inode will be needed.
        """
        if self.closed:
            raise OperationRefused(self.closed, where=self._device.name)
        if self._log.writer.written >= self._log.writer.delta or self._pages.dirty_bytes >= _DIRTY:
            self.sync_point()
        if creates and self.inodes.needs_group(self._space):
            with suppress(NoSpace):  # what there is no room for may have other reasons to be refused
                self._add_inode_group()
        txn = Transaction(self.volume, self._form, self._space, self._images, self.inodes)
        try:
            yield txn
            self._commit(txn)
        except BaseException:
            txn.cancel()
            raise

    @property
    def most_freed(self) -> int:
        """Runs of blocks that one transaction may give back: their list in the log leaves room for the rest of it."""
        return self._log.writer.capacity // 2 // self.coding.PXD

    def view(self) -> Transaction:
        """A transaction to read with; it is never committed."""
        return Transaction(self.volume, self._form, self._space, self._images, self.inodes, reads=True)

    @property
    def free_blocks(self) -> int:
        """Blocks that can be given out, with those that the next force gives back."""
        return self._space.free

    def write_data(self, at: int, data: Buffer) -> None:
        """Write to the device what the log does not carry; it is safe before any later commit is."""
        self._device.write(at, data)
        self._unsafe_data = True

    def force(self) -> None:
        """Make all commits durable."""
        if self._unsafe_data:
            self._device.flush()
            self._unsafe_data = False
        self._log.force()
        self._space.settle(self._log.writer.durable)

    def force_shrunk(self, number: int) -> None:
        """Make the last loss of content of a file durable: blocks it kept may be written again only then."""
        if self._shrunk.pop(number, 0) > self._log.writer.durable:
            self.force()

    def shrunk(self, number: int) -> None:
        """A file has lost content in the transaction that is about to commit."""
        self._shrunk[number] = self._log.writer.end + 1

    def sync_point(self) -> None:
        """Bring everything home, and let the log forget it."""
        self.write_home()
        self._log.sync_point()

    def write_home(self) -> None:
        """Write all pages and maps home, and wait for it."""
        self.force()
        self._shrunk.clear()
        self._put_generation()
        self._pages.write_home()
        with self._without_hidden():
            self.inodes.write(self._device)
            self._space.write()
        self._device.flush()

    @contextmanager
    def _without_hidden(self) -> Iterator[None]:
        """Maps in which files without a name, which are open, have gone already."""
        txn = self.view()
        images = [txn.inode(number, self.inodes.place(number)) for number in self.hidden]
        extents = [extent for image in images for extent in FileExtents(txn, image).blocks()]
        for number in self.hidden:
            self.inodes.mark(number, False)
        for address, length in extents:
            self._space.release(address, length)
        try:
            yield
        finally:
            for number in self.hidden:
                self.inodes.mark(number, True)
            for address, length in extents:
                self._space.take(address, length)

    def _commit(self, txn: Transaction) -> None:
        records = list(txn.records())
        if not records:
            return
        size = sum(len(data) + 64 for _, data, _ in records)
        if size > self._log.writer.capacity * 3 // 4:  # an eighth may be older, an eighth is for the next sync point
            raise NoSpace("the change is too large for the log", where=self._device.name)
        per_extent = self.superblock.geometry.blocks_per_extent
        for first, address in txn.fresh:
            numbers = first + np.arange(INODES_PER_EXTENT)
            rows = blank_inodes(self.volume.dialect, numbers, fileset=FILESET, stamp=self.stamp, generation=0)
            self.volume.dialect.put_pxd(rows["di_ixpxd"], slice(None), address, per_extent)
            self.write_data(address * self.volume.block_size, rows)
        self._tid = self._tid % 0x7FFFFFFF + 1
        back = 0
        for kind, data, fields in records:
            back = self._log.append(kind, data, backchain=back, tid=self._tid, fields=fields)
        self._log.append(COMMIT, backchain=back, tid=self._tid)
        for address, length in txn.freed:
            self._pages.forget(address, length)
        for at, content in txn.writes():
            self._pages.write(at, content)
        self._images.keep(txn.inodes.values(), txn.pages.values(), txn.freed)
        self._space.rest(txn.freed, self._log.writer.end)

    def _add_inode_group(self) -> None:
        """Add a page to the inode map; its own transaction, durable before the page is used [jfs2 3.3.2]."""
        geometry = self.superblock.geometry
        page = self.inodes.blank_group(self._space)
        with self.transaction() as txn:
            [(address, _)] = txn.allocate(self.volume.blocks_per_page, near=0, contiguous=True)
            at = address * self.volume.block_size
            self.write_data(at, page)
            inode = txn.inode(FILESET, AIT_OFFSET + FILESET * INODE_SIZE, fileset=AGGREGATE)
            number = FILESET + (0 if geometry.has_aim2 else INODES_PER_EXTENT)
            copy = txn.inode(number, geometry.ait2 * self.volume.block_size + FILESET * INODE_SIZE, fileset=AGGREGATE)
            share = inode.data[ROOT_OFFSET:] == copy.data[ROOT_OFFSET:]  # the pages of a tree they share change once
            for each in (inode,) if share else (inode, copy):
                # an extent of its own, even next to the one before: jfs_fsck finds one IAG an extent
                FileExtents(txn, each).append(self.volume.blocks_per_page, address)
                each.size += PAGE
            if share:
                copy.set_root(bytes(inode.data[ROOT_OFFSET:]))
                copy.mode_word, copy.size, copy.blocks = inode.mode_word, inode.size, inode.blocks
        self.force()
        self.inodes.add_group(at, page)

    def _put_generation(self) -> None:
        at = AIT_OFFSET + FILESET * INODE_SIZE
        row = np.frombuffer(
            bytearray(self._pages.read(at, INODE_SIZE).tobytes()), self.volume.dialect.structures.inode.dtype
        )
        if get_generator(self.volume.dialect, row[0]) != self.inodes.generation:
            set_generator(self.volume.dialect, row[0], self.inodes.generation)
            self._pages.write(at, row)
            self._images.forget([at], [])
