"""A write to a disk of a group with a barrier behind it, and what is raised when a disk refuses one."""

from __future__ import annotations

from ...block import BlockDevice, Bytes
from ...errors import ImageIOError


class DiskFailed(ImageIOError):
    """A disk of the group refused a read, a write or a barrier while the group was written.

    Attributes:
        device: the disk.
    """

    def __init__(self, device: BlockDevice, error: ImageIOError) -> None:
        super().__init__(error.what, where=error.where or device.name, hint=error.hint, errno=error.errno or 5)
        self.device = device


def write_sync(device: BlockDevice, offset: int, data: bytes | Bytes) -> None:
    """Write to a disk of the group, and a barrier.

    Raises:
        DiskFailed: it refused.
    """
    try:
        device.write(offset, data)
        device.flush()
    except ImageIOError as error:
        raise DiskFailed(device, error) from error
