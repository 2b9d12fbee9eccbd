"""`lvmfmt undo`: put back the bytes that a repair has changed."""

from __future__ import annotations

import argparse
import sys

from .. import block
from ..errors import OperationRefused
from ..escaping import printable
from .operands import add_force

_EXAMPLES = """\
examples:
  lvmfmt undo before.undo --yes                                 to the images that the file names
  lvmfmt undo before.undo moved/hdisk0.img moved/hdisk1.img     those that it changed have moved; in their order

The bytes come back exactly as they were, also after a repair that was stopped. If an image was changed since, or is
another one than that place in the order asks for, nothing is written. Without images and --yes it asks before it writes
to those that the file names.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("file", metavar="FILE", help="undo file")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the images, if they are not where they were")
    parser.add_argument("--yes", action="store_true", help="write to the images that the file names")
    add_force(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put the bytes back."""
    from ..block.undo import load

    undo = load(args.file)
    paths = args.images or [path for path, _ in undo.images]
    if len(paths) != len(undo.images):
        names = ", ".join(path for path, _ in undo.images)
        hint = "name those that the repair has changed, in this order"
        raise OperationRefused(f"the undo file is about {len(undo.images)} images: {names}", where=args.file, hint=hint)
    if not args.images and not args.yes and not _agreed(paths):
        raise OperationRefused(f"not named: {', '.join(paths)}", where=args.file, hint="name the images, or say --yes")
    with block.opened_all(paths, writable=True) as devices:
        done = undo.restore(devices)
    print(f"{done} sectors put back on {', '.join(printable(path) for path in paths)}")
    return 0


def _agreed(paths: list[str]) -> bool:
    """Whether somebody at a terminal says that these images may be written to."""
    if not sys.stdin.isatty():
        return False
    return input(f"write to {', '.join(map(printable, paths))}? [y/N] ").strip().lower() in ("y", "yes")
