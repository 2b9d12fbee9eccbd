"""logredo: bringing a file system that was not unmounted back to its last committed transaction.

The log is read backwards once, everything that follows from it is worked out in memory, and only then written, in an
order that allows to stop anywhere and begin again: pages and block map, inode maps, superblock, log pages that the
crash tore, log. Each step gives the same bytes however often it is done. Source: [jfs2 3.10].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...block import BlockDevice
from ...block.overlay import Overlay
from ...errors import OperationRefused, UnsupportedFeature
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..inodes.inode_table import AGGREGATE, FILESET
from ..reading.inodes import InodeMap
from ..superblock import EXTENDFS, FSERROR, LOGREDO_ERROR, MOUNT, QUIESCED, SHRINKFS, Superblock, read_superblock
from .format import REDONE, SUPERBLOCK_PAGE
from .locate import find_log
from .map_events import MapEvents
from .map_rebuild import InodeMapRebuild, rebuild_block_map
from .page_images import PageImages
from .pages import DO_NOT_REPLAY, OPEN, WRAPPED, Log, LogWrap, Ring, mend_end
from .records import ALLOCATE_BITS, LoggedExtent, LogRecord, backward
from .sharing import Share

MOVING_LOG, LOG_ERROR, LOG_UNUSABLE = 0x10, 0x40, 0x80
_UNFINISHED = EXTENDFS | MOVING_LOG | SHRINKFS
_KEPT = FSERROR | LOGREDO_ERROR | LOG_ERROR
"""States that only fsck takes away."""
_ALLOCATE_INODES, _FREE_INODES = 0x1, 0x2


@dataclass(frozen=True)
class RedoReport:
    """What a replay did.

    Attributes:
        records: records read.
        transactions: committed transactions among them.
        pages: pages of metadata that got new content from the log.
        state: state of the file system before.
        fsck_due: the file system carries a mark that only fsck takes away.
    """

    records: int
    transactions: int
    pages: int
    state: int
    fsck_due: bool


@dataclass(frozen=True)
class Replay:
    """A replay worked out in memory.

    Attributes:
        pages: the device with pages and block map as after the replay.
        maps: that with the inode maps, too.
        ring: the records of the log; None for a log that was closed.
        report: what happened.
    """

    pages: Overlay
    maps: Overlay
    ring: Ring | None
    report: RedoReport


def redo(device: BlockDevice, *, log: BlockDevice | None = None, aggregate: int | None = None) -> RedoReport:
    """Replay the log of a file system, and mark file system and log clean. On an error nothing has been written.

    Args:
        device: the file system, writable.
        log: the log volume of a file system with an external log, writable.
        aggregate: AIX: number of the file system's device, for a log that several file systems share.

    Raises:
        LogWrap: the log has overwritten records that are needed.
        OperationRefused: the log is not that of this file system, is marked unusable, or is missing.
        UnsupportedFeature: an interrupted resize, snapshots, inode extents of several lengths.
        CorruptImage: the log or the maps make no sense.
    """
    device.check_writable()
    superblock = read_superblock(device)
    if not superblock.writable_features:
        raise UnsupportedFeature("replaying the log of a file system with snapshots", where=device.name)
    found = find_log(device, superblock, log)
    found.device.check_writable()
    result = replay(device, superblock, found, aggregate=aggregate)
    if superblock.state & ~_KEPT:
        for overlay in (result.pages, result.maps):
            overlay.commit_to(device)
            device.flush()
        mark_clean(device, superblock)
        device.flush()
    elif result.ring is not None and found.device is device:  # a mount was stopped before the superblock said so
        fields = superblock.dialect.structures.superblock
        serial = np.array([found.values["serial"]], fields.dtype["s_logserial"])
        device.write(superblock.offset + fields.offset_of("s_logserial"), serial)
        device.flush()
    if result.ring is not None:
        result.ring.mend()
        found.device.flush()
        _close_log(result.ring, Share.of(found, superblock, aggregate))
        found.device.flush()
    elif mend_end(found):
        found.device.flush()
    return result.report


def replay(device: BlockDevice, superblock: Superblock, log: Log, *, aggregate: int | None = None) -> Replay:
    """Work out what a file system is after the replay of its log; nothing is written. Errors as `redo`.

    Args:
        device: the file system.
        superblock: of it.
        log: its log, see `find_log`.
        aggregate: as `redo`.
    """
    _check(device, superblock, log)
    volume = superblock.volume(device)
    events = MapEvents(volume)
    images = PageImages(volume, events)
    state = superblock.state
    ring = Ring(log) if log.state == OPEN else None
    records = transactions = 0
    if state & MOUNT and ring is not None:
        share = Share.of(log, superblock, aggregate)
        records, transactions = _collect(ring, share, superblock, images, events)
    pages = Overlay(device)
    images.write(pages)
    maps = Overlay(pages)
    if state & QUIESCED or records:
        _rebuild_maps(superblock, pages, maps, events)
    report = RedoReport(records, transactions, images.count, state, bool(state & _KEPT))
    return Replay(pages, maps, ring, report)


def _check(device: BlockDevice, superblock: Superblock, log: Log) -> None:
    """Refuse what a replay would make worse."""
    where, state = device.name, superblock.state
    fsck = "run fsck instead"
    if superblock.offset != SUPERBLOCK_OFFSET:
        raise OperationRefused("the primary superblock makes no sense", where=where, hint=fsck)
    if state & _UNFINISHED:
        raise UnsupportedFeature(
            f"a resize that was interrupted (s_state {state:#x})", where=where, hint="lvmfmt fs resize finishes it"
        )
    if superblock.variable_inode_extents:
        raise UnsupportedFeature("inode extents of several lengths (s_feature_incompat bit 2)", where=where)
    if state & LOG_UNUSABLE or log.state == DO_NOT_REPLAY:
        raise OperationRefused("the log is marked: it cannot be replayed", where=where, hint=fsck)
    if log.state == WRAPPED:
        raise LogWrap("log wrap: the log is marked as wrapped", where=where, hint=fsck)
    if log.state not in (OPEN, REDONE):
        raise OperationRefused("the log is marked with an I/O error", where=where, hint=fsck)
    serial = int(superblock.values["s_logserial"]), int(log.values["serial"])
    if state & MOUNT and log.state == OPEN and serial[0] != serial[1]:
        raise OperationRefused(
            f"the file system belongs to log serial {serial[0]}, the log has {serial[1]}", where=where, hint=fsck
        )


def mark_clean(device: BlockDevice, superblock: Superblock) -> None:
    """Take the marks of a mounted or frozen file system from its superblock."""
    dialect = superblock.dialect
    at = superblock.offset + dialect.structures.superblock.offset_of("s_state")
    device.write(at, np.array([superblock.state & _KEPT], f"{dialect.order}u4"))


def _collect(
    ring: Ring, share: Share, superblock: Superblock, images: PageImages, events: MapEvents
) -> tuple[int, int]:
    """Read the log back to its sync point; returns how many records and committed transactions there were."""
    committed: set[int] = set()
    records = transactions = 0
    stop: int | None = None
    for record in backward(ring):
        records += 1
        if stop is None and record.kind == "SYNCPT":
            stop = _sync_position(ring, record)
        if stop is not None and record.position < stop:
            raise record.corrupt("sync", "the end of a record", hex(ring.address(stop)))
        if share.is_mount(record):  # it was clean then: nothing older is of interest
            break
        if share.owns(record):
            if record.kind == "COMMIT":
                committed.add(record.tid)
                transactions += 1
            elif record.tid in committed:
                _apply(record, images, events, superblock)
            if record.backchain == 0:
                committed.discard(record.tid)
        if record.position == stop:
            break
    return records, transactions


def _sync_position(ring: Ring, record: LogRecord) -> int:
    """Position of the oldest record that a sync point says is needed."""
    sync = record.part["sync"]
    if sync == 0:
        return record.position
    position = ring.position(sync)
    if position is None:
        raise record.corrupt("sync", "the address of a record", hex(sync))
    if position > record.position:  # only a pass around the ring leads from there to here
        raise LogWrap("log wrap: the sync point was overwritten", where=ring.log.device.name, hint="run fsck instead")
    return position


def _apply(record: LogRecord, images: PageImages, events: MapEvents, superblock: Superblock) -> None:
    """Take one record of a committed transaction over."""
    kind, part, where = record.kind, record.part, record.ring.log.device.name
    if kind == "REDOPAGE":
        images.redo(record)
    elif kind in ("NOREDOPAGE", "NOREDOFREE"):
        images.give_up(record)
    elif kind == "UPDATEMAP":
        for extent in record.extents():
            events.blocks(extent, bool(part["subtype"] & ALLOCATE_BITS))
    elif kind == "NOREDOFILE":
        images.give_up_file(part["fileset"], part["inode"])
    elif kind == "NOREDOINOEXT":
        _check_inode_extent(record, part["pxd"], superblock)
        events.free_inode_extent(part["iag"], part["index"], part["pxd"])
        images.give_up_inodes(part["pxd"])
    elif kind == "XDTABLE":
        key = (part["parent"].address, part["entry_index"])
        if part["subtype"] == _ALLOCATE_INODES:
            _check_inode_extent(record, part["destination"], superblock)
            events.blocks(part["destination"], True)
            events.table_entries.setdefault(key, part["destination"].address)
        elif part["subtype"] == _FREE_INODES:
            _check_inode_extent(record, part["source"], superblock)
            events.blocks(part["source"], False)
            events.table_entries.setdefault(key, 0)
            images.give_up_inodes(part["source"])
        else:
            raise UnsupportedFeature(f"an XDTABLE log record of kind {part['subtype']:#x}", where=where)
    elif kind == "AIMAP":
        events.aggregate_inodes.setdefault(part["inode"], part["subtype"] == 1)
    else:
        raise UnsupportedFeature(f"log records of type {kind}", where=where)


def _check_inode_extent(record: LogRecord, extent: LoggedExtent, superblock: Superblock) -> None:
    expected = superblock.geometry.blocks_per_extent
    if extent.length != expected:
        raise record.corrupt("pxd", f"an inode extent of {expected} blocks", f"{extent.length} blocks")


def _rebuild_maps(superblock: Superblock, pages: Overlay, maps: Overlay, events: MapEvents) -> None:
    """Block map into `pages`, inode maps into `maps`: a replay that stops between them finds the same again."""
    volume, geometry = superblock.volume(maps), superblock.geometry
    inodes = InodeMap(volume, superblock)
    files = InodeMapRebuild(
        volume, geometry, inodes, FILESET,
        used=events.inodes, extents=events.extents, table_entries=events.table_entries, keep_empty=False,
    )  # fmt: skip
    aggregate = InodeMapRebuild(
        volume, geometry, inodes, AGGREGATE,
        used=events.aggregate_inodes, extents={}, table_entries={}, keep_empty=True,
    )  # fmt: skip
    rebuild_block_map(superblock.volume(pages), geometry, inodes, files.freed, events.block_table())
    files.write()
    aggregate.write()


def _close_log(ring: Ring, share: Share) -> None:
    """Mark the log closed at its end, unless another file system still uses it."""
    log = ring.log
    record = log.dialect.structures.log_super
    at = log.offset + SUPERBLOCK_PAGE * PAGE
    page = log.device.read(at, PAGE)
    row = page[: record.size].view(record.dtype)
    active = page.data[record.offset_of("active") :][: len(log.active)]
    share.leave(active)
    if not any(active):
        row["state"], row["end"] = REDONE, ring.end
    log.device.write(at, page)
