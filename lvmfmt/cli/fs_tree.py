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
from .output import print_json_list

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
            entries = (
                _entry(fs, at, status, problems) for at, status in fs.walk(path, depth=args.depth, problems=problems)
            )
            print_json_list(entries, names=("path", "target"))
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
    """Draw it line by line; nothing is kept but the way down to the line."""
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    through, branch, end = ("│   ", "├── ", "└── ") if unicode else ("|   ", "+-- ", "`-- ")
    show = _colored if sys.stdout.isatty() else _plain
    found = fs.descend(top, depth=depth, problems=problems)
    show("", escaped(next(found).path), False)
    guides: list[str] = []  # what stands before the entries of each directory on the way
    directories = others = 0
    for path, status, level, is_last, *_ in found:
        del guides[level - 1 :]
        target = fs.target(path, status, problems)
        name = escaped_link(_parts(path)[-1], target)
        show("".join(guides) + (end if is_last else branch), name, status.is_directory)
        guides.append("    " if is_last else through)
        directories += status.is_directory
        others += not status.is_directory
    folders = "directory" if directories == 1 else "directories"
    print(f"\n{directories} {folders}, {others} {'file' if others == 1 else 'files'}")


def _plain(guide: str, name: str, directory: bool) -> None:
    print(guide, name, sep="")


def _colored(guide: str, name: str, directory: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(file=behind(sys.stdout), highlight=False, soft_wrap=True).print(
        Text.assemble(guide, (name, "bold blue" if directory else ""))
    )


def _entry(fs: jfs2.FileSystem, path: str, status: jfs2.Stat, problems: list[str]) -> dict[str, Any]:
    target = fs.target(path, status, problems)
    mode = stat.filemode(status.mode)
    return {"path": path, "inode": status.number, "mode": mode, "size": status.size, "target": target}


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
