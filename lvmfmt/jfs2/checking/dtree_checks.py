"""Checks 60 to 72: whole directories, and the names in them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import NamedTuple

from ..nodes.directory_node import (
    FREE_LIST_AT,
    ROOT_INODE,
    SLOT,
    DirectoryCodec,
    NodeContents,
    NodeHeader,
    PagePlace,
    follow,
)
from ..nodes.fault import Fault
from ..nodes.tree_flags import MAX_DEPTH
from .subject import Subject

_CLOSED = {"dtree-flag", "dtree-table-place", "dtree-slots"}
"""Faults of a header that hide what is in the node."""
_WHOLE_NODE = {
    *(("dtree-slots", field) for field in ("stbl", "next", "freelist", "freecnt")),
    *(("dtree-free-list", field) for field in ("next", "freelist")),
    ("dtree-routers", "stbl"),
}
"""Faults, as check and field, that are reported for the node as a whole."""
_LINK, _TWICE = "a link to slot {found} in {node}, which has {slots}", "slot {found} of {node} is used twice"
_TEXTS = {
    ("dtree-page-size", "self"): "{node} says that it is {found}",
    ("dtree-page-size", "pxd"): "page {page} of directory {number} has {found} bytes",
    ("dtree-table-place", "stblindex"): "stblindex {found} of {node}",
    ("dtree-empty-page", "nextindex"): "{node} is empty",
    ("dtree-slots", "stbl"): "slot {found} in the sorted table of {node} does not exist or is used twice",
    ("dtree-slots", "next"): _TWICE,
    ("dtree-slots", "freelist"): _TWICE,
    ("dtree-slots", "freecnt"): "{lost} slots of {node} are neither used nor free",
    ("dtree-free-list", "next"): _LINK,
    ("dtree-free-list", "freelist"): _LINK,
    ("dtree-free-list", "freecnt"): "the free list of {node} has {expected} slots, freecnt says {found}",
    ("dtree-chains", "namlen"): "the entry in slot {slot} of {node} has {found} slots, its name needs {expected}",
    ("dtree-order", "stbl"): "the name in slot {slot} of {node} is not above the one before it",
    ("dtree-routers", "stbl"): "{node} holds names outside those of its router",
    ("dtree-left-edge", "namlen"): "the router in slot {slot} of {node} has {found}",
    ("dtree-shape", "next"): "page {address} of directory {number}: siblings {found}, expected {expected}",
    ("entry-name", "name"): "a name of directory {number} is empty, a dot name, or holds a slash or NUL",
    ("entry-inode", "inumber"): "an entry of directory {number} names inode {found}",
    ("extent-range", "pxd"): "page {page} of directory {number} is not inside the file system",
}
"""What to say of a fault, by check and field."""


class NameTable:
    """NameTable that were found: three arrays of one length, an element for each.

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


class _Node(NamedTuple):
    """A root or page: inode number of its directory, byte offset in the device, header, contents."""

    number: int
    at: int
    header: NodeHeader
    contents: NodeContents


class DirectoryChecker:
    """Judges directories.

    Args:
        subject: the file system.
        names: receives every name.
    """

    def __init__(self, subject: Subject, names: NameTable) -> None:
        self._subject = subject
        self._names = names
        self._indexed = subject.superblock.indexed_directories
        volume = subject.volume
        self._codec = DirectoryCodec(subject.dialect, volume.block_size, volume.blocks, indexed=self._indexed)
        self._unit = subject.dialect.name_unit

    def check(self, number: int, raw: bytes, at: int) -> Directory:
        """Judge the directory with the root `raw` (288 bytes) at byte `at` of the device."""
        result = Directory(self._codec.parent_of(raw), 0, 0, [])
        node = self._node(number, at, *self._codec.root(raw))
        if node is None:
            return result
        if node.header.is_leaf:
            self._entries(node, 0, result, None)
            return result
        self._report(node, self._codec.faults_of_edge(node.contents.items, leftmost=True))
        pages = self._routers(node, None, True, result)
        for _ in range(MAX_DEPTH):
            if not pages:
                return result
            pages = self._level(number, pages, result)
        self._shape(number, pages[0].address if pages else 0, f"more than {MAX_DEPTH} levels")
        return result

    def _node(self, number: int, at: int, header: NodeHeader, faults: list[Fault]) -> _Node | None:
        """A node with what is in it; None when nothing in it can be read. Judges all but entries and their order."""
        hidden = any(fault.check in _CLOSED for fault in faults)
        contents = NodeContents([], [], 0, [], []) if hidden else self._codec.contents(header)
        node = _Node(number, at, header, contents)
        self._report(node, faults + [fault for fault in contents.faults if fault.check != "dtree-order"])
        return None if hidden else node

    def _level(self, number: int, pages: list[PagePlace], result: Directory) -> list[PagePlace]:
        s, codec = self._subject, self._codec
        below: list[PagePlace] = []
        kinds = set()
        previous: bytes | None = None
        for i, page in enumerate(pages):
            raw, at = s.volume.read(page.address, page.length).tobytes(), page.address * s.volume.block_size
            place = page._replace(
                previous=pages[i - 1].address if i else 0,
                following=pages[i + 1].address if i + 1 < len(pages) else 0,
                alone=len(pages) == 1 and result.blocks == page.length,
            )
            header, faults = codec.page(raw, page.address)
            node = self._node(number, at, header, faults)
            whole = node or _Node(number, at, header, NodeContents([], [], 0, [], []))
            self._report(whole, codec.faults_of_place(header, whole.contents, place))
            if node is None:
                continue
            kinds.add(header.is_leaf)
            if header.is_leaf:
                result.leaf_bytes += len(raw)
                previous = self._entries(node, page.address, result, previous)
            else:
                below += self._routers(node, page.high, page.leftmost, result)
        if len(kinds) > 1:
            self._shape(number, pages[0].address, "leaves and internal pages on one level")
        return below

    def _routers(self, node: _Node, high: bytes | None, left: bool, result: Directory) -> list[PagePlace]:
        """Child pages that make sense."""
        codec, (items, keys) = self._codec, node.contents[:2]
        self._report(node, [fault for fault in node.contents.faults if fault.check == "dtree-order"])
        pages = []
        for i, item in enumerate(items):
            address, length = codec.child_of(node.header, item.slot)
            if codec.fault_of_extent(item.slot, address, length) is not None:
                continue
            result.blocks += length
            if self._subject.owners.enter(address, length, node.number):
                end = keys[i + 1] if i + 1 < len(items) else high
                pages.append(PagePlace(address, length, keys[i], end, left and i == 0, 0, 0, False))
        return pages

    def _entries(self, node: _Node, address: int, result: Directory, previous: bytes | None) -> bytes | None:
        """Take the entries of a leaf; returns its last key."""
        codec, names, raw, at = self._codec, self._names, node.header.raw, node.at
        items, keys, _, _, faults = node.contents
        if previous is not None and keys and keys[0] <= previous:
            faults = [codec.fault_of_order(node.header, items, 0)]
        self._report(node, [fault for fault in faults if fault.check == "dtree-order"])
        heads = [item.slot * SLOT for item in items]
        index_at = codec.leaf.record.offset_of("index") if self._indexed else 0
        names.child.extend(codec.numbers_of(node.header, items))
        names.parent.extend([node.number] * len(items))
        names.at.extend([at + head for head in heads])
        if self._unit > 1 and not b"".join(keys).isascii():
            self._text(node)
        if self._indexed:
            for position, head in enumerate(heads):
                index = int.from_bytes(raw[head + index_at : head + index_at + 4], "little")
                result.indexed.append(IndexedEntry(index, address, position, at + head))
        return keys[-1] if items else previous

    def _text(self, node: _Node) -> None:
        """NameTable of units that are no text."""
        for item in node.contents.items:
            try:
                self._codec.dialect.decode_name(item.coded).decode()
            except UnicodeDecodeError:
                text, at = f"a name of directory {node.number} is not valid UTF-16", node.at + item.slot * SLOT
                self._subject.find("entry-name", self._codec.leaf.record, "name", at, text, warning=True)

    def _report(self, node: _Node, faults: list[Fault]) -> None:
        """Add findings for faults. An impossible inode number that is not below 3 is left to the census."""
        header, codec = node.header, self._codec
        place = "root" if header.is_root else f"page at byte {node.at:#x}"
        for fault in faults:
            if fault.check == "entry-inode" and isinstance(fault.found, int) and fault.found > ROOT_INODE:
                continue
            key, slot = (fault.check, fault.field), fault.offset // SLOT
            values = {
                "node": f"the {place} of directory {node.number}", "number": node.number, "slots": header.slots,
                "slot": slot, "found": fault.found, "expected": fault.expected, "field": fault.field,
            }  # fmt: skip
            if fault.field == "pxd":
                address, length = codec.child_of(header, slot)
                values["page"] = f"{length}@{address}"
            elif key == ("dtree-slots", "freecnt"):
                values["lost"] = (
                    header.slots - follow(header, header.raw[FREE_LIST_AT], node.contents.used)[1].bit_count()
                )
            elif key == ("dtree-shape", "next"):
                values["address"] = node.at // self._subject.volume.block_size
            text = _TEXTS.get(key, "{field} {found} of {node}, expected {expected}").format(**values)
            record, field, offset = codec.record_of(fault), fault.field, fault.offset
            if key in _WHOLE_NODE:
                record, field, offset = codec.root_record if header.is_root else codec.page_record, "", 0
            elif fault.check == "dtree-order":
                field = ""
            self._subject.report.add(fault.check, record.name, field, node.at + offset, text)

    def _shape(self, number: int, address: int, text: str) -> None:
        at = address * self._subject.volume.block_size
        self._subject.find(
            "dtree-shape", self._codec.page_record, "flag", at, f"page {address} of directory {number}: {text}"
        )
