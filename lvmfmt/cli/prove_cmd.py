"""`lvmfmt prove`: whether a clone is complete, from the bytes of both sides."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from .. import block, inspect
from ..errors import OperationRefused
from ..escaping import escaped, printable
from .operands import add_json
from .output import print_json, print_table, progress

_EXAMPLES = """\
examples:
  lvmfmt prove hdisk0.img --copy hdisk1.img
  lvmfmt prove hdisk0.img hdisk1.img --copy clone0.img clone1.img --json
  lvmfmt prove hdisk0.img --copy hdisk1.img --exclude exclude.rootvg --cloned
  lvmfmt prove root.img --copy built.img               two images of file systems

Compares every path of both sides, its type, mode, owner, mtime and link target, and the SHA-256 of its content.
--exclude takes the list that alt_disk_copy took: its paths may be missing in the copy. --changed and --cloned name
paths that cloning itself changes; they are listed apart.

exit status: 0 nothing differs, 1 something does
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("operands", nargs="+", metavar="IMAGE", help="disks of the source, or its file system")
    parser.add_argument(
        "--copy", nargs="+", required=True, metavar="IMAGE", help="disks of the copy, or its file system"
    )
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="exclude list of the clone")
    parser.add_argument(
        "--changed", action="append", default=[], metavar="PATTERN", help="regular expression of paths; repeat for more"
    )
    parser.add_argument("--cloned", action="store_true", help="as --changed for what alt_disk_copy itself changes")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, and print what differs."""
    with progress("prove") as told:
        proof = inspect.prove(
            args.operands, args.copy, excluded=_excluded(args.exclude), changed=_changed(args), progress=told
        )
    if args.json:
        print_json({**vars(proof), "proved": not proof.differences}, names=("path",))
    else:
        _print(proof)
    return 1 if proof.differences else 0


def _excluded(path: Path | None) -> Callable[[str], bool]:
    """Whether the exclude list names a path."""
    if path is None:
        return lambda _: False
    from ..host.alternate import exclude

    matches = exclude.parse(block.read_plain(path, most=exclude.MAX_LIST))
    return lambda name: bool(matches(b"." + name.encode("utf-8", "surrogateescape")))


def _changed(args: argparse.Namespace) -> Callable[[str], bool]:
    """Whether a path as a whole is one that cloning changes."""
    try:
        patterns = [re.compile(pattern).fullmatch for pattern in args.changed]
    except re.error as error:
        raise OperationRefused(f"not a regular expression: {error}") from None
    if args.cloned:
        from ..host import changed_by_cloning

        return lambda name: changed_by_cloning(name) or any(matches(name) for matches in patterns)
    return lambda name: any(matches(name) for matches in patterns)


def _print(proof: inspect.Proof) -> None:
    print(f"compared {proof.paths} paths in {', '.join(map(printable, proof.file_systems))}")
    print(f"hashed {proof.files} files of {proof.content} bytes on both sides")
    if proof.left_out:
        print(f"left out by the exclude list: {len(proof.left_out)} paths")
    if proof.expected:
        print(f"different because cloning changes it: {', '.join(sorted({escaped(d.path) for d in proof.expected}))}")
    if proof.differences:
        print(f"\ndifferences: {len(proof.differences)}")
        rows = [(escaped(d.path), d.what, d.source, d.copy) for d in proof.differences]
        print_table(("PATH", "WHAT", "SOURCE", "COPY"), rows)
    else:
        print("the copy is complete")
