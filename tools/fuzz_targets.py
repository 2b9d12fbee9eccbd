"""What is run on mutated images, and what must hold.

A target gets disks in memory (overlays) and returns what it found, as words: new words are what the search goes for.
It raises `Broken` when a promise was not kept, or whatever the code under test raises; all that is no error of ours is
a crash.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz_mutations import Material

from lvmfmt import lvm
from lvmfmt.backup import Archive, write_archive
from lvmfmt.backup.member import Member
from lvmfmt.block import BlockDevice, Extent
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, LvmfmtError
from lvmfmt.inspect import inspect, salvage
from lvmfmt.jfs2 import AIX, LINUX, Dialect, FileSystem, InlineLog, Mount, check, mkfs, mount, repair
from lvmfmt.jfs2.forensics import body_lines, changes, deleted
from lvmfmt.jfs2.log import Ring, find_any_log, history, redo
from lvmfmt.lvm import LIMITS, LvPolicy, VgKind, VolumeGroup
from lvmfmt.lvm.dmtable import dm_table
from lvmfmt.origin import FixedOrigin, SeededOrigin
from lvmfmt.units import KIB, MIB

NOW = 1_700_000_000 * 10**9
ORIGIN = FixedOrigin(NOW)
MOST = 1 << 20
"""Bytes of a file or volume that are read."""


class Broken(Exception):
    """A promise was not kept."""


@dataclass(frozen=True)
class Specimen:
    """Sound disks to start from.

    Attributes:
        name: for messages.
        disks: the bytes of each.
        material: their metadata.
    """

    name: str
    disks: tuple[bytes, ...]
    material: Material = field(compare=False)

    def opened(self) -> list[Overlay]:
        """The disks, as devices in memory that can be written."""
        return [Overlay(FileDevice(io.BytesIO(data)), name=f"d{n}") for n, data in enumerate(self.disks)]


class Reads(BlockDevice):
    """A device that remembers what is read of it."""

    def __init__(self, under: BlockDevice) -> None:
        self.under, self.name, self.size, self.writable = under, under.name, under.size, under.writable
        self.ranges: list[tuple[int, int]] = []

    def read_into(self, offset: int, buffer: object) -> None:
        self.ranges.append((offset, len(memoryview(buffer).cast("B"))))  # type: ignore[arg-type]
        self.under.read_into(offset, buffer)  # type: ignore[arg-type]

    def write(self, offset: int, buffer: object) -> None:
        self.under.write(offset, buffer)  # type: ignore[arg-type]

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        return self.under.extents(offset, length)

    def punch(self, offset: int, length: int) -> None:
        self.under.punch(offset, length)

    def flush(self) -> None:
        self.under.flush()

    def close(self) -> None:
        self.under.close()


def _specimen(name: str, devices: Sequence[BlockDevice], look: Callable[[list[Reads]], object], order: str) -> Specimen:
    reads = [Reads(device) for device in devices]
    look(reads)
    disks = tuple(device.read(0, device.size).tobytes() for device in devices)
    ranges = [(n, *found) for n, device in enumerate(reads) for found in device.ranges if found[1] <= 256 * KIB]
    return Specimen(name, disks, Material(disks, ranges, order))


def _blank(size: int) -> Overlay:
    return Overlay(FileDevice(io.BytesIO(bytes(size))), name="d")


@cache
def file_system(dialect: Dialect, crashed: bool) -> Specimen:
    """A small file system with what there is: trees of several pages, holes, links, attributes; a log to replay."""
    device = _blank(16 * MIB)
    mkfs(device, dialect=dialect, log=InlineLog(256 * KIB), origin=ORIGIN)
    mounted = mount(device, origin=ORIGIN)
    mounted.mkdir("/d", now=NOW)
    for n in range(70):
        mounted.write_file(f"/d/{'long name ' * (n % 7)}{n}", b"%d" % n * (n * 7), now=NOW)
    mounted.write_file("/one", b"1" * 9000, now=NOW)
    mounted.link("/one", "/d/two", now=NOW)
    mounted.symlink("/d/" + "x" * 200, "/s", now=NOW)
    mounted.symlink("one", "/t", now=NOW)
    for block in range(0, 60, 2):
        mounted.write("/holes", block * 4096, b"h" * 4096, now=NOW) if block else mounted.create("/holes", now=NOW)
    for value in (b"small", b"v" * 3000):
        mounted.setxattr("/one", b"user.%d" % len(value), value, now=NOW)
    if not crashed:
        mounted.unmount()
    else:
        mounted.sync()
        for n in range(0, 70, 3):
            mounted.unlink(f"/d/{'long name ' * (n % 7)}{n}", now=NOW)
        mounted.sync()

    def look(devices: list[Reads]) -> None:
        check(devices[0])
        redo(Overlay(devices[0]))

    name = f"{dialect.name}{' with a log to replay' if crashed else ''}"
    return _specimen(name, [device], look, "big" if dialect is AIX else "little")


@cache
def group(kind: VgKind) -> Specimen:
    """Three disks with a mirrored, a striped and a plain logical volume, and a file system in one."""
    origin, devices = SeededOrigin(1), [_blank(32 * MIB) for _ in range(3)]
    made = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB, kind=kind)
    with made.change(origin) as change:
        change.add_lv("hd5", "boot", 1)
        change.add_lv("mirrored", "jfs2", 17, copies=2, label="/m")
        change.add_lv("striped", "raw", 4, policy=LvPolicy(strip_size=64 * KIB, stripe_width=2))
    mkfs(made.logical_volumes["mirrored"].device, dialect=AIX, origin=ORIGIN)

    def look(disks: list[Reads]) -> None:
        lvm.check(disks)
        VolumeGroup.open(disks)

    return _specimen(f"{kind} group", devices, look, "big")


def _digits(n: int) -> Iterator[bytes]:
    yield b"%d" % n * (n * 37)


@cache
def archive() -> Specimen:
    """A backup archive with packed and plain members."""
    raw = bytearray()
    members = [
        Member(b"./d", 0o040755, mtime=1),
        *(Member(b"./d/f%d" % n, 0o100644, size=n * 37, mtime=n, content=partial(_digits, n)) for n in range(10)),
        Member(b"./l", 0o120777, size=4, target=b"d/f1"),
    ]
    write_archive(lambda part: raw.extend(bytes(part)), members, origin=ORIGIN, pack=True)
    data = bytes(raw)
    return Specimen("archive", (data,), Material((data,), [(0, 0, len(data))], "little"))


# ---- targets


def _words(error: LvmfmtError) -> str:
    if isinstance(error, CorruptImage):
        return f"corrupt {error.structure}.{error.field}"
    return type(error).__name__


def _unchanged(devices: Sequence[Overlay]) -> None:
    if any(device.dirty_ranges() for device in devices):
        raise Broken("a reader wrote")


def _read_only(devices: Sequence[Overlay]) -> list[Overlay]:
    return [Overlay(device) for device in devices]


def read_files(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """Open, walk, and read everything."""
    fs = FileSystem.open(devices[0])
    for path, status in fs.walk():
        for act in (fs.attributes, fs.acl, fs.readlink if status.is_symlink else None):
            try:
                if act is not None:
                    act(path)
            except LvmfmtError as error:
                yield _words(error)
        if status.is_file:
            try:
                fs.read(path, 0, min(status.size, MOST))
            except LvmfmtError as error:
                yield _words(error)
    yield from (f"problem {note[:20]}" for note in fs.problems)


def read_tree(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """The bulk reader, and what is built of it."""
    found = FileSystem.open(devices[0]).inventory()
    for _ in found.entry_paths():
        pass
    yield from (f"problem {note[:20]}" for note in found.problems)


def look_back(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """What is left of deleted files, the body file, the history of the log."""
    fs = FileSystem.open(devices[0])
    gone = deleted(fs)
    for _ in body_lines(fs, gone):
        pass
    records, reason = history(Ring(find_any_log(devices[0])))
    found = changes(records, indexed=fs.superblock.indexed_directories)
    yield f"{len(found)} transactions, {reason[:20]}"


def check_files(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`fsck -n`."""
    yield from {f"finding {finding.name}" for finding in check(devices[0]).findings}


def repair_files(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`fsck -y`: clean to a fresh check and to a reader, with nothing left to do, or the failure is named."""
    device = devices[0]
    report = repair(device, origin=ORIGIN)
    yield from {f"fix {fix.kind}" for fix in report.plan.fixes}
    after = check(device)
    if report.failures or report.left.errors:
        yield "not clean, and said"
        return
    if not after.is_clean:
        raise Broken(f"a repair says clean, a check finds {after.findings[0].name}")
    again = Overlay(device)
    if repair(again, origin=ORIGIN).plan.fixes:
        raise Broken("a second repair has something to do")
    for path, status in FileSystem.open(device).walk():
        if status.is_file:
            FileSystem.open(device).read(path, 0, 1)


def replay_log(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`logredo`."""
    redo(devices[0])
    yield from {f"finding {finding.name}" for finding in check(devices[0]).findings}


_CHANGES: tuple[Callable[[Mount, str, int, random.Random], object], ...] = (
    lambda m, path, n, rng: m.unlink(path, now=NOW),
    lambda m, path, n, rng: m.write(path, rng.randrange(1 << 18), b"x" * 5000, now=NOW),
    lambda m, path, n, rng: m.create(f"{path.rstrip('/')}/new{n}", now=NOW),
    lambda m, path, n, rng: m.truncate(path, 10, now=NOW),
    lambda m, path, n, rng: m.rename(path, f"/d/renamed{n}", now=NOW),
    lambda m, path, n, rng: m.setxattr(path, b"user.y", b"y" * 600, now=NOW),
    lambda m, path, n, rng: m.create(f"/d/{'new name ' * 9}{n}", now=NOW),
)


def change_files(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """Operations through the journal: refused, or no worse for a check than before."""
    device = devices[0]
    before = {finding.name for finding in check(device).findings}
    mounted = mount(device, origin=ORIGIN)
    paths = [path for path, _ in zip(FileSystem.open(device).walk(), range(40), strict=False)]
    names = [path for path, _ in paths]
    for n in range(12):
        path = rng.choice(names)
        act = rng.choice(_CHANGES)
        try:
            act(mounted, path, n, rng)
        except LvmfmtError as error:
            yield _words(error)
    mounted.unmount()
    worse = {finding.name for finding in check(device).findings} - before
    if worse and not before:
        raise Broken(f"a sound file system has {sorted(worse)} after operations")


def read_group(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """Open, list, map and read every logical volume."""
    found = VolumeGroup.open(devices)
    for name, volume in found.logical_volumes.items():
        try:
            dm_table(volume, {device.name: f"/dev/{device.name}" for device in devices})
        except LvmfmtError as error:
            yield _words(error)
        try:
            volume.device.read(0, min(volume.size, MOST))
        except LvmfmtError as error:
            yield f"{name} {_words(error)}"


def check_group(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`vg check`."""
    yield from {f"problem {problem.rule}" for problem in lvm.check(devices)}


def repair_group(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`vg check --repair`: a second run has nothing to do, and a clean group is clean to a fresh check."""
    with TemporaryDirectory() as folder:
        lvm.repair(devices, Path(folder, "undo"), origin=ORIGIN)
        left = {problem.rule for problem in lvm.check(devices)}
        again = [Overlay(device) for device in devices]
        if lvm.repair(again, Path(folder, "again"), origin=ORIGIN):
            raise Broken("a second repair writes")
    yield from {f"left {rule}" for rule in left}


def look_at(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`inspect` and `vg scan`."""
    summary = inspect(devices)
    yield from {f"remark {finding.structure}" for finding in summary.findings}
    for device in devices:
        for _ in salvage(device):
            pass


def read_archive(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """`bff list`, and the content of every member."""
    with Archive(devices[0]) as found:
        for member in found:
            size = 0
            for part in member.content():
                size += len(part)
                if size > 64 * MIB:
                    break
            yield f"kind {member.kind:o}"


@dataclass(frozen=True)
class Target:
    """Something to run.

    Attributes:
        run: yields words.
        specimens: what to start from.
        cost: milliseconds that it takes about; all targets get about the same time.
        reads: nothing may be written.
    """

    run: Callable[[list[Overlay], random.Random], Iterator[str]]
    specimens: tuple[Callable[[], Specimen], ...]
    cost: float
    reads: bool = True


_SOUND = tuple(lambda d=d: file_system(d, False) for d in (AIX, LINUX))
_CRASHED = tuple(lambda d=d: file_system(d, True) for d in (AIX, LINUX))
_GROUPS = tuple(lambda k=k: group(k) for k in LIMITS)

TARGETS = {
    "read": Target(read_files, _SOUND + _CRASHED, 80),
    "tree": Target(read_tree, _SOUND + _CRASHED, 5),
    "forensics": Target(look_back, _CRASHED, 80),
    "check": Target(check_files, _SOUND + _CRASHED, 17),
    "repair": Target(repair_files, _SOUND + _CRASHED, 250, reads=False),
    "redo": Target(replay_log, _CRASHED, 34, reads=False),
    "journal": Target(change_files, _SOUND, 54, reads=False),
    "group": Target(read_group, _GROUPS, 19),
    "vg-check": Target(check_group, _GROUPS, 17),
    "vg-repair": Target(repair_group, _GROUPS, 115, reads=False),
    "inspect": Target(look_at, _GROUPS + _SOUND, 37),
    "archive": Target(read_archive, (archive,), 4),
}
"""By the name that the command line takes."""
