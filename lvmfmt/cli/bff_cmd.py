"""`lvmfmt bff`: what is in an installp package, or any other backup archive by name, and its files."""

from __future__ import annotations

import argparse
import stat
import sys
import time
from pathlib import Path
from typing import Any

from .. import backup, inspect, jfs2
from ..errors import LvmfmtError
from ..escaping import escaped_link, printable
from .operands import Commands, add_dangerous, add_json, verb
from .output import amount, print_json, print_table, progress

_EXAMPLES = """\
examples:
  lvmfmt bff list bos.alt_disk_install.rte.bff
  lvmfmt bff extract rootvg.mksysb tree
"""
_LIST_EXAMPLES = """\
  lvmfmt bff list bos.alt_disk_install.rte.bff
  lvmfmt bff list rootvg.mksysb --json

A package also says which filesets it holds. Exit status 1: a part of the archive could not be read.
"""
_EXTRACT_EXAMPLES = """\
  lvmfmt bff extract bos.alt_disk_install.rte.bff            into bos.alt_disk_install.rte
  lvmfmt bff extract rootvg.mksysb tree --devices

Names never lead out of DEST, whatever the archive says. Owners are kept for the superuser only.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs: Commands = parser.add_subparsers(prog=parser.prog, title="bff commands", metavar="COMMAND", required=True)
    listing = verb(verbs, "list", "list an archive's members", examples=_LIST_EXAMPLES)
    listing.add_argument("file", metavar="FILE", help="a package, mksysb, savevg or other archive by name")
    add_json(listing)
    listing.set_defaults(run=run_list)
    out = verb(verbs, "extract", "make an archive's files in a new directory", examples=_EXTRACT_EXAMPLES)
    out.add_argument("file", metavar="FILE", help="the archive")
    out.add_argument("dest", metavar="DEST", nargs="?", help="an empty or new directory, by default FILE without .bff")
    add_dangerous(out)
    add_json(out)
    out.set_defaults(run=run_extract)


def run_list(args: argparse.Namespace) -> int:
    """List the members as far as the archive can be read."""
    from ..backup.package import package_of

    with backup.Archive(args.file) as archive:
        members, error = _walk(archive)
        package = package_of(members)
        problems = [*archive.problems, *([str(error)] if error else [])]
    if args.json:
        date = inspect.rfc3339(archive.volume.date * 10**9)
        user = archive.volume.user.decode("utf-8", "surrogateescape")
        print_json(
            {"file": args.file, "date": date, "user": user, "package": package,
             "members": [_row(m) for m in members], "problems": problems},
            names=("name", "target"),
        )  # fmt: skip
    else:
        if package is not None:
            print(printable(f"package {package.name}, type {package.type}, format {package.format} {package.platform}"))
            for fileset in package.filesets:
                print(printable(f"fileset {fileset.name} {fileset.level}  {fileset.description}".rstrip()))
        rows = [
            (r["mode"], r["uid"], r["gid"], r["size"], "packed" if r["packed"] else "", r["mtime"][:19],
             escaped_link(r["name"], r["target"]))
            for r in map(_row, members)
        ]  # fmt: skip
        print_table(("MODE", "UID", "GID", "SIZE", "DATA", "MODIFIED", "NAME"), rows, right=("UID", "GID", "SIZE"))
        _tell(problems)
    return 1 if problems else 0


def run_extract(args: argparse.Namespace) -> int:
    """Make the files of an archive in a directory."""
    from ..jfs2.sources.backup import read_backup

    destination = args.dest or Path(args.file).name.removesuffix(".bff")
    start = time.monotonic()
    with backup.Archive(args.file) as archive:
        tree, problems = read_backup(archive, devices=args.devices)
        with progress(f"extract {args.file}", int(tree.extents["length"].sum())) as told:
            done = jfs2.extract(tree, destination, devices=args.devices, set_id=args.set_id, progress=told)
    problems += done.problems
    if args.json:
        print_json({"destination": destination, "paths": done.paths, "bytes": done.bytes_copied, "problems": problems})
    else:
        _tell(problems)
        print(f"{printable(destination)}: {done.paths} paths, {amount(done.bytes_copied, time.monotonic() - start)}")
    return 1 if problems else 0


def _walk(archive: backup.Archive) -> tuple[list[backup.Member], LvmfmtError | None]:
    """The members up to the end or to what cannot be read."""
    members = []
    try:
        for member in archive:
            members.append(member)
    except LvmfmtError as error:
        return members, error
    return members, None


def _row(member: backup.Member) -> dict[str, Any]:
    is_link = member.kind == stat.S_IFLNK
    return {
        "name": member.name.decode("utf-8", "surrogateescape"),
        "mode": stat.filemode(member.mode & 0xFFFF),
        "permissions": f"{member.mode & 0o7777:04o}",
        "nlink": member.nlink,
        "uid": member.uid,
        "gid": member.gid,
        "size": member.size,
        "stored": member.stored,
        "packed": member.packed,
        "mtime": inspect.rfc3339(member.mtime * 10**9),
        "target": member.target.decode("utf-8", "surrogateescape") if is_link else None,
        "acl": [str(entry) for entry in member.permissions.entries()] if member.permissions else [],
    }


def _tell(problems: list[str]) -> None:
    for problem in problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
