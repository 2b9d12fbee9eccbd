"""Signs that a disk is in use by another system than the volume manager of AIX."""

from __future__ import annotations

from ...block import BlockDevice
from ...units import KIB, SECTOR

_SIGNS = (
    (32, b"ORCLDISK", "a disk of Oracle ASM"),
    *((n * SECTOR, b"LABELONE", "a physical volume of LVM2") for n in range(4)),
    (SECTOR, b"EFI PART", "a GPT partition table"),
    (4 * KIB, b"EFI PART", "a GPT partition table"),
    (32 * KIB, b"J2FS", "a JFS2 file system"),
    (32 * KIB, b"JFS1", "a JFS file system"),
    (KIB + 56, b"\x53\xef", "an ext file system"),
    (0, b"XFSB", "an XFS file system"),
    (64 * KIB + 64, b"_BHRfS_M", "a Btrfs file system"),
    (3, b"NTFS    ", "an NTFS file system"),
    (4 * KIB - 10, b"SWAPSPACE2", "swap space of Linux"),
)
"""(byte, what stands there, what that is), as `blkid` finds them."""


def foreign_use(device: BlockDevice) -> str | None:
    """What another system has on a disk, by its signature; None if nothing is known by it."""
    for at, sign, what in _SIGNS:
        if at + len(sign) <= device.size and device.read(at, len(sign)).tobytes() == sign:
            return what
    return None
