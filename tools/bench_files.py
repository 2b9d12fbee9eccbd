"""File systems in this process: reading, transactions, large directories."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from bench_inventories import NOW, counted_files, make_image
from bench_limits import OURS
from bench_place import Family, Place, ours
from bench_rounds import Contender, Role, Scenario
from bench_samples import Sample, measured, timed
from bench_sources import dense, warm

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import FileSystem, InlineLog
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import GIB, MIB

_PART = 4 * MIB
_CREATED, _IN_FOLDER, _IN_COMMIT = 4000, 400, 200
_SMALL, _LARGE = 100_000, 1_000_000
"""Entries of the two directories."""
_INSERTED, _LOOKED_UP = 5000, 200
_STEP = 7919
"""A prime: its multiples visit entries in no order."""


def reading(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """One large file in an image, and the same as an ordinary file."""
    plain, image, size = place.folder / "plain", place.folder / "source.jfs2", place.size // 4
    dense(plain, size)
    measured(ours("fs", "build", image, f"{plain}:/f", "--size", str(size + 256 * MIB)))
    for path in (plain, image):
        warm(path)
    buffer = bytearray(_PART)
    with ImageFile(plain) as ordinary, ImageFile(image) as device:
        file = FileSystem.open(device).file_device("/f")

        def read(source: object) -> None:
            for at in range(0, size, _PART):
                source.read_into(at, buffer)  # type: ignore[attr-defined]

        contenders = [
            Contender(OURS, partial(read, file), Role.OURS),
            Contender("ordinary file", partial(read, ordinary), required=True),
        ]
        for state in states:
            yield Scenario(f"fs/read/{state}", contenders, size)


def creating(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Small files through transactions: 200 to 4,096 bytes, 400 in a directory, a group commit each 200."""
    image = place.folder / "target.jfs2"
    contents = [os.urandom(200 + i * 3896 // 63) for i in range(64)]
    number = place.count(_CREATED)

    def create() -> Sample:
        with ImageFile(image, writable=True) as device, mount(device, origin=FixedOrigin(NOW)) as fs:
            for i in range(0, number, _IN_FOLDER):
                fs.mkdir(f"/d{i // _IN_FOLDER}", now=NOW)

            def write() -> None:
                for i in range(number):
                    fs.write_file(f"/d{i // _IN_FOLDER}/file-{i}", contents[i % 64], now=NOW)
                    if i % _IN_COMMIT == _IN_COMMIT - 1:
                        fs.sync()

            return timed(write)

    def before() -> None:
        make_image(image, counted_files(0), GIB, log=InlineLog(64 * MIB))

    for state in states:
        yield Scenario(f"fs/create/{state}", [Contender(OURS, create, Role.OURS)], number, before)


def _directories(place: Place) -> dict[str, tuple[Path, int]]:
    """Images with one directory each, by its size."""
    made = {}
    for name, entries in (("large", _LARGE), ("a tenth", _SMALL)):
        image, number = place.folder / f"{entries}.img", place.count(entries)
        make_image(image, counted_files(number, folder=number), 8 * GIB)
        made[name] = (image, number)
    return made


def directories(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A directory of a million entries, and one of a tenth of it: listing, looking up, inserting."""
    images = _directories(place)
    largest = max(number for _, number in images.values())
    acts: dict[str, Callable[[Path, int], Sample]] = {"list": _listed, "lookup": _looked_up}
    turn = count()
    acts["insert"] = lambda image, number: _inserted(image, next(turn))
    for state in states:
        act = acts[state.removeprefix("directory-").removesuffix("/warm")]
        contenders = [
            Contender(name, partial(act, *one), Role.OURS if one[1] == largest else Role.YARDSTICK)
            for name, one in images.items()
        ]
        yield Scenario(f"fs/{state}", contenders, largest)


def _listed(image: Path, _: int) -> Sample:
    with ImageFile(image) as device:
        fs = FileSystem.open(device)
        return timed(lambda: fs.listdir("/d0"))


def _looked_up(image: Path, number: int) -> Sample:
    """One of many lookups; the first opens what the others use, and is not measured."""
    with ImageFile(image) as device:
        fs = FileSystem.open(device)
        names = [f"/d0/file-{i * _STEP % number:07d}" for i in range(_LOOKED_UP)]
        fs.stat(names[0])

        def look() -> None:
            for name in names:
                fs.inode(name)

        return _one_of(timed(look), _LOOKED_UP)


def _inserted(image: Path, turn: int) -> Sample:
    """One of many new entries."""
    with ImageFile(image, writable=True) as device, mount(device, origin=FixedOrigin(NOW)) as mounted:

        def insert() -> None:
            for i in range(_INSERTED):
                mounted.create(f"/d0/new-{turn}-{i * _STEP % _INSERTED:04d}", now=NOW)

        return _one_of(timed(insert), _INSERTED)


def _one_of(seen: Sample, number: int) -> Sample:
    """The share of one of so many."""
    return Sample(*(None if value is None else value / number for value in (seen.wall, seen.user, seen.system)))


FAMILIES = (
    Family("fs/create", ("warm",), creating, lambda p: GIB),
    Family(
        "fs",
        tuple(f"directory-{what}/warm" for what in ("list", "lookup", "insert")),
        directories,
        lambda p: 4 * GIB,
        weight=2,
        quick=0,
    ),
    Family("fs/read", ("warm",), reading, lambda p: p.size),
)
