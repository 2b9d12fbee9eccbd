"""Mounting: the life cycle of superblock and log around the changes of a file system.

Source: reference sections 3.8.2, 3.8.4, 3.8.5 and 3.9.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...block import BlockDevice
from ...errors import OperationRefused, UnsupportedFeature
from ..dialect import AIX, LINUX
from ..log.locate import find_log
from ..superblock import CLEAN, MOUNT, Superblock, describe_state, read_superblock
from .core import Journal
from .log_writer import MOUNT as MOUNT_RECORD
from .log_writer import LogWriter
from .operations import Operations

_MINOR = 0xFFFFFFFF
_MINORS = 3072


class Mount(Operations):
    """A mounted file system; `mount` makes one. Leaving the `with` block without an error unmounts it.

    Args:
        device: where it lies.
        superblock: of it, clean.
        log: its log, closed.
        aggregate: name of the file system in log records.
        member: its place in the log's list of active file systems, and what stands there; None for an inline log.
        now: instant of the mount, in nanoseconds.
    """

    def __init__(
        self,
        device: BlockDevice,
        superblock: Superblock,
        log: LogWriter,
        aggregate: int,
        member: tuple[int, bytes] | None,
        now: int,
    ) -> None:
        self.device, self.superblock = device, superblock
        self._log, self._member = log, member
        journal = Journal(device, superblock, log, aggregate)
        log.open(member)
        self._set_superblock(now, s_state=MOUNT, s_logserial=log.serial)
        named = int(superblock.values["s_logdev"]) if superblock.dialect is LINUX and member is None else aggregate
        log.append(MOUNT_RECORD, aggregate=named)
        log.force()
        super().__init__(journal)

    def __enter__(self) -> Mount:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.unmount()

    def fsync(self, path: str) -> None:
        """Make everything durable that was done to a file; all earlier changes are durable with it.

        Raises:
            NotFound: there is no such path.
        """
        self._read_inode(path)
        self._journal.force()

    def sync(self) -> None:
        """Make all changes durable."""
        self._journal.force()

    def checkpoint(self) -> None:
        """Make all changes durable and bring them home: a replay would find nothing to do."""
        self._journal.sync_point()

    def unmount(self, *, now: int | None = None) -> None:
        """Bring everything home, and mark file system and log as clean. Changes are refused afterwards.

        Args:
            now: instant for the superblock; None leaves the time of the mount.
        """
        self._journal.write_home()
        self._journal.closed = True
        self._set_superblock(now, s_state=CLEAN)
        left = None if self._member is None else (self._member[0], bytes(len(self._member[1])))
        self._log.close(left)

    def _set_superblock(self, now: int | None, **values: int) -> None:
        dialect, at = self.superblock.dialect, self.superblock.offset
        record = dialect.structures.superblock
        page = self.device.read(at, record.size)
        row = page.view(record.dtype)
        for name, value in values.items():
            row[name] = value
        if now is not None and dialect is AIX:  # Linux writes it at mkfs only
            dialect.put_time(row["s_time"], now)
        self.device.write(at, page)
        self.device.flush()


def mount(
    device: BlockDevice, *, now: int, log_device: BlockDevice | None = None, aggregate: int | None = None
) -> Mount:
    """Mount a file system for changes.

    Args:
        device: the file system, writable.
        now: instant in nanoseconds.
        log_device: the log volume of a file system with an external log, writable.
        aggregate: AIX: number of the file system's device (major << 32 | minor), needed with an external log.

    Raises:
        CorruptImage: file system or log make no sense.
        UnsupportedFeature: it has something that a writer of this program does not handle.
        OperationRefused: it is not clean, or its log is in use or has something to replay.
    """
    device.check_writable()
    superblock = read_superblock(device)
    where = device.name
    problems = [*superblock.problems, *describe_state(superblock.state)]
    if superblock.state == MOUNT:
        raise OperationRefused("it was not unmounted", where=where, hint="replay its log (logredo) first")
    if problems:
        raise OperationRefused(problems[0], where=where, hint="run fsck first")
    for found, what in (
        (not superblock.writable_features, "mounting a file system with snapshots"),
        (superblock.indexed_directories, "writing to directories with an index (s_flag 0x200000)"),
        (superblock.variable_inode_extents, "writing with inode extents of several lengths"),
    ):
        if found:
            raise UnsupportedFeature(what, where=where, hint="it can be opened for reading")
    log = find_log(device, superblock, log_device)
    name, member = _membership(superblock, log.values, aggregate, where)
    return Mount(device, superblock, LogWriter(log), name, member, now)


def _membership(
    superblock: Superblock, log: Any, aggregate: int | None, where: str
) -> tuple[int, tuple[int, bytes] | None]:
    """The name of a file system in log records, and its place in the list of active ones."""
    if superblock.geometry.log_blocks:
        name = 0 if superblock.dialect is LINUX else int(superblock.values["s_logdev"])
        return name, None
    if superblock.dialect is LINUX:
        return 0, (0, bytes(superblock.values["s_uuid"]))
    if aggregate is None or not aggregate & _MINOR < _MINORS:
        raise OperationRefused(
            f"a log volume knows its file systems by a minor number below {_MINORS}", where=where,
            hint="say which device the file system is",
        )  # fmt: skip
    minor = aggregate & _MINOR
    bits = np.array(log["active"], ">u4").view(np.uint8)
    return aggregate | 1 << 63, (minor // 8, bytes([int(bits[minor // 8]) | 0x80 >> minor % 8]))
