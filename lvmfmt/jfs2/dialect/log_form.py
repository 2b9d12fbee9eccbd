"""What the logs of the dialects have of their own: magic, states, records, and who uses a log volume.

Source: [jfs2 2.8] and [jfs2 3.8].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...layout.jfs2 import Structures
from ...layout.record import Record
from .log_members import LogMembers

COMMIT, SYNCPT, MOUNT, REDOPAGE = 0x8000, 0x4000, 0x2000, 0x0800
NOREDOPAGE, UPDATEMAP, NOREDOFILE = 0x0080, 0x0008, 0x0001
"""Types of records that both dialects have."""

INODE, XTREE, DTREE, BTROOT, EA, ACL = 0x01, 0x02, 0x04, 0x10, 0x20, 0x40
TABLE = 0x80
"""JFS1: a page of the directory table (DATA); J2: the text of a symlink (SYMLINK)."""
NEW, EXTEND, RELOCATE, DIR_XTREE = 0x100, 0x200, 0x400, 0x800
"""Bits of the sub-type of a record about a page: what the page holds, and what became of it."""


@dataclass(frozen=True, eq=False)
class LogForm:
    """How a dialect keeps its log.

    Attributes:
        magic: of the log's superblock, the value of its field.
        states: what its states mean.
        volume_flag: attributes in the superblock of a log volume of its own.
        records: name and structure of each type of record.
        page_flags: bits of the sub-type of a record about a page that do not say what the page holds.
        page_kinds: what the other bits can be, and as which of INODE, XTREE, DTREE and TABLE a replay takes it.
        table_name: what TABLE stands for.
        members: the list of file systems that use a log volume.
        default_bytes: length of the inline log of a new volume with so many bytes.
        repeats_block_size: the superblock has the block size of the file system.
    """

    magic: int | bytes
    states: Mapping[int, str]
    volume_flag: int
    records: Mapping[int, tuple[str, Record]]
    page_flags: int
    page_kinds: Mapping[int, int]
    table_name: str
    members: LogMembers
    default_bytes: Callable[[int], int]
    repeats_block_size: bool = False


def common_records(s: Structures) -> dict[int, tuple[str, Record]]:
    """The types of records that both dialects have, in the form of one of them."""
    return {
        COMMIT: ("COMMIT", s.log_record),
        SYNCPT: ("SYNCPT", s.log_syncpt),
        MOUNT: ("MOUNT", s.log_record),
        REDOPAGE: ("REDOPAGE", s.log_redopage),
        NOREDOPAGE: ("NOREDOPAGE", s.log_redopage),
        UPDATEMAP: ("UPDATEMAP", s.log_updatemap),
        NOREDOFILE: ("NOREDOFILE", s.log_noredofile),
    }
