"""Changing a file system whose log cannot be reached: the same engine, with the file system marked dirty meanwhile.

A crash leaves the mark (`s_state` 0x2), so that the next one who opens it knows that fsck is due. Source:
[jfs2 2.2, 3.9].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...block import BlockDevice
from ..superblock import CLEAN, FSERROR, Superblock
from .core import Journal
from .mountable import check_mountable
from .operations import Operations


class NoLog:
    """In the place of a `LogWriter`: records go nowhere, and whatever is forced counts as durable."""

    written = 0

    def __init__(self) -> None:
        self.writer = self
        self.end = self.durable = 0
        self.delta = self.capacity = 1 << 62

    def append(
        self, kind: int, data: bytes = b"", *, backchain: int = 0, tid: int = 0, fields: dict[str, Any] | None = None
    ) -> int:
        """Take note that there was a record."""
        self.end += 1
        return 0

    def force(self) -> None:
        """Say that everything is durable."""
        self.durable = self.end

    def sync_point(self) -> None:
        """As `force`."""
        self.force()


class UnloggedMount(Operations):
    """A file system that is changed without its log; `unlogged_mount` makes one.

    Args:
        device: where it lies, writable.
        superblock: of it, clean.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock) -> None:
        self._device = device
        super().__init__(Journal(device, superblock, NoLog()))
        self._mark(FSERROR)

    def unmount(self, *, now: int | None = None) -> None:
        """Bring everything home, and take the mark away. Changes are refused afterwards."""
        self._journal.write_home()
        self._journal.closed = "the file system was unmounted"
        self._mark(CLEAN)

    def _mark(self, state: int) -> None:
        at = self.superblock.offset + self.dialect.structures.superblock.offset_of("s_state")
        self._device.write(at, np.array([state], f"{self.dialect.order}u4"))
        self._device.flush()


def unlogged_mount(device: BlockDevice) -> UnloggedMount:
    """Mount a file system for changes without its log.

    Raises:
        CorruptImage: it makes no sense.
        UnsupportedFeature: it has something that a writer of this program does not handle.
        OperationRefused: it is not clean.
    """
    return UnloggedMount(device, check_mountable(device))
