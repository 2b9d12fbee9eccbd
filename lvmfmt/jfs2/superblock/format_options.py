"""What can be chosen for a new file system: where its log is, its names, its features [jfs2 1.3, 2.2]."""

from __future__ import annotations

from dataclasses import dataclass

from ...arguments import expect
from ...errors import OperationRefused
from ...units import MIB
from ..dialect import Dialect
from .reading import GROUP_COMMIT, INLINE_LOG

MAX_LOG = 2047 * MIB
"""Bytes of the longest inline log ([jfs2 1.3], "cap"); addresses in a log have 31 bits."""


@dataclass(frozen=True)
class InlineLog:
    """The log lies in the file system's own volume.

    Attributes:
        size: bytes; None takes the dialect's default for the volume.
        device: device number of the volume itself (AIX stores it): major << 32 | minor.
    """

    size: int | None = None
    device: int = 0


@dataclass(frozen=True)
class ExternalLog:
    """The log is a volume of its own, which several file systems may share.

    Attributes:
        device: device number of the log volume: major << 32 | minor.
        uuid: identity of the log (Linux dialect), 16 bytes.
    """

    device: int
    uuid: bytes = bytes(16)


Log = InlineLog | ExternalLog


@dataclass(frozen=True)
class Features:
    """What a new file system has beyond the oldest form of its dialect.

    Attributes:
        version: AIX: of the superblock; 2 allows inode extents of several lengths (VIX), as AIX 6 makes them.
        ea: AIX: form of extended attributes, 1 or 2; 2 needs superblock version 2.
        directory_index: Linux: directory entries carry an index, as `jfs_mkfs` makes them.

    Raises:
        OperationRefused: the values do not go together.
    """

    version: int = 1
    ea: int = 1
    directory_index: bool = False

    def __post_init__(self) -> None:
        if expect(self.version, int, "a version") not in (1, 2) or expect(self.ea, int, "a version") not in (1, 2):
            raise OperationRefused("superblock and extended attributes have the versions 1 and 2")
        if self.ea > self.version:
            raise OperationRefused("extended attributes of version 2 need a superblock of version 2")


@dataclass(frozen=True)
class Identity:
    """Names of a file system.

    Attributes:
        fname: AIX: file-system name, 6 characters (we write the mount point's first ones).
        fpack: AIX: volume name, 6 characters (of the LV's name); Linux: label, 11.
        label: Linux: label, 16 characters.
        uuid: Linux: 16 bytes.
    """

    fname: str = ""
    fpack: str = ""
    label: str = ""
    uuid: bytes = bytes(16)


def log_bytes(dialect: Dialect, log: Log, volume: int) -> int:
    """Bytes that the log takes from a volume.

    Raises:
        OperationRefused: a size that the format does not allow [jfs2 1.3].
    """
    if isinstance(log, ExternalLog):
        return 0
    if log.size is not None:
        if log.size * 10 >= volume:
            raise OperationRefused(f"an inline log of {log.size} bytes is a tenth of the volume or more")
        if log.size > MAX_LOG:
            raise OperationRefused(f"an inline log has at most {MAX_LOG} bytes, not {log.size}")
        return log.size
    return dialect.log_form.default_bytes(volume)


def superblock_flag(dialect: Dialect, log: Log, features: Features) -> int:
    """`s_flag` of a new file system."""
    form = dialect.superblock_form
    flag = GROUP_COMMIT | form.new_flags | (INLINE_LOG if isinstance(log, InlineLog) else 0)
    return flag | (form.directory_index_flag if features.directory_index else 0)
