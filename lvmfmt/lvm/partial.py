"""The content of a logical volume in order as far as its disks give it, and a map of what they do not give.

What lies on disks that are not here was not tried; what a disk refused is bad.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arguments import expect
from ..block import BlockDevice, Bytes
from ..block.copying.mapfile import RunState
from ..block.copying.mover import BUFFER
from ..block.copying.rescue import in_pieces
from ..errors import ImageIOError
from ..units import SECTOR
from .volume import LogicalVolume


class ReadRun(NamedTuple):
    """A run of bytes of an LV.

    Attributes:
        offset: of its first byte.
        length: bytes.
        data: the bytes; None for a hole, and for what cannot be read.
        state: whether they were read.
    """

    offset: int
    length: int
    data: Bytes | None
    state: RunState = RunState.READ


def runs_of(lv: LogicalVolume, *, partial: bool = False) -> Iterator[ReadRun]:
    """The content of an LV from its first byte to its last, nothing left out.

    Args:
        lv: the volume.
        partial: go on behind what cannot be read.

    Raises:
        ImageIOError: something cannot be read, and `partial` is false; before the first part if its disk is not here.
        CorruptImage: the LV is striped in a way that [lvm 15] does not describe.
    """
    device = expect(lv, LogicalVolume, "a logical volume").device
    missing = missing_runs(lv)
    if len(missing) and not partial:
        device.read(int(missing[0, 0]), SECTOR)  # tells which disk has it
    at = 0
    for start, end in [*missing.tolist(), [device.size, device.size]]:
        for extent in device.extents(at, start - at):
            if not extent.is_data:
                yield ReadRun(extent.offset, extent.length, None)
                continue
            for first in range(extent.offset, extent.offset + extent.length, BUFFER):
                yield from _read(device, first, min(BUFFER, extent.offset + extent.length - first), partial)
        if end > start:
            yield ReadRun(start, end - start, None, RunState.NOT_TRIED)
        at = end


def _read(device: BlockDevice, offset: int, length: int, partial: bool) -> Iterator[ReadRun]:
    """A run of bytes; if that is wanted, without what cannot be read."""
    if not partial:
        yield ReadRun(offset, length, device.read(offset, length))
        return
    for at, size, data in in_pieces(device, offset, length):
        if isinstance(data, ImageIOError):
            yield ReadRun(at, size, None, RunState.BAD)
        else:
            yield ReadRun(at, size, np.frombuffer(data, np.uint8))


def missing_runs(lv: LogicalVolume) -> NDArray[np.int64]:
    """The bytes of an LV that lie on no disk which is here, runs of start and end, shape (n, 2), ascending."""
    lps = lv.missing_lps - 1
    width, strip = max(1, lv.policy.width), lv.policy.strip_size if lv.policy.width else lv.pp_size
    rows = np.arange(lv.pp_size // strip)
    starts = (
        (lps // width * width * lv.pp_size)[:, None] + (rows * width)[None, :] * strip + (lps % width)[:, None] * strip
    )
    ordered = np.sort(starts.ravel())
    first = np.append(True, np.diff(ordered) != strip)[: len(ordered)]
    last = np.append(first[1:], True)[: len(ordered)]
    return np.stack([ordered[first], ordered[last] + strip], axis=1)
