"""A log as text and as rows: every record that is still there, oldest first."""

from __future__ import annotations

from typing import Any

from ..dialect.log_form import ACL, BTROOT, DIR_XTREE, DTREE, EA, EXTEND, INODE, NEW, RELOCATE, TABLE, XTREE
from .pages import Log
from .records import ALLOCATE_BITS, PXD_LIST, XAD_LIST, LoggedExtent, LogRecord

_OBJECTS = {INODE: "INODE", XTREE: "XTREE", DTREE: "DTREE", BTROOT: "BTROOT", EA: "EA", ACL: "ACL", NEW: "NEW",
            EXTEND: "EXTEND", RELOCATE: "RELOCATE", DIR_XTREE: "DIR_XTREE"}  # fmt: skip
_TABLES = {0x1: "ALLOCIX", 0x2: "FREEIX", 0x4: "RELOCIX", 0x10: "RELOCXTREE", 0x40: "RELOCEAv1", 0x80: "RELOCDTREE",
           0x100: "ALLOCMX", 0x200: "FREEMX", 0x400: "RELOCMX"}  # fmt: skip
_SHORT = {"fileset": "fs", "inode": "ino", "subtype": "type", "l2linesize": "l2line"}
_ORDER = ("fileset", "inode", "subtype", "l2linesize", "nxd", "iag", "index", "sync", "parent", "page_index",
          "entry_index", "pxd", "source", "destination", "extent")  # fmt: skip


def rows(records: list[LogRecord]) -> list[dict[str, Any]]:
    """One mapping per record: `lsn`, `start`, `tid`, `backchain`, `type`, `length`, `aggregate`, then what its type
    has; extents as {"address", "length"}, changed ranges as {"offset", "length"} in slots.
    """
    return [_row(record) for record in records]


def lines(records: list[LogRecord]) -> list[str]:
    """One line per record, with names and extents (`length@address`) as the format pages write them."""
    return [_line(record) for record in records]


def superblock_row(log: Log) -> dict[str, Any]:
    """What the log's superblock says."""
    values = log.values
    return {
        "dialect": log.dialect.name,
        "serial": values["serial"],
        "pages": log.pages,
        "flag": values["flag"],
        "state": log.dialect.log_form.states[log.state],
        "end": values["end"],
    }


def _row(record: LogRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        "lsn": record.address,
        "start": record.ring.address(record.start),
        "tid": record.tid,
        "backchain": record.backchain,
        "type": record.kind,
        "length": record.length,
        "aggregate": record.aggregate,
    }
    for name in _ORDER:
        if name in record.part:
            value = record.part[name]
            row[name] = value._asdict() if isinstance(value, LoggedExtent) else value
    if "subtype" in row:
        row["subtype"] = _subtype(record)
    if record.kind == "REDOPAGE":
        row["ranges"] = [{"offset": r.first, "length": r.slots} for r in record.ranges(_slot(record))]
    if record.kind == "UPDATEMAP":
        row["extents"] = [e._asdict() for e in record.extents()]
    return row


def _line(record: LogRecord) -> str:
    words = [f"@{record.address:#08x} tid {record.tid} back {record.backchain:#x} {record.kind} len {record.length}"]
    for name in _ORDER:
        if name not in record.part:
            continue
        value = record.part[name]
        if name == "subtype":
            value = _subtype(record)
        elif name == "sync":
            value = hex(value)
        elif isinstance(value, LoggedExtent):
            value = _extent(value)
        words.append(f"{_SHORT.get(name, name)} {value}")
    if record.kind == "REDOPAGE":
        words.append("segs " + " ".join(f"({r.first},{r.slots})" for r in record.ranges(_slot(record))))
    if record.kind == "UPDATEMAP" and record.data:
        words.append("list " + " ".join(map(_extent, record.extents())))
    return " ".join(words)


def _slot(record: LogRecord) -> int:
    l2 = record.part["l2linesize"]
    if not 0 <= l2 <= 12:
        raise record.corrupt("l2linesize", "0 to 12", l2)
    return 1 << int(l2)


def _extent(extent: LoggedExtent) -> str:
    return f"{extent.length}@{extent.address}"


def _subtype(record: LogRecord) -> str:
    value = int(record.part["subtype"])
    if record.kind == "UPDATEMAP":
        kind = "XADLIST" if value & XAD_LIST else "PXDLIST" if value & PXD_LIST else "XAD" if value & 0x22 else "PXD"
        return ("ALLOC" if value & ALLOCATE_BITS else "FREE") + kind
    if record.kind == "AIMAP":
        return {1: "ALLOC", 2: "FREE"}.get(value, hex(value))
    names = dict(_TABLES)
    if record.kind != "XDTABLE":
        names = _OBJECTS | {TABLE: record.ring.log.dialect.log_form.table_name}
    words = [name for bit, name in names.items() if value & bit]
    if unknown := value & ~sum(names):
        words.append(hex(unknown))
    return "|".join(words)
