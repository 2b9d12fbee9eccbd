"""A copy on its way: its bytes in a file beside the target, and a map of those that are there.

Both outlive an interruption, and the copy can be gone on with. The map never says more than what is on stable storage,
if the copy is flushed: the bytes are flushed first, then the map is replaced as a whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from ...errors import CorruptImage, ImageIOError, LvmfmtError, OperationRefused
from ...units import MIB, SECTOR
from ..device import BlockDevice
from ..imagefile import ImageFile
from ..newfile import replaceable
from ..wholefile import whole_file
from .mapfile import CopyMap, RunState, map_lines, read_map
from .record import CopyRecord

_TAG = "lvmfmt copy: "
_SAMPLES = 16
"""Places of a run, and runs, that are compared at most before a copy is gone on with."""
_LARGEST_MAP = 64 * MIB
"""Bytes of a map file that is read."""


class PartialCopy:
    """The file that a copy goes to, and its record.

    Args:
        image: open for writing; what the record does not call copied reads as zeros.
        copied: what was copied before.
        map_file: where the map goes.
        identity: says of which copy the map is.
        flush: make the bytes durable before the map.

    Attributes:
        image: see above.
        record: see above.
        kept: bytes, of holes too, that were there at the beginning.
        worthless: what is there is not what it should be, and not to be kept.
    """

    def __init__(
        self, image: ImageFile, copied: CopyMap, map_file: Path, identity: dict[str, object], *, flush: bool
    ) -> None:
        self.image = image
        self.record = CopyRecord(copied, self.save)
        self.kept = sum(run.length for run in copied.runs() if run.state is RunState.READ)
        self.worthless = False
        self._map_file, self._identity, self._flush, self._lost = map_file, identity, flush, False

    def flush(self) -> None:
        """Make what was written durable.

        Raises:
            ImageIOError: the system refused; nobody knows what is durable, and no map is written any more.
        """
        try:
            self.image.flush()
        except ImageIOError:
            self._lost = True
            raise

    def save(self, copied: CopyMap) -> None:
        """Write a map, when what it calls copied is durable.

        Raises:
            ImageIOError: the system refused.
        """
        import json

        if self._lost:
            return
        if self._flush:
            self.flush()
        states = [run for run in copied.runs() if run.state is not RunState.READ]
        untried = [run for run in states if run.state is RunState.NOT_TRIED]
        doing = RunState.NOT_TRIED if untried else RunState.NOT_SCRAPED if states else RunState.READ
        position = (untried or states)[0].offset if states else copied.size
        comments = "Mapfile of lvmfmt copy, in the format of GNU ddrescue", f"{_TAG}{json.dumps(self._identity)}"
        with whole_file(self._map_file, flush=self._flush) as stream:
            for line in map_lines(copied.runs(), *comments, position=position, doing=doing):
                stream.write(f"{line}\n".encode("ascii"))


def places_of(target: str | os.PathLike[str], map_file: str | os.PathLike[str] | None = None) -> tuple[Path, Path]:
    """Where the bytes and the map of a copy that has not ended lie.

    Args:
        target: what the copy is to become.
        map_file: where the map is to be, if not beside the target.
    """
    place = Path(target).resolve()
    beside = place.with_name(f".{place.name}.map")
    return place.with_name(f".{place.name}.partial"), beside if map_file is None else Path(map_file)


@contextmanager
def partial_copy(
    source: BlockDevice,
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    map_file: str | os.PathLike[str] | None = None,
    resume: bool = False,
    flush: bool = True,
) -> Iterator[PartialCopy]:
    """Yield a copy that takes the name `target` when the block ends without an error; else it stays with its map.

    Args:
        source: what is copied.
        path: its own.
        target: where the copy goes; a plain file that is there is replaced.
        map_file: where the map goes, and stays; by default beside the target until the copy is complete.
        resume: go on with what is there, if anything is.
        flush: make it durable.

    Raises:
        OperationRefused: `target` cannot be replaced, or what is there is of another source, or of another state of it.
        CorruptImage: the map is none.
        ImageIOError: the system refused.
    """
    place = replaceable(target)
    bytes_at, map_at = places_of(place, map_file)
    size = source.size
    identity = _identity(path, size)
    if bytes_at.is_symlink():
        raise OperationRefused("is a symbolic link", where=str(bytes_at))
    known = _known(map_at) if map_at.exists() and (resume or map_file is not None) else None
    if resume and known is not None and bytes_at.exists():
        copied, then = known
        image = ImageFile(bytes_at, writable=True)
    else:
        copied, then = CopyMap(size), None
        _clear(bytes_at, map_at)
        image = ImageFile.create(bytes_at, size)
    with image:
        identity["copy"] = os.fstat(image.fileno()).st_ino
        if then is not None:
            _check(then, identity, copied, image, map_at)
            _compare_samples(source, image, copied)
            _empty(image, copied)
        partial = PartialCopy(image, copied, map_at, identity, flush=flush)
        try:
            if map_file is not None:  # it would be late to learn at the end that there is no place for it
                partial.save(copied)
            yield partial
            if flush:
                partial.flush()
            if map_file is not None:
                partial.save(copied)
            bytes_at.replace(place)
            if map_file is None:
                map_at.unlink(missing_ok=True)
        except BaseException:
            if not partial.worthless and any(run.state is RunState.READ for run in copied.runs()):
                with suppress(LvmfmtError):
                    partial.save(copied)
            if partial.worthless or not map_at.exists():
                map_at.unlink(missing_ok=True)
                bytes_at.unlink(missing_ok=True)
            raise


def _identity(source: str | os.PathLike[str], size: int) -> dict[str, object]:
    """What says that a source is the same, and has not been written to."""
    status = Path(source).stat()
    plain = stat.S_ISREG(status.st_mode)
    return {"source": os.path.realpath(source), "size": size, "modified": status.st_mtime_ns if plain else None}


def _known(map_file: Path) -> tuple[CopyMap, dict[str, object]]:
    """A map that a copy has left, and of which copy it says it is."""
    import json

    from ..plainfile import read_plain

    text = read_plain(map_file, most=_LARGEST_MAP).decode("ascii", "replace")
    copied, comments = read_map(text, where=str(map_file))
    with suppress(ValueError):
        for comment in comments:
            if comment.startswith(_TAG) and isinstance(made := json.loads(comment.removeprefix(_TAG)), dict):
                return copied, made
    raise OperationRefused("not the map of a copy", where=str(map_file), hint="name another, or remove it")


def _clear(bytes_at: Path, map_at: Path) -> None:
    """Remove what an earlier copy has left, unless it is at work; the map first: it must not tell of new bytes."""
    with ImageFile(bytes_at, writable=True) if bytes_at.exists() else nullcontext():
        if map_at.exists():
            map_at.unlink()
            folder = os.open(map_at.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        bytes_at.unlink(missing_ok=True)


def _check(then: dict[str, object], now: dict[str, object], copied: CopyMap, image: ImageFile, map_at: Path) -> None:
    """Refuse to go on with something else than was begun."""
    hint = f"copy it anew without --resume, or remove {map_at}"
    for key, what in (
        ("source", f"the map is of {then.get('source')!s:.200}"),
        ("size", "the source has another size than before"),
        ("modified", "the source has changed since"),
        ("copy", f"{image.name} is not the file that the map is of"),
    ):
        if then.get(key) != now[key]:
            raise OperationRefused(what, where=str(now["source"]) if key != "copy" else str(map_at), hint=hint)
    if not copied.size == image.size == now["size"]:
        raise CorruptImage("copy map", expected=f"{now['size']} bytes", found=copied.size, where=str(map_at))


def _compare_samples(source: BlockDevice, image: ImageFile, copied: CopyMap) -> None:
    """Refuse to go on if the source holds something else than what was copied of it: a device has no time of change."""
    read = [run for run in copied.runs() if run.state is RunState.READ]
    for run in read[:: len(read) // _SAMPLES + 1]:
        for at in range(run.offset, run.offset + run.length, run.length // _SAMPLES + 1):
            one, other = (bytearray(min(SECTOR, run.offset + run.length - at)) for _ in range(2))
            with suppress(ImageIOError):
                source.read_into(at, one)
                image.read_into(at, other)
                if one != other:
                    raise OperationRefused(f"holds other bytes than before at byte {at}", where=source.name)


def _empty(image: ImageFile, copied: CopyMap) -> None:
    """Make zeros of what is not known to be copied, as everything of a new file is."""
    for offset, length, state in copied.runs():
        if state is not RunState.READ:
            for extent in list(image.extents(offset, length)):
                if extent.is_data:
                    image.punch(extent.offset, extent.length)
