"""Disks in memory that fail at one call: a host on copy-on-write views of a template, opened through the registry.

Every call that reaches a disk has a number. A plan says at which number what goes wrong; whether it did is recorded.
"""

from __future__ import annotations

import enum
import errno
import hashlib
import json
import shutil
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from lvmfmt.block import BlockDevice, Buffer, Bytes, Extent, ImageFile
from lvmfmt.block.device import byte_view
from lvmfmt.block.overlay import OVERLAY_PAGE, Overlay, Ranges
from lvmfmt.block.registry import OPENERS
from lvmfmt.errors import ImageIOError
from lvmfmt.units import SECTOR, ceil_div


class Fault(enum.StrEnum):
    """What goes wrong at a call."""

    ONCE = "EIO once"
    DEAD = "EIO from then on"
    FULL = "ENOSPC"
    SHORT = "short"
    """The first half is done, then EIO."""
    TORN = "torn, then death"
    """The first half is done, then the process is gone."""
    KILL = "kill"


class Killed(BaseException):
    """The process is gone."""


class Plan(NamedTuple):
    """A fault: at which call, counted from 0 over all disks, and which."""

    call: int
    fault: Fault


class Faults:
    """What all disks of a host count together.

    Attributes:
        plan: what goes wrong; None for nothing.
        calls: the disk and the kind of each call so far.
        fired: whether the fault has happened.
        dead: disks that answer nothing any more.
        meets: asked at each call before it is done; a plan for this very call is then followed.
    """

    def __init__(self, killed: Callable[[], None]) -> None:
        self.plan: Plan | None = None
        self.calls: list[tuple[str, str]] = []
        self.fired = False
        self.gone = False
        self.dead: set[str] = set()
        self.meets: Callable[[int, str], Plan | None] | None = None
        self._killed = killed

    def begin(self, plan: Plan | None) -> None:
        """Count from 0 again, with another plan."""
        self.plan, self.calls, self.fired, self.gone, self.meets = plan, [], False, False, None

    def meet(self, disk: str, kind: str) -> Fault | None:
        """Count a call; what goes wrong with it.

        Raises:
            Killed: the process is gone.
            ImageIOError: the disk answers nothing.
        """
        number = len(self.calls)
        self.calls.append((disk, kind))
        if self.gone:
            raise Killed
        if disk in self.dead:
            raise ImageIOError("the disk does not answer", where=disk)
        if self.meets is not None and (plan := self.meets(number, kind)) is not None:
            self.plan, self.meets = plan, None
        if self.plan is None or self.plan.call != number:
            return None
        self.fired = True
        match self.plan.fault:
            case Fault.KILL:
                self.die()
            case Fault.DEAD:
                self.dead.add(disk)
            case Fault.FULL if kind in ("write", "punch"):
                raise ImageIOError("cannot write: No space left on device", where=disk, errno=errno.ENOSPC)
            case Fault.SHORT | Fault.TORN if kind in ("read", "write"):
                return self.plan.fault
            case Fault.TORN:
                self.die()
        raise ImageIOError("Input/output error", where=disk)

    def die(self) -> NoReturn:
        """End the process here: nothing that it does on its way out counts."""
        self.gone = True
        self._killed()
        raise Killed

    def after_half(self, disk: str, fault: Fault) -> None:
        """End a call whose first half was done."""
        if fault is Fault.TORN:
            self.die()
        raise ImageIOError("Input/output error behind the first half", where=disk)


class FaultyDisk(BlockDevice):
    """A disk as one opening of it sees it; closing it keeps what was written.

    Args:
        base: the disk.
        slot: its name in plans.
        name: what messages call it.
        faults: the counter.
        writable: as it was opened.
    """

    def __init__(self, base: BlockDevice, slot: str, name: str, faults: Faults, *, writable: bool) -> None:
        self.base, self.slot, self.name, self.size = base, slot, name, base.size
        self.faults, self.writable = faults, writable

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        fault = self.faults.meet(self.slot, "read")
        if fault is None:
            self.base.read_into(offset, buffer)
            return
        view = byte_view(buffer)
        self.base.read_into(offset, view[: len(view) // 2])
        self.faults.after_half(self.slot, fault)

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`; half of it are whole sectors."""
        self.check_writable()
        fault = self.faults.meet(self.slot, "write")
        if fault is None:
            self.base.write(offset, buffer)
            return
        view = byte_view(buffer)
        self.base.write(offset, view[: len(view) // 2 // SECTOR * SECTOR])
        self.faults.after_half(self.slot, fault)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """See `BlockDevice.extents`."""
        self.faults.meet(self.slot, "extents")
        yield from self.base.extents(offset, length)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self.check_writable()
        self.faults.meet(self.slot, "punch")
        self.base.punch(offset, length)

    def flush(self) -> None:
        """See `BlockDevice.flush`."""
        self.faults.meet(self.slot, "flush")

    def close(self) -> None:
        """Nothing: the disk stays as it is."""


Files = dict[str, bytes]
"""Content of the files below a folder, by their path in it."""


def files_in(folder: Path) -> Files:
    """The files below a folder; an image, which lies in memory, has no content."""
    return {
        str(path.relative_to(folder)): b"" if path.suffix == ".img" else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def restore(folder: Path, files: Files) -> None:
    """Let a folder have these files and no others."""
    found = files_in(folder)
    for name in found.keys() - files.keys():
        (folder / name).unlink()
    for name, data in files.items():
        if found.get(name) != data:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)


class TrialDisk(Overlay):
    """A disk in memory that knows a digest of each of its pages: one that changes becomes another array."""

    def __init__(self, base: BlockDevice, *, name: str) -> None:
        super().__init__(base, name=name)
        self._digests: dict[int, tuple[Bytes, bytes]] = {}

    def pages(self) -> tuple[list[int], list[bytes]]:
        """What was written: numbers of pages, ascending, and a digest of each with its number."""
        known, found = self._digests, []
        numbers = sorted(self._pages)
        for number in numbers:
            page = self._pages[number]
            if number not in known or known[number][0] is not page:
                known[number] = page, number.to_bytes(8, "big") + hashlib.sha1(page).digest()
            found.append(known[number][1])
        return numbers, found

    def punched(self, first: int, end: int) -> Ranges:
        """What was punched of pages `first` up to `end`; what was written later comes first."""
        return [(max(a, first), min(b, end)) for a, b in self._punched if a < end and b > first]


class Template:
    """A host at rest whose disks trials read and never write.

    Args:
        path: its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images = {p.stem: ImageFile(p) for p in sorted((path / "disks").glob("*.img"))}
        self.files = files_in(path)

    @contextmanager
    def trial(self, folder: Path) -> Iterator[Trial]:
        """A host like it in a new folder, which is gone afterwards."""
        (folder / "disks").mkdir(parents=True)
        restore(folder, self.files)
        trial = Trial(folder, {slot: TrialDisk(image, name=slot) for slot, image in self.images.items()})
        OPENERS.register(trial.opened)
        try:
            yield trial
        finally:
            OPENERS.unregister(trial.opened)
            shutil.rmtree(folder)


class Trial:
    """A host whose disks lie in memory.

    Attributes:
        path: its folder.
        disks: what is on the disks, by slot.
        faults: what goes wrong.
    """

    def __init__(self, path: Path, disks: dict[str, TrialDisk]) -> None:
        self.path, self.disks, self.faults = path, disks, Faults(self._keep)
        self.kept: Files | None = None

    def _keep(self) -> None:
        self.kept = files_in(self.path)

    def meant(self, word: str) -> str:
        """A word of a command line; `@NAME` is the path of a disk, or of a file in the folder."""
        if not word.startswith("@"):
            return word
        return str(self.path / "disks" / f"{word[1:]}.img" if word[1:] in self.disks else self.path / word[1:])

    def settle(self) -> None:
        """After a kill: what the process did to the folder on its way out is undone."""
        if self.kept is not None:
            restore(self.path, self.kept)
            self.kept = None

    def opened(self, path: Path, writable: bool) -> BlockDevice | None:
        """An opener: the disks of this host."""
        if path.parent != self.path / "disks" or path.stem not in self.disks:
            return None
        return FaultyDisk(self.disks[path.stem], path.stem, str(path), self.faults, writable=writable)

    def living(self) -> dict[str, TrialDisk]:
        """The disks that answer."""
        return {slot: disk for slot, disk in self.disks.items() if slot not in self.faults.dead}

    def digest(self) -> str:
        """Of all that was written, and of what the host remembers but the time of day."""
        found = hashlib.sha1()
        for name, data in sorted(files_in(self.path).items()):
            if name.endswith(".json"):
                data = json.dumps({**json.loads(data), "ticks": 0}).encode()
            found.update(f"{name} {len(data)} ".encode() + data)
        return found.hexdigest() + Changes(self.disks).digest((slot, 0, disk.size) for slot, disk in self.disks.items())


class Changes:
    """What disks have, as they are now, that their template has not: whole pages.

    Args:
        disks: by slot.
    """

    def __init__(self, disks: Mapping[str, TrialDisk]) -> None:
        self.disks = disks
        self._pages = {slot: disk.pages() for slot, disk in disks.items()}
        self._ranges = {slot: disk.dirty_ranges() for slot, disk in disks.items()}

    def within(self, slot: str, offset: int, length: int) -> list[tuple[int, int]]:
        """(offset, length) of the changes in a range of a disk."""
        ranges, found, end = self._ranges[slot], [], offset + length
        for start, size in ranges[max(bisect_right(ranges, (offset, 0)) - 1, 0) :]:
            if start >= end:
                break
            if start + size > offset:
                found.append((max(start, offset), min(start + size, end) - max(start, offset)))
        return found

    def digest(self, places: Iterable[tuple[str, int, int]]) -> str:
        """Of the changes in the pages that these places touch: (slot, offset, length)."""
        found = hashlib.sha1()
        for slot, offset, length in places:
            numbers, digests = self._pages[slot]
            first, end = offset // OVERLAY_PAGE, ceil_div(offset + length, OVERLAY_PAGE)
            found.update(f"{slot} {offset} {self.disks[slot].punched(first, end)} ".encode())
            found.update(b"".join(digests[bisect_left(numbers, first) : bisect_left(numbers, end)]))
        return found.hexdigest()
