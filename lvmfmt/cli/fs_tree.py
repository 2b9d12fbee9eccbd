"""`lvmfmt fs tree`: a directory of a file system and what is below it, drawn as a tree."""

from __future__ import annotations

import argparse
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import jfs2
from ..errors import OperationRefused
from ..escaping import escaped, escaped_link, printable
from .fs_files import opened
from .gate import behind
from .operands import Commands, add_json, add_log, add_operands, add_volume, verb
from .output import print_json_list, print_lines

_EXAMPLES = """\
  lvmfmt fs tree root.img
  lvmfmt fs tree root.img /etc --depth 2
  lvmfmt fs tree hdisk0.img hdisk1.img --lv hd4 /usr --depth 1 --json
"""


def register(verbs: Commands) -> None:
    """Add the command."""
    parser = verb(verbs, "tree", "draw a directory and what is below it", examples=_EXAMPLES)
    add_operands(parser, "OPERAND", "IMAGE... [PATH] (a path begins with / and is no file of this machine)")
    add_volume(parser)
    parser.add_argument("--depth", type=int, metavar="N", help="levels below PATH (default: all)")
    add_log(parser)
    parser.add_argument(
        "--no-replay", action="store_true", help="read a file system that was not unmounted as it stands"
    )
    add_json(parser)
    parser.set_defaults(run=run_tree)


def run_tree(args: argparse.Namespace) -> int:
    """Draw it, or list what it would show."""
    if args.depth is not None and args.depth < 0:
        raise OperationRefused("--depth is at least 0")
    problems: list[str] = []
    with _meant(args) as (fs, path):
        if args.json:
            found = fs.runs(path, depth=args.depth, problems=problems)
            print_json_list(_entries(found, problems), names=("path", "target"))
        else:
            _draw(fs, path, args.depth, problems)
    for problem in problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


@contextmanager
def _meant(args: argparse.Namespace) -> Iterator[tuple[jfs2.FileSystem, str]]:
    """The file system and the path in it: the last operand if it looks like one and is not an image."""
    from pathlib import Path

    last = args.operands[-1]
    named = len(args.operands) > 1 and last.startswith("/") and not Path(last).is_file()
    args.fixed = ("PATH",) if named else ()
    with opened(args) as (fs, fixed):
        yield fs, "/" + "/".join(_parts(fixed[0] if fixed else "/"))


def _draw(fs: jfs2.FileSystem, top: str, depth: int | None, problems: list[str]) -> None:
    """Draw it run by run; nothing is kept but the way down."""
    lines = _Lines(fs.runs(top, depth=depth, problems=problems), problems)
    if sys.stdout.isatty():
        for guide, name, directory in lines:
            _print_colored(guide, name, directory)
    else:
        print_lines(guide + name for guide, name, _ in lines)
    folders = "directory" if lines.directories == 1 else "directories"
    print(f"\n{lines.directories} {folders}, {lines.others} {'file' if lines.others == 1 else 'files'}")


class _Lines:
    """Guide, name, and whether it is a directory, for each line of a tree.

    Attributes:
        directories: how many were drawn, without the top.
        others: how many others.
    """

    def __init__(self, found: Iterator[jfs2.Siblings], problems: list[str]) -> None:
        self._found, self._problems = found, problems
        self.directories = self.others = 0

    def __iter__(self) -> Iterator[tuple[str, str, bool]]:
        from ..jfs2.paths.listing import shown_targets

        unicode = "utf" in (sys.stdout.encoding or "").lower()
        through, branch, end = ("│   ", "├── ", "└── ") if unicode else ("|   ", "+-- ", "`-- ")
        yield "", escaped(*next(self._found).names), False
        guides: list[str] = []  # what stands before the entries of each directory on the way
        for run in self._found:
            del guides[run.level - 1 :]
            guide = "".join(guides)
            guides.append("    " if run.ends else through)
            names = [*map(escaped_link, run.names, shown_targets(run, self._problems))]
            directories = [status.is_directory for status in run.stats]
            self.directories += sum(directories)
            self.others += len(directories) - sum(directories)
            lines = [guide + branch] * len(names)
            if run.ends:
                lines[-1] = guide + end
            yield from zip(lines, names, directories, strict=True)


def _print_colored(guide: str, name: str, directory: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(file=behind(sys.stdout), highlight=False, soft_wrap=True).print(
        Text.assemble(guide, (name, "bold blue" if directory else ""))
    )


def _entries(found: Iterator[jfs2.Siblings], problems: list[str]) -> Iterator[dict[str, Any]]:
    from ..jfs2.paths.listing import shown_targets

    for run in found:
        for name, target, status in zip(run.names, shown_targets(run, problems), run.stats, strict=True):
            mode = stat.filemode(status.mode)
            path = run.prefix + name
            yield {"path": path, "inode": status.number, "mode": mode, "size": status.size, "target": target}


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
