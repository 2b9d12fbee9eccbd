"""Checks 60 to 72: whole directories, and the names in them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import NamedTuple

from ..dtree import MAX_DEPTH, SLOT
from ..inodes import ROOT_DIRECTORY
from .dtree_nodes import STBL_SLOTS, Item, Node, NodeReader
from .subject import Subject

_MAX_UNITS = 255


class Names:
    """Names that were found: three arrays of one length, an element for each.

    Attributes:
        child: inode number that a name stands for.
        parent: inode number of the directory that it is in.
        at: byte offset of the entry in the device.
    """

    def __init__(self) -> None:
        self.child = array("Q")
        self.parent = array("Q")
        self.at = array("q")


class IndexedEntry(NamedTuple):
    """What a directory index says, or should say, of an entry."""

    number: int
    """Its number in the index."""
    address: int
    """Block of the leaf page, 0 for the root."""
    position: int
    """Place in the sorted table of the page."""
    at: int
    """Byte offset of the entry in the device."""


@dataclass
class Directory:
    """What was found in a directory.

    Attributes:
        parent: inode number that it names as its parent.
        blocks: blocks of its pages.
        leaf_bytes: bytes of its leaf pages, 0 while it is a leaf root.
        indexed: its entries with their index, where the file system has one.
    """

    parent: int
    blocks: int
    leaf_bytes: int
    indexed: list[IndexedEntry]


class _Page(NamedTuple):
    address: int
    length: int
    low: bytes
    high: bytes | None
    """A key that is too large; None at the right edge."""
    left: bool
    """Whether the page is on the left edge."""


class DirectoryChecker:
    """Judges directories.

    Args:
        subject: the file system.
        names: receives every name.
    """

    def __init__(self, subject: Subject, names: Names) -> None:
        self._subject = subject
        self._names = names
        self._nodes = NodeReader(subject)
        self._indexed = subject.superblock.indexed_directories
        self._slash, self._unit = (b"/", 1) if not subject.is_linux else (b"/\0", 2)
        self._dots = (self._slash.replace(b"/", b"."), self._slash.replace(b"/", b".") * 2)

    def check(self, number: int, raw: bytes, at: int) -> Directory:
        """Judge the directory with the root `raw` (288 bytes) at byte `at` of the device."""
        result = Directory(self._nodes.parent(raw), 0, 0, [])
        root = self._nodes.root(number, raw, at)
        if root is None:
            return result
        items = self._nodes.items(root)
        if root.is_leaf:
            self._entries(root, items, 0, result, None)
            return result
        pages = self._routers(root, items, None, True, result)
        for _ in range(MAX_DEPTH):
            if not pages:
                return result
            pages = self._level(number, pages, result)
        self._shape(number, pages[0].address if pages else 0, "flag", f"more than {MAX_DEPTH} levels")
        return result

    def _level(self, number: int, pages: list[_Page], result: Directory) -> list[_Page]:
        s, header = self._subject, self._nodes.page_record
        below: list[_Page] = []
        kinds = set()
        previous: bytes | None = None
        for i, page in enumerate(pages):
            raw = s.volume.read(page.address, page.length).tobytes()
            row = header.table(raw, 1)[0]
            links = (pages[i - 1].address if i else 0, pages[i + 1].address if i + 1 < len(pages) else 0)
            if (int(row["prev"]), int(row["next"])) != links:
                text = f"siblings {row['prev']} and {row['next']}, expected {links[0]} and {links[1]}"
                self._shape(number, page.address, "next", text)
            node = self._nodes.page(number, raw, page.address, only=len(pages) == 1 and result.blocks == page.length)
            if node is None:
                continue
            kinds.add(node.is_leaf)
            items = self._nodes.items(node)
            self._bounds(node, items, page)
            if node.is_leaf:
                result.leaf_bytes += len(raw)
                previous = self._entries(node, items, page.address, result, previous)
            else:
                below += self._routers(node, items, page.high, page.left, result)
        if len(kinds) > 1:
            self._shape(number, pages[0].address, "flag", "leaves and internal pages on one level")
        return below

    def _bounds(self, node: Node, items: list[Item], page: _Page) -> None:
        keys = [item.key for item in items[1:] if item.key] if not node.is_leaf else [item.key for item in items]
        if not keys:
            return
        if min(keys) < page.low or (page.high is not None and max(keys) >= page.high):
            text = f"{node.name} holds names outside those of its router"
            self._subject.find("dtree-routers", node.record, "", node.at, text)

    def _routers(self, node: Node, items: list[Item], high: bytes | None, left: bool, result: Directory) -> list[_Page]:
        """Child pages that make sense."""
        s, record, pages = self._subject, self._nodes.internal.record, []
        self._order(node, items, None)
        table = record.table(node.raw)
        for i, item in enumerate(items):
            at = node.at + item.slot * SLOT
            if (item.key == b"") != (left and i == 0):
                text = f"the router in slot {item.slot} of {node.name} has {'a' if item.key else 'no'} key"
                s.find("dtree-left-edge", record, "namlen", at, text)
            address, length = s.pxd(table["pxd"][item.slot])
            size = length * s.volume.block_size
            if not s.inside(address, length):
                text = f"page {length}@{address} of directory {node.number} is not inside the file system"
                s.find("extent-range", record, "pxd", at, text)
            elif size // SLOT not in STBL_SLOTS or size % SLOT:
                text = f"page {length}@{address} of directory {node.number} has {size} bytes"
                s.find("dtree-page-size", record, "pxd", at, text)
            else:
                result.blocks += length
                if s.owners.enter(address, length, node.number):
                    end = items[i + 1].key if i + 1 < len(items) else high
                    pages.append(_Page(address, length, item.key, end, left and i == 0))
        return pages

    def _order(self, node: Node, items: list[Item], previous: bytes | None) -> None:
        for item in items:
            if previous is not None and item.key <= previous:
                text = f"the name in slot {item.slot} of {node.name} is not above the one before it"
                self._subject.find("dtree-order", node.record, "", node.at + item.slot * SLOT, text)
                return
            previous = item.key

    def _entries(
        self, node: Node, items: list[Item], address: int, result: Directory, previous: bytes | None
    ) -> bytes | None:
        """Judge the entries of a leaf; returns its last key."""
        s, names, record, raw = self._subject, self._names, self._nodes.leaf.record, node.raw
        self._order(node, items, previous)
        number_of, at, parent = self._nodes.number_of, node.at, node.number
        heads = [item.slot * SLOT for item in items]
        children = [number_of(raw, head)[0] for head in heads]
        if children and min(children) <= ROOT_DIRECTORY:
            for head, child in zip(heads, children, strict=True):
                if child <= ROOT_DIRECTORY:
                    text = f"an entry of directory {parent} names inode {child}"
                    s.find("entry-inode", record, "inumber", at + head, text)
        names.child.extend(children)
        names.parent.extend([parent] * len(items))
        names.at.extend([at + head for head in heads])
        if not self._plain([item.coded for item in items]):
            for item in items:
                self._name(item.coded, parent, at + item.slot * SLOT)
        if self._indexed:
            for position, head in enumerate(heads):
                index = int.from_bytes(raw[head + 28 : head + 32], "little")
                result.indexed.append(IndexedEntry(index, address, position, at + head))
        return items[-1].key if items else previous

    def _plain(self, names: list[bytes]) -> bool:
        """Whether names need no closer look, as nearly all."""
        blob = b"".join(names)
        if self._unit == 2:
            blob = blob.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
            if not blob.isascii():
                return False
        fits = all(0 < len(name) <= _MAX_UNITS * self._unit for name in names)
        return fits and b"/" not in blob and b"\0" not in blob and not any(dots in names for dots in self._dots)

    def _name(self, coded: bytes, parent: int, at: int) -> None:
        units = len(coded) // self._unit
        if self._unit == 1:
            wrong = b"/" in coded or b"\0" in coded
        else:
            text = coded.decode("utf-16-le", "surrogatepass")
            wrong = "/" in text or "\0" in text
            if not wrong and not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
                self._bad_name(f"a name of directory {parent} is not valid UTF-16", at, warning=True)
        if wrong or not 1 <= units <= _MAX_UNITS or coded in self._dots:
            self._bad_name(f"a name of directory {parent} is empty, a dot name, or holds a slash or NUL", at)

    def _bad_name(self, text: str, at: int, *, warning: bool = False) -> None:
        self._subject.find("entry-name", self._nodes.leaf.record, "name", at, text, warning=warning)

    def _shape(self, number: int, address: int, field: str, text: str) -> None:
        at = address * self._subject.volume.block_size
        self._subject.find(
            "dtree-shape", self._nodes.page_record, field, at, f"page {address} of directory {number}: {text}"
        )
