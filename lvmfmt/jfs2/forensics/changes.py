"""The log's history: what each transaction that the log still holds has changed.

Records carry the new bytes of what they change, so that the log tells names, sizes and times that the file system may
have lost since. Source: [jfs2 2.8].
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from stat import S_IFMT

from ...errors import CorruptImage
from ..dialect import Dialect
from ..dialect.log_form import BTROOT, DTREE, INODE
from ..geometry import INODE_SIZE, PAGE
from ..inodes.inode import INODE_BASE
from ..inodes.inode_table import FILESET
from ..log.records import ALLOCATE_BITS, LogRecord
from ..nodes.directory_node import COUNT_AT, SLOT, TABLE_AT, DirectoryCodec
from ..nodes.directory_writer import FIRST_SLOT, ROOT_CAPACITY
from .slots import FoundName, free_slots, names

_KINDS = {0x1000: "FIFO", 0x2000: "character device", 0x4000: "directory", 0x6000: "block device", 0x8000: "file",
          0xA000: "symlink", 0xC000: "socket"}  # fmt: skip


@dataclass(frozen=True)
class LoggedChange:
    """One transaction of the log.

    Attributes:
        tid: its number; numbers are used again.
        aggregate: the file system, in a log that several share.
        committed: whether its commit record is in the log.
        first: address of its oldest record that is still there.
        last: address of its newest one.
        records: how many there are.
        inodes: what it made of inodes, a line each.
        names: entries that it wrote into directories: (inode of the directory, name, inode number).
        removed: names that it took out of directories: (inode of the directory, name).
        allocated: extents (address, length) that it allocated.
        freed: extents that it freed.
    """

    tid: int
    aggregate: int
    committed: bool
    first: int
    last: int
    records: int
    inodes: list[str]
    names: list[tuple[int, bytes, int]]
    removed: list[tuple[int, bytes]]
    allocated: list[tuple[int, int]]
    freed: list[tuple[int, int]]


def changes(records: list[LogRecord], *, indexed: bool = False) -> list[LoggedChange]:
    """The transactions in the records of a log.

    Args:
        records: as `jfs2.log.history` gives them, oldest first.
        indexed: entries of directories carry an index (Linux dialect).
    """
    pending: dict[tuple[int, int], list[LogRecord]] = {}
    found: list[LoggedChange] = []
    for record in records:
        if record.kind in ("SYNCPT", "MOUNT"):
            continue
        key = (record.aggregate, record.tid)
        pending.setdefault(key, []).append(record)
        if record.kind == "COMMIT":
            found.append(_change(pending.pop(key), indexed))
    found += [_change(rest, indexed) for rest in pending.values()]
    return sorted(found, key=lambda change: change.last)


def _change(records: list[LogRecord], indexed: bool) -> LoggedChange:
    dialect = records[0].ring.log.dialect
    codec = DirectoryCodec(dialect, PAGE, 1, indexed=indexed)
    inodes: list[str] = []
    entries: list[tuple[int, bytes, int]] = []
    removed: list[tuple[int, bytes]] = []
    allocated: list[tuple[int, int]] = []
    freed: list[tuple[int, int]] = []
    for record in records:
        try:
            if record.kind == "REDOPAGE" and record.part["subtype"] & INODE:
                inodes += _inodes(record, dialect)
            elif record.kind == "REDOPAGE" and record.part["subtype"] & DTREE:
                directory = int(record.part["inode"])
                for is_there, found in _entries(record, codec):
                    if not is_there:
                        removed.append((directory, found.name))
                    elif found.number is not None:
                        entries.append((directory, found.name, found.number))
            elif record.kind == "UPDATEMAP":
                listed = allocated if record.part["subtype"] & ALLOCATE_BITS else freed
                listed += [(e.address, e.length) for e in record.extents()]
        except CorruptImage as error:
            inodes.append(f"a record that makes no sense: {error.what}")
    return LoggedChange(
        tid=records[-1].tid,
        aggregate=records[-1].aggregate,
        committed=records[-1].kind == "COMMIT",
        first=records[0].address,
        last=records[-1].address,
        records=len(records),
        inodes=inodes,
        names=entries,
        removed=removed,
        allocated=allocated,
        freed=freed,
    )


def _inodes(record: LogRecord, dialect: Dialect) -> Iterator[str]:
    """The base of each inode that a record of a page of inodes carries whole."""
    slot = 1 << record.part["l2linesize"] if 0 <= record.part["l2linesize"] <= 12 else 0
    if not slot:
        raise record.corrupt("l2linesize", "0 to 12", record.part["l2linesize"])
    for part in record.ranges(slot):
        at = part.first * slot
        for inside in range(-at % INODE_SIZE, len(part.data) - INODE_BASE + 1, INODE_SIZE):
            line = _inode(part.data[inside : inside + INODE_BASE], dialect)
            if line:
                yield line


def _inode(base: bytes, dialect: Dialect) -> str:
    def value(name: str) -> int:
        field = next(f for f in dialect.structures.inode.fields() if f.name == name)
        return int(struct.unpack_from(f"{dialect.order}{_CODE[field.size]}", base, field.offset)[0])

    if value("di_fileset") != FILESET:
        return ""
    kind = _KINDS.get(S_IFMT(value("di_mode") & 0xFFFF), "no file")
    links = value("di_nlink")
    state = f"{links} link{'' if links == 1 else 's'}" if links else "deleted"
    return (
        f"inode {value('di_number')}: {kind}, {state}, {value('di_size')} bytes, mode {value('di_mode') & 0o7777:04o}"
    )


_CODE = {2: "H", 4: "I", 8: "Q"}


def _entries(record: LogRecord, codec: DirectoryCodec) -> Iterator[tuple[bool, FoundName]]:
    """Names in the slots of a directory node that a record carries, and whether the node has them after the change."""
    ranges = record.ranges(SLOT)
    size = max((part.first + part.slots for part in ranges), default=0)
    node, known = bytearray(size * SLOT), set[int]()
    for part in ranges:
        node[part.first * SLOT : (part.first + part.slots) * SLOT] = part.data
        known.update(range(part.first, part.first + part.slots))
    raw, is_root = bytes(node), bool(record.part["subtype"] & BTROOT)
    heads = _heads(raw, known, codec.root_table_at if is_root else 0)
    reserved = set(range(1 if is_root else FIRST_SLOT))
    for slot in sorted(known - reserved) if heads is None else sorted(known & heads):
        yield from ((True, found) for found in names(raw, [slot], codec, freed=False))
    if heads is not None:
        free = [slot for slot in free_slots(raw) if slot in known]
        yield from ((False, found) for found in names(raw, free, codec, freed=True))


def _heads(raw: bytes, known: set[int], root_table: int) -> set[int] | None:
    """Head slots of the entries of a node, if the record carries its sorted table whole.

    Args:
        raw: the node.
        known: slots that the record carries.
        root_table: where the table of a root begins; 0 for a page.
    """
    if 0 not in known:
        return None
    count = raw[COUNT_AT]
    if root_table:
        return set(raw[root_table : root_table + min(count, ROOT_CAPACITY)])
    first = raw[TABLE_AT]
    if not set(range(first, first + -(-count // SLOT))) <= known:
        return None
    return set(raw[first * SLOT : first * SLOT + count])
