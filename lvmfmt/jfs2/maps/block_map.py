"""Writing the pages of the block map from the blocks that are in use. Source: [jfs2 1.3, 2.7, 3.1.8]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.record import Record
from ..geometry import BLOCKS_PER_DMAP, Geometry, dmap_page
from ..nodes.map_page import BlockMapTotals, dmap_pages, level_page, map_control_page
from .levels import ControlPage, Roots, walk_levels
from .map_file import MapFile
from .used_blocks import DMAPS_PER_L0, BlockUse


class BlockMapWriter:
    """Writes a whole map, one level-0 group (4 MiB of map, 2^23 blocks) at a time.

    Pages of levels that the size does not need, and the spare dmap, stay as they are: zero in a new map, as `jfs_mkfs`
    leaves them.

    Args:
        file: the map.
        geometry: of the file system.
        used: the blocks in use.
        anew: whether the map is made anew; otherwise only pages that differ are written, and what nobody knows of a
            page stays.

    Attributes:
        changed: how many pages were written.
    """

    def __init__(self, file: MapFile, geometry: Geometry, used: BlockUse, *, anew: bool = False) -> None:
        self._file, self._geometry, self._used, self._anew = file, geometry, used, anew
        self._dialect = file.volume.dialect
        self._free = np.zeros(128, np.int64)
        self._untouched: NDArray[Any] | None = None
        self._last: tuple[tuple[bytes, int], NDArray[Any]] = (b"", 0), np.zeros(0)
        self.changed = 0

    def write(self) -> BlockMapTotals:
        """Write it; what the map's own page says is given back."""
        top = walk_levels(self._geometry, self._dmaps, self._control)
        totals = BlockMapTotals(int(self._free.sum()), self._free, top)
        page = map_control_page(self._dialect, self._geometry, totals)
        self._write(0, self._dialect.structures.dbmap, page, "dn_mapsize", "dn_pad")
        return totals

    def _dmaps(self, numbers: range) -> Roots:
        """Write the pages of bits below a control page; returns the roots of their trees."""
        g, count = self._geometry, len(numbers)
        first, end = numbers.start * BLOCKS_PER_DMAP, numbers.stop * BLOCKS_PER_DMAP
        starts = np.arange(first, end, BLOCKS_PER_DMAP)
        if count == DMAPS_PER_L0 and end <= g.blocks and self._used.is_free(first, end):
            if self._untouched is None:  # all free: the same pages but for `start`
                self._untouched, _ = dmap_pages(self._dialect, numbers.start, np.zeros(end - first, bool), g.blocks)
            pages, free = self._untouched, np.full(count, BLOCKS_PER_DMAP, np.int64)
            pages["start"] = starts
        else:
            pages, free = dmap_pages(self._dialect, numbers.start, self._used.bits(first, end - first), g.blocks)
        np.add.at(self._free, starts >> g.ag_log2, free)
        self._write(dmap_page(numbers.start), self._dialect.structures.dmap, pages, "start", "pad")
        roots: Roots = pages["tree"]["stree"][:, 0]
        return roots

    def _control(self, place: ControlPage, roots: Roots) -> int:
        key = roots.tobytes(), place.budmin
        if key != self._last[0]:  # most pages of a new map are like the one before
            self._last = key, level_page(self._dialect, roots, place.budmin)
        page = self._last[1]
        self._write(place.page, self._dialect.structures.dmapctl, page, "leafidx", "pad")
        return int(page["stree"][0, 0])

    def _write(self, first: int, record: Record, new: NDArray[Any], key: str, unknown: str) -> None:
        """Write pages; those that can be told by the field `key` keep their field `unknown`."""
        if self._anew:
            self._file.write(first, new)
            self.changed += len(new)
            return
        old = self._file.table(record, first, len(new))
        known = old[key] == new[key]
        new[unknown][known], new[unknown][~known] = old[unknown][known], 0
        self.changed += self._file.write_changed(first, old, new)
