"""Copies of images and logical volumes: ours beside the tools that people use, with fio as the limit."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from bench_limits import OURS
from bench_machine import has
from bench_place import Family, Place, contenders_of_ours, inside, removed
from bench_rounds import Contender, Role, Scenario
from bench_samples import Command, Sample, command, last_seconds, shell
from bench_sources import dense, same, sparse, volume, warm

from lvmfmt.block import ImageFile
from lvmfmt.lvm import VolumeGroup
from lvmfmt.units import GIB, KIB, MIB, TIB

_ENGINE = """\
import resource, sys, time
from lvmfmt.block import copy_image
before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
copy_image(sys.argv[1], sys.argv[2], flush=False)
wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
print(wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)
"""
_HASHLIB = """\
import hashlib, sys
with open(sys.argv[1], "rb", buffering=0) as stream:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
    while count := stream.readinto(buffer):
        digest.update(buffer[:count])
print(digest.hexdigest())
"""
_READS = 20_000
_DIGESTS = {"crc32c": "google_crc32c", "blake3": "blake3", "xxh3": "xxhash"}
"""Digests of optional packages, and the packages."""

_TOOLS: dict[str, str] = {
    "cp": 'cp "$1" "$2"',
    "dd": 'dd if="$1" of="$2" bs=1M status=none',
    "qemu-img": 'qemu-img convert -f raw -O raw "$1" "$2"',
    "ddrescue": 'ddrescue -q "$1" "$2"',
    "dcfldd": 'dcfldd if="$1" of="$2" bs=1M status=off',
    "dc3dd": 'dc3dd if="$1" of="$2" log=/dev/null',
}
_WAITING = {name: f'{line} && sync "$2"' for name, line in _TOOLS.items()} | {
    "dd": 'dd if="$1" of="$2" bs=1M conv=fsync status=none',
    "dd direct": 'dd if="$1" of="$2" bs=1M oflag=direct conv=fsync status=none',
    "qemu-img -t none": 'qemu-img convert -f raw -O raw -t none "$1" "$2"',
    "partclone.dd": 'partclone.dd -q -L /dev/null -s "$1" -o "$2"',  # it always waits
}
_HOLES: dict[str, str] = {
    "cp": _TOOLS["cp"],
    "qemu-img": _TOOLS["qemu-img"],
    "dd": 'dd if="$1" of="$2" bs=64K conv=sparse status=none',
    "ddrescue": 'ddrescue -q -S "$1" "$2"',
}
_HOLES_WAITING = {name: f'{line} && sync "$2"' for name, line in _HOLES.items()} | {
    "qemu-img -t none": _WAITING["qemu-img -t none"]
}
_HASHING = {
    "dc3dd": 'dc3dd if="$1" of="$2" hash=sha256 log=/dev/null',
    "dcfldd": 'dcfldd if="$1" of="$2" bs=1M hash=sha256 status=off',
}
_COMPARING = {
    "cp, sync, cmp": 'cp "$1" "$2" && sync "$2" && cmp "$1" "$2"',
    "cp, sync, drop, cmp": 'cp "$1" "$2" && sync "$2" && dd if="$2" iflag=nocache count=0 status=none && cmp "$1" "$2"',
    "qemu-img compare": _WAITING["qemu-img"] + ' && qemu-img compare -f raw -F raw "$1" "$2"',
    "dc3dd hof": 'dc3dd if="$1" hof="$2" hash=md5 log=/dev/null',
}


def peers(lines: dict[str, str], source: Path, target: Path, needed: Sequence[str] = ()) -> Iterator[Contender]:
    """Those of some tools that are installed."""
    for name, line in lines.items():
        if has(line.split()[0]):
            yield Contender(name, shell(line, source, target), required=name in needed)


def fio(target: Path, size: int, *options: str) -> Iterator[Contender]:
    """What the storage can do: fio, with as many writers or readers as we have."""
    if has("fio"):
        half = size // 2 // MIB * MIB
        words = ("--name=limit", f"--filename={target}", f"--size={half}", f"--offset_increment={half}", "--numjobs=2")
        work = command("fio", *words, "--fallocate=none", "--output-format=json", *options, told=_fio_told)
        yield Contender("fio", work, Role.YARDSTICK)


def _fio_told(printed: str) -> Sample:
    """The time of the slowest job; fio's own start is not the storage's."""
    jobs = json.loads(printed[printed.index("{") :])["jobs"]
    return Sample(max(job[way]["runtime"] for job in jobs for way in ("read", "write")) / 1000)


_FIO = {
    "warm": ("--rw=write", "--bs=256k", "--ioengine=psync"),
    "flushed": ("--rw=write", "--bs=1M", "--ioengine=libaio", "--iodepth=8", "--direct=1", "--end_fsync=1"),
    "cold": ("--rw=read", "--bs=1M", "--ioengine=libaio", "--iodepth=8", "--direct=1", "--readonly"),
}


def engine(source: Path, target: Path) -> Contender:
    """Our copy in a process that runs already."""
    return Contender("engine", inside(_ENGINE, source, target, told=last_seconds), Role.YARDSTICK)


def _prepared(place: Place, state: str, sources: Sequence[Path], *targets: Path) -> Callable[[], None]:
    """What goes before each run: no target, and the source in the cache or not."""

    def before() -> None:
        removed(*targets)
        if state == "cold":
            place.chill(sources)

    return before


def _kept(source: Path) -> Contender:
    """How much of the disk an image uses."""
    return Contender("source", lambda: Sample(size=allocated(source)), Role.YARDSTICK)


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def _sized(work: Contender, target: Path) -> Contender:
    """A contender that is asked how much of the disk its target uses, too."""
    from bench_samples import measured

    def run() -> Sample:
        assert isinstance(work.work, Command)
        seen = measured(work.work)
        return Sample(seen.wall, seen.user, seen.system, seen.peak, allocated(target))

    return Contender(work.name, run, work.role, required=work.required)


def dense_image(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """An image full of data."""
    source, target = place.folder / "source.img", place.folder / "target.img"
    dense(source, place.size)
    for state in states:
        waits = state == "flushed"
        contenders = [
            *contenders_of_ours(place, OURS, "copy", *(() if waits else ("--no-flush",)), source, target),
            *peers(_WAITING if waits else _TOOLS, source, target, ("cp",)),
            *([] if waits else [engine(source, target)]),
            *fio(source if state == "cold" else place.folder / "fio.img", place.size, *_FIO[state]),
        ]
        before = _prepared(place, state, [source], target, place.folder / "fio.img")
        warm(source)
        yield Scenario(f"copy/dense/{state}", contenders, place.size, before, _is_copy(source, target, state))


def _is_copy(source: Path, target: Path, state: str) -> Callable[[Contender], None]:
    """A check that looks at what was copied."""

    def check(contender: Contender) -> None:
        if contender.name not in ("fio", "source", "hashlib"):
            same(source, target)

    return check


def one_mib_extents(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """An image with a sixteenth of data in extents of 1 MiB."""
    return _extents(place, states, "1m-extents", MIB)


def four_kib_extents(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """The same in extents of 4 KiB."""
    return _extents(place, states, "4k-extents", 4 * KIB)


def _extents(place: Place, states: Sequence[str], name: str, extent: int) -> Iterator[Scenario]:
    source, target = place.folder / "source.img", place.folder / "target.img"
    data = place.size // 8
    sparse(source, 2 * place.size, extent, data)
    for state in states:
        waits = state == "flushed"
        contenders = [
            *contenders_of_ours(place, OURS, "copy", *(() if waits else ("--no-flush",)), source, target),
            *peers(_HOLES_WAITING if waits else _HOLES, source, target, ("cp",)),
        ]
        contenders = [_sized(one, target) for one in contenders] + [_kept(source)]
        contenders += [] if waits else [engine(source, target)]
        before = _prepared(place, state, [source], target)
        warm(source)
        yield Scenario(f"copy/{name}/{state}", contenders, data, before, _is_copy(source, target, state))


def hole(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """1 TiB without data."""
    source, target = place.folder / "source.img", place.folder / "target.img"
    with source.open("wb") as stream:
        stream.truncate(TIB)
    reading = ("cp", "qemu-img", "qemu-img -t none")  # the others would read zeros for minutes
    for state in states:
        waits = state == "flushed"
        lines = {name: line for name, line in (_HOLES_WAITING if waits else _HOLES).items() if name in reading}
        contenders = [
            *contenders_of_ours(place, OURS, "copy", *(() if waits else ("--no-flush",)), source, target),
            *peers(lines, source, target, ("cp",)),
            *([] if waits else [engine(source, target)]),
        ]
        before = _prepared(place, state, [source], target)
        yield Scenario(f"copy/hole/{state}", contenders, TIB, before, _is_copy(source, target, state))


def growth(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """The same data in 1 GiB and in 1 TiB: the cost grows with the data, not with the image."""
    target, data = place.folder / "target.img", place.size // 32
    contenders: list[Contender] = []
    for size, name in ((TIB, "1 TiB"), (max(GIB, 2 * data), "1 GiB")):
        source = place.folder / f"{size}.img"
        sparse(source, size, MIB, data)
        warm(source)
        role = Role.OURS if size == TIB else Role.YARDSTICK
        contenders += contenders_of_ours(place, f"{OURS}, {name}", "copy", "--no-flush", source, target, role=role)
    for state in states:
        yield Scenario(f"copy/growth/{state}", contenders, data, lambda: removed(target))


def sha256(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A copy with a digest; where the cache is cold or the copy waits, of a quarter."""
    source, target = place.folder / "source.img", place.folder / "target.img"
    for state in states:
        size = place.size if state == "warm" else place.size // 4
        dense(source, size)
        words = ("copy",) if state == "flushed" else ("copy", "--no-flush")
        after = ' && sync "$2"' if state == "flushed" else ""
        contenders = [
            *contenders_of_ours(place, f"{OURS} sha256", *words, "--digest", "sha256", source, target),
            *contenders_of_ours(place, OURS, *words, source, target, role=Role.YARDSTICK),
            Contender("hashlib", inside(_HASHLIB, source), Role.YARDSTICK),
            *peers({name: line + after for name, line in _HASHING.items()}, source, target),
        ]
        before = _prepared(place, state, [source], target)
        warm(source)
        yield Scenario(f"copy/sha256/{state}", contenders, size, before, _is_copy(source, target, state))


def digests(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A copy with digests of optional packages, those that are installed."""
    source, target = place.folder / "source.img", place.folder / "target.img"
    dense(source, place.size)
    warm(source)
    for state in states:
        words = ("copy", "--no-flush", source, target)
        contenders = list(contenders_of_ours(place, OURS, *words, role=Role.YARDSTICK))
        for name, package in _DIGESTS.items():
            if find_spec(package):
                contenders += contenders_of_ours(place, f"{OURS} {name}", *words, "--digest", name)
        before = _prepared(place, state, [source], target)
        yield Scenario(f"copy/digests/{state}", contenders, place.size, before, _is_copy(source, target, state))


def verify(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A copy that waits and is then compared."""
    source, target = place.folder / "source.img", place.folder / "target.img"
    size = place.size // 4
    dense(source, size)
    for state in states:
        contenders = [
            *contenders_of_ours(place, f"{OURS} verify", "copy", "--verify", source, target),
            *peers(_COMPARING, source, target),
        ]
        before = _prepared(place, state, [source], target)
        warm(source)
        yield Scenario(f"copy/verify/{state}", contenders, size, before, _is_copy(source, target, state))


def shuffled_volume(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A logical volume whose partitions are in no order; an export waits for the disk."""
    lps = _partitions(place)
    disks, plain = volume(place.folder, "shuffled", lps, shuffled=True)
    straight, _ = volume(place.folder, "contiguous", lps)
    (place.folder / "contiguous.raw").unlink()
    target = place.folder / "target.img"
    for state in states:
        others = contenders_of_ours(
            place, f"{OURS}, contiguous", "lv", "export", *straight, "lv", target, role=Role.YARDSTICK
        )
        yield _export(place, "lv-shuffled", state, disks, plain, target, [*straight], list(others))


def mirrored_volume(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A logical volume that has two copies."""
    disks, plain = volume(place.folder, "mirrored", _partitions(place), copies=2)
    for state in states:
        yield _export(place, "lv-mirrored", state, disks, plain, place.folder / "target.img", [], [])


def _partitions(place: Place) -> int:
    """1,016 where the size is that of a full run, fewer below."""
    return max(4, min(1016, place.size // 4 // MIB))


def _export(
    place: Place,
    name: str,
    state: str,
    disks: Sequence[Path],
    plain: Path,
    target: Path,
    more: Sequence[Path],
    others: Sequence[Contender],
) -> Scenario:
    """Ours writes a volume as a file; the peers copy that file, which is in one piece."""
    lines = {name: line for name, line in _WAITING.items() if name not in ("dcfldd", "dc3dd", "partclone.dd")}
    contenders = [
        *contenders_of_ours(place, OURS, "lv", "export", *disks, "lv", target),
        *others,
        *peers(lines, plain, target),
    ]
    for path in (*disks, *more, plain):
        warm(path)
    before = _prepared(place, state, [*disks, *more, plain], target)
    return Scenario(f"copy/{name}/{state}", contenders, plain.stat().st_size, before, _is_copy(plain, target, state))


def volume_reads(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Random reads of 4 KiB from a shuffled volume, in this process."""
    lps = _partitions(place)
    disks, plain = volume(place.folder, "reads", lps, shuffled=True)
    draw = random.Random(5)
    places = [draw.randrange(lps * MIB // (4 * KIB)) * 4 * KIB for _ in range(place.count(_READS))]
    for path in (*disks, plain):
        warm(path)
    with ImageFile(disks[0]) as image, plain.open("rb") as stream:
        device, descriptor = VolumeGroup.open([image]).logical_volumes["lv"].device, stream.fileno()

        buffer = bytearray(4 * KIB)

        def read() -> None:
            for at in places:
                device.read_into(at, buffer)

        def pread() -> None:
            for at in places:
                os.pread(descriptor, 4 * KIB, at)

        for state in states:
            contenders = [Contender(OURS, read, Role.OURS), Contender("os.pread", pread, required=True)]
            yield Scenario(f"copy/lv-reads/{state}", contenders, len(places) * 4 * KIB)


_ALL = ("warm", "cold", "flushed")

FAMILIES = (
    Family("copy/hole", _ALL, hole),
    Family("copy/growth", ("warm",), growth, lambda p: p.size // 8),
    Family("copy/lv-reads", ("warm",), volume_reads, lambda p: p.size),
    Family("copy/lv-shuffled", ("flushed", "cold"), shuffled_volume, lambda p: 2 * p.size, weight=2),
    Family("copy/lv-mirrored", ("flushed", "cold"), mirrored_volume, lambda p: 2 * p.size, weight=2),
    Family("copy/1m-extents", _ALL, one_mib_extents, lambda p: p.size),
    Family("copy/4k-extents", _ALL, four_kib_extents, lambda p: p.size, weight=2),
    Family("copy/verify", ("flushed", "cold"), verify, lambda p: p.size, weight=2),
    Family("copy/digests", ("warm",), digests, lambda p: 2 * p.size, weight=2),
    Family("copy/sha256", _ALL, sha256, lambda p: 2 * p.size, weight=5),
    Family("copy/dense", ("warm", "flushed", "cold"), dense_image, lambda p: 3 * p.size, weight=8, quick=2),
)
"""In the order in which they run: what takes long comes last, and gets the time that is left."""
