"""Sound images to mutate: file systems of both dialects, groups of every kind, an archive, an undo file."""

from __future__ import annotations

import atexit
import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import crcmod.predefined
from fuzz_disks import Disk
from fuzz_mutations import SECTOR, Material, Seal

from lvmfmt import lvm
from lvmfmt.backup import write_archive
from lvmfmt.backup.member import Member
from lvmfmt.backup.record import checksum
from lvmfmt.block import BlockDevice
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, LINUX, Dialect, Features, InlineLog, check, mkfs, mount
from lvmfmt.jfs2.log import redo
from lvmfmt.lvm import LvPolicy, VgKind, VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin
from lvmfmt.units import KIB, MIB

NOW = 1_700_000_000 * 10**9
ORIGIN = FixedOrigin(NOW)
MACHINE = "00c0ffee4c00"


@dataclass(frozen=True, eq=False)
class Specimen:
    """Sound disks to start from.

    Attributes:
        name: for messages.
        disks: they are put back after each mutant.
        material: their metadata.
        weight: how often it is taken, compared with the others.
        files: small files that lie beside the disks of a host.
        older: the same before its last change.
    """

    name: str
    disks: tuple[Disk, ...]
    material: Material
    weight: float = 1
    files: dict[str, bytes] = field(default_factory=dict)
    older: Material | None = None


def looked_at(disks: Iterable[Disk], look: Callable[[], object], most: int = 256 * KIB) -> list[tuple[int, int, int]]:
    """(disk, offset, length) of what something reads in pieces of at most so many bytes; it may write."""
    known = list(disks)
    for disk in known:
        disk.reads = []
    look()
    found = [(n, *place) for n, disk in enumerate(known) for place in disk.reads or () if place[1] <= most]
    for disk in known:
        disk.reads = None
        disk.reset()
    return found


@cache
def scratch() -> str:
    """A folder for small files of mutants, in memory if there is such a place; gone when this process ends."""
    folder = mkdtemp(prefix="lvmfmt-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def blank(size: int) -> Overlay:
    """A disk of zeros."""
    return Overlay(FileDevice(io.BytesIO(bytes(size))), name="d")


@cache
def file_system(dialect: Dialect, crashed: bool, large: bool = False, block_size: int = 4096) -> Specimen:
    """A file system with what there is: trees of several pages, holes, links, attributes; a log to replay perhaps.

    Most mutants are of a small one: it has the same structures, and is walked in a fifth of the time. What a later
    superblock, attributes of version 2 and directories with an index have is in one of each dialect.
    """
    device = blank(16 * MIB)
    files, holes = (70, 60) if large else (13, 40)
    newer = dialect is AIX and block_size < 4096
    features = Features(2, 2) if newer else Features(directory_index=dialect is LINUX and not large)
    log = InlineLog(256 * KIB)
    mkfs(device, dialect=dialect, log=log, origin=ORIGIN, block_size=block_size, features=features)
    mounted = mount(device, origin=ORIGIN)
    mounted.mkdir("/d", now=NOW)
    for n in range(files):
        mounted.write_file(f"/d/{'long name ' * (n % 7)}{n}", b"%d" % n * (n * 7), now=NOW)
    mounted.write_file("/one", b"1" * 9000, now=NOW)
    mounted.link("/one", "/d/two", now=NOW)
    mounted.symlink("/d/" + "x" * 200, "/s", now=NOW)
    mounted.symlink("one", "/t", now=NOW)
    for block in range(0, holes, 2):
        mounted.write("/holes", block * 4096, b"h" * 4096, now=NOW) if block else mounted.create("/holes", now=NOW)
    for value in () if newer else (b"small", b"v" * 3000):  # those of version 2 are read, not changed
        mounted.setxattr("/one", b"user.%d" % len(value), value, now=NOW)
    if not crashed:
        mounted.unmount()
    else:
        mounted.sync()
        for n in range(0, files, 3):
            mounted.unlink(f"/d/{'long name ' * (n % 7)}{n}", now=NOW)
        mounted.sync()
    disk = Disk(device, "d0")

    def look() -> None:
        check(disk)
        redo(disk)

    name = f"{dialect.name}{' with a log to replay' if crashed else ''}{', large' if large else ''}"
    name += f", newer, blocks of {block_size}" if newer else ""
    material = Material([disk.sound], looked_at([disk], look), "big" if dialect is AIX else "little", unit=block_size)
    return Specimen(name, (disk,), material, 0.05 if large else 0.3 if block_size < 4096 else 1)


def _group(kind: VgKind, count: int, *, older: bool = False) -> list[Overlay]:
    origin, devices = SeededOrigin(1), [blank(32 * MIB if count > 1 else 64 * MIB) for _ in range(count)]
    most = min(count, 2)
    made = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB, kind=kind)
    with made.change(origin) as change:
        change.add_lv("hd5", "boot", 1)
        change.add_lv("mirrored", "jfs2", 17, copies=most, label="/m")
        change.add_lv("striped", "raw", 4, policy=LvPolicy(strip_size=64 * KIB, stripe_width=2)) if most > 1 else None
    mkfs(made.logical_volumes["mirrored"].device, dialect=AIX, origin=ORIGIN)
    if not older:
        with made.change(origin) as change:
            change.add_lv("later", "raw", 2, most)
            change.remove_lv("hd5")
    return devices


@cache
def group(kind: VgKind, count: int) -> Specimen:
    """Disks with a mirrored, a striped and a plain logical volume, and a file system in one; one disk has two VGDAs."""
    disks = tuple(Disk(device, f"d{n}") for n, device in enumerate(_group(kind, count)))

    def look() -> None:
        lvm.check(disks)
        VolumeGroup.open(disks)

    ranges = looked_at(disks, look, 64 * MIB)
    material = Material([disk.sound for disk in disks], ranges, "big", unit=SECTOR)
    before = [Disk(device, "before").sound for device in _group(kind, count, older=True)]
    return Specimen(f"{kind} group of {count}", disks, material, older=Material(before, ranges, "big", unit=SECTOR))


def _digits(n: int) -> Iterator[bytes]:
    yield b"%d" % n * (n * 37)


def _record_sealed(record: bytes) -> bytes:
    return record[:4] + checksum(record).to_bytes(2, "little") + record[6:]


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
    heads = [m.start() for m in re.finditer(rb"[\x01-\x40][\x00-\x0f][\x6a-\x6f]\xea", data, re.DOTALL)]
    seals = [
        Seal(0, at, data[at] * 8, _record_sealed)
        for at in heads
        if checksum(data[at : at + data[at] * 8]) == int.from_bytes(data[at + 4 : at + 6], "little")
    ]
    disk = Disk(FileDevice(io.BytesIO(data)), "archive")
    return Specimen("archive", (disk,), Material([disk.sound], [(0, 0, len(data))], "little", seals=seals))


def _line_sealed(line: bytes) -> bytes:
    """A line of an undo file with the CRC of its old bytes; as it is if it is none, or has become longer."""
    try:
        values = json.loads(line)
        values["old_crc"] = crcmod.predefined.mkCrcFun("crc-32c")(base64.b64decode(values["old"]))
    except (ValueError, KeyError, TypeError):
        return line
    text = json.dumps(values).encode() + b"\n"
    return text.rjust(len(line)) if len(text) <= len(line) else line


@cache
def undo_file() -> Specimen:
    """The undo file of a repair, as the first of the disks, and the disks that it is about."""
    devices: list[BlockDevice] = list(_group(VgKind.CLASSIC, 3))
    for n, device in enumerate(devices):
        device.name = f"/d{n}"
    devices[1].write(SECTOR * 7 + 100, b"noise")
    devices[0].write(SECTOR * 136, bytes(SECTOR))
    with TemporaryDirectory() as folder:
        path = Path(folder, "undo")
        lvm.repair(devices, path, origin=ORIGIN)
        data = path.read_bytes()
    disks = (Disk(FileDevice(io.BytesIO(data)), "undo"), *(Disk(device, f"d{n}") for n, device in enumerate(devices)))
    starts = [0, *(found.end() for found in re.finditer(b"\n", data))]
    seals = [Seal(0, at, end - at, _line_sealed) for at, end in pairwise(starts)]
    ranges = [(0, 0, len(data)), (1, 136 * SECTOR, SECTOR), (2, 0, 8 * SECTOR)]
    material = Material([disk.sound for disk in disks], ranges, "big", unit=SECTOR, seals=seals)
    return Specimen("undo file", disks, material)


def strangers(specimens: Sequence[Specimen]) -> None:
    """Let pages of each turn up in the others, and those of before the last change most often."""
    for one in specimens:
        others = [other.material for other in specimens if other is not one]
        one.material.strangers = others + [one.older] * len(others) if one.older else others
