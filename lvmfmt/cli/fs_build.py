"""`lvmfmt fs build`: a file system from directory trees, tar archives and other file systems."""

from __future__ import annotations

import argparse
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import block, jfs2, system
from ..errors import CorruptImage, ImageIOError, UnsupportedFeature
from ..escaping import escaped, printable
from ..origin import FixedOrigin, seeded_or_system
from .doubting import telling
from .operands import Commands, number, size, tree, verb
from .output import amount, progress

if TYPE_CHECKING:
    from ..jfs2.sources import Part

_EXAMPLES = """\
  lvmfmt fs build root.img /usr/share --dialect aix --size 1G
  lvmfmt fs build root.img /etc:/etc /opt/app:/srv/app --size 128M --dialect linux --log inline
  lvmfmt fs build root.img backup.tar.xz patch.tar:/opt/patch
  lvmfmt fs build linux.img old.img:/home --dialect linux
  lvmfmt fs build usr.img hdisk0.img hdisk1.img:/ --lv hd2

A source is a directory or file with the place it goes to, a tar archive with the directory it is unpacked to, or an
image with a file system and the directory of it to take. With --lv all sources are the disks of one volume group.

exit status: 0 all of it, but for sockets and device nodes that are left out; 1 something is missing
"""
_SPARE = 0.1
"""Share of the file system that is free where no size is given."""


def register(verbs: Commands) -> None:
    """Add the command."""
    build = verb(
        verbs, "build", "make an image with a file system from trees, archives or images", examples=_EXAMPLES
    )  # fmt: skip
    build.add_argument("image", metavar="OUT.img", help="image to make")
    build.add_argument("operands", nargs="+", metavar="SOURCE", help="TREE[:/DEST], ARCHIVE[:/DEST] or IMG[:/PATH]")
    build.add_argument("--size", type=size, help="size of the file system, as 128M (default: room for the sources)")
    build.add_argument("--dialect", choices=("aix", "linux"), default="aix", help="J2FS or JFS1 (default: aix)")
    build.add_argument("--log", choices=("inline", "external"), default="inline", help="journal (default: inline)")
    build.add_argument("--lv", metavar="NAME", help="take the file system in this logical volume of the sources")
    build.add_argument("--offset", metavar="N", type=number, help="byte of the source image where its file system is")
    build.add_argument("--devices", action="store_true", help="take device nodes too")
    build.add_argument("--seed", type=int, help="take times and identities from this number")
    build.add_argument("--force", action="store_true", help="replace OUT.img")
    build.set_defaults(run=run_build)


def run_build(args: argparse.Namespace) -> int:
    """Build the image, and report what could not be taken over."""
    from ..jfs2.dialect import DIALECTS
    from ..jfs2.inventory.left_out import is_incomplete
    from ..jfs2.sources import combine

    start = time.monotonic()
    origin = seeded_or_system(args.seed)
    dialect = DIALECTS[args.dialect]
    log = jfs2.InlineLog() if args.log == "inline" else jfs2.ExternalLog(0)
    now = origin.now()
    with ExitStack() as stack:
        parts, problems = stack.enter_context(_sources(args, now))
        inventory = combine(parts, origin=FixedOrigin(now))
        size = args.size or jfs2.size_for(inventory, dialect=dialect, log=log, spare=_SPARE)
        identity = jfs2.Identity(uuid=origin.entropy("uuid", 16))
        image = stack.enter_context(block.new_image(args.image, size, replace=args.force))
        told = stack.enter_context(progress(f"build {args.image}", int(inventory.extents["length"].sum())))
        report = jfs2.build(
            image, inventory, dialect=dialect, origin=FixedOrigin(now), log=log, identity=identity, progress=told
        )
    for problem in (*problems, *report.problems):
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    print(f"{printable(args.image)}: {report.inodes} inodes, {amount(report.bytes_copied, time.monotonic() - start)}")
    return 1 if inventory.problems or is_incomplete([*problems, *report.problems]) else 0


@contextmanager
def _sources(args: argparse.Namespace, now: int) -> Iterator[tuple[list[Part], list[str]]]:
    """The inventories of the operands, and what could not be taken over; the list grows while data is copied."""
    from ..jfs2.sources import Part, is_tar, read_tar

    problems: list[str] = []
    parts: list[Part] = []
    with ExitStack() as stack:
        if args.lv is not None or args.offset is not None:
            *images, last = args.operands
            image, path = tree(last)
            parts.append(stack.enter_context(_file_system([*images, str(image)], path, args, problems)))
            yield parts, problems
            return
        trees: list[tuple[Path, str]] = []
        for operand in args.operands:
            source, place = tree(operand)
            if source.is_file() and _has_file_system(source):
                parts.append(stack.enter_context(_file_system([str(source)], place, args, problems)))
            elif is_tar(source):
                inventory, noted = read_tar(source, origin=FixedOrigin(now), devices=args.devices)
                parts.append(Part(inventory, place))
                problems += noted
            else:
                trees.append((source, place))
        if trees:
            inventory, noted = jfs2.scan_trees(trees, origin=FixedOrigin(now), devices=args.devices)
            noted[:0] = problems
            problems = noted  # which receives what happens while files are read
            parts.insert(0, Part(inventory))
        yield parts, problems


def _has_file_system(path: Path) -> bool:
    from ..jfs2.superblock import read_superblock

    try:
        with block.open(path) as device:
            read_superblock(device)
    except UnsupportedFeature:
        return True
    except (CorruptImage, ImageIOError):
        return False
    return True


@contextmanager
def _file_system(images: Sequence[str], path: str, args: argparse.Namespace, problems: list[str]) -> Iterator[Part]:
    """The tree below a directory of a file system, as a replay of its log leaves it."""
    from ..jfs2.sources import Part

    with system.open_place(images, lv=args.lv, offset=args.offset, tell=telling(args)) as on:
        fs = on.open()
        problems += [f"{on.device.name}: {note}" for note in fs.problems]
        inventory = fs.inventory(path, salvage=True)
        if not args.devices:
            inventory = _without_devices(inventory, problems)
        yield Part(inventory)


def _without_devices(inventory: jfs2.Inventory, problems: list[str]) -> jfs2.Inventory:
    import numpy as np

    kinds = inventory.inodes["mode"][inventory.entries["child"]] & 0o170000
    device = (kinds == stat.S_IFCHR) | (kinds == stat.S_IFBLK)
    for entry in np.flatnonzero(device).tolist():
        problems.append(f"{escaped(inventory.name(entry))}: device node, left out")
    return inventory.select(~device) if device.any() else inventory
