"""Copying one image to a file: data extents only, holes stay holes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypedDict

from ...errors import ImageIOError, OperationRefused
from ..device import BlockDevice
from ..imagefile import ImageFile
from ..newfile import new_image
from ..registry import OPENERS
from ..wholefile import whole_file
from .around import Reread, directly
from .digests import Digest, digest
from .engine import WORKERS, Engine
from .mover import BUFFER, DIRECT, POSITIONED, REFLINK, Mover, is_files
from .runs import Progress, data_runs, tasks

_FICLONE = 0x40049409


class ImageCopy(NamedTuple):
    """What a copy of an image moved.

    Attributes:
        size: bytes of the image.
        bytes_copied: bytes in data extents; the rest are holes.
        torn: another process held the source for writing: the copy may mix old and new.
        ways: bytes moved in each way, by its name.
        fallbacks: what the system could not do, and what was done in its place.
        verified: where the copy was read again: "device" or "cache"; "" if it was not.
        digests: of the whole image with its holes as zeros, by their names.
    """

    size: int
    bytes_copied: int
    torn: bool
    ways: dict[str, int]
    fallbacks: list[str]
    verified: str
    digests: dict[str, str]


def copy_image(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    verify: bool = False,
    flush: bool = True,
    direct: bool | None = None,
    find_zeros: bool = False,
    digests: Sequence[str] = (),
    manifest: str | os.PathLike[str] | None = None,
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
        digests: names of digests of the whole image, see `digests.NAMES`.
        manifest: a file to write that has a CRC of each piece of the data, and the digests.
        progress: told how many more bytes are done.

    Raises:
        OperationRefused: source and target are one file, the target is not a plain file, or a process uses it.
        IncompleteCopy: the system refused a read or a write.
        ImageIOError: it refused something else, or the comparison found a difference.
    """
    made = {name: digest(name) for name in digests}
    with OPENERS.open(source) as device, ExitStack() as stack:
        for written in (target, manifest):
            if written is not None and Path(written).exists() and Path(written).samefile(source):
                raise OperationRefused("source and target are one file", where=str(written))
        if manifest is not None and Path(manifest).resolve() == Path(target).resolve():
            raise OperationRefused("target and manifest are one file", where=str(manifest))
        record = stack.enter_context(whole_file(manifest)) if manifest is not None else None  # kept if all goes well
        copy = stack.enter_context(new_image(target, device.size, replace=True, flush=flush))
        around = stack.enter_context(directly(copy, os.O_WRONLY)) if (flush if direct is None else direct) else None
        options: _Options = {"find_zeros": find_zeros, "direct": -1 if around is None else around}
        if made or record is not None:
            engine = _digesting(device, copy, made, record, options, progress)
        elif not find_zeros and _reflink(device, copy):
            engine = Engine([], None)
        else:
            movers = [Mover(copy, **options) for _ in range(WORKERS if is_files(device) else 1)]
            engine = Engine(movers, progress)
            engine.run(tasks(data_runs(device)))
        if verify:
            copy.flush()
        verified = _compare(device, copy) if verify else ""
        ways = engine.ways if engine.movers else {REFLINK: sum(e.length for e in copy.extents() if e.is_data)}
        unable = [f"{DIRECT}: the file system has none; {POSITIONED} instead"] if around == -1 and engine.movers else []
        return ImageCopy(
            device.size,
            sum(ways.values()),
            getattr(device, "in_use", False),
            ways,
            unable + engine.fallbacks,
            verified,
            {name: one.hexdigest() for name, one in made.items()},
        )


class _Options(TypedDict):
    """What all movers of a copy are told."""

    find_zeros: bool
    direct: int


def _digesting(
    source: BlockDevice,
    copy: ImageFile,
    digests: dict[str, Digest],
    record: BinaryIO | None,
    options: _Options,
    progress: Progress | None,
) -> Engine:
    """Copy, digest and write the manifest."""
    from .hashing import Hashing, HashingMover, spans  # a plain copy starts without them
    from .manifest import ManifestWriter

    writer = ManifestWriter(record, source.size) if record is not None else None
    hashing = Hashing(list(digests.values()), writer.add if writer else None)
    try:
        movers = [HashingMover(copy, hashing, **options) for _ in range(WORKERS if is_files(source) else 1)]
        engine = Engine(movers, progress)
        engine.run(spans(data_runs(source)))
    except BaseException:
        hashing.close(useless=True)
        raise
    hashing.close()
    hashing.finish(source.size)
    if writer is not None:
        writer.finish({name: one.hexdigest() for name, one in digests.items()})
    return engine


def _reflink(source: BlockDevice, copy: ImageFile) -> bool:
    """Let the two files share their blocks, where their file system can; no byte moves."""
    if type(source) is not ImageFile or not source.size:
        return False
    try:
        fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False  # most cannot; nothing has happened
    return True


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
