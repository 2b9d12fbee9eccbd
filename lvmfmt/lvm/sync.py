"""Filling stale copies of a logical volume from good ones."""

from __future__ import annotations

import numpy as np

from ..block import CopyPlan
from ..block.plan import Progress
from .volume import LogicalVolume


def fill_stale(lv: LogicalVolume, progress: Progress | None) -> int:
    """Copy the data of good copies over stale ones and punch what is a hole there; bytes copied."""
    source = lv.device
    done = 0
    for copy in np.flatnonzero(lv.stale.any(axis=1)).tolist():
        target = lv.copy_device(copy + 1)
        data = []
        for lp in np.flatnonzero(lv.stale[copy]).tolist():
            for extent in source.extents(lp * lv.pp_size, lv.pp_size):
                if extent.is_data:
                    data.append((extent.offset, extent.offset, extent.length))
                else:
                    target.punch(extent.offset, extent.length)
        done += CopyPlan.of(source, data).execute(target, progress=progress).bytes_copied
        target.flush()
    return done
