"""Every crash of a workload: what may be left on the disk, replayed, checked and compared with what was promised.

A disk keeps or loses each write behind the last barrier, in any order, and may tear it between sectors. Log pages are
torn at one place only (what came before it arrived, or what comes after): the format can see no more than that the two
ends of a page differ.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from crash_groups import Volumes, back, vary_on
from crash_model import NOW, Model, Step, Tree, perform, read_tree
from crash_states import PAGE, Contents, CrashDisk, Key, Memo, Pages, Shortcuts, States

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Event, Trace, Write
from lvmfmt.errors import LvmfmtError, NoSpace
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import Finding, Report, check
from lvmfmt.jfs2.checking.log_checks import LogChecker
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.shared_log import open_shared_log
from lvmfmt.jfs2.log import redo, redo_shared
from lvmfmt.jfs2.log.locate import find_any_log
from lvmfmt.jfs2.log.sharing import active_members
from lvmfmt.jfs2.resizing.size_change import resize
from lvmfmt.jfs2.superblock import EXTENDFS, SHRINKFS, read_superblock
from lvmfmt.lvm.online.onlinegroup import OnlineGroup
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import FixedOrigin, SeededOrigin


@dataclass
class Recording:
    """A workload that was run on one file system, or on several that share a log.

    Attributes:
        bases: the disks before it: the file systems, then the log volume if there is one; or the disks of a group.
        events: (disk, write or barrier).
        trees: the trees of the file systems after 0, 1, 2, ... steps.
        serials: with them the number of each file, by path.
        loose: for each step, (file system, file, offset, bytes) that it writes over others: a crash may keep any.
        started: for each step, how many events there were when it began.
        safe: (events, steps): from that many events on, so many steps are promised.
        members: how many file systems there are.
        log: (disk, byte range) of the log; (volume, byte range) on a group.
        rounds: how often the log was filled.
        refused: steps for which there was no room.
        volumes: of the group that the file systems are on, the log last; None without a group.
        moved: byte ranges of inline logs after the file system was resized.
    """

    bases: list[BlockDevice]
    events: list[tuple[int, Event]]
    trees: list[tuple[Tree, ...]]
    serials: list[tuple[dict[str, int], ...]]
    loose: list[list[tuple[int, int, int, bytes]]]
    started: list[int]
    safe: list[tuple[int, int]]
    members: int
    log: tuple[int, range]
    rounds: float = 0.0
    refused: int = 0
    volumes: Volumes | None = None
    moved: list[range] = field(default_factory=list)

    @property
    def devices(self) -> list[BlockDevice]:
        """What is mounted, before the workload, and the log volume if there is one."""
        return self.bases if self.volumes is None else self.volumes.bases

    def in_log(self, disk: int, offset: int) -> bool:
        """Whether a byte of a disk belongs to the log."""
        if self.volumes is None:
            return disk == self.log[0] and any(offset in place for place in (self.log[1], *self.moved))
        volume, page = self.volumes.places.get((disk, offset // PAGE), (-1, 0))
        return volume == self.log[0] and page * PAGE in self.log[1]

    def promised(self, upto: int) -> int:
        """How many steps must survive a crash after so many events."""
        return max(steps for events, steps in self.safe if events <= upto)

    def differs(self, upto: int, found: tuple[Tree, ...]) -> str:
        """What is wrong with the trees of the recovered file systems, or nothing."""
        first = self.promised(upto)
        last = sum(start <= upto for start in self.started[:-1])
        if any(self._fits(found, k, first, last) for k in range(first, last + 1)):
            return ""
        if found in self.trees:
            return f"the tree is that after {self.trees.index(found)} steps, {first} to {last} were possible"
        paths = [
            (i, p) for i, (tree, wanted) in enumerate(zip(found, self.trees[last], strict=True))
            for p in sorted({*tree, *wanted}) if tree.get(p) != wanted.get(p)
        ]  # fmt: skip
        return f"the tree is none of those after {first} to {last} steps, {paths[:4]} differ from the last"

    def _fits(self, found: tuple[Tree, ...], k: int, first: int, last: int) -> bool:
        """Whether trees are those after k steps, but for bytes that steps in flight write where they are."""
        if found == self.trees[k]:
            return True
        loose = [part for parts in self.loose[first:last] for part in parts]
        if not loose:
            return False
        for i, (tree, wanted) in enumerate(zip(found, self.trees[k], strict=True)):
            if tree.keys() != wanted.keys():
                return False
            for path, entry in tree.items():
                right = wanted[path]
                if entry == right:
                    continue
                if entry[0] != "file" or (entry[0], *entry[2:]) != (right[0], *right[2:]):
                    return False
                serial = self.serials[k][i][path]
                parts = [(at, data) for member, number, at, data in loose if (member, number) == (i, serial)]
                versions = [
                    tree[i][p][1]
                    for tree, serials in zip(self.trees[first : last + 1], self.serials[first : last + 1], strict=True)
                    for p, number in serials[i].items() if number == serial
                ]  # fmt: skip
                if not _mixed(entry[1], right[1], parts, versions):
                    return False
        return True


def _mixed(found: bytes | int, right: bytes | int, parts: list[tuple[int, bytes]], versions: list[bytes | int]) -> bool:
    """Whether a content is the right one, and where parts were written over it any version of theirs.

    Of a file that is too long to be read there is the size alone.
    """
    if isinstance(found, int) or isinstance(right, int) or len(found) != len(right):
        return found == right
    size = len(found)
    one = np.frombuffer(found, np.uint8)
    fits = one == np.frombuffer(right, np.uint8)
    free = np.zeros(size, np.bool_)
    for at, data in parts:
        part = slice(at, min(at + len(data), size))
        free[part] = True
        fits[part] |= one[part] == np.frombuffer(data, np.uint8)[: len(one[part])]
    for version in versions:
        if isinstance(version, int):
            continue
        fits |= free & (one == np.frombuffer(version[:size].ljust(size, b"\0"), np.uint8))
    return bool(fits.all())


MAJOR = 39 << 32


def record(
    base: BlockDevice | list[BlockDevice], steps: Iterator[Step] | Sequence[Step] | Any, count: int = 0,
    *, log: BlockDevice | None = None,
) -> Recording:  # fmt: skip
    """Run a workload: a list of steps, or `count` steps of a `Steps`.

    Args:
        base: a file system, or several that share the log.
        steps: for several: each step of the list is (number of the file system, step).
        count: of steps.
        log: the log volume of file systems with an external log.
    """
    members = base if isinstance(base, list) else [base]
    bases = [*members, *([] if log is None else [log])]
    order: list[Trace] = []
    traces = [Trace(Overlay(device), order) for device in bases]
    return _run(bases, traces, order, list(traces), len(members), steps, count)


def record_on_group(
    disks: list[BlockDevice], names: Sequence[str], steps: Iterator[Step] | Sequence[Step] | Any, count: int = 0,
    *, external: bool = False,
) -> Recording:  # fmt: skip
    """As `record`, on the disks of a group.

    Args:
        disks: of the group, nothing on it stale.
        names: of the logical volumes with the file systems.
        steps: as `record`.
        count: of steps.
        external: whether the last of the volumes is their log.
    """
    order: list[Trace] = []
    traces = [Trace(Overlay(device), order) for device in disks]
    online = varyon(traces, origin=SeededOrigin(1))
    opened: list[BlockDevice] = [online.open_lv(name) for name in names]
    volumes = Volumes.of(disks, names)
    return _run(disks, traces, order, opened, len(names) - external, steps, count, volumes)


def _run(
    bases: list[BlockDevice], traces: list[Trace], order: list[Trace], devices: list[BlockDevice], members: int,
    steps: Any, count: int, volumes: Volumes | None = None,
) -> Recording:  # fmt: skip
    """Run a workload on devices whose disks are traced; the log volume is behind the `members` file systems."""
    if len(devices) == members:
        place = 0, _inline_log(devices[0])
        mounts = [mount(devices[0], origin=FixedOrigin(NOW))]
    else:
        place = members, range(devices[-1].size)
        shared = open_shared_log(devices[-1])
        mounts = [
            mount(device, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 5 + i)
            for i, device in enumerate(devices[:-1])
        ]
    models = [_model(mounted) for mounted in mounts]
    handles: list[dict[str, Any]] = [{} for _ in mounts]
    made = Recording(
        bases, [], [tuple(model.tree() for model in models)], [tuple(model.serials() for model in models)], [], [],
        [(0, 0)], members, place, volumes=volumes,
    )  # fmt: skip
    rng = random.Random(count)
    for i in range(count or len(steps)):
        number = rng.randrange(members) if count else 0
        step = steps.next(models[number]) if count else steps[i]
        if not count and members > 1:
            number, step = step
        made.started.append(len(order))
        made.loose.append([(number, *part) for part in _in_place(models[number], step)])
        if step[0] == "resize":
            mounts[number].unmount()
            made.safe.append((len(order), i))
            with suppress(NoSpace):
                resize(devices[number], step[1])
            mounts[number] = mount(devices[number], origin=FixedOrigin(NOW))
            made.moved.append(_inline_log(devices[number]))
            made.safe.append((len(order), i + 1))
        elif perform(mounts[number], step, handles[number]):
            models[number].apply(step)
        else:
            made.refused += 1
            assert read_tree(mounts[number]) == models[number].tree(), f"{step} left something"
        made.serials.append(tuple(model.serials() for model in models))
        made.trees.append(tuple(model.tree() for model in models))
        if step[0] in ("sync", "checkpoint", "freeze"):
            made.safe.append((len(order), i + 1))
    made.started.append(len(order))
    for mounted, opened in zip(mounts, handles, strict=True):
        for handle in opened.values():
            handle.close()
        mounted.unmount()
    writer = mounts[0]._log.writer
    made.rounds = writer.end / writer.capacity
    made.safe.append((len(order), len(made.trees) - 1))
    streams = {id(trace): iter(trace.events) for trace in traces}
    numbers = {id(trace): i for i, trace in enumerate(traces)}
    made.events = [(numbers[id(trace)], next(streams[id(trace)])) for trace in order]
    return made


def _inline_log(device: BlockDevice) -> range:
    """The bytes of the log of a file system."""
    geometry = read_superblock(device).geometry
    at = geometry.log_address * geometry.block_size
    return range(at, at + geometry.log_blocks * geometry.block_size)


def _model(mounted: Any) -> Model:
    """The model of a file system as it is; what a recording begins with has no hard links."""
    model, tree = Model(), read_tree(mounted)
    for path, (kind, content, mode, *_) in tree.items():
        if path != "/":
            model.apply(("mkdir", path) if kind == "dir" else ("write_file", path, content))
            model.nodes[path].mode = mode
    assert model.tree() == tree
    return model


def _in_place(model: Model, step: Step) -> list[tuple[int, int, bytes]]:
    """(file, offset, bytes) that a step writes over others."""
    if step[0] == "no_space":
        return _in_place(model, step[2])
    if step[0] not in ("write", "hwrite"):
        return []
    node = model.nodes[step[1]] if step[0] == "write" else model.handles[step[1]]
    return [(node.serial, step[2], step[3][: max(len(node.content) - step[2], 0)])]


@dataclass
class Outcome:
    """What an exploration found.

    Attributes:
        states: crashes tried.
        digests: of the different contents of the disks among them.
        failures: (crash, what is wrong).
        images: one of the recovered devices in every `keep`, for other judges.
        replays: how many of them had to be replayed; the others read the same on the way.
        controls: how many were also judged without anything that was known before.
    """

    states: int = 0
    digests: set[int] = field(default_factory=set)
    failures: list[tuple[str, str]] = field(default_factory=list)
    images: list[Overlay] = field(default_factory=list)
    replays: int = 0
    controls: int = 0

    @property
    def distinct(self) -> int:
        """How many different contents there were."""
        return len(self.digests)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.states + other.states, self.digests | other.digests, self.failures + other.failures,
            self.images + other.images, self.replays + other.replays, self.controls + other.controls,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.states} states, {self.distinct} distinct images, {len(self.failures)} failures"


class Judge:
    """Recovers the disks of a recording after a crash and says what is wrong then.

    Replay, check of the file system, check of the log and reading of the tree are kept apart: crashes differ most in
    the log, of which only the first and the third read much.
    """

    def __init__(self, made: Recording) -> None:
        self._made = made
        contents = Contents()
        self.states = States(made.bases, made.events, contents)
        self._contents = contents
        self._shortcuts = Shortcuts(contents)
        disk, log = made.log
        start = self.states.start if made.volumes is None else made.volumes.pages(self.states.start)
        pages = range(log.start // PAGE, -(-log.stop // PAGE) if not made.moved else 0)
        self._log_pages = {key: start[key] for page in pages if (key := (disk, page)) in start}
        self._beside = disk if disk >= made.members else None
        members = range(made.members)
        # which parts of mirrors are compared is read from their records: nearly all of it
        self._vary_on = Memo(made.bases, contents, vary_on, keep=made.volumes is None or not made.volumes.mirrored)
        self._redo, self._check, self._log, self._tree = (
            Memo(made.devices, contents, function)
            for function in (
                self._recover,
                lambda disks: [f for i in members for f in _illegal(check(disks[i]).findings, log=False)],
                lambda disks: [f for i in members for f in _log_findings(disks[i], self._log_of(disks))],
                self._read,
            )
        )

    @property
    def runs(self) -> int:
        """How many replays were made; the others were known."""
        return self._redo.runs

    def problem(self, upto: int, pages: Pages) -> str:
        """What is wrong after a crash that left these pages, or nothing."""
        with self._shortcuts.taken():
            if self._made.volumes is not None:
                wrong, pages = self._vary(pages)
                if wrong:
                    return wrong
            value, written = self._redo(pages)
            if isinstance(value, LvmfmtError):
                return f"{type(value).__name__}: {value}"
            pages = pages | written
            # the rest of the check is given the log of before: it does not depend on it
            for memo, seen in ((self._check, pages | self._log_pages), (self._log, pages), (self._tree, pages)):
                value, _ = memo(seen)
                if isinstance(value, LvmfmtError):
                    return f"{type(value).__name__}: {value}"
                if memo is not self._tree and value:
                    return f"check: {value[0]}"
        return self._made.differs(upto, value)

    def control(self, upto: int, pages: Pages) -> str:
        """What is wrong with `problem`, by a replay and a check that know nothing of other crashes, or nothing."""
        reads: dict[Key, int] = {}
        disks: list[BlockDevice] = [
            Overlay(CrashDisk(i, base, pages, self._contents, reads)) for i, base in enumerate(self._made.bases)
        ]  # fmt: skip
        quick, volumes = self.problem(upto, pages), self._made.volumes
        try:
            if volumes is not None:
                online = back(disks)
                disks = [online.open_lv(name) for name in volumes.names]
            self._recover(disks)
            findings = [
                finding for i in range(self._made.members)
                for finding in check(disks[i], log=self._log_of(disks)).findings
                if finding.severity == "error" and finding.name != "superblock-log-serial"
            ]  # fmt: skip
            problem = f"check: {findings[0]}" if findings else self._made.differs(upto, self._read(disks))
            if volumes is not None and not _copies_agree(online, volumes.names):
                problem = problem or "copies differ"
        except LvmfmtError as error:
            problem = f"{type(error).__name__}: {error}"
        if bool(problem) != bool(quick):
            return f"known before: {quick or 'nothing wrong'}, without that: {problem or 'nothing wrong'}"
        if problem:
            return ""
        pages = pages if volumes is None else self._vary(pages)[1]
        for (disk, page), number in self._redo(pages)[1].items():
            size = min(PAGE, disks[disk].size - page * PAGE)
            if disks[disk].read(page * PAGE, size).tobytes() != self._contents.pages[number][:size]:
                return f"page {page} of disk {disk} is another when it is replayed alone"
        return ""

    def _vary(self, pages: Pages) -> tuple[str, Pages]:
        """What is wrong with the group when it was varied on after a crash, if anything, and what the volumes hold."""
        assert self._made.volumes is not None
        wrong, written = self._vary_on(pages)
        if isinstance(wrong, LvmfmtError):
            return f"{type(wrong).__name__}: {wrong}", pages
        after = pages | written
        unequal = self._made.volumes.unequal(after, lambda key: self.states.content(after, key))
        return f"group: {wrong[0]}" if wrong else unequal, self._made.volumes.pages(after)

    def image(self, pages: Pages) -> Overlay:
        """The first recovered disk."""
        disk = Overlay(self._made.bases[0])
        for (which, page), number in {**pages, **self._redo(pages)[1]}.items():
            if which:
                continue
            disk.write(page * PAGE, self._contents.pages[number][: disk.size - page * PAGE])
        return disk

    def _recover(self, disks: Sequence[BlockDevice]) -> None:
        _recover(disks[: self._made.members], self._log_of(disks))

    def _read(self, disks: Sequence[BlockDevice]) -> tuple[Tree, ...]:
        return tuple(read_tree(FileSystem.open(disk)) for disk in disks[: self._made.members])

    def _log_of(self, disks: Sequence[BlockDevice]) -> BlockDevice | None:
        return None if self._beside is None else disks[self._beside]


def explore(made: Recording, *, seed: int, budget: int, keep: int = 0, stop_at: int = 5, control: int = 20) -> Outcome:
    """Try crashes of a recording.

    Args:
        made: the workload.
        seed: of the choice of crashes, when there are more than the budget.
        budget: how many distinct images to judge.
        keep: one of how many recovered images goes into the result; 0 for none.
        stop_at: failures after which looking ends.
        control: one of how many images is judged a second time, alone.
    """
    result, seen = Outcome(), set[tuple[int, int]]()
    judge = Judge(made)
    crashes = list(_crashes(made, judge.states.flying, random.Random(seed)))
    random.Random(seed).shuffle(crashes)
    for upto, fault in crashes:
        if result.distinct >= budget or len(result.failures) >= stop_at:
            break
        pages = judge.states.after(upto, **fault)
        result.states += 1
        # the same bytes later may be held to more promises
        key = made.promised(upto), judge.states.digest(pages)
        if key in seen:
            continue
        seen.add(key)
        result.digests.add(key[1])
        problem = judge.problem(upto, pages)
        if len(seen) % control == 0:
            result.controls += 1
            problem = problem or judge.control(upto, pages)
        if problem:
            result.failures.append((f"after {upto} of {len(made.events)} events, {fault}", problem))
        elif keep and len(seen) % keep == 0:
            result.images.append(judge.image(pages))
    result.replays = judge.runs
    return result


def _copies_agree(online: OnlineGroup, names: Sequence[str]) -> bool:
    """Whether all copies of volumes read the same, byte by byte."""
    for name in names:
        lv = online.group.logical_volumes[name]
        first, *others = (lv.copy_device(copy + 1).read(0, lv.size) for copy in range(lv.copies))
        if not all(np.array_equal(first, other) for other in others):
            return False
    return True


_OF_THE_LOG = ("log-", "superblock-log-serial")


def _illegal(findings: list[Finding], *, log: bool) -> list[Finding]:
    """Errors, of the log or of all else; the serial of a mount that was interrupted is none."""
    return [
        f for f in findings
        if f.severity == "error" and f.name != "superblock-log-serial" and f.name.startswith(_OF_THE_LOG) == log
    ]  # fmt: skip


def _log_findings(device: BlockDevice, log: BlockDevice | None) -> list[Finding]:
    superblock, report = read_superblock(device), Report()
    geometry = superblock.geometry
    at, length = geometry.log_address * geometry.block_size, geometry.log_blocks * geometry.block_size
    if log is not None:
        at, length = 0, log.size
    LogChecker(Subject.of(device, superblock, report), log or device, at, length, inline=log is None).check()
    return _illegal(report.findings, log=True)


def _recover(devices: Sequence[BlockDevice], log: BlockDevice | None) -> None:
    if log is None:
        if read_superblock(devices[0]).state in (EXTENDFS, SHRINKFS):
            resize(devices[0])  # finishes what was interrupted
        else:
            redo(devices[0])
        return
    found = find_any_log(log)
    numbers = active_members(found)
    places = (
        range(len(devices)) if devices[0] is not None and found.dialect.name == "linux" else range(5, 5 + len(devices))
    )
    redo_shared(log, {n: devices[i] for i, n in enumerate(places) if n in numbers})


_SUBSETS, _TEARS = 8, 4
"""Random choices of what is lost, and of how the last write is torn, that are tried at each point."""


def _crashes(
    made: Recording, flying: Sequence[Sequence[int]], rng: random.Random
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(events that were issued, what happened to those in flight)."""
    for upto, loose in enumerate(flying):
        yield upto, {}
        if not loose:
            continue
        yield upto, {"drop": loose[:-1]}
        for disk in range(len(made.bases)) if len(made.bases) > 1 else ():  # one loses all, the others nothing
            yield upto, {"drop": [i for i in loose if made.events[i][0] == disk]}
        for i in loose:
            yield upto, {"drop": [i]}
        for _ in range(_SUBSETS):
            dropped = [i for i in loose if rng.random() < 0.5]
            torn = [i for i in loose if i not in dropped and rng.random() < 0.3]
            yield upto, {"drop": dropped, "tear": {i: _tear(made, i, rng) for i in torn}}
        last = loose[-1]
        for _ in range(_TEARS):
            yield upto, {"tear": {last: _tear(made, last, rng)}}


def _tear(made: Recording, index: int, rng: random.Random) -> list[int]:
    """Sectors of a write that arrived."""
    disk, event = made.events[index]
    assert isinstance(event, Write)
    sectors = list(event.sectors)
    if made.in_log(disk, event.offset):
        cut = rng.randrange(len(sectors) + 1)
        return sectors[:cut] if rng.random() < 0.5 else sectors[cut:]
    return [sector for sector in sectors if rng.random() < 0.5]
