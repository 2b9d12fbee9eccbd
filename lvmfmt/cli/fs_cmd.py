"""`lvmfmt fs`: the file-system commands, and `fs build`, which makes an image from directory trees."""

from __future__ import annotations

import argparse
import sys

from ..errors import printable
from . import fs_check, fs_files, fs_log
from .operands import size, tree, verb
from .output import amount, progress

_EXAMPLES = """\
examples:
  lvmfmt fs build root.img /usr/share --dialect aix
  lvmfmt fs ls root.img /etc
  lvmfmt fs get hdisk0.img hdisk1.img --lv hd4 /etc/motd motd
  lvmfmt fs put hdisk0.img hdisk1.img --lv hd4 motd /etc/motd

Fixed operands are counted from the right; everything before them is images.
"""
_BUILD_EXAMPLES = """\
  lvmfmt fs build root.img /usr/share --dialect aix --size 1G
  lvmfmt fs build root.img /etc:/etc /opt/app:/srv/app --size 128M --dialect linux --log inline
"""

_SPARE = 0.1
"""Share of the file system that is free where no size is given."""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs = parser.add_subparsers(title="fs commands", metavar="COMMAND", required=True)
    build = verb(verbs, "build", "make an image with a file system from directory trees", examples=_BUILD_EXAMPLES)
    build.add_argument("image", metavar="OUT.img", help="image to make")
    build.add_argument("operands", nargs="+", metavar="TREE[:/DEST]", help="directory to take, and where it goes")
    build.add_argument("--size", type=size, help="size of the file system, as 128M (default: room for the trees)")
    build.add_argument("--dialect", choices=("aix", "linux"), default="aix", help="J2FS or JFS1 (default: aix)")
    build.add_argument("--log", choices=("inline", "external"), default="inline", help="journal (default: inline)")
    build.add_argument("--devices", action="store_true", help="take device nodes too")
    build.add_argument("--seed", type=int, help="take times and identities from this number")
    build.add_argument("--force", action="store_true", help="replace OUT.img")
    build.set_defaults(run=run_build)
    fs_files.register(verbs)
    fs_log.register(verbs)
    fs_check.register(verbs)


def run_build(args: argparse.Namespace) -> int:
    """Build the image, and report what could not be taken over."""
    import time

    from .. import jfs2
    from ..block.newfile import new_image
    from ..origin import SeededOrigin, SystemOrigin

    start = time.monotonic()
    origin = SystemOrigin() if args.seed is None else SeededOrigin(args.seed)
    dialect = {"aix": jfs2.AIX, "linux": jfs2.LINUX}[args.dialect]
    log = jfs2.InlineLog() if args.log == "inline" else jfs2.ExternalLog(0)
    now = origin.now()
    trees = [tree(operand) for operand in args.operands]
    inventory, problems = jfs2.scan_trees(trees, now=now, devices=args.devices)
    size = args.size or jfs2.size_for(inventory, dialect=dialect, log=log, spare=_SPARE)
    identity = jfs2.Identity(uuid=origin.entropy("uuid", 16))
    data = int(inventory.extents["length"].sum())
    with new_image(args.image, size, replace=args.force) as image, progress(f"build {args.image}", data) as told:
        report = jfs2.build(
            image, inventory, dialect=dialect, now=now, log=log, identity=identity, progress=told
        )  # fmt: skip
    for problem in problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    print(f"{printable(args.image)}: {report.inodes} inodes, {amount(report.bytes_copied, time.monotonic() - start)}")
    return 0
