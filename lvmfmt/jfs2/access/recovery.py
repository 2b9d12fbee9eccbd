"""Reading a file system that was not unmounted: its log is replayed in memory."""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused, UnsupportedFeature
from ..superblock import MOUNT, QUIESCED, read_superblock


def open_recovered(
    device: BlockDevice, *, log: BlockDevice | None = None, aggregate: int | None = None
) -> tuple[BlockDevice, list[str]]:
    """A device to read the file system from, as it is after a replay of its log; `device` is never written.

    Args:
        device: the file system.
        log: the log volume of a file system with an external log.
        aggregate: AIX: number of the file system's device, for a log that several file systems share.

    Returns:
        An overlay with the replayed state, or `device` itself where nothing is to be replayed or a replay is not
        possible; and what a user should know about it, a line each.

    Raises:
        CorruptImage: there is no file system that makes sense.
        UnsupportedFeature: it uses a feature that nobody may ignore.
    """
    superblock = read_superblock(device)
    if not superblock.state & (MOUNT | QUIESCED):
        return device, []
    from ...block.overlay import Overlay
    from ..log.locate import find_log
    from ..log.redo import mark_clean, replay

    try:
        found = replay(device, superblock, find_log(device, superblock, log), aggregate=aggregate)
    except (CorruptImage, OperationRefused, UnsupportedFeature) as error:
        return device, [f"the log was not replayed: {error.what}"]
    recovered = Overlay(found.maps)
    mark_clean(recovered, superblock)
    if superblock.state & MOUNT:
        done = f"the log was replayed in memory: {found.report.transactions} transactions, {found.report.pages} pages"
    else:
        done = "taken while frozen with deleted files still open: the maps were rebuilt in memory"
    return recovered, [done]
