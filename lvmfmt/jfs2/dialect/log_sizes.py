"""How long an inline log is where nobody says it. Source: [jfs2 1.3]."""

from __future__ import annotations

from ...units import GIB, KIB, MIB, align_up


def linux_log_bytes(volume: int) -> int:
    """Length of the inline log that `jfs_mkfs` gives a volume: 1/256 of it in whole MiB, at most 128 MiB."""
    return min(align_up(volume >> 8, MIB), 128 * MIB)


def aix_log_bytes(volume: int) -> int:
    """Length of the inline log by the built-in rule of JFS2 [jfs2 1.3]."""
    for limit, size in ((32 * MIB, 256 * KIB), (64 * MIB, 512 * KIB), (128 * MIB, MIB)):
        if volume < limit:
            return size
    if volume == 128 * MIB:
        return 2 * MIB
    if volume <= GIB:
        return align_up(volume // 128, MIB)
    if volume <= 2 * GIB:
        return 8 * MIB
    if volume <= 128 * GIB:
        return align_up(volume // 256, MIB)
    if volume <= 512 * GIB:
        return 512 * MIB
    return min(align_up(volume // 1024, MIB), 2047 * MIB)
