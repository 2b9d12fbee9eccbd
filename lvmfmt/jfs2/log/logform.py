"""`logform`: a log volume is made empty, unless it is in use.

Every page of a log carries its place in the sequence [jfs2 3.8.1], so none can stay a hole: a format
writes the whole volume once, up to the 2 GiB that addresses in a log can reach.
"""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused
from ..dialect import AIX, DIALECTS, Dialect
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..superblock import check_unused
from .format import format_log
from .pages import MAX_PAGES, OPEN, Log, open_log


def logform(device: BlockDevice, *, dialect: Dialect = AIX, uuid: bytes = bytes(16), force: bool = False) -> int:
    """Make a log volume empty and closed. Its first sector belongs to the volume manager and stays.

    A log that was made before keeps its serial number, which its file systems remember [jfs2 invariant 13], and, where
    no `uuid` is given, its identity.

    Args:
        device: the log volume, writable; a larger one than before makes a larger log.
        dialect: whose log.
        uuid: identity of the log (Linux dialect), 16 bytes.
        force: also a log that is in use, or a volume with a file system: what they had to say is lost.

    Returns:
        Pages of the log.

    Raises:
        OperationRefused: the log is in use, or there is a file system, and `force` is not set.
    """
    device.check_writable()
    old = log_on(device)
    if not force:
        _check_unused(device, old)
    serial = int(old.values["serial"]) if old is not None else 0
    named_by_uuid = dialect.superblock_form.external_log_named_by_uuid
    if old is not None and old.dialect is dialect and named_by_uuid and not any(uuid):
        uuid = bytes(old.values["uuid"])
    length = min(device.size, MAX_PAGES * PAGE)
    format_log(device, dialect, length=length, serial=serial, uuid=uuid)
    device.flush()
    return length // PAGE & ~3


def log_on(device: BlockDevice) -> Log | None:
    """The log on a log volume, None where there is none that makes sense."""
    for dialect in DIALECTS.values():
        try:
            return open_log(device, dialect)
        except CorruptImage:
            continue
    return None


def _check_unused(device: BlockDevice, log: Log | None) -> None:
    where = device.name
    if log is not None and (log.state == OPEN or any(log.active)):
        raise OperationRefused(
            "the log is in use or has something to replay", where=where,
            hint="unmount its file systems or replay it (logredo); --force throws its records away",
        )  # fmt: skip
    if log is None and device.size > SUPERBLOCK_OFFSET:
        check_unused(device, hint="--force replaces it by a log")
