"""logredo of a log volume for several of the file systems that use it [jfs2 2.9, 3.8.5, 3.10]."""

from __future__ import annotations

from collections.abc import Mapping

from ...block import BlockDevice
from ...errors import OperationRefused
from .format import REDONE
from .locate import find_any_log
from .pages import mend_end
from .redo import RedoReport, redo
from .sharing import active_members


def redo_shared(log: BlockDevice, members: Mapping[int, BlockDevice]) -> dict[int, RedoReport]:
    """Replay a log volume for several of the file systems that use it, one after the other.

    The log is closed with the last one that it lists; while others are missing it stays open for them. A stop between
    two leaves a log that the next call goes on with. A log that was closed and torn by an interrupted mount is mended.
    Errors as `redo`.

    Args:
        log: the log volume, writable.
        members: file systems, writable, by minor number (AIX: whatever their major number or the group they are in
            now) or by place in the log's list (Linux).

    Returns:
        What was done, by the same numbers.
    """
    found = find_any_log(log)
    listed = active_members(found)
    if unknown := sorted(set(members) - set(listed)):
        raise OperationRefused(f"the log does not know the file systems {unknown}, only {listed}", where=log.name)
    if not listed and found.state == REDONE and mend_end(found):
        log.flush()
    return {number: redo(members[number], log=log, aggregate=number) for number in sorted(members)}
