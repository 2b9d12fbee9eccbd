"""Copying one image to a file: data extents only, holes stay holes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ...errors import ImageIOError, OperationRefused
from ..device import BlockDevice
from ..imagefile import ImageFile
from ..registry import OPENERS
from ..wholefile import whole_file
from .around import Reread, directly
from .digests import digest
from .engine import WORKERS, Engine, UnreadRanges
from .mapfile import RunState
from .mover import BUFFER, DIRECT, POSITIONED, REFLINK, Mover, is_files
from .partial import PartialCopy, partial_copy, places_of
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
        kept: bytes, holes among them, that an earlier run had copied.
    """

    size: int
    bytes_copied: int
    torn: bool
    ways: dict[str, int]
    fallbacks: list[str]
    verified: str
    digests: dict[str, str]
    kept: int


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
    map_file: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> ImageCopy:
    """Make `target` a copy of `source`, in place of what is there.

    The bytes go to a file beside the target that takes its name when all of them are on stable storage. What the source
    refuses is left out at first, and tried again in smaller pieces at the end. A copy that does not become complete
    stays beside the target, with a map of what is there, see `partial.places_of`.

    Args:
        source: an image; a registered opener may provide it.
        target: a path; an existing plain file is replaced.
        verify: read both again, the copy from its device, and compare before the target is replaced.
        flush: wait for stable storage.
        direct: write around the system's cache; by default where the copy is flushed.
        find_zeros: blocks of zeros become holes.
        digests: names of digests of the whole image, see `digests.NAMES`.
        manifest: a file to write that has a CRC of each piece of the data, and the digests.
        map_file: where the map goes, and stays, in the format of GNU ddrescue.
        resume: go on with what an earlier copy has left, if it has.
        progress: told how many more bytes are done.

    Raises:
        OperationRefused: source and target are one file, the target is not a plain file, a process uses it, or what is
            there to go on with is of another source.
        CorruptImage: the map of an earlier copy is none.
        UnreadRanges: all was tried, and the source refused some of it.
        IncompleteCopy: the system refused a write, or there is no source any more.
        ImageIOError: it refused something else, or the comparison found a difference.
    """
    for name in digests:
        digest(name)  # one that there is not is refused first
    with OPENERS.open(source) as device, ExitStack() as stack:
        _refuse_one_file(source, target, manifest, map_file)
        listed = stack.enter_context(whole_file(manifest)) if manifest is not None else None  # kept if all goes well
        partial = stack.enter_context(
            partial_copy(device, source, target, map_file=map_file, resume=resume, flush=flush)
        )
        copy, record = partial.image, partial.record
        around = stack.enter_context(directly(copy, os.O_WRONLY)) if (flush if direct is None else direct) else None
        options: dict[str, Any] = {"find_zeros": find_zeros, "direct": -1 if around is None else around, "go_on": True}
        made: dict[str, str] | None = {}
        if digests or listed is not None:
            engine, made = _digesting(device, partial, digests, listed, options, progress)
        elif not find_zeros and _reflink(device, copy):
            engine = Engine([])
        else:
            movers = [Mover(copy, **options) for _ in range(WORKERS if is_files(device) else 1)]
            engine = Engine(movers, progress, record)
            engine.run(tasks(data_runs(device, record.left(RunState.NOT_TRIED))))
        record.done(0, device.size, (), 0)  # what no run covered is a hole
        if record.left():
            from .rescue import try_again  # sound disks need it not

            if (refusal := try_again(device, engine.movers[0], record)) is not None:
                raise UnreadRanges(refusal, record.left())
        if made is None:  # what is complete now was digested with gaps
            made = _digesting(copy, partial, digests, listed, options, None)[1]
        if verify:
            partial.flush()
            partial.worthless = True  # if they differ
        verified = _compare(device, copy) if verify else ""
        partial.worthless = False
        ways = engine.ways if engine.movers else {REFLINK: sum(e.length for e in copy.extents() if e.is_data)}
        unable = [f"{DIRECT}: the file system has none; {POSITIONED} instead"] if around == -1 and engine.movers else []
        return ImageCopy(
            device.size,
            sum(ways.values()),
            getattr(device, "in_use", False),
            ways,
            unable + engine.fallbacks,
            verified,
            made or {},
            partial.kept,
        )


def _refuse_one_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *others: str | os.PathLike[str] | None
) -> None:
    """Refuse to write two things into one file, or anything into the source."""
    written = [(what, path) for what, path in zip(("manifest", "map"), others, strict=True) if path is not None]
    for path in (target, *(path for _, path in written)):
        if Path(path).exists() and Path(path).samefile(source):
            raise OperationRefused("source and target are one file", where=str(path))
    known = {place: "target" for place in (Path(target).resolve(), *places_of(target))}
    for what, path in written:
        if (place := Path(path).resolve()) in known:
            raise OperationRefused(f"{known[place]} and {what} are one file", where=str(path))
        known[place] = what


def _digesting(
    source: BlockDevice,
    partial: PartialCopy,
    names: Sequence[str],
    listed: BinaryIO | None,
    options: dict[str, Any],
    progress: Progress | None,
) -> tuple[Engine, dict[str, str] | None]:
    """Copy, digest and write the manifest; None for the digests if the source refused something.

    What was copied before is read from the copy.
    """
    from .hashing import Hashing, HashingMover, spans  # a plain copy starts without them
    from .manifest import ManifestWriter

    digests = {name: digest(name) for name in names}
    copy, record = partial.image, partial.record
    if listed is not None:
        listed.seek(0)
        listed.truncate()
    writer = ManifestWriter(listed, copy.size) if listed is not None else None
    hashing = Hashing(list(digests.values()), writer.add if writer else None)
    runs = (
        run
        for offset, length, state in record.copied.copy().runs()
        for run in data_runs(copy if state is RunState.READ else source, [(offset, length)])
    )
    try:
        movers = [HashingMover(copy, hashing, **options) for _ in range(WORKERS if is_files(source) else 1)]
        engine = Engine(movers, progress, record)
        engine.run(spans(runs))
    except BaseException:
        hashing.close(useless=True)
        raise
    hashing.close()
    if hashing.useless:
        return engine, None
    hashing.finish(copy.size)
    found = {name: one.hexdigest() for name, one in digests.items()}
    if writer is not None:
        writer.finish(found)
    return engine, found


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
