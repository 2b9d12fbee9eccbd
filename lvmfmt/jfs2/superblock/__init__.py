"""The superblock: read and judged; names, options and features that it has."""

from .reading import (
    CLEAN,
    CLEAN_QUIESCED,
    EXTENDFS,
    FSERROR,
    GROUP_COMMIT,
    INLINE_LOG,
    LOGREDO_ERROR,
    MOUNT,
    QUIESCED,
    SHRINKFS,
    Superblock,
    check_unused,
    describe_state,
    read_superblock,
)

__all__ = [
    "CLEAN",
    "CLEAN_QUIESCED",
    "EXTENDFS",
    "FSERROR",
    "GROUP_COMMIT",
    "INLINE_LOG",
    "LOGREDO_ERROR",
    "MOUNT",
    "QUIESCED",
    "SHRINKFS",
    "Superblock",
    "check_unused",
    "describe_state",
    "read_superblock",
]
