"""`lvmfmt fs owner|deleted|history|body`: what a file system tells beside its files."""

from __future__ import annotations

import argparse
import stat
import sys

from .. import inspect, jfs2, system
from ..errors import CorruptImage, OperationRefused
from ..escaping import escaped, printable
from .doubting import telling
from .operands import Commands, add_json, add_log, add_operands, add_volume, numbers_of, split, verb
from .output import print_json, print_lines, print_table

_VERBS = (
    ("owner", "say which file or table owns blocks", ("BLOCK",), "hdisk0.img hdisk1.img --lv hd4 0x1a2b"),
    ("deleted", "list deleted inodes and directory entries that are still there", (), "root.img --json"),
    ("history", "list what the transactions that the log still holds have changed", (), "root.img"),
    ("body", "print a body file for mactime: every name with its four times", (), "root.img | mactime -b - -z UTC -d"),
)


def register(verbs: Commands) -> None:
    """Add the commands."""
    runs = {"owner": run_owner, "deleted": run_deleted, "history": run_history, "body": run_body}
    for name, summary, fixed, example in _VERBS:
        parser = verb(verbs, name, summary, examples=f"  lvmfmt fs {name} {example}\n")
        add_operands(parser, "OPERAND", f"IMAGE... {' '.join(fixed)}".rstrip())
        add_volume(parser)
        if name != "body":
            add_json(parser)
        else:
            parser.add_argument("--deleted", action="store_true", help="deleted inodes too")
        if name != "history":
            add_log(parser)
            parser.add_argument(
                "--no-replay", action="store_true", help="read a file system that was not unmounted as it stands"
            )
        parser.set_defaults(run=runs[name], fixed=fixed)


def run_owner(args: argparse.Namespace) -> int:
    """Print the owner of a block, given as a number of the file system's blocks."""
    from ..jfs2.forensics import owners
    from .fs_files import opened

    with opened(args) as (fs, (text,)):
        try:
            block = int(text, 0)
        except ValueError:
            raise OperationRefused(f"not a block: {text!r}", hint="a number, as 6699 or 0x1a2b") from None
        found = owners(fs.device, [block])
    if args.json:
        print_json(found, names=("paths",))
        return 0
    rows = [(o.block, f"{o.first} to {o.last}", o.owner, ", ".join(map(escaped, o.paths))) for o in found]
    print_table(("BLOCK", "RUN", "OWNER", "PATHS"), rows, right=("BLOCK",))
    return 0


def run_deleted(args: argparse.Namespace) -> int:
    """Print what is left of deleted files."""
    from ..jfs2.forensics import deleted
    from .fs_files import opened

    with opened(args) as (fs, _):
        found = deleted(fs)
    if args.json:
        inodes = [
            {"number": i.number, "offset": i.offset, **_attributes(i.stat), "extents": [e._asdict() for e in i.extents]}
            for i in found.inodes
        ]
        print_json({"inodes": inodes, "entries": found.entries}, names=("name", "directory"))
        return 0

    rows = [
        (i.number, stat.filemode(i.stat.mode), i.stat.size, _time(i.stat.mtime), _time(i.stat.ctime), len(i.extents))
        for i in found.inodes
    ]
    print_table(("INODE", "MODE", "SIZE", "MODIFIED", "CHANGED", "EXTENTS"), rows, right=("INODE", "SIZE", "EXTENTS"))
    print()
    names = [
        (escaped(e.directory), escaped(e.name) + ("" if e.complete else "..."), e.number, e.offset)
        for e in found.entries
    ]
    print_table(("DIRECTORY", "NAME", "INODE", "OFFSET"), names, right=("INODE", "OFFSET"))
    return 0


def run_history(args: argparse.Namespace) -> int:
    """Print the transactions of the log, oldest first."""
    from ..jfs2.forensics import changes
    from ..jfs2.log import Ring, find_any_log, history
    from ..jfs2.superblock import read_superblock

    images, _ = split(args.operands)
    with system.open_volume(
        images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), tell=telling(args)
    ) as device:
        log = find_any_log(device)
        records, reason = history(Ring(log))
        try:
            indexed = read_superblock(device).indexed_directories
        except CorruptImage:  # a log volume: nothing says it, and Linux's file systems have indexed directories
            indexed = log.dialect.has_directory_indexes
        found = changes(records, indexed=indexed)
    if args.json:
        print_json({"transactions": found, "before_the_oldest": reason})
        return 0
    for change in found:
        state = "committed" if change.committed else "not committed"
        print(f"@{change.first:#x} to {change.last:#x}: transaction {change.tid}, {state}, {change.records} records")
        for line in change.inodes:
            print(f"  {line}")
        for directory, name, number in change.names:
            print(f"  directory {directory}: {escaped(name)} is inode {number}")
        for directory, name in change.removed:
            print(f"  directory {directory}: {escaped(name)} is removed")
        for what, extents in (("allocates", change.allocated), ("frees", change.freed)):
            if extents:
                print(f"  {what} {', '.join(f'{length}@{address}' for address, length in extents)}")
    return 0


def run_body(args: argparse.Namespace) -> int:
    """Print a line for each file."""
    from ..jfs2.forensics import body_lines, deleted
    from .fs_files import opened

    problems: list[str] = []
    with opened(args) as (fs, _):
        print_lines(body_lines(fs, deleted(fs) if args.deleted else None, problems))
    for problem in problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


def _attributes(found: jfs2.Stat) -> dict[str, object]:
    times = {name: _time(getattr(found, name)) for name in ("atime", "mtime", "ctime", "otime")}
    return {**found._asdict(), **times}


def _time(ns: int) -> str:
    return inspect.rfc3339(ns)
