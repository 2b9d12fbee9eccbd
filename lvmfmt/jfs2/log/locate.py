"""Where the log of a file system is: inside it, or on a volume of its own."""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused
from ..dialect import DIALECTS
from ..superblock import Superblock, read_superblock
from .format import is_log
from .pages import Log, open_log


def find_log(device: BlockDevice, superblock: Superblock, log: BlockDevice | None = None) -> Log:
    """The log of a file system.

    Args:
        device: the file system.
        superblock: of it.
        log: the log volume, for a file system with an external log.

    Raises:
        OperationRefused: the log is external and not given, or belongs to others.
        CorruptImage: there is no log that makes sense.
    """
    g = superblock.geometry
    if g.log_blocks:
        size = g.block_size
        return open_log(device, superblock.dialect, offset=g.log_address * size, length=g.log_blocks * size)
    if log is None:
        raise OperationRefused("the log is on another volume", where=device.name, hint="say which")
    found = open_log(log, superblock.dialect)
    check_identity(found, superblock, where=log.name)
    return found


def check_identity(log: Log, superblock: Superblock, *, where: str) -> None:
    """Raise `OperationRefused` where the superblock names another log by its identity (Linux)."""
    if superblock.dialect.superblock_form.external_log_named_by_uuid and (
        bytes(log.values["uuid"]) != bytes(superblock.values["s_loguuid"])
    ):
        raise OperationRefused("is not the log of this file system: another identity", where=where)


def find_any_log(device: BlockDevice) -> Log:
    """The log on a device: of the file system there, or a log volume.

    Raises:
        OperationRefused: a file system whose log is elsewhere.
        CorruptImage: there is neither.
    """
    for dialect in DIALECTS.values():
        if is_log(device, dialect):
            return open_log(device, dialect)
    try:
        return find_log(device, read_superblock(device))
    except CorruptImage as error:
        error.hint = error.hint or "the device holds neither a file system nor a log"
        raise
