"""A transaction: what one operation changes, in memory until it commits, and its records in the log.

Source: [jfs2 3.6]; only the record types that both dialects share are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..dialect.log_form import BTROOT, DIR_XTREE, DTREE, INODE, NEW, NOREDOPAGE, REDOPAGE, UPDATEMAP, XTREE
from ..geometry import PAGE
from ..inodes.inode_table import AGGREGATE, FILESET
from ..nodes.directory_node import SLOT
from ..nodes.packed_extents import ENTRY
from ..volume import Volume
from .dtree_node import NodeFormat
from .image_cache import ImageCache
from .images import Extents, InodeImage, PageImage, Ranges, extent_lists, segments
from .space import MountedSpace

ALLOCATE_PXD, FREE_PXD_LIST = 0x10, 0x04

Record = tuple[int, bytes, dict[str, Any]]
"""Type, data, and the fields of the type part."""


class InodePlaces(Protocol):
    """What a transaction asks of the inode map, see `inode_space.MountedInodes`."""

    def is_used(self, number: int) -> bool:
        """Whether there is an inode of this number."""

    def place(self, number: int) -> int:
        """Byte offset in the device of an inode in use."""


class Transaction:
    """Changes of one operation.

    Args:
        volume: the file system as it is now, committed changes included.
        form: layout of directory nodes.
        space: where blocks come from.
        images: inodes and pages as committed.
        inode_map: which inodes there are, and where.
        reads: nothing is going to be changed.

    Attributes:
        inodes: inodes it has touched, by byte offset in the device.
        pages: tree pages it has touched, by block address.
        allocated: blocks it took.
        freed: blocks it gives back with its commit.
        fresh: (number of the first inode, block address) of inode extents it adds.
        undo: what to call if it does not commit, last first.
        sound_directories: see `ImageCache`.
    """

    def __init__(
        self,
        volume: Volume,
        form: NodeFormat,
        space: MountedSpace,
        images: ImageCache,
        inode_map: InodePlaces,
        *,
        reads: bool = False,
    ) -> None:
        self.volume = volume
        self.inode_map = inode_map
        self.form = form
        self.coding = form.coding
        self._space, self._images, self._reads = space, images, reads
        self.sound_directories = images.sound_directories
        self.inodes: dict[int, InodeImage] = {}
        self.pages: dict[int, PageImage] = {}
        self.allocated: Extents = []
        self.freed: Extents = []
        self.fresh: list[tuple[int, int]] = []
        self.undo: list[Callable[[], None]] = []
        self._dropped: list[PageImage] = []
        self._listed: Extents = []
        self._claimed: list[tuple[InodeImage, int, int]] = []

    def inode(self, number: int, at: int, *, fileset: int = FILESET) -> InodeImage:
        """An inode, to be read and changed.

        Args:
            number: its number.
            at: byte offset in the device.
            fileset: 16 for files, 1 for inodes of the aggregate.
        """
        image = self.inodes.get(at)
        if image is None:
            image = self._images.inode(fileset, number, at)
            if not self._reads:
                image.before = bytes(image.data)
            self.inodes[at] = image
        return image

    def new_inode(self, number: int, at: int, data: bytearray) -> InodeImage:
        """An inode of the fileset that begins with these bytes."""
        image = self.inodes[at] = InodeImage(FILESET, number, at, data, self.coding)
        return image

    def page(self, kind: int, address: int, owner: InodeImage, length: int = 0) -> PageImage:
        """A tree page, to be read and changed.

        Args:
            kind: XTREE or DTREE.
            address: its block.
            owner: the inode it belongs to.
            length: blocks of it; 0 for a full page.
        """
        image = self.pages.get(address)
        if image is None:
            image = self._images.page(kind, address, length or self.volume.blocks_per_page, owner)
            if not self._reads:
                image.before, image.is_new = bytes(image.data), False
            self.pages[address] = image
        return image

    def new_page(self, kind: int, data: bytearray, address: int, owner: InodeImage) -> PageImage:
        """A tree page at blocks that the transaction took; `data` is that of an empty page."""
        image = self.pages[address] = PageImage(kind, address, owner, data)
        image.before, image.is_new = bytes(data), True
        return image

    def drop_page(self, kind: int, address: int, owner: InodeImage) -> None:
        """Give a tree page back that was looked at before."""
        image = self.page(kind, address, owner)
        del self.pages[address]
        if not image.is_new:
            self._dropped.append(image)
        length = len(image.data) // self.volume.block_size
        if kind == DTREE:
            self._space.check(address, length)
            self.freed.append((address, length))
        else:
            self.free(address, length)

    def drop_data_page(self, kind: int, address: int, owner: InodeImage) -> None:
        """A page of an extent that is given back is no metadata any more; it need not have been looked at."""
        image = self.pages.pop(address, None) or PageImage(kind, address, owner, bytearray(PAGE))
        if not image.is_new:
            self._dropped.append(image)

    def allocate(self, blocks: int, *, near: int, contiguous: bool = False) -> Extents:
        """Take free blocks, see `MountedSpace.allocate`."""
        taken = self._space.allocate(blocks, near=near, contiguous=contiguous)
        self.allocated += taken
        self.undo.append(lambda: self._return(taken))
        return taken

    def allocate_in_group(self, blocks: int, *, near: int) -> int | None:
        """Take one run of free blocks, see `MountedSpace.allocate_in_group`."""
        address = self._space.allocate_in_group(blocks, near=near)
        if address is not None:
            taken = [(address, blocks)]
            self.allocated += taken
            self.undo.append(lambda: self._return(taken))
        return address

    def _return(self, taken: Extents) -> None:
        for address, length in taken:
            self._space.release(address, length)

    def new_inode_extent(self, first: int, address: int) -> None:
        """Blocks that it took hold inodes from now on, `first` and the next 31."""
        self.fresh.append((first, address))

    def free(self, address: int, length: int) -> None:
        """Give blocks back when the transaction commits.

        Raises:
            CorruptImage: the block map knows them in a page that must not be changed.
        """
        self._space.check(address, length)
        self.freed.append((address, length))
        self._listed.append((address, length))

    def announce_free(self, address: int, length: int) -> None:
        """Say in the log that blocks are free, which stay taken as long as a file without a name is open."""
        self._listed.append((address, length))

    def claim(self, owner: InodeImage, address: int, length: int) -> None:
        """Say in the log that blocks it took are in use; for those that no extent tree of the owner names."""
        self._claimed.append((owner, address, length))

    def cancel(self) -> None:
        """Take back everything."""
        for step in reversed(self.undo):
            step()
        dropped = (image.address for image in self._dropped)
        self._images.forget(self.inodes, (*self.pages, *dropped))

    def records(self) -> Iterator[Record]:
        """Its log records, without COMMIT: freed pages, trees as touched, claimed and freed blocks, inodes."""
        volume = self.volume
        for page in self._dropped:
            length = len(page.data) // volume.block_size
            yield NOREDOPAGE, b"", self._object(page.kind, page.address, page.fileset, page.owner, length)
        changed = [inode for inode in self.inodes.values() if inode.data != inode.before]
        deleted = {(inode.fileset, inode.number) for inode in changed if not inode.links}
        for inode in changed:
            if ranges := inode.root_ranges(self.allocated):
                kind = inode.tree or XTREE
                block = inode.page_at // volume.block_size
                yield self._redo(kind | BTROOT, block, inode.fileset, inode.number, ranges)
            if ranges := inode.index_ranges(self.allocated):
                block = inode.page_at // volume.block_size
                yield self._redo(XTREE | BTROOT | DIR_XTREE, block, inode.fileset, inode.number, ranges)
        for page in self.pages.values():
            ranges = page.ranges(self.coding, self.allocated)
            if ranges and (page.fileset, page.owner) not in deleted:
                subtype = page.kind | (NEW if page.is_new and page.kind == DTREE else 0)
                yield self._redo(subtype, page.address, page.fileset, page.owner, ranges)
        for owner, address, length in self._claimed:
            place = {"inode": owner.number, "fileset": owner.fileset, "pxd": self.coding.pxd(address, length)}
            yield UPDATEMAP, b"", place | {"subtype": ALLOCATE_PXD, "nxd": 1}
        for count, data in extent_lists(self.coding, self._listed):
            fields = {"inode": 0, "fileset": FILESET, "pxd": bytes(8), "subtype": FREE_PXD_LIST, "nxd": count}
            yield UPDATEMAP, data, fields
        by_page: dict[int, list[InodeImage]] = {}
        for inode in sorted(changed, key=lambda i: -i.number):
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
        fields = self._object(subtype, block, fileset, inode, self.volume.blocks_per_page)
        return REDOPAGE, segments(self.coding, ranges, self._slot(subtype)), fields

    def _object(self, subtype: int, block: int, fileset: int, inode: int, length: int) -> dict[str, Any]:
        return {
            "inode": inode,
            "fileset": fileset,
            "pxd": self.coding.pxd(block, length),
            "subtype": subtype,
            "l2linesize": self._slot(subtype).bit_length() - 1,
        }

    def _slot(self, subtype: int) -> int:
        if subtype & INODE:
            return self.volume.dialect.inode_form.log_slot
        return SLOT if subtype & DTREE else ENTRY
