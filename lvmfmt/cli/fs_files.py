"""`lvmfmt fs ls|stat|cat|get|put|rm`: the files of a file system on an image or in a logical volume."""

from __future__ import annotations

import argparse
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import block, inspect, jfs2, system
from ..errors import OperationRefused
from ..escaping import escaped, escaped_link, printable
from .doubting import telling
from .operands import (
    Commands,
    add_dangerous,
    add_force,
    add_json,
    add_log,
    add_operands,
    add_volume,
    numbers_of,
    split,
    verb,
)
from .output import print_json, print_table

_VERBS = (
    ("ls", "list a directory", ("PATH",), "hdisk0.img --lv hd4 /etc"),
    ("stat", "show what the file system keeps about a file", ("PATH",), "root.img /etc/motd --json"),
    ("cat", "write the content of a file to standard output", ("PATH",), "root.img /etc/motd"),
    (
        "get",
        "copy a file out, replacing OUT",
        ("PATH", "OUT"),
        "hdisk0.img hdisk1.img --lv hd4 /etc/motd motd\n"
        "  lvmfmt fs get -r root.img /etc etc\n"
        "  lvmfmt fs get -r root.img / tree --devices --set-id\n\n"
        "exit status: 0 all of it, but for devices, sockets and set-id bits that are left out; 1 something is missing\n"
        "or could not be made as it is",
    ),
    ("put", "copy a file in, replacing PATH", ("FILE", "PATH"), "hdisk0.img hdisk1.img --lv hd4 motd /etc/motd"),
    ("rm", "remove a regular file", ("PATH",), "hdisk0.img hdisk1.img --lv hd4 /etc/motd"),
)
_READERS = ("ls", "stat", "cat", "get")


def register(verbs: Commands) -> None:
    """Add the commands."""
    runs = {"ls": run_ls, "stat": run_stat, "cat": run_cat, "get": run_get, "put": run_put, "rm": run_rm}
    for name, summary, fixed, example in _VERBS:
        parser = verb(verbs, name, summary, examples=f"  lvmfmt fs {name} {example}\n")
        add_operands(parser, "OPERAND", f"IMAGE... {' '.join(fixed)}")
        add_volume(parser)
        add_log(parser)
        if name in ("ls", "stat"):
            add_json(parser)
        if name == "get":
            parser.add_argument("-r", "--recursive", action="store_true", help="copy a whole directory out as OUT")
            add_dangerous(parser, "with -r: ")
        if name not in _READERS:
            add_force(parser)
        if name in _READERS:
            parser.add_argument(
                "--no-replay", action="store_true", help="read a file system that was not unmounted as it stands"
            )
        parser.set_defaults(run=runs[name], fixed=fixed)


@contextmanager
def opened(args: argparse.Namespace, *, writable: bool = False) -> Iterator[tuple[jfs2.FileSystem, list[str]]]:
    """The file system that the operands mean, and the fixed operands.

    One that was not unmounted is read as a replay of its log leaves it; standard error says so.
    """
    images, fixed = split(args.operands, *args.fixed)

    where = {"lv": args.lv, "offset": args.offset, "log": args.log, "numbers": numbers_of(args, images)}
    with system.open_place(images, **where, writable=writable, tell=telling(args)) as on:
        fs = on.open(writable=writable, replay=not writable and not args.no_replay)
        for note in fs.problems:
            print(f"lvmfmt: {printable(f'{on.device.name}: {note}')}", file=sys.stderr)
        yield fs, fixed


def run_ls(args: argparse.Namespace) -> int:
    """List a directory, or one file; what makes no sense is told, and hides nothing else."""
    problems: list[str] = []
    with opened(args) as (fs, (path,)):
        (top, status), *below = fs.walk(path, depth=1, problems=problems)
        found = [(at, at.removeprefix(top.rstrip("/") + "/"), s) for at, s in below]
        if not status.is_directory:
            found = [(top, path, status)]
        files = [_entry(name, s, fs.target(at, s, problems)) for at, name, s in sorted(found, key=lambda f: f[1])]
    for problem in problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    if args.json:
        print_json(files, names=("name", "target"))
        return 1 if problems else 0
    rows = [
        (f["mode"], f["nlink"], f["uid"], f["gid"], f["size"], f["mtime"][:19],
         escaped_link(f["name"], f["target"]))
        for f in files
    ]  # fmt: skip
    numbers = ("LINKS", "UID", "GID", "SIZE")
    print_table(("MODE", "LINKS", "UID", "GID", "SIZE", "MODIFIED", "NAME"), rows, right=numbers)
    return 1 if problems else 0


def run_stat(args: argparse.Namespace) -> int:
    """Show one inode, and what the file system has beyond files."""
    from ..jfs2.superblock.snapshots import features
    from .fs_attributes import attribute_rows, attribute_values

    with opened(args) as (fs, (path,)):
        status = fs.stat(path)
        entry = _entry(path, status, fs.readlink(path) if status.is_symlink else None)
        attributes, lists = fs.attributes(path), fs.acl(path)
        found = features(fs.superblock)
    if args.json:
        print_json(entry | attribute_values(attributes, lists) | {"features": found}, names=("name", "target"))
    else:
        facts = [(key, escaped(value) if isinstance(value, str) else value) for key, value in entry.items()]
        rows = [*facts, *attribute_rows(attributes, lists), *(("file system", line) for line in found)]
        print_table(("FIELD", "VALUE"), rows)
    return 0


def run_cat(args: argparse.Namespace) -> int:
    """Write a file's content to standard output."""
    from ..jfs2.extracting.content import copy_content

    with opened(args) as (fs, (path,)):
        copy_content(fs, path, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return 0


def run_get(args: argparse.Namespace) -> int:
    """Copy a file out, which appears whole or not at all, or a directory with what is below it."""
    from ..jfs2.extracting.content import copy_content

    if args.recursive:
        return _get_tree(args)
    with opened(args) as (fs, (path, out)):
        target = Path(out)
        if target.is_dir():
            raise OperationRefused("is a directory", where=out)
        if target.exists() and any(target.samefile(image) for image in split(args.operands, *args.fixed)[0]):
            raise OperationRefused("is the image itself", where=out)
        with block.whole_file(target) as stream:
            copy_content(fs, path, stream)
    return 0


def _get_tree(args: argparse.Namespace) -> int:
    from .output import amount, progress

    start = time.monotonic()
    with opened(args) as (fs, (path, out)):
        inventory = fs.inventory(path, salvage=True)
        with progress(f"get {out}", int(inventory.extents["length"].sum())) as told:
            done = jfs2.extract(inventory, out, devices=args.devices, set_id=args.set_id, progress=told)
    for problem in (*inventory.problems, *done.problems):
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    print(f"{printable(out)}: {done.paths} paths, {amount(done.bytes_copied, time.monotonic() - start)}")
    return 1 if inventory.problems or done.failures else 0


def run_put(args: argparse.Namespace) -> int:
    """Copy a file in."""
    source, _ = split(args.operands, *args.fixed)[1]
    data = block.read_plain(source)
    mode = Path(source).stat().st_mode & 0o7777
    with opened(args, writable=True) as (fs, (_, path)):
        fs.write_file(path, data, now=time.time_ns(), mode=mode)
    return 0


def run_rm(args: argparse.Namespace) -> int:
    """Remove a regular file."""
    with opened(args, writable=True) as (fs, (path,)):
        fs.remove(path, now=time.time_ns())
    return 0


def _entry(name: str, s: jfs2.Stat, target: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "inode": s.number,
        "mode": stat.filemode(s.mode),
        "permissions": f"{stat.S_IMODE(s.mode):04o}",
        "nlink": s.nlink,
        "uid": s.uid,
        "gid": s.gid,
        "size": s.size,
        "atime": inspect.rfc3339(s.atime),
        "mtime": inspect.rfc3339(s.mtime),
        "ctime": inspect.rfc3339(s.ctime),
        "otime": inspect.rfc3339(s.otime),
        "target": target,
    }
