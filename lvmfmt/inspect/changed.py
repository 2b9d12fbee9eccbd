"""What the ranges of an image that changed since its manifest was written belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..block import BlockDevice
from ..units import SECTOR
from .image_diff import owners_of


class ChangedRange(NamedTuple):
    """A range of an image that holds other bytes than it did.

    Attributes:
        offset: of its first byte.
        length: bytes.
        owners: what lies there now: structures, or logical volumes and the files or structures in them.
    """

    offset: int
    length: int
    owners: list[str]


def changed_ranges(
    image: BlockDevice, others: Sequence[BlockDevice], changed: Iterable[tuple[int, int]]
) -> list[ChangedRange]:
    """Name the owners of ranges; neighbours that touch are one.

    Args:
        image: the disk, or an image of anything else, of which nothing is known.
        others: the other disks of its volume group.
        changed: (offset, length), ascending.
    """
    ranges: list[tuple[int, int]] = []
    for offset, length in changed:
        if ranges and sum(ranges[-1]) == offset:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + length)
        else:
            ranges.append((offset, length))
    sectors = [np.arange(offset // SECTOR, -(-(offset + length) // SECTOR)) for offset, length in ranges]
    owners = owners_of(image, others, np.concatenate(sectors)) if ranges else []
    found, at = [], 0
    for (offset, length), numbers in zip(ranges, sectors, strict=True):
        found.append(ChangedRange(offset, length, list(dict.fromkeys(filter(None, owners[at : at + len(numbers)])))))
        at += len(numbers)
    return found
