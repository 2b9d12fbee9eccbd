"""Pages of a map file of the aggregate, wherever its extents are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Bytes
from ..geometry import PAGE
from ..volume import Volume


class MapFile:
    """The pages of an inode map or of the block map.

    Args:
        volume: the file system.
        extents: where the file lies: array of `FILE_EXTENT`, inside the file system.

    Attributes:
        pages: how many there are, at most as many as the file system has room for.
    """

    def __init__(self, volume: Volume, extents: NDArray[Any]) -> None:
        self._volume = volume
        self._extents = extents[np.argsort(extents["offset"], kind="stable")]
        ends = extents["offset"] + extents["length"]
        bpp = volume.blocks_per_page
        self.pages = min(int(ends.max(initial=0)), volume.blocks) // bpp

    def places(self, first: int, count: int) -> NDArray[np.int64]:
        """Byte offsets in the device of the pages `first` and on, shape (count,); -1 for pages that are not there."""
        bpp, e = self._volume.blocks_per_page, self._extents
        places = np.full(count, -1, np.int64)
        if not len(e):
            return places
        block = (first + np.arange(count)) * bpp
        row = np.maximum(np.searchsorted(e["offset"], block, "right") - 1, 0)
        within = block - e["offset"][row]
        there = (within >= 0) & (within + bpp <= e["length"][row])
        places[there] = ((e["address"][row] + within) * self._volume.block_size)[there]
        return places

    def read(self, first: int, count: int) -> tuple[Bytes, NDArray[np.int64]]:
        """Pages `first` and on, shape (count, 4096), zeros for those that are not there, and their places."""
        places = self.places(first, count)
        breaks = np.flatnonzero((np.diff(places) != PAGE) | (places[1:] < 0)) + 1
        data: Bytes = np.empty((count, PAGE), np.uint8)
        for a, b in zip([0, *breaks.tolist()], [*breaks.tolist(), count], strict=True):
            if places[a] < 0:
                data[a:b] = 0
            elif b > a:
                self._volume.device.read_into(int(places[a]), data[a:b])
        return data, places
