"""Damage small file systems page by page and field by field, repair them, and hold the repair to what it says.

    python tools/damage_filesystems.py                         900 trials with a fresh printed seed
    python tools/damage_filesystems.py --seed 7 --count 50 --only linux
    python tools/damage_filesystems.py --trial aix:31          one trial again, with all findings

The specimens are of both dialects, with inline and external logs, with directory indexes and without, with trees of
many extents, large directories, and attributes in inodes and in extents. A trial wipes a whole page of what is no
file's content (zeros, ones, noise, another page), or changes one field of one structure; one trial in three does
several such things.

A repair fails a trial that raises what is no error of ours; that ends neither clean nor with a failure that it names;
that a fresh check does not call clean; that has something to do again; or after which a file cannot be read as before,
by its path or by its inode, that damage had spared.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from reliability import commit, write_section

from lvmfmt.block import BlockDevice
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2 import (
    AIX,
    LINUX,
    Dialect,
    ExternalLog,
    Features,
    FileSystem,
    InlineLog,
    check,
    format_log,
    mkfs,
    mount,
    repair,
)
from lvmfmt.jfs2.attributes.forms import descriptor_form
from lvmfmt.jfs2.geometry import AIM_OFFSET, AIT_OFFSET, BLOCK_MAP_OFFSET, INODE_SIZE, PAGE
from lvmfmt.jfs2.inodes.inode import Inode
from lvmfmt.jfs2.inventory.reading import link_target
from lvmfmt.jfs2.nodes.directory_node import COUNT_AT, FLAG_AT, SLOT
from lvmfmt.jfs2.nodes.tree_flags import LEAF
from lvmfmt.jfs2.repairing import RepairReport
from lvmfmt.jfs2.repairing.directories import DirectorySalvager
from lvmfmt.jfs2.repairing.extents import salvage_extents
from lvmfmt.layout.jfs2.jfs1 import DIRTABLE_SLOT
from lvmfmt.layout.record import Record
from lvmfmt.origin import FixedOrigin

MIB = 1 << 20
NOW = 1_700_000_000 * 10**9
SIZE = 16 * MIB
LOG_DEVICE = 10 << 32 | 9
AGGREGATE = 10 << 32 | 8
UUID = bytes(range(16))
ROOT_DIRECTORY = 2
NUMBERS = (ROOT_DIRECTORY, *range(4, 64))
"""Inodes of the specimens; no other is in use."""
TREE_ROOT = 224
SUPERBLOCKS = (0x8000, 0xF000)


class Place(NamedTuple):
    """A structure that can be damaged."""

    record: Record
    at: int
    log: bool = False


@dataclass
class Specimen:
    """A good file system.

    Attributes:
        data: its bytes.
        log: the bytes of its external log, or None.
        places: its structures by kind.
        pages: byte offsets of its pages that hold no content of files.
        files: digest of every path and every inode.
    """

    data: bytes
    log: bytes | None
    places: dict[str, list[Place]]
    pages: list[int]
    files: dict[str | int, str]

    def copy(self) -> tuple[Overlay, Overlay | None]:
        """It, to be changed, and its log."""
        log = None if self.log is None else Overlay(memory(self.log))
        return Overlay(memory(self.data)), log


def memory(data: bytes) -> BlockDevice:
    """Bytes as a device."""
    return FileDevice(io.BytesIO(data))


def _grow(device: BlockDevice, dialect: Dialect, log: BlockDevice | None) -> None:
    """Fill a new file system with one of everything."""
    rng = random.Random(1)
    with mount(device, origin=FixedOrigin(NOW), log_device=log, aggregate=AGGREGATE) as fs:
        fs.mkdir("/d")
        fs.mkdir("/d/empty")
        fs.mkdir("/many")
        fs.write_file("/one", rng.randbytes(5000))
        for i in range(150):
            name = f"/many/{'long-' * (i % 9)}name{i:03}"
            if i % 5:
                fs.link("/one", name)
            else:
                fs.create(name)
        for i in range(0, 150, 7):
            fs.unlink(f"/many/{'long-' * (i % 9)}name{i:03}")
        fs.write_file("/d/two", rng.randbytes(70000))
        fs.create("/sparse")
        for i in range(40):
            fs.write("/sparse", i * 8192, rng.randbytes(300))
        fs.create("/wide")
        for i in range(300):
            fs.write("/wide", i * 8192, b"%d" % i)
        fs.create("/few")
        for i in range(6):
            fs.write("/few", i * 8192, rng.randbytes(30))
        fs.symlink("d/two", "/short")
        fs.symlink("x" * 400, "/long")
        fs.link("/one", "/d/hard")
        fs.mknod("/null", stat.S_IFCHR | 0o666, 1 << 32 | 3)
        fs.mknod("/pipe", stat.S_IFIFO | 0o600)
        if dialect is LINUX:
            fs.setxattr("/one", "user.small", b"v")
            fs.setxattr("/d", "user.of-a-directory", b"w" * 300)
            fs.setxattr("/d/two", "user.large", rng.randbytes(3000))


_FORMS: dict[str, Callable[[BlockDevice], object]] = {
    "aix": partial(mkfs, dialect=AIX, log=InlineLog()),
    "aix-v2": partial(mkfs, dialect=AIX, log=InlineLog(), features=Features(version=2, ea=2), block_size=1024),
    "aix-external": partial(mkfs, dialect=AIX, log=ExternalLog(LOG_DEVICE)),
    "linux": partial(mkfs, dialect=LINUX, log=InlineLog()),
    "linux-indexed": partial(mkfs, dialect=LINUX, log=InlineLog(), features=Features(directory_index=True)),
    "linux-external": partial(
        mkfs, dialect=LINUX, log=ExternalLog(LOG_DEVICE, UUID), features=Features(directory_index=True)
    ),
}
SPECIMENS = tuple(_FORMS)


@cache
def specimen(name: str) -> Specimen:
    """A good file system by its name."""
    dialect = AIX if name.startswith("aix") else LINUX
    raw, beside = io.BytesIO(bytes(SIZE)), io.BytesIO(bytes(MIB))
    device, log = FileDevice(raw, writable=True), None
    _FORMS[name](device)
    if "external" in name:
        log = FileDevice(beside, writable=True)
        format_log(log, dialect, uuid=bytes(16) if dialect is AIX else UUID)
    _grow(device, dialect, log)
    report = check(device, log=log)
    assert not report.counts, report.findings
    places = _Places(device, log)
    return Specimen(
        raw.getvalue(), None if log is None else beside.getvalue(), places.found, sorted(places.pages), readable(device)
    )


class _Places:
    """Finds the structures of a good file system."""

    def __init__(self, device: BlockDevice, log: BlockDevice | None) -> None:
        self.fs = fs = FileSystem.open(device)
        self.device, self.block, g = device, fs.block_size, fs.superblock.geometry
        self.found: dict[str, list[Place]] = {}
        self.pages: set[int] = set()
        s = self.s = fs.dialect.structures
        for at in SUPERBLOCKS:
            self.add("superblock", s.superblock, at)
        second = fs.superblock.values["s_ait2"]
        tables = (AIT_OFFSET, self._address(second))
        for table in tables:
            self.pages |= set(range(table, table + 4 * PAGE, PAGE))
            for number in (1, 2, 3, 4, 16):
                self.inode("aggregate inode", table + number * INODE_SIZE)
        maps = [AIM_OFFSET]
        if fs.dialect.has_aim2:
            maps.append(self._address(fs.superblock.values["s_aim2"]))
        for at in maps:
            self.add("aggregate map", s.dinomap, at)
            self.add("aggregate map", s.iag, at + PAGE)
        self.add("inode map", s.dinomap, fs.inodes.map_offset(-1))
        self.add("inode map", s.iag, fs.inodes.map_offset(0))
        self.add("block map", s.dbmap, BLOCK_MAP_OFFSET)
        for page in range(1, g.map_pages):
            raw = device.read(BLOCK_MAP_OFFSET + page * PAGE, PAGE)
            if raw.any():
                self.add("block map", s.dmap if page > 3 else s.dmapctl, BLOCK_MAP_OFFSET + page * PAGE)
        for _, status in fs.walk():
            self.file(fs.inodes.read(status.number))
        for number in (0, 1, 3):
            self.inode("inode", fs.inodes.read(number).at)
        if g.log_blocks:
            start = g.log_address * g.block_size
            self.add("log", s.log_super, start + PAGE)
            self.pages |= {start, start + 2 * PAGE, start + 3 * PAGE}
        if log is not None:
            self.found["log"] = [Place(s.log_super, PAGE, log=True)]

    def _address(self, pxd: Any) -> int:
        return (int(pxd["addr_hi"]) << 32 | int(pxd["addr_lo"])) * self.block

    def add(self, kind: str, record: Record, at: int) -> None:
        self.found.setdefault(kind, []).append(Place(record, at))
        self.pages.add(at // PAGE * PAGE)

    def inode(self, kind: str, at: int) -> None:
        self.add(kind, self.s.inode, at)

    def xtree(self, at: int, size: int) -> None:
        """The header of a node of an extent tree, and its entries."""
        header = self.s.xtree_header.table(self.device.read(at, self.s.xtree_header.size), 1)
        self.add("extent tree", self.s.xtree_header, at)
        for entry in range(2, min(int(header["nextindex"][0]), size // 16)):
            self.add("extent", self.s.xad, at + entry * 16)

    def dtree(self, at: int, size: int, *, root: bool) -> None:
        raw = self.device.read(at, size)
        self.add("directory", self.s.dtree_root if root else self.s.dtree_page_header, at)
        table = 24 if root else int(raw[21]) * SLOT
        for slot in raw[table : table + int(raw[COUNT_AT])].tolist():
            leaf = raw[FLAG_AT] & LEAF
            self.add("name" if leaf else "router", self.s.leaf_slot if leaf else self.s.internal_slot, at + slot * SLOT)

    def file(self, inode: Inode) -> None:
        fs = self.fs
        self.inode("root inode" if inode.number == ROOT_DIRECTORY else "inode", inode.at)
        descriptor = descriptor_form(fs.dialect).read(fs.volume, inode)
        if descriptor.length:
            self.pages.add(descriptor.address * self.block // PAGE * PAGE)
        if inode.kind == stat.S_IFDIR:
            self.dtree(inode.root_at, 288, root=True)
            found = DirectorySalvager(self.device, fs.superblock).read(
                inode.number, inode.root.tobytes(), inode.root_at
            )
            for start, end in found.pages:
                self.dtree(start * self.block, (end - start) * self.block, root=False)
            if fs.superblock.indexed_directories and int(inode.row["di_next_index"][0]) > 14:
                table = salvage_extents(fs.volume, inode.row["dirtable"][0])
                for _, length, address, _ in table.extents.tolist():
                    for at in range(address * self.block, (address + length) * self.block, PAGE):
                        for i in range(0, PAGE, 8):
                            self.add("directory index", DIRTABLE_SLOT, at + i)
        elif inode.kind == stat.S_IFREG:
            self.xtree(inode.root_at, 288)
            for page in salvage_extents(fs.volume, inode.root).pages:
                self.xtree(page * self.block, PAGE)


def readable(device: BlockDevice) -> dict[str | int, str]:
    """A digest of what can be read of every path, and of every inode by its number; files that are empty by path."""
    found: dict[str | int, str] = {}
    try:
        fs = FileSystem.open(device)
    except LvmfmtError:
        return found
    digests: dict[int, str] = {}
    inodes: dict[int, Inode] = {}
    for number in NUMBERS:
        try:
            inodes[number] = inode = fs.inodes.read(number)
            digests[number] = _digest(fs, inode)
        except LvmfmtError:
            continue
    found |= {number: digest for number, digest in digests.items()}
    pending, seen = [("", ROOT_DIRECTORY)], set()
    while pending:
        path, number = pending.pop()
        if number in seen or number not in inodes:
            continue
        seen.add(number)
        try:
            entries = fs.entries(inodes[number])
        except LvmfmtError:
            continue
        for entry in entries:
            name = f"{path}/{entry.name!r}"
            if entry.number in digests:
                found[name] = digests[entry.number]
                if inodes[entry.number].kind == stat.S_IFDIR:
                    pending.append((name, entry.number))
    return found


def _digest(fs: FileSystem, inode: Inode) -> str:
    digest = hashlib.sha256(str((inode.kind, inode.kind != stat.S_IFDIR and inode.size)).encode())
    if inode.kind == stat.S_IFREG and inode.size <= 8 * MIB:
        digest.update(fs.read_inode(inode, "file"))
    elif inode.kind == stat.S_IFLNK:
        digest.update(link_target(fs.volume, inode.root, inode.size, inode.root_at))
    return digest.hexdigest()


class Patch(NamedTuple):
    """Bytes that damage writes."""

    at: int
    data: bytes
    what: str
    log: bool = False


def wipe(of: Specimen, rng: random.Random) -> Patch:
    """A whole page."""
    at, other = rng.choice(of.pages), rng.choice(of.pages)
    how = rng.choice(("zeros", "ones", "noise", "spliced"))
    data = {
        "zeros": bytes(PAGE), "ones": b"\xff" * PAGE, "noise": rng.randbytes(PAGE),
        "spliced": of.data[other : other + PAGE],
    }[how]  # fmt: skip
    return Patch(at, data, f"page {at:#x} becomes {how}" + (f" of {other:#x}" if how == "spliced" else ""))


def change(of: Specimen, rng: random.Random) -> Patch:
    """One field of one structure."""
    kind = rng.choice(sorted(of.places))
    place = rng.choice(of.places[kind])
    dtype: Any = place.record.dtype
    shift, name = 0, place.record.name
    while dtype.fields or dtype.subdtype:
        if dtype.subdtype:
            base, shape = dtype.subdtype
            index = rng.randrange(int(np.prod(shape)))
            dtype, shift, name = base, shift + index * base.itemsize, f"{name}[{index}]"
        else:
            part = rng.choice(dtype.names)
            dtype, more = dtype.fields[part][:2]
            shift, name = shift + more, f"{name}.{part}"
    size, at = dtype.itemsize, place.at + shift
    source = of.log if place.log and of.log is not None else of.data
    old = source[at : at + size]
    order: Literal["big", "little"] = "big" if dtype.byteorder == ">" else "little"
    value = int.from_bytes(old, order)
    other = rng.choice(of.places[kind])
    new = rng.choice((
        0, (1 << 8 * size) - 1, value + 1, value - 1, value ^ 1 << rng.randrange(8 * size),
        rng.getrandbits(8 * size), int.from_bytes(source[other.at + shift : other.at + shift + size], order),
        1 << 8 * size - 1, value * 2,
    )) % (1 << 8 * size)  # fmt: skip
    data = new.to_bytes(size, order)
    return Patch(at, data, f"{kind}: {name} at {at:#x}: {old.hex()} becomes {data.hex()}", place.log)


@dataclass
class Verdict:
    """What became of a trial.

    Attributes:
        what: how the file system was damaged.
        outcome: silent, refused, named or clean.
        faults: what a repair may not do, by kind.
        report: what the repair said.
    """

    what: str
    outcome: str = "clean"
    faults: dict[str, str] = field(default_factory=dict)
    report: RepairReport | None = None


def trial(name: str, seed: int, *, judge: bool = False) -> Verdict:
    """Damage a file system, repair it, and judge; Linux: by `jfs_fsck` too where `judge` is True."""
    rng = random.Random(f"{name} {seed}")
    of = specimen(name)
    device, log = of.copy()
    patches = [rng.choice((wipe, change))(of, rng) for _ in range(rng.choice((1, 1, 1, 1, 2, 4)))]
    verdict = Verdict("; ".join(patch.what for patch in patches))
    for patch in patches:
        (log if patch.log and log is not None else device).write(patch.at, patch.data)
    try:
        _run(verdict, of, device, log, judge)
    except Exception as error:  # what is no error of ours is what we look for
        verdict.faults["traceback"] = f"{type(error).__name__}: {error}"
    return verdict


def _run(verdict: Verdict, of: Specimen, device: Overlay, log: Overlay | None, judge: bool) -> None:
    before = {key: digest for key, digest in readable(device).items() if of.files.get(key) == digest}
    repairing = partial(repair, device, log=log, aggregate=AGGREGATE, origin=FixedOrigin(NOW + 10**9))
    try:
        report = verdict.report = repairing()
    except LvmfmtError as error:
        verdict.outcome = f"refused: {type(error).__name__}"
        return
    if not report.is_clean:
        verdict.outcome = "named"
        if not report.failures:
            verdict.faults["not named"] = "; ".join(str(finding) for finding in report.left.findings[:3])
    elif not report.plan.counts:
        verdict.outcome = "silent"
    else:
        try:
            fresh = check(device, log=log)
        except LvmfmtError as error:
            verdict.faults["not clean"] = str(error)
            return
        if not fresh.is_clean:
            verdict.faults["not clean"] = "; ".join(str(finding) for finding in fresh.findings[:3])
    if report.written:
        again = repairing()
        if again.plan.counts:
            verdict.faults["not a fixpoint"] = "; ".join(fix.text for fix in again.plan.fixes[:3])
    after = readable(device)
    lost = [key for key, digest in before.items() if after.get(key) != digest]
    if lost:
        verdict.faults["lost"] = f"{len(lost)}: {', '.join(map(str, lost[:5]))}"
    if judge and report.is_clean and log is None and (answer := judged(device)):
        verdict.faults["jfs_fsck"] = answer


def judged(device: BlockDevice) -> str:
    """What `jfs_fsck -n` finds wrong, in a line; "" for nothing."""
    with tempfile.NamedTemporaryFile(suffix=".img") as file:
        file.write(device.read(0, device.size))
        file.flush()
        done = subprocess.run(["jfs_fsck", "-f", "-n", "-v", file.name], capture_output=True, text=True, check=False)
    if done.returncode == 0 and "clean" in done.stdout and "dirty" not in done.stdout:
        return ""
    return "; ".join(line for line in done.stdout.splitlines() if line.strip())[-600:] or f"status {done.returncode}"


def run(
    seed: int, count: int, only: str = "", seconds: float = float("inf"), *, judge: bool = False
) -> Iterator[tuple[str, int, Verdict]]:
    """Trials: each specimen in turn, until there are `count` of them or the time is over.

    Yields:
        Specimen and seed of the trial, and what became of it.
    """
    names = [name for name in SPECIMENS if only in name]
    end = time.monotonic() + seconds
    for index in range(count):
        if time.monotonic() > end:
            return
        name = names[index % len(names)]
        yield name, seed + index, trial(name, seed + index, judge=judge and name.startswith("linux"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run trials and print what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=900, help="trials (default: 900)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first trial (default: fresh)")
    parser.add_argument("--only", default="", metavar="TEXT", help="specimens whose names have this text")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--judge", action="store_true", help="ask jfs_fsck about results of the Linux dialect")
    parser.add_argument("--trial", metavar="SPECIMEN:SEED", help="one trial again, with its findings")
    parser.add_argument("--record", action="store_true", help="write the totals to fixtures/reliability.md")
    args = parser.parse_args(argv)
    if args.trial:
        name, _, seed = args.trial.partition(":")
        return _show(trial(name, int(seed), judge=args.judge and name.startswith("linux")))
    print(f"seed {args.seed}")
    outcomes: Counter[str] = Counter()
    failed = 0
    start = time.monotonic()
    for name, seed, verdict in run(args.seed, args.count, args.only, args.seconds, judge=args.judge):
        outcomes[verdict.outcome] += 1
        if verdict.faults:
            failed += 1
            for kind, text in verdict.faults.items():
                outcomes[f"FAULT {kind}"] += 1
                print(f"{name}:{seed} {verdict.what}: {kind}: {text}", flush=True)
    total = sum(count for outcome, count in outcomes.items() if not outcome.startswith("FAULT"))
    print(f"{total - failed} of {total} trials in {time.monotonic() - start:.0f} s: {dict(outcomes)}")
    if args.record:
        judged_too = " --judge" * args.judge
        write_section(
            "Damaged file systems",
            f"* `tools/damage_filesystems.py --seed {args.seed} --count {args.count}{judged_too}` at {commit()}: "
            f"{failed} faults",
            [("file systems that were damaged", total), *((f"... {what}", n) for what, n in outcomes.most_common()),
             ("faults", failed)],
        )  # fmt: skip
    return 1 if failed else 0


def _show(verdict: Verdict) -> int:
    print(verdict.what, verdict.outcome, sep="\n")
    if verdict.report is not None:
        for title, lines in (
            ("found", verdict.report.found.findings), ("fixes", verdict.report.plan.fixes),
            ("left", verdict.report.left.findings), ("failures", verdict.report.failures),
        ):  # fmt: skip
            print(
                f"{title}:",
                *(f"  {getattr(line, 'kind', '')} {getattr(line, 'text', line)}" for line in lines[:40]),
                sep="\n",
            )
    print(verdict.faults)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
