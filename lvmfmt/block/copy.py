"""Copying one image to a file: data extents only, holes stay holes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ImageIOError, OperationRefused
from .device import BlockDevice
from .newfile import new_image
from .plan import CHUNK, CopyPlan, Progress
from .registry import OPENERS


@dataclass(frozen=True)
class ImageCopy:
    """What a copy of an image moved."""

    size: int
    """Bytes of the image."""
    bytes_copied: int
    """Bytes in data extents; the rest are holes."""
    torn: bool
    """Another process held the source for writing: the copy may mix old and new."""


def copy_image(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> ImageCopy:
    """Make `target` a copy of `source`, in place of what is there.

    The bytes go to a file beside the target that takes its name when all of them are on stable storage.

    Args:
        source: an image; a registered opener may provide it.
        target: a path; an existing plain file is replaced.
        verify: read both again and compare before the target is replaced.
        progress: told how many more bytes are done.

    Raises:
        OperationRefused: source and target are one file, the target is not a plain file, or a process uses it.
        ImageIOError: the system refused, or the comparison found a difference.
    """
    with OPENERS.open(source) as device:
        if Path(target).exists() and Path(target).samefile(source):
            raise OperationRefused("source and target are one file", where=str(target))
        with new_image(target, device.size, replace=True) as copy:
            extents = [(e.offset, e.offset, e.length) for e in device.extents() if e.is_data]
            report = CopyPlan.of(device, extents).execute(copy, progress=progress)
            if verify:
                copy.flush()
                _compare(device, copy)
        return ImageCopy(device.size, report.bytes_copied, getattr(device, "in_use", False))


def _compare(source: BlockDevice, copy: BlockDevice) -> None:
    for extent in source.extents():
        for at in range(extent.offset, extent.offset + extent.length, CHUNK):
            length = min(CHUNK, extent.offset + extent.length - at)
            if not extent.is_data and not any(e.is_data for e in copy.extents(at, length)):
                continue
            different = np.flatnonzero(source.read(at, length) != copy.read(at, length))
            if len(different):
                raise ImageIOError(
                    f"the copy differs from the source at byte {at + int(different[0])}", where=copy.name
                )
