"""`lvmfmt undo`: put back the bytes that a repair has changed."""

from __future__ import annotations

import argparse

from .. import block
from ..errors import OperationRefused
from ..escaping import printable

_EXAMPLES = """\
examples:
  lvmfmt undo before.undo
  lvmfmt undo before.undo moved/hdisk0.img moved/hdisk1.img     the images have moved; in the order of the repair

The bytes come back exactly as they were, also after a repair that was stopped. If an image was changed since, nothing
is written.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("file", metavar="FILE", help="undo file")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the images, if they are not where they were")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put the bytes back."""
    from ..block.undo import load

    undo = load(args.file)
    paths = args.images or [path for path, _ in undo.images]
    if len(paths) != len(undo.images):
        names = ", ".join(path for path, _ in undo.images)
        raise OperationRefused(f"the undo file is about {len(undo.images)} images: {names}", where=args.file)
    with block.opened_all(paths, writable=True) as devices:
        done = undo.restore(devices)
    print(f"{done} sectors put back on {', '.join(printable(path) for path in paths)}")
    return 0
