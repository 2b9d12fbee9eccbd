"""File systems as whole processes: building, extracting, listing, checking, making, beside archives and other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench_inventories import counted_files, make_image, many_files
from bench_limits import OURS
from bench_machine import has
from bench_place import Family, Place, contenders_of_ours, files_below, inside, ours, removed
from bench_rounds import Contender, Role, Scenario, WrongResult
from bench_samples import Command, Sample, command, measured
from bench_sources import private_tree, warm

from lvmfmt.jfs2 import LINUX
from lvmfmt.units import GIB, MIB, TIB

_SMALL, _LARGE = 50_000, 500_000
"""Files of the two file systems between which a check's cost for one is measured."""
_QUICK_TREE = 1500
"""Files that a quick run takes of a tree."""
_HASHLIB = """\
import hashlib, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as stream:
                hashlib.sha256(stream.read()).digest()
"""
_HASH_IMAGE = """\
import stat, sys
from lvmfmt.block import ImageFile
from lvmfmt.inspect.proof import file_digests
from lvmfmt.jfs2 import FileSystem
with ImageFile(sys.argv[1]) as device:
    inventory = FileSystem.open(device).inventory()
    modes = inventory.inodes["mode"].tolist()
    file_digests(inventory, {row for row, mode in enumerate(modes) if stat.S_ISREG(mode)})
"""


def _peer(name: str, *argv: str | Path, required: bool = False) -> Iterator[Contender]:
    """A peer, if it is installed."""
    if has(str(argv[0])):
        yield Contender(name, command(*argv), required=required)


_PLAIN = ("-no-progress", "-quiet", "-noI", "-noD", "-noF", "-noX")
"""mksquashfs, without compression: the others do not compress."""


def trees(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """One tree: into images and archives, out of them, its names, its bytes."""
    tree = place.folder / "tree"
    size = private_tree(place.tree, tree, most=_QUICK_TREE if place.quick else None)
    sources = _packed(place, tree, size)
    parts = {"build": _building, "list": _listing, "hash": _hashing, "extract": _extracting}
    for state in states:
        what, _, how = state.partition("/")
        for path in sources.values():
            warm(path)
        yield parts[what](place, how, tree, sources, size)
    removed(place.fast / "out")


def _packed(place: Place, tree: Path, size: int) -> dict[str, Path]:
    """The tree as an image of each kind for which there is a program."""
    kinds = {
        "jfs2": ours("fs", "build", place.folder / "source.jfs2", tree),
        "tar": command("tar", "-cf", place.folder / "source.tar", "-C", tree, "."),
        "squashfs": command("mksquashfs", tree, place.folder / "source.squashfs", *_PLAIN),
        "ext4": command("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, place.folder / "source.ext4"),
    }
    with (place.folder / "source.ext4").open("wb") as stream:
        stream.truncate(3 * size + 512 * MIB)
    for work in kinds.values():
        if has(work.argv[0]):
            measured(work)
    return {kind: place.folder / f"source.{kind}" for kind, work in kinds.items() if has(work.argv[0])}


def _building(place: Place, state: str, tree: Path, _: dict[str, Path], size: int) -> Scenario:
    """The tree into an image or archive."""
    targets = {name: place.folder / f"target.{name}" for name in ("jfs2", "tar", "squashfs", "erofs")}
    contenders = [
        *contenders_of_ours(place, OURS, "fs", "build", targets["jfs2"], tree, "--dialect", "aix"),
        *_peer("tar -cf", "tar", "-cf", targets["tar"], "-C", tree, ".", required=True),
        *_peer("mksquashfs", "mksquashfs", tree, targets["squashfs"], *_PLAIN),
        *_peer("mkfs.erofs", "mkfs.erofs", "--quiet", targets["erofs"], tree, required=True),
    ]

    def before() -> None:
        removed(*targets.values())
        if state == "cold":
            place.chill([tree])

    return Scenario(f"fs/build/{state}", contenders, size, before)


def _extracting(place: Place, state: str, tree: Path, sources: dict[str, Path], size: int) -> Scenario:
    """The tree out of an image or archive, into memory."""
    out = place.fast / "out"
    contenders = [*contenders_of_ours(place, OURS, "fs", "get", "-r", sources["jfs2"], "/", out)]
    unpack = command("tar", "-xf", sources["tar"], "-C", out)
    contenders.append(Contender("tar -xf", unpack, before=lambda: out.mkdir(), required=True))
    if "squashfs" in sources:
        contenders += _peer("unsquashfs", "unsquashfs", "-q", "-n", "-d", out, sources["squashfs"])
    if "ext4" in sources:
        contenders += _peer("tsk_recover", "tsk_recover", "-a", sources["ext4"], out)
    expected = sum(1 for _ in files_below(tree))

    def before() -> None:
        removed(out)
        if state == "cold":
            place.chill([*sources.values()])

    def check(contender: Contender) -> None:
        if (found := sum(1 for _ in files_below(out))) < expected:  # tsk_recover makes files of symlinks
            raise WrongResult(f"{contender.name} gave {found} files of {expected}")

    return Scenario(f"fs/extract/{state}", contenders, size, before, check)


def _listing(place: Place, state: str, _: Path, sources: dict[str, Path], size: int) -> Scenario:
    """All names of the tree."""
    contenders = [
        *contenders_of_ours(place, f"{OURS} tree", "fs", "tree", sources["jfs2"]),
        *contenders_of_ours(place, f"{OURS} body", "fs", "body", sources["jfs2"]),
        *contenders_of_ours(place, f"{OURS} tree --json", "fs", "tree", sources["jfs2"], "--json"),
        *_peer("tar -tvf", "tar", "-tvf", sources["tar"], required=True),
    ]
    if "ext4" in sources:
        contenders += _peer("fls", "fls", "-r", "-m", "/", sources["ext4"])
    if "squashfs" in sources:
        contenders += _peer("unsquashfs -ll", "unsquashfs", "-ll", sources["squashfs"])
    return Scenario(f"fs/list/{state}", contenders, size)


def _hashing(place: Place, state: str, tree: Path, sources: dict[str, Path], size: int) -> Scenario:
    """Read and hash every file."""
    contenders = [
        Contender(OURS, inside(_HASH_IMAGE, sources["jfs2"]), Role.OURS),
        Contender("hashlib", inside(_HASHLIB, tree), required=True),
    ]
    return Scenario(f"fs/hash/{state}", contenders, size)


def fsck_slope(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """What a check costs for a file more: the large file system less the small one, in the dialect of Linux."""
    small, large = place.folder / "small.img", place.folder / "large.img"
    counts = place.count(_SMALL), place.count(_LARGE)
    for path, count in zip((small, large), counts, strict=True):
        make_image(path, counted_files(count), dialect=LINUX)
        warm(path)
    for state in states:
        contenders = [
            Contender(OURS, _more(ours("fs", "fsck", small), ours("fs", "fsck", large)), Role.OURS),
        ]
        if has("jfs_fsck"):
            check = tuple(command("jfs_fsck", "-n", "-f", path) for path in (small, large))
            contenders.append(Contender("jfs_fsck", _more(*check), required=True))
        yield Scenario(f"fs/fsck-slope/{state}", contenders, counts[1] - counts[0])


def _more(small: Command, large: Command) -> Callable[[], Sample]:
    """What one command uses more than another."""

    def run() -> Sample:
        less = measured(small)
        return measured(large) - less

    return run


def fsck_start(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A check that has nearly nothing to do."""
    image = place.folder / "small.img"
    make_image(image, counted_files(10), dialect=LINUX)
    contenders = [
        *contenders_of_ours(place, OURS, "fs", "fsck", image),
        *_peer("jfs_fsck", "jfs_fsck", "-n", "-f", image),
    ]
    for state in states:
        yield Scenario(f"fs/fsck-start/{state}", contenders)


def fsck_sparse(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A check of 1 TiB with 1,000 files."""
    image = place.folder / "sparse.img"
    make_image(image, counted_files(1000), TIB, dialect=LINUX)
    contenders = [
        *contenders_of_ours(place, OURS, "fs", "fsck", image),
        *_peer("jfs_fsck", "jfs_fsck", "-n", "-f", image),
    ]
    for state in states:
        yield Scenario(f"fs/fsck-sparse/{state}", contenders, 1000)


def making(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """An empty file system of 16 GiB."""
    size = 16 * GIB
    paths = {name: place.folder / f"target.{name}" for name in ("ours", "jfs", "ext4")}
    ours_words = ("fs", "mkfs", paths["ours"], "--size", str(size), "--dialect", "linux")
    contenders = [
        *contenders_of_ours(place, OURS, *ours_words),
        *_peer("jfs_mkfs", "jfs_mkfs", "-q", paths["jfs"]),
        *_peer("mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", paths["ext4"]),
    ]

    def before() -> None:
        for name, path in paths.items():
            removed(path)
            if name != "ours":
                with path.open("wb") as stream:
                    stream.truncate(size)

    for state in states:
        yield Scenario(f"fs/mkfs/{state}", contenders, size, before)


def many(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Memory at 500,000 files: it hardly varies, one run tells."""
    count = place.count(500_000)
    tree, image, out = place.fast / "tree", place.folder / "source.jfs2", place.fast / "out"
    many_files(tree, count)
    measured(ours("fs", "build", image, tree))
    target = place.folder / "target.jfs2"
    lines = {
        "build": ("fs", "build", target, tree),
        "fsck": ("fs", "fsck", image),
        "tree": ("fs", "tree", image),
        "tree --json": ("fs", "tree", image, "--json"),
        "get -r": ("fs", "get", "-r", image, "/", out),
    }
    contenders = [one for name, argv in lines.items() for one in contenders_of_ours(place, f"{OURS} {name}", *argv)]
    for state in states:
        yield Scenario(f"fs/many/{state}", contenders, count, lambda: removed(target, out), rounds=1, first=False)
    removed(tree, out)


def _trees(place: Place) -> int:
    """About what a tree and its images need."""
    return 512 * MIB if place.quick else 6 * GIB


FAMILIES = (
    Family("fs/fsck-start", ("warm",), fsck_start),
    Family("fs/fsck-sparse", ("warm",), fsck_sparse, lambda p: GIB),
    Family("fs/mkfs", ("warm",), making, lambda p: GIB),
    Family("fs/fsck-slope", ("warm",), fsck_slope, lambda p: 2 * GIB, weight=2, quick=0),
    Family("fs/many", ("warm",), many, lambda p: 2 * GIB, quick=0),
    Family(
        "fs",
        ("build/warm", "extract/warm", "list/warm", "hash/warm", "build/cold", "extract/cold"),
        trees,
        _trees,
        quick=3,
    ),
)
