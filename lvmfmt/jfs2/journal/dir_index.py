"""The index of a directory (Linux dialect, DIR_INDEX): a number for every entry that stays while the entry moves.

A table holds, by index, the leaf page and the position there of an entry. Up to 12 slots lie in the inode; a longer
table has pages with 512 slots each, and an extent tree whose root takes the place of the 12. Indexes are handed out in
ascending order and never again, until the directory is empty. Source: [jfs2 2.3 to 2.5, 3.5].
"""

from __future__ import annotations

from collections.abc import Sequence

from ...layout.jfs2.jfs1 import DIRTABLE_SLOT
from ..dialect.log_form import TABLE
from ..geometry import PAGE
from ..nodes.directory_node import FIRST_INDEX, INDEX_SLOTS_A_PAGE, INLINE_INDEXES
from ..nodes.extent_node import INDEX_ROOT_ENTRIES, INDEX_ROOT_MAXENTRY
from ..nodes.index_slots import free_index_slot, index_slot
from ..nodes.packed_extents import Piece
from .dtree_node import NodeImage
from .file_extents import FileExtents
from .images import INDEX_AT, INDEX_BYTES, InodeImage
from .transaction import Transaction

_SLOT = DIRTABLE_SLOT.size


class DirectoryIndex:
    """The index of a directory, for one transaction.

    Args:
        txn: the transaction.
        inode: the directory.
    """

    def __init__(self, txn: Transaction, inode: InodeImage) -> None:
        self._txn, self._inode = txn, inode

    def add(self) -> int:
        """A new index, its slot still free.

        Raises:
            NoSpace: the table needs a page, and there is none.
        """
        inode = self._inode
        index = max(inode.next_index, FIRST_INDEX)
        count = index - FIRST_INDEX
        if count == INLINE_INDEXES:
            self._move_out()
        elif count > INLINE_INDEXES and count % INDEX_SLOTS_A_PAGE == 0:
            self._add_page()
        inode.next_index = index + 1
        if count < INLINE_INDEXES:
            inode.size = (count + 1) * _SLOT
        return index

    def free(self, index: int, following: int | None) -> None:
        """The entry with this index is gone; `following` is the index of the next one."""
        self._put(index, free_index_slot(following))

    def settle(self, address: int, leaf: NodeImage, first: int = 0) -> None:
        """Let the slots of a leaf's entries from position `first` on say where these are."""
        for position, index in enumerate(leaf.indexes(first), first):
            self._put(index, index_slot(address, position))

    def agrees(self, address: int, leaf: NodeImage, position: int) -> bool:
        """Whether the slot of an entry's index says where the entry is."""
        index = leaf.indexes(position)[0]
        if not FIRST_INDEX <= index < self._inode.next_index:
            return False
        data, at = self._place(index)
        return data[at : at + _SLOT] == index_slot(address, position)

    def drop(self) -> None:
        """The directory is empty: no table, and indexes begin anew."""
        inode = self._inode
        if self._has_pages:
            for page in self._pages():
                self._txn.drop_data_page(TABLE, page, inode)
            IndexExtents(self._txn, inode).give_back()
        inode.data[INDEX_AT : INDEX_AT + INDEX_BYTES] = bytes(INDEX_BYTES)
        inode.index_pages = None
        inode.next_index, inode.size = FIRST_INDEX, 1

    @property
    def _has_pages(self) -> bool:
        return self._inode.next_index - FIRST_INDEX > INLINE_INDEXES

    def _put(self, index: int, slot: bytes) -> None:
        data, at = self._place(index)
        if data[at : at + _SLOT] != slot:
            data[at : at + _SLOT] = slot

    def _place(self, index: int) -> tuple[bytearray, int]:
        """Where the slot of an index lies: buffer and offset."""
        inode, number = self._inode, index - FIRST_INDEX
        if not 0 <= number < inode.next_index - FIRST_INDEX:
            raise self._corrupt("index", f"{FIRST_INDEX} to {inode.next_index - 1}", index)
        if not self._has_pages:
            return inode.data, INDEX_AT + number * _SLOT
        pages = self._pages()
        if number // INDEX_SLOTS_A_PAGE >= len(pages):
            raise self._corrupt(
                "di_next_index", f"at most {FIRST_INDEX + len(pages) * INDEX_SLOTS_A_PAGE}", inode.next_index
            )
        page = self._txn.page(TABLE, pages[number // INDEX_SLOTS_A_PAGE], inode)
        return page.data, number % INDEX_SLOTS_A_PAGE * _SLOT

    def _pages(self) -> list[int]:
        """Block addresses of the table's pages."""
        inode, bpp = self._inode, self._txn.volume.blocks_per_page
        if inode.index_pages is None:
            pieces = IndexExtents(self._txn, inode).pieces
            inode.index_pages = [a + i for _, n, a, _ in pieces for i in range(0, n, bpp)]
        return inode.index_pages

    def _move_out(self) -> None:
        """Give the table a page; its slots in the inode make room for the root of an extent tree."""
        inode = self._inode
        slots = bytes(inode.data[INDEX_AT : INDEX_AT + INDEX_BYTES])
        root = bytearray(INDEX_BYTES)
        self._txn.coding.write_root(root, 0, [], leaf=True, maxentry=INDEX_ROOT_MAXENTRY)
        inode.data[INDEX_AT : INDEX_AT + INDEX_BYTES] = root
        inode.index_pages, inode.size = [], 0
        self._add_page()
        page = self._txn.page(TABLE, self._pages()[0], inode)
        page.data[: len(slots)] = slots

    def _add_page(self) -> None:
        inode, bpp = self._inode, self._txn.volume.blocks_per_page
        pages = self._pages()
        near = pages[-1] + bpp if pages else inode.near
        [(address, _)] = self._txn.allocate(bpp, near=near, contiguous=True)
        # an extent of its own: `jfs_fsck` reads one page an extent
        IndexExtents(self._txn, inode).append(bpp, address)
        self._txn.new_page(TABLE, bytearray(PAGE), address, inode)
        pages.append(address)
        inode.size += PAGE

    def _corrupt(self, field: str, expected: object, found: object) -> Exception:
        return self._txn.volume.corrupt("dirtable_slot", field, self._inode.at, expected, found)


class IndexExtents(FileExtents):
    """The extents of a directory's table; the root of their tree lies in the inode's base and has 4 entries."""

    ROOT_AT, ROOM = INDEX_AT, INDEX_ROOT_MAXENTRY

    def give_back(self) -> None:
        """Give all blocks and the pages of the tree back; the directory stays, and gets a new index."""
        pieces, pages = self.all()
        self.free(pieces)
        for page in pages:
            self._drop_page(page)
        self._inode.blocks -= sum(piece[1] for piece in pieces)

    def _root_limit(self) -> int:
        return INDEX_ROOT_ENTRIES

    def _write_root(self, entries: Sequence[Piece], leaf: bool) -> None:
        self._txn.coding.write_root(self._inode.data, INDEX_AT, entries, leaf=leaf, maxentry=INDEX_ROOT_MAXENTRY)
