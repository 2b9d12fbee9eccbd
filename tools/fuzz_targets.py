"""What is run on mutated images, and what must hold.

A target gets a mutated specimen and returns what it found, as words: new words are what the search goes for. It raises
`Broken` when a promise was not kept, or whatever the code under test raises; all that is no error of ours is a crash.
Oracles that cost more than what they judge are asked about a part of the mutants.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from shutil import which
from tempfile import NamedTemporaryFile, TemporaryDirectory

from fuzz_disks import Disk
from fuzz_specimens import NOW, ORIGIN, Specimen, archive, blank, file_system, group, scratch, undo_file

from lvmfmt import lvm
from lvmfmt.backup import Archive
from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.undo import load
from lvmfmt.errors import CorruptImage, LvmfmtError
from lvmfmt.inspect import inspect, salvage
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, Mount, build, check, extract, mount, repair
from lvmfmt.jfs2.forensics import body_lines, changes, deleted, owners
from lvmfmt.jfs2.log import Ring, find_any_log, history, redo
from lvmfmt.lvm import LIMITS, VolumeGroup
from lvmfmt.lvm.dmtable import dm_table
from lvmfmt.units import KIB, MIB

MOST = 256 * KIB
"""Bytes of a file or volume that are read."""


_COMPLAINT = re.compile(
    r"(?!\*\*Phase).*(incorrect|unattached|cannot|error|discrepanc|inconsist|corrupt|invalid|dirty)", re.IGNORECASE
)
"""Lines of jfs_fsck about what is wrong."""


class Broken(Exception):
    """A promise was not kept."""


def words_of(error: LvmfmtError) -> str:
    """What an error says, without numbers."""
    if isinstance(error, CorruptImage):
        return f"corrupt {error.structure}.{error.field}"
    return type(error).__name__


def read_files(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """Open, walk, and read everything."""
    fs = FileSystem.open(specimen.disks[0])
    problems: list[str] = []
    for path, status in fs.walk(problems=problems):
        for act in (fs.attributes, fs.acl, fs.readlink if status.is_symlink else None):
            try:
                if act is not None:
                    act(path)
            except LvmfmtError as error:
                yield words_of(error)
        if status.is_file:
            try:
                fs.read(path, 0, min(status.size, MOST))
            except LvmfmtError as error:
                yield words_of(error)
    yield from (f"problem {note[:20]}" for note in (*fs.problems, *problems))


def read_tree(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """The bulk reader, and what is built of it."""
    found = FileSystem.open(specimen.disks[0]).inventory(salvage=rng.random() < 0.5)
    for _ in found.entry_paths():
        pass
    yield from (f"problem {note[:20]}" for note in found.problems)


def copy_tree(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`fs build` from an image: clean; or `fs get -r` of it: nothing outside of its folder, no set-user-ID."""
    found = FileSystem.open(specimen.disks[0]).inventory(salvage=True)
    if rng.random() < 0.5:
        target = Overlay(blank_for_builds())
        report = build(target, found, dialect=rng.choice((AIX, LINUX)), origin=ORIGIN)
        yield from (f"problem {note[:20]}" for note in report.problems)
        everything = check(target).findings  # a name that is no UTF-8 has no UTF-16 that all agree on: a warning
        if faults := [finding for finding in everything if finding.severity == "error"]:
            raise Broken(f"a build is not clean: {faults[0].name}")
        return
    with TemporaryDirectory(dir=scratch()) as folder:
        out = Path(folder, "out")
        done = extract(found, out, workers=1)
        beside = [path.name for path in Path(folder).iterdir() if path != out]
        if beside:
            raise Broken(f"written outside of the tree: {beside}")
        for path in out.rglob("*"):
            if not path.is_symlink() and path.stat().st_mode & 0o6000:
                raise Broken("a set-user-ID bit, unasked")
        yield from (f"left out {note[-20:]}" for note in done.problems)


def look_back(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """What is left of deleted files, the body file, owners of blocks, the history of the log."""
    fs = FileSystem.open(specimen.disks[0])
    choice = rng.randrange(3)
    if choice == 0:
        for _ in body_lines(fs, deleted(fs)):
            pass
        return
    if choice == 1:
        yield f"{len(owners(specimen.disks[0], [rng.randrange(4096) for _ in range(9)]))} owners"
        return
    records, reason = history(Ring(find_any_log(specimen.disks[0])))
    found = changes(records, indexed=fs.superblock.indexed_directories)
    yield f"{len(found)} transactions, {reason[:20]}"


def check_files(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`fsck -n`."""
    yield from {f"finding {finding.name}" for finding in check(specimen.disks[0]).findings}


def repair_files(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`fsck -y`: clean to a fresh check, a reader and jfs_fsck, nothing left to do; or the failure is named."""
    disk = specimen.disks[0]
    report = repair(disk, origin=ORIGIN)
    yield from {f"fix {fix.kind}" for fix in report.plan.fixes}
    if report.found.is_clean and disk.changed and not report.plan.fixes:
        raise Broken("a repair without findings writes")
    if report.failures or report.left.errors:
        yield "not clean, and said"
        return
    after = check(disk)
    if not after.is_clean:
        raise Broken(f"a repair says clean, a check finds {after.findings[0].name}")
    fs = FileSystem.open(disk)
    for path, status in fs.walk():
        if status.is_file:
            fs.read(path, 0, 1)
    if rng.random() < 0.125 and repair(Overlay(disk), origin=ORIGIN).plan.fixes:
        raise Broken("a second repair has something to do")
    if report.plan.fixes and rng.random() < 0.1:
        yield from _judged(disk, specimen.name.startswith("linux"))


def _judged(disk: BlockDevice, linux: bool) -> Iterator[str]:
    """What programs of others say of a clean file system: jfs_fsck and GRUB of Linux's."""
    if not linux or which("jfs_fsck") is None:
        return
    with NamedTemporaryFile(dir=scratch()) as file:
        file.write(disk.read(0, disk.size).data)
        file.flush()
        done = subprocess.run(["jfs_fsck", "-f", "-n", "-v", file.name], capture_output=True, text=True, check=False)
        # its status and last line call an image clean whose link counts it has just called wrong: every line counts
        complaints = [line for line in done.stdout.splitlines() if _COMPLAINT.match(line)]
        if done.returncode or complaints:
            raise Broken(f"jfs_fsck -n ends with {done.returncode}: {'; '.join(complaints[:3])}")
        if which("grub-fstest"):
            words = ["grub-fstest", file.name, "ls", "(loop0)/"]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Broken(f"grub-fstest cannot list the root directory: {done.stderr[-200:]}")
    yield "judged by jfs_fsck"


def replay_log(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`logredo`."""
    redo(specimen.disks[0])
    yield from {f"finding {finding.name}" for finding in check(specimen.disks[0]).findings}


_CHANGES: tuple[Callable[[Mount, str, int, random.Random], object], ...] = (
    lambda m, path, n, rng: m.unlink(path, now=NOW),
    lambda m, path, n, rng: m.write(path, rng.randrange(1 << 18), b"x" * 5000, now=NOW),
    lambda m, path, n, rng: m.create(f"{path.rstrip('/')}/new{n}", now=NOW),
    lambda m, path, n, rng: m.truncate(path, 10, now=NOW),
    lambda m, path, n, rng: m.rename(path, f"/d/renamed{n}", now=NOW),
    lambda m, path, n, rng: m.setxattr(path, b"user.y", b"y" * 600, now=NOW),
    lambda m, path, n, rng: m.create(f"/d/{'new name ' * 9}{n}", now=NOW),
)


def change_files(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """Operations through the journal: refused, or no worse for a check than before."""
    disk = specimen.disks[0]
    sound = rng.random() < 0.5 and not check(disk).findings
    mounted = mount(disk, origin=ORIGIN)
    paths = [path for path, _ in zip(FileSystem.open(disk).walk(), range(40), strict=False)]
    names = [path for path, _ in paths]
    for n in range(6):
        act = rng.choice(_CHANGES)
        try:
            act(mounted, rng.choice(names), n, rng)
        except LvmfmtError as error:
            yield words_of(error)
    mounted.unmount()
    if sound and (worse := {finding.name for finding in check(disk).findings}):
        raise Broken(f"a sound file system has {sorted(worse)} after operations")


def _here(specimen: Specimen, rng: random.Random) -> tuple[Disk, ...]:
    """The disks of a group; in one of four mutants one is missing."""
    disks = specimen.disks
    missing = rng.choice(disks) if len(disks) > 1 and rng.random() < 0.25 else None
    return tuple(disk for disk in disks if disk is not missing)


def read_group(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """Open, list, map and read every logical volume."""
    disks = _here(specimen, rng)
    found = VolumeGroup.open(disks)
    for name, volume in found.logical_volumes.items():
        try:
            dm_table(volume, {disk.name: f"/dev/{disk.name}" for disk in disks})
        except LvmfmtError as error:
            yield words_of(error)
        try:
            volume.device.read(0, min(volume.size, MOST))
        except LvmfmtError as error:
            yield f"{name} {words_of(error)}"


def check_group(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`vg check`."""
    yield from {f"problem {problem.rule}" for problem in lvm.check(_here(specimen, rng))}


def repair_group(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`vg check --repair`: nothing to do again, nothing written without findings; `undo` puts everything back."""
    disks = _here(specimen, rng)
    thorough = rng.random() < 0.125
    known = lvm.check(disks) if thorough else []
    before = [bytes(disk.sound[: 2 * MIB]) for disk in disks] if thorough else []
    with TemporaryDirectory(dir=scratch()) as folder:
        undo = Path(folder, "undo")
        try:
            writes = lvm.repair(disks, undo, origin=ORIGIN)
        except LvmfmtError:
            if any(disk.changed for disk in disks):
                raise Broken("a repair is refused after it wrote") from None
            raise
        if not writes:
            if any(disk.changed for disk in disks):
                raise Broken("a repair that writes nothing has written")
            yield "nothing to do"
            return
        left = {problem.rule for problem in lvm.check(disks)}
        yield from (f"left {rule}" for rule in left)
        if not thorough:
            return
        if not known:
            raise Broken("a repair without findings writes")
        again = [Overlay(disk) for disk in disks]
        if lvm.repair(again, Path(folder, "again"), origin=ORIGIN):
            raise Broken("a second repair writes")
        saved = load(undo)
        saved.restore([disk for path, _ in saved.images for disk in disks if disk.name == Path(path).name])
        if any(bytes(disk.sound[: 2 * MIB]) != old for disk, old in zip(disks, before, strict=True)):
            raise Broken("undo does not put back what was there")


def undo_repair(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`undo` with a file that was changed, or disks that were: all, or nothing is written."""
    file, *disks = specimen.disks
    with TemporaryDirectory(dir=scratch()) as folder:
        saved = Path(folder, "undo")
        saved.write_bytes(file.read(0, file.size).data)
        undo = load(saved)
        named = [disk for path, _ in undo.images for disk in disks if disk.name == Path(path).name]
        if len(named) < len(undo.images):
            yield "other images"
            return
        try:
            yield f"{undo.restore(named)} put back"
        except LvmfmtError:
            if any(disk.changed for disk in disks):
                raise Broken("an undo is refused after it wrote") from None
            raise


def look_at(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`inspect` and `vg scan`."""
    disks = _here(specimen, rng)
    summary = inspect(disks)
    yield from {f"remark {finding.structure}" for finding in summary.findings}
    for disk in disks:
        for _ in salvage(disk):
            pass


def read_archive(specimen: Specimen, rng: random.Random) -> Iterator[str]:
    """`bff list`, and the content of every member."""
    with Archive(specimen.disks[0]) as found:
        for member in found:
            size = 0
            for part in member.content():
                size += len(part)
                if size > 64 * MIB:
                    break
            yield f"kind {member.kind:o}"


@cache
def blank_for_builds() -> BlockDevice:
    """An empty volume."""
    return blank(32 * MIB)


@dataclass(frozen=True)
class Target:
    """Something to run.

    Attributes:
        run: yields words.
        specimens: what to start from.
        cost: milliseconds that it takes about, more for what is simple; what is cheap gets more mutants.
        reads: nothing may be written.
    """

    run: Callable[[Specimen, random.Random], Iterator[str]]
    specimens: tuple[Callable[[], Specimen], ...]
    cost: float
    reads: bool = True

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return (getattr(self.run, "func", self.run).__doc__ or "").splitlines()[0]


_SOUND, _CRASHED = (
    (
        *(partial(file_system, dialect, crashed, large) for dialect in (AIX, LINUX) for large in (False, True)),
        partial(file_system, AIX, crashed, block_size=512),
    )
    for crashed in (False, True)
)
_GROUPS = tuple(partial(group, kind, count) for kind in LIMITS for count in (1, 3))

TARGETS = {
    "read": Target(read_files, _SOUND + _CRASHED, 4),
    "tree": Target(read_tree, _SOUND + _CRASHED, 1),
    "copy-tree": Target(copy_tree, _SOUND + _CRASHED, 6),
    "forensics": Target(look_back, _CRASHED, 5),
    "check": Target(check_files, _SOUND + _CRASHED, 5),
    "repair": Target(repair_files, _SOUND + _CRASHED, 20, reads=False),
    "redo": Target(replay_log, _CRASHED, 6, reads=False),
    "journal": Target(change_files, _SOUND, 8, reads=False),
    "group": Target(read_group, _GROUPS, 4),
    "vg-check": Target(check_group, _GROUPS, 4),
    "vg-repair": Target(repair_group, _GROUPS, 22, reads=False),
    "undo": Target(undo_repair, (undo_file,), 2, reads=False),
    "inspect": Target(look_at, _GROUPS + _SOUND, 5),
    "archive": Target(read_archive, (archive,), 1),
}
"""By the name that the command line takes."""
