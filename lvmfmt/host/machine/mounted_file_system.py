"""A mounted file system of a host: read as it lies, and through its journal from the first change on."""

from __future__ import annotations

from collections.abc import Callable

from ... import jfs2
from ...block import BlockDevice
from ...jfs2 import FileSystem
from ...jfs2.superblock import Superblock


class MountedFileSystem(FileSystem):
    """A mounted file system. Its changes stay in the journal; they are at home when the machine is at rest.

    Args:
        device: its logical volume.
        superblock: of it.
        writable: whether the machine is used for writing.
        go_on: goes on with the mount that was left at rest.
        plain: answers its logical volume as pieces of disks, for copies by extent.
    """

    def __init__(
        self,
        device: BlockDevice,
        superblock: Superblock,
        *,
        writable: bool,
        go_on: Callable[[], jfs2.Mount],
        plain: Callable[[], BlockDevice],
    ) -> None:
        super().__init__(device, superblock, writable=writable)
        self._go_on, self._plain = go_on, plain
        self._journaled: jfs2.Mount | None = None

    @property
    def mount(self) -> jfs2.Mount:
        """The mount, for operations that `FileSystem` has not.

        Raises:
            OperationRefused: the machine is used for reading, or the file system cannot be written.
        """
        self._check_writable()
        if self._journaled is None:
            self._journaled = self._mount = self._go_on()
            self._read_from(self._journaled)
        return self._journaled

    @property
    def is_changed(self) -> bool:
        """Whether it goes through its journal by now."""
        return self._journaled is not None

    def inventory(self, top: str = "/", *, salvage: bool = False) -> jfs2.Inventory:
        """As `View.inventory`; what has been changed comes home before, so that file data can be copied by extent."""
        if self._journaled is not None and self._journaled.frozen_until is None:
            self._journaled.checkpoint()
        return FileSystem.open(self._plain()).inventory(top, salvage=salvage)

    def _mounted(self, now: int | None) -> jfs2.Mount:
        return self.mount

    def _unmount(self, *, done: bool = False) -> None:
        """Nothing: it stays mounted when a change has ended."""
