"""The write-back cache of metadata and its rules: nothing home before its record is durable, maps after commits.

Committed changes are kept in memory, as pages over the device and as records that are not written yet. A force writes
new data, then the log. A sync point forces, brings all pages and maps home, and tells the log that nothing older is
needed. Source: reference sections 3.6 to 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ...block import BlockDevice, Buffer, Piece, PieceList
from ...errors import NoSpace, OperationRefused
from ..geometry import AIT_OFFSET, INODE_SIZE, INODES_PER_EXTENT, PAGE
from ..inode_table import AGGREGATE, FILESET, blank_inodes, get_generator, set_generator
from ..inodes import InodeMap
from ..superblock import Superblock
from ..xtree import read_extents
from .block_cache import BlockCache
from .dtree_node import NodeFormat
from .file_extents import FileExtents
from .inode_space import MountedInodes
from .log_writer import COMMIT, LogWriter
from .space import MountedSpace
from .transaction import Transaction

BLOCK_MAP = 2


class Journal:
    """Commits transactions of one mounted file system.

    Args:
        device: the file system.
        superblock: of it, as it was before the mount.
        log: the log, open.
        aggregate: name of the file system in log records.

    Attributes:
        volume: the file system with all committed changes.
        inodes: its inodes.
        stamp: `di_inostamp` of all inodes.
        closed: nothing can be changed any more.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, log: LogWriter, aggregate: int) -> None:
        self._device, self._log, self._aggregate = device, log, aggregate
        self._pages = BlockCache(device, superblock.geometry.block_size)
        self.superblock = superblock
        self.volume = superblock.volume(self._pages)
        at_home = superblock.volume(device)
        found = InodeMap(at_home, superblock)
        block_map = found.aggregate_inode(BLOCK_MAP)
        size = self.volume.block_size
        map_file = PieceList(
            [
                Piece(device, a * size, n * size)
                for _, n, a, _ in read_extents(at_home, block_map.root, at=block_map.root_at).tolist()
            ],
            name=device.name,
        )
        self._space = MountedSpace(at_home, superblock.geometry, map_file, self.force)
        self.stamp = int(found.map_inode.row["di_inostamp"][0])
        generation = get_generator(superblock.dialect, found.map_inode.row[0])
        self.inodes = MountedInodes(self.volume, found, superblock.geometry, generation)
        self._form = NodeFormat(self.volume)
        self._tid = 0
        self.closed = False
        self._unsafe_data = False
        self._shrunk: dict[int, int] = {}

    @contextmanager
    def transaction(self, *, creates: bool = False) -> Iterator[Transaction]:
        """Changes that commit together at the end of the block; an error takes all of them back.

        Args:
            creates: an inode will be needed.
        """
        if self.closed:
            raise OperationRefused("the file system was unmounted", where=self._device.name)
        if self._log.written >= self._log.delta:
            self.sync_point()
        if creates and self.inodes.is_full:
            self._add_inode_group()
        txn = self.view()
        try:
            yield txn
            self._commit(txn)
        except BaseException:
            txn.cancel()
            raise

    def view(self) -> Transaction:
        """A transaction to read with; it is never committed."""
        return Transaction(self.volume, self._form, self._space)

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
        self._space.settle(self._log.durable)

    def force_shrunk(self, number: int) -> None:
        """Make the last loss of content of a file durable: blocks it kept may be written again only then."""
        if self._shrunk.pop(number, 0) > self._log.durable:
            self.force()

    def shrunk(self, number: int) -> None:
        """A file has lost content in the transaction that is about to commit."""
        self._shrunk[number] = self._log.end + 1

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
        self.inodes.write(self._device)
        self._space.write()
        self._device.flush()

    def _commit(self, txn: Transaction) -> None:
        records = list(txn.records())
        if not records:
            return
        size = sum(len(data) + 64 for _, data, _ in records)
        if size > self._log.capacity // 2:
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
            back = self._log.append(
                kind, data, backchain=back, tid=self._tid, aggregate=self._aggregate, fields=fields
            )  # fmt: skip
        self._log.append(COMMIT, backchain=back, tid=self._tid, aggregate=self._aggregate)
        for address, length in txn.freed:
            self._pages.forget(address, length)
        for at, content in txn.writes():
            self._pages.write(at, content)
        self._space.rest(txn.freed, self._log.end)

    def _add_inode_group(self) -> None:
        """Add a page to the inode map; its own transaction, durable before the page is used (3.3.2)."""
        geometry = self.superblock.geometry
        page = self.inodes.blank_group()
        with self.transaction() as txn:
            [(address, _)] = txn.allocate(self.volume.blocks_per_page, near=0, contiguous=True)
            at = address * self.volume.block_size
            self.write_data(at, page)
            second = 0 if geometry.has_aim2 else INODES_PER_EXTENT
            for number, table in ((FILESET, AIT_OFFSET), (FILESET + second, geometry.ait2 * self.volume.block_size)):
                place = table + FILESET * INODE_SIZE
                inode = txn.inode(number, place, fileset=AGGREGATE)
                extents = FileExtents(txn, inode)
                extents.add([(extents.end, self.volume.blocks_per_page, address, 0)])
                inode.row["di_size"] += PAGE
                extents.store()
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
