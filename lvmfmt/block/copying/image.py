"""Copying one image to a file: data extents only, holes stay holes."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...errors import ImageIOError, OperationRefused
from ..device import BlockDevice
from ..imagefile import ImageFile
from ..newfile import new_image
from ..registry import OPENERS
from .around import Reread, directly
from .engine import WORKERS, Engine
from .mover import BUFFER, DIRECT, POSITIONED, REFLINK, Mover, is_files
from .runs import Progress, data_runs, tasks

_FICLONE = 0x40049409


@dataclass(frozen=True)
class ImageCopy:
    """What a copy of an image moved.

    Attributes:
        size: bytes of the image.
        bytes_copied: bytes in data extents; the rest are holes.
        torn: another process held the source for writing: the copy may mix old and new.
        ways: bytes moved in each way, by its name.
        fallbacks: what the system could not do, and what was done in its place.
        verified: where the copy was read again: "device" or "cache"; "" if it was not.
    """

    size: int
    bytes_copied: int
    torn: bool
    ways: dict[str, int]
    fallbacks: list[str]
    verified: str


def copy_image(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    verify: bool = False,
    flush: bool = True,
    direct: bool | None = None,
    find_zeros: bool = False,
    progress: Progress | None = None,
) -> ImageCopy:
    """Make `target` a copy of `source`, in place of what is there.

    The bytes go to a file beside the target that takes its name when all of them are on stable storage.

    Args:
        source: an image; a registered opener may provide it.
        target: a path; an existing plain file is replaced.
        verify: read both again, the copy from its device, and compare before the target is replaced.
        flush: wait for stable storage.
        direct: write around the system's cache; by default where the copy is flushed.
        find_zeros: blocks of zeros become holes.
        progress: told how many more bytes are done.

    Raises:
        OperationRefused: source and target are one file, the target is not a plain file, or a process uses it.
        IncompleteCopy: the system refused a read or a write.
        ImageIOError: it refused something else, or the comparison found a difference.
    """
    with OPENERS.open(source) as device:
        if Path(target).exists() and Path(target).samefile(source):
            raise OperationRefused("source and target are one file", where=str(target))
        with new_image(target, device.size, replace=True, flush=flush) as copy:
            if not find_zeros and _reflink(device, copy):
                data = sum(e.length for e in copy.extents() if e.is_data)
                ways, fallbacks = {REFLINK: data}, list[str]()
            else:
                around = flush if direct is None else direct
                ways, fallbacks = _copy(device, copy, around=around, find_zeros=find_zeros, progress=progress)
            if verify:
                copy.flush()
            verified = _compare(device, copy) if verify else ""
        torn = getattr(device, "in_use", False)
        return ImageCopy(device.size, sum(ways.values()), torn, ways, fallbacks, verified)


def _reflink(source: BlockDevice, copy: ImageFile) -> bool:
    """Let the two files share their blocks, where their file system can; no byte moves."""
    if type(source) is not ImageFile or not source.size:
        return False
    try:
        fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False  # most cannot; nothing has happened
    return True


def _copy(
    source: BlockDevice, copy: ImageFile, *, around: bool, find_zeros: bool, progress: Progress | None
) -> tuple[dict[str, int], list[str]]:
    """Copy the data; returns what the engine says of ways and fallbacks."""
    with ExitStack() as stack:
        fd = stack.enter_context(directly(copy, os.O_WRONLY)) if around else -1
        count = WORKERS if is_files(source) else 1
        engine = Engine([Mover(copy, find_zeros=find_zeros, direct=fd) for _ in range(count)], progress)
        engine.run(tasks(data_runs(source)))
    unable = [f"{DIRECT}: the file system has none; {POSITIONED} instead"] if around and fd < 0 else []
    return engine.ways, unable + engine.fallbacks


def _compare(source: BlockDevice, copy: ImageFile) -> str:
    """Compare two images of one size, the copy as its device has it; where it was read.

    Raises:
        ImageIOError: they differ.
    """
    with directly(copy, os.O_RDONLY) as fd:
        reread = Reread(copy, fd)
        for offset, length, is_data in source.extents():
            for extent in [(offset, length)] if is_data else [e[:2] for e in copy.extents(offset, length) if e.is_data]:
                _compare_range(source, reread, *extent, copy.name)
        return "device" if reread.from_device else "cache"


def _compare_range(source: BlockDevice, reread: Reread, offset: int, length: int, name: str) -> None:
    wanted = bytearray(BUFFER)
    for at in range(offset, offset + length, BUFFER):
        size = min(BUFFER, offset + length - at)
        part = wanted if size == BUFFER else bytearray(size)
        source.read_into(at, part)
        found = reread.read(at, size)
        if found != part:
            first = next(i for i, (a, b) in enumerate(zip(part, found, strict=True)) if a != b)
            raise ImageIOError(f"the copy differs from the source at byte {at + first}", where=name)
