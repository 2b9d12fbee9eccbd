"""`lvmfmt inspect`: what is on images, and what is wrong with it."""

from __future__ import annotations

import argparse

from .. import inspect
from .operands import add_json
from .output import print_json

_EXAMPLES = """\
examples:
  lvmfmt inspect hdisk0.img
  lvmfmt inspect disks/*.img --json
  lvmfmt inspect root.img              a bare file system image

exit status: 0 nothing wrong, 1 findings
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("operands", nargs="+", metavar="IMAGE", help="disk or file system images")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the summary; notes, such as of a file system that is mounted, are no reason for a status other than 0."""
    from .inspect_text import print_summary

    summary = inspect.inspect(args.operands)
    if args.json:
        print_json(summary, names=("name", "label"))
    else:
        print_summary(summary)
    return 1 if any(finding.severity != "note" for finding in summary.findings) else 0
