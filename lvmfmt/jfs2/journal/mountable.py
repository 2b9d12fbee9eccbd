"""Whether a file system may be mounted for changes."""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import OperationRefused, UnsupportedFeature
from ..superblock import CLEAN_QUIESCED, MOUNT, QUIESCED, Superblock, describe_state, read_superblock


def check_mountable(device: BlockDevice, *, left: int | None = None) -> Superblock:
    """The superblock of a file system that a writer of this program may change.

    Args:
        device: where it lies.
        left: the state of one that is mounted and was left at rest; None for one that is clean.

    Raises:
        CorruptImage: it makes no sense.
        UnsupportedFeature: it has something that a writer of this program does not handle.
        OperationRefused: it is not clean, not as it was left, or was opened for reading.
    """
    device.check_writable()
    superblock = read_superblock(device)
    where = device.name
    problems = list(superblock.problems)
    if left is None:
        problems += describe_state(superblock.state)
    else:
        check_left(device, superblock, frozen=left == CLEAN_QUIESCED)
    if left is None and superblock.state == MOUNT:
        raise OperationRefused("it was not unmounted", where=where, hint="replay its log (logredo) first")
    if left is None and superblock.state in (CLEAN_QUIESCED, QUIESCED):
        raise OperationRefused("it was copied while frozen", where=where, hint="replay its log (logredo) first")
    if problems:
        raise OperationRefused(problems[0], where=where, hint="run fsck first")
    for found, what in (
        (not superblock.writable_features, "mounting a file system with snapshots"),
        (superblock.variable_inode_extents, "writing with inode extents of several lengths"),
    ):
        if found:
            raise UnsupportedFeature(what, where=where, hint="it can be opened for reading")
    return superblock


def check_left(device: BlockDevice, superblock: Superblock, *, frozen: bool) -> None:
    """Check that a mounted file system is as it was left at rest.

    Raises:
        OperationRefused: it is not.
    """
    if superblock.state != (CLEAN_QUIESCED if frozen else MOUNT):
        raise OperationRefused("the file system is not as it was left", where=device.name, hint="replay its log")
