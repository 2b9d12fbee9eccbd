"""Where the log of a file system is: inside it, or on a volume of its own."""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused
from ..dialect import AIX, LINUX
from ..geometry import PAGE
from ..superblock import Superblock, read_superblock
from .format import LOG_MAGIC
from .pages import SUPERBLOCK_PAGE, Log, open_log


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
    if superblock.dialect is LINUX and bytes(found.values["uuid"]) != bytes(superblock.values["s_loguuid"]):
        raise OperationRefused("is not the log of this file system: another identity", where=log.name)
    return found


def find_any_log(device: BlockDevice) -> Log:
    """The log on a device: of the file system there, or a log volume.

    Raises:
        OperationRefused: a file system whose log is elsewhere.
        CorruptImage: there is neither.
    """
    at = SUPERBLOCK_PAGE * PAGE
    for dialect in (AIX, LINUX):
        magic = dialect.structures.log_super.build({"magic": LOG_MAGIC[dialect.name]})[:4]
        if device.size >= at + PAGE and device.read(at, 4).tobytes() == magic:
            return open_log(device, dialect)
    try:
        return find_log(device, read_superblock(device))
    except CorruptImage as error:
        error.hint = error.hint or "the device holds neither a file system nor a log"
        raise
