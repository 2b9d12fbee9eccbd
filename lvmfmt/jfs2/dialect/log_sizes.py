"""How long an inline log is where nobody says it. Source: [jfs2 1.3]."""

from __future__ import annotations

from ...units import KIB, MIB, align_up


def linux_log_bytes(volume: int) -> int:
    """Length of the inline log that `jfs_mkfs` gives a volume: 1/256 of it in whole MiB, at most 128 MiB."""
    return min(align_up(volume >> 8, MIB), 128 * MIB)


def aix_log_bytes(volume: int) -> int:
    """Length of the inline log by the built-in rule of JFS2 [jfs2 1.3]."""
    for limit, size in ((32 * MIB, 256 * KIB), (64 * MIB, 512 * KIB), (128 * MIB, MIB), (128 * MIB + 1, 2 * MIB)):
        if volume < limit:
            return size
    shares = ((128, 8), (256, 512), (1024, 2047))  # of the volume, and the most MiB that each is good for
    return max(min(align_up(volume // share, MIB), most * MIB) for share, most in shares)
