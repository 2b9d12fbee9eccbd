"""`Structures`: the records that the file system engine needs of a dialect."""

from __future__ import annotations

from typing import NamedTuple

from ..record import Record


class Structures(NamedTuple):
    """The records of one dialect; both dialects have one of each, sizes and fields may differ.

    The type parts of a log record follow its fixed part; each `log_*` record here is the whole descriptor as that
    type uses it.
    """

    pxd: Record
    xad: Record
    dxd: Record
    time: Record
    superblock: Record
    inode: Record
    xtree_header: Record
    dtree_root: Record
    dtree_page_header: Record
    leaf_slot: Record
    """For JFS1 the form without a directory index, which is what we write."""
    internal_slot: Record
    continuation_slot: Record
    iagctl: Record
    dinomap: Record
    iag: Record
    dbmap: Record
    dmap_tree: Record
    dmap: Record
    dmapctl: Record
    log_super: Record
    log_page_header: Record
    log_range: Record
    log_record: Record
    log_redopage: Record
    log_updatemap: Record
    log_syncpt: Record
    log_noredofile: Record
    log_inoext: Record

    def records(self) -> tuple[Record, ...]:
        """All of them."""
        return tuple(self)
