"""File systems as whole processes: building, extracting, listing, checking, making, beside archives and other tools."""

from __future__ import annotations

import shutil
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


def _tree(place: Place) -> tuple[Path, int]:
    """A private copy of the tree, and the bytes of its files."""
    tree = place.folder / "tree"
    return tree, private_tree(place.tree, tree, most=_QUICK_TREE if place.quick else None)


def _ext4(place: Place, tree: Path, size: int) -> Path | None:
    """The tree as an ext4 image, for peers that read those."""
    image = place.folder / "peer.ext4"
    if not has("mke2fs"):
        return None
    with image.open("wb") as stream:
        stream.truncate(3 * size + 512 * MIB)
    measured(command("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image))
    return image


def build(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A tree into an image or archive."""
    tree, size = _tree(place)
    targets = {name: place.folder / f"target.{name}" for name in ("jfs2", "tar", "squashfs", "erofs")}
    plain = ("-noappend", "-no-progress", "-quiet", "-noI", "-noD", "-noF", "-noX")  # others do not compress, too
    contenders = [
        *contenders_of_ours(place, OURS, "fs", "build", targets["jfs2"], tree, "--dialect", "aix"),
        *_peer("tar -cf", "tar", "-cf", targets["tar"], "-C", tree, ".", required=True),
        *_peer("mksquashfs", "mksquashfs", tree, targets["squashfs"], *plain),
        *_peer("mkfs.erofs", "mkfs.erofs", "--quiet", targets["erofs"], tree, required=True),
    ]
    for state in states:

        def before(state: str = state) -> None:
            removed(*targets.values())
            if state == "cold":
                place.chill([tree])

        yield Scenario(f"fs/build/{state}", contenders, size, before)


def extract(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A tree out of an image or archive, into memory."""
    tree, size = _tree(place)
    image, tar, squashed = (place.folder / f"source.{name}" for name in ("jfs2", "tar", "squashfs"))
    out = place.fast / "out"
    measured(ours("fs", "build", image, tree))
    measured(command("tar", "-cf", tar, "-C", tree, "."))
    contenders = [*contenders_of_ours(place, OURS, "fs", "get", "-r", image, "/", out)]
    contenders.append(
        Contender("tar -xf", command("tar", "-xf", tar, "-C", out), before=lambda: out.mkdir(), required=True)
    )
    sources = [image, tar]
    if has("mksquashfs") and has("unsquashfs"):
        measured(command("mksquashfs", tree, squashed, "-no-progress", "-quiet", "-noI", "-noD", "-noF", "-noX"))
        contenders += _peer("unsquashfs", "unsquashfs", "-q", "-n", "-d", out, squashed)
        sources.append(squashed)
    if has("tsk_recover") and (ext4 := _ext4(place, tree, size)):
        contenders += _peer("tsk_recover", "tsk_recover", "-a", ext4, out)
        sources.append(ext4)
    expected = sum(1 for _ in files_below(tree))
    shutil.rmtree(tree)
    for path in sources:
        warm(path)

    def check(contender: Contender) -> None:
        if (found := sum(1 for _ in files_below(out))) != expected:
            raise WrongResult(f"{contender.name} gave {found} files of {expected}")

    for state in states:

        def before(state: str = state) -> None:
            removed(out)
            if state == "cold":
                place.chill(sources)

        yield Scenario(f"fs/extract/{state}", contenders, size, before, check)
    removed(out)


def listing(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """All names of a tree."""
    tree, size = _tree(place)
    image, tar = place.folder / "source.jfs2", place.folder / "source.tar"
    measured(ours("fs", "build", image, tree))
    measured(command("tar", "-cf", tar, "-C", tree, "."))
    contenders = [
        *contenders_of_ours(place, f"{OURS} tree", "fs", "tree", image),
        *contenders_of_ours(place, f"{OURS} body", "fs", "body", image),
        *contenders_of_ours(place, f"{OURS} tree --json", "fs", "tree", image, "--json"),
        *_peer("tar -tvf", "tar", "-tvf", tar, required=True),
    ]
    if has("fls") and (ext4 := _ext4(place, tree, size)):
        contenders += _peer("fls", "fls", "-r", "-m", "/", ext4)
    for state in states:
        yield Scenario(f"fs/list/{state}", contenders, size)


def hashing(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Read and hash every file."""
    tree, size = _tree(place)
    image = place.folder / "source.jfs2"
    measured(ours("fs", "build", image, tree))
    contenders = [
        Contender(OURS, inside(_HASH_IMAGE, image), Role.OURS),
        Contender("hashlib", inside(_HASHLIB, tree), required=True),
    ]
    for state in states:
        yield Scenario(f"fs/hash/{state}", contenders, size)


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
    Family("fs/list", ("warm",), listing, _trees),
    Family("fs/hash", ("warm",), hashing, _trees),
    Family("fs/many", ("warm",), many, lambda p: 2 * GIB, quick=0),
    Family("fs/build", ("warm", "cold"), build, _trees, weight=2),
    Family("fs/extract", ("warm", "cold"), extract, _trees, weight=2),
)
