"""Who owns a block: every block of a file system belongs to one file, one table, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import OperationRefused
from ..access.filesystem import FileSystem
from ..checking import check
from ..checking.aggregate_checks import CheckedAggregate
from ..checking.ownership import owner_name
from ..checking.subject import Subject
from ..maps.used_blocks import UsedBlocks

FREE = "nobody"


@dataclass(frozen=True)
class BlockOwner:
    """The owner of a run of blocks.

    Attributes:
        block: the block that was asked for.
        first: first block of the run of blocks around it with this owner.
        last: last block of it.
        owner: in words; `nobody` for free blocks.
        number: inode number where a file owns it, else None.
        paths: names of that file.
    """

    block: int
    first: int
    last: int
    owner: str
    number: int | None
    paths: tuple[str, ...]


def owners(device: BlockDevice, blocks: Sequence[int]) -> list[BlockOwner]:
    """The owners of blocks, by going through everything that points to blocks.

    Args:
        device: the file system.
        blocks: addresses in blocks of the file system.

    Raises:
        OperationRefused: a block is not in the file system.
        CorruptImage: there is no file system that makes sense.
    """
    found: list[NDArray[np.int64]] = []

    def keep(subject: Subject, aggregate: CheckedAggregate, used: UsedBlocks) -> None:
        found.append(subject.owners.ranges())

    fs = FileSystem.open(device)
    total = fs.volume.blocks
    for block in blocks:
        if not 0 <= block < total:
            raise OperationRefused(
                f"block {block} is not in the file system", where=device.name, hint=f"blocks are 0 to {total - 1}"
            )
    check(device, settle=keep)
    starts, ends, owner = found[0]
    rows = [_find(block, starts, ends, total) for block in blocks]
    numbers = {int(owner[row]) for row, _, _ in rows if row >= 0 and owner[row] >= 0}
    paths: dict[int, list[str]] = {number: [] for number in numbers}
    if numbers:
        for path, stat in fs.walk():
            if stat.number in paths:
                paths[stat.number].append(path)
    result = []
    for block, (row, first, last) in zip(blocks, rows, strict=True):
        known = int(owner[row]) if row >= 0 else None
        number = known if known is not None and known >= 0 else None
        name = FREE if known is None else owner_name(known)
        result.append(BlockOwner(block, first, last, name, number, tuple(paths.get(number, ()) if number else ())))
    return result


def _find(block: int, starts: NDArray[np.int64], ends: NDArray[np.int64], total: int) -> tuple[int, int, int]:
    """Row of the range that holds a block, or -1, and the first and last block of the run."""
    row = int(np.searchsorted(starts, block, side="right")) - 1
    if row >= 0 and block < ends[row]:
        return row, int(starts[row]), int(ends[row]) - 1
    first = int(ends[row]) if row >= 0 else 0
    last = int(starts[row + 1]) - 1 if row + 1 < len(starts) else total - 1
    return -1, first, last
