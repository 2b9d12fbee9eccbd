"""`lvmfmt verify`: is an image what its manifest says, and if not, what has changed."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from .. import block
from .operands import add_json
from .output import print_json, print_table

_EXAMPLES = """\
examples:
  lvmfmt copy hdisk0.img spare.img --manifest spare.json --digest sha256
  lvmfmt verify spare.img spare.json
  lvmfmt verify spare.img spare.json --group hdisk1.img     the other disks of its group, to find all owners

An owner is a structure, or a logical volume with the file or structure in it. All of a piece of at most 64 KiB
that changed is named.

exit status: 0 the same bytes, 1 other bytes
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("image", metavar="IMAGE", help="image to read")
    parser.add_argument("manifest", metavar="MANIFEST", help="what lvmfmt copy --manifest wrote")
    parser.add_argument("--group", nargs="+", default=[], metavar="IMAGE", help="other disks of its volume group")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, and print the owners of what changed."""
    from ..block.copying.manifest import verify_manifest

    with ExitStack() as stack:
        image = stack.enter_context(block.open(args.image))
        found = verify_manifest(image, args.manifest)
        ranges = []
        if found.changed:  # only then it is asked what lies where
            from ..inspect.changed import changed_ranges

            others = [stack.enter_context(block.open(path)) for path in args.group]
            ranges = changed_ranges(image, others, found.changed)
    wrong = [name for name, same in found.digests.items() if not same]
    if args.json:
        changes = [one._asdict() for one in ranges]
        print_json({**vars(found), "changed": changes, "same": found.same})
    elif ranges:
        rows = [(f"{r.offset:#x}", r.length, ", ".join(r.owners) or "unknown") for r in ranges]
        print_table(("FIRST BYTE", "BYTES", "OWNER"), rows, right=("FIRST BYTE", "BYTES"))
    elif wrong:
        print(f"no piece has changed, but the manifest has another {' and '.join(wrong)}")
    else:
        print(" and ".join(["the same bytes", *found.digests]))
    if not found.from_device:
        print(f"lvmfmt: {args.image}: could not be read from its device; the cache was compared", file=sys.stderr)
    return 0 if found.same else 1
