"""A transaction: what one operation changes, in memory until it commits, and its records in the log.

Source: reference section 3.6; only the record types that both dialects share are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..dialect import LINUX
from ..dtree_build import SLOT
from ..geometry import INODE_SIZE
from ..inode_table import AGGREGATE, FILESET
from ..log.records import BTROOT, DTREE, INODE, NEW, XTREE
from ..volume import Volume
from .dtree_node import NodeFormat
from .images import ENTRY, Extents, InodeImage, PageImage, Ranges, extent_lists, segments
from .log_writer import NOREDOPAGE, REDOPAGE, UPDATEMAP
from .space import MountedSpace

FREE_XAD_LIST = 0x08

Record = tuple[int, bytes, dict[str, Any]]
"""Type, data, and the fields of the type part."""


class Transaction:
    """Changes of one operation.

    Args:
        volume: the file system as it is now, committed changes included.
        form: layout of directory nodes.
        space: where blocks come from.

    Attributes:
        inodes: inodes it has touched, by byte offset in the device.
        pages: tree pages it has touched, by block address.
        allocated: blocks it took.
        freed: blocks it gives back with its commit.
        fresh: (number of the first inode, block address) of inode extents it adds.
        undo: what to call if it does not commit, last first.
    """

    def __init__(self, volume: Volume, form: NodeFormat, space: MountedSpace) -> None:
        self.volume = volume
        self.form = form
        self._space = space
        self.inodes: dict[int, InodeImage] = {}
        self.pages: dict[int, PageImage] = {}
        self.allocated: Extents = []
        self.freed: Extents = []
        self.fresh: list[tuple[int, int]] = []
        self.undo: list[Callable[[], None]] = []
        self._dropped: list[PageImage] = []
        self._listed: Extents = []

    def inode(self, number: int, at: int, *, fileset: int = FILESET, new: bytes = b"") -> InodeImage:
        """An inode, to be read and changed.

        Args:
            number: its number.
            at: byte offset in the device.
            fileset: 16 for files, 1 for inodes of the aggregate.
            new: the bytes of a new inode.
        """
        if new or at not in self.inodes:
            before = b"" if new else self.volume.device.read(at, INODE_SIZE).tobytes()
            self.inodes[at] = InodeImage(fileset, number, at, bytearray(new or before), before, self.volume.dialect)
        return self.inodes[at]

    def page(self, kind: int, address: int, owner: InodeImage) -> bytearray:
        """The bytes of a tree page, to be changed."""
        if address not in self.pages:
            bpp = self.volume.blocks_per_page
            self.volume.check_extent(address, bpp, "xad" if kind == XTREE else "dtree_internal_slot", "pxd", None)
            raw = self.volume.read(address, bpp).tobytes()
            self.pages[address] = PageImage(kind, address, owner.fileset, owner.number, bytearray(raw), raw, False)
        return self.pages[address].data

    def new_page(self, kind: int, data: bytearray, address: int, owner: InodeImage) -> bytearray:
        """A tree page at blocks that the transaction took; `data` is that of an empty page."""
        self.pages[address] = PageImage(kind, address, owner.fileset, owner.number, data, bytes(data), True)
        return data

    def drop_page(self, kind: int, address: int, owner: InodeImage) -> None:
        """Give a tree page back."""
        image = self.pages.pop(address, None)
        if image is None or not image.is_new:
            self._dropped.append(PageImage(kind, address, owner.fileset, owner.number, bytearray(), b"", False))
        if kind == DTREE:
            self.freed.append((address, self.volume.blocks_per_page))
        else:
            self.free(address, self.volume.blocks_per_page)

    def allocate(self, blocks: int, *, near: int, contiguous: bool = False) -> Extents:
        """Take free blocks, see `FreeSpace.allocate`."""
        taken = self._space.allocate(blocks, near=near, contiguous=contiguous)
        self.allocated += taken
        self.undo.append(lambda: self._return(taken))
        return taken

    def _return(self, taken: Extents) -> None:
        for address, length in taken:
            self._space.release(address, length)

    def new_inode_extent(self, first: int, address: int) -> None:
        """Blocks that it took hold inodes from now on, `first` and the next 31."""
        self.fresh.append((first, address))

    def free(self, address: int, length: int) -> None:
        """Give blocks back when the transaction commits."""
        self.freed.append((address, length))
        self._listed.append((address, length))

    def cancel(self) -> None:
        """Take back everything."""
        for step in reversed(self.undo):
            step()

    def records(self) -> Iterator[Record]:
        """Its log records, without COMMIT: freed pages, trees in the order of touch, freed blocks, inodes."""
        volume = self.volume
        for page in self._dropped:
            fields = self._object(page.kind, page.address, page.fileset, page.owner)
            yield NOREDOPAGE, b"", fields
        deleted = {(inode.fileset, inode.number) for inode in self.inodes.values() if not inode.links}
        for inode in self.inodes.values():
            if ranges := inode.root_ranges(self.allocated):
                kind = inode.tree or XTREE
                block = inode.page_at // volume.block_size
                yield self._redo(kind | BTROOT, block, inode.fileset, inode.number, ranges)
        for page in self.pages.values():
            ranges = page.ranges(volume.dialect, self.allocated)
            if ranges and (page.fileset, page.owner) not in deleted:
                subtype = page.kind | (NEW if page.is_new and page.kind == DTREE else 0)
                yield self._redo(subtype, page.address, page.fileset, page.owner, ranges)
        for count, data in extent_lists(volume.dialect, self._listed):
            fields = {
                "inode": 0,
                "fileset": FILESET,
                "pxd": self.form.pxd(0, 0),
                "subtype": FREE_XAD_LIST,
                "nxd": count,
            }
            yield UPDATEMAP, data, fields
        by_page: dict[int, list[InodeImage]] = {}
        for inode in sorted(self.inodes.values(), key=lambda i: -i.number):
            if bytes(inode.data) != inode.before:
                by_page.setdefault(inode.page_at, []).append(inode)
        for at, inodes in by_page.items():
            ranges = [part for inode in inodes for part in inode.ranges]
            yield self._redo(INODE, at // volume.block_size, AGGREGATE, inodes[0].fileset, ranges)

    def writes(self) -> Iterator[tuple[int, bytearray]]:
        """(byte offset, bytes) of everything it has changed."""
        for inode in self.inodes.values():
            if inode.data != inode.before:
                yield inode.at, inode.data
        for page in self.pages.values():
            if page.is_new or page.data != page.before:
                yield page.address * self.volume.block_size, page.data

    def _redo(self, subtype: int, block: int, fileset: int, inode: int, ranges: Ranges) -> Record:
        slot = self._slot(subtype)
        return REDOPAGE, segments(self.volume.dialect, ranges, slot), self._object(subtype, block, fileset, inode)

    def _object(self, subtype: int, block: int, fileset: int, inode: int) -> dict[str, Any]:
        return {
            "inode": inode,
            "fileset": fileset,
            "pxd": self.form.pxd(block, self.volume.blocks_per_page),
            "subtype": subtype,
            "l2linesize": self._slot(subtype).bit_length() - 1,
        }

    def _slot(self, subtype: int) -> int:
        if subtype & INODE:
            return 128 if self.volume.dialect is LINUX else 16
        return SLOT if subtype & DTREE else ENTRY
