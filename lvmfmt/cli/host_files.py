"""`lvmfmt host put|get|ls|cat|edit`: the files of a running host, from outside."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import host, jfs2
from ..errors import NotFound, OperationRefused
from ..escaping import escaped_link, printable
from .operands import Commands, add_dangerous, add_json, verb
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..host.machine.running import Machine

_EDITOR = "vi"
_EXAMPLES = {
    "put": "  lvmfmt host put box ./ml05.bff /tmp\n  lvmfmt host put box -r ./upgrade /usr/lpp\n",
    "get": "  lvmfmt host get box /var/adm/ras/alt_disk_inst.log .\n  lvmfmt host get box -r /etc ./etc-of-box\n\n"
    "exit status: 0 all of it, but for devices, sockets and set-id bits that are left out; 1 something is missing or\n"
    "could not be made as it is\n",
    "ls": "  lvmfmt host ls box /etc\n  lvmfmt host ls box /etc --json\n",
    "cat": "  lvmfmt host cat box /etc/filesystems\n",
    "edit": "  lvmfmt host edit box /etc/inittab\n  EDITOR='sed -i s/3/2/' lvmfmt host edit box /etc/inittab\n",
}


def register(verbs: Commands) -> None:
    """Add the commands."""
    for name, summary, operands, run in (
        ("put", "copy a file or a tree from outside into mounted file systems", ("SOURCE", "/PATH"), _put),
        ("get", "copy a file or a tree of the host to the outside", ("/PATH", "TARGET"), _get),
        ("ls", "list a directory of the host", ("/PATH",), _ls),
        ("cat", "print a file of the host", ("/PATH",), _cat),
        ("edit", "change a file of the host with $EDITOR", ("/PATH",), _edit),
    ):
        one = verb(verbs, name, summary, examples=_EXAMPLES[name])
        one.add_argument("dir", metavar="DIR", help="folder of the host")
        for operand in operands:
            one.add_argument(operand.strip("/").lower(), metavar=operand)
        if name in ("put", "get"):
            one.add_argument("-r", "--recursive", action="store_true", help="with all that is below")
        if name == "get":
            add_dangerous(one, "with -r: ")
        if name == "ls":
            add_json(one)
        one.set_defaults(run=run)


def _machine(args: argparse.Namespace, *, writable: bool = False) -> AbstractContextManager[Machine]:
    if not args.path.startswith("/"):
        raise OperationRefused(f"a path on the host begins with /, not {args.path!r}")
    return host.Host.open(args.dir).machine(_tell, writable=writable)


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr)


def _put(args: argparse.Namespace) -> int:
    from ..host.machine import trees

    problems: list[str] = []
    with _machine(args, writable=True) as machine:
        trees.put(machine, Path(args.source), args.path, recursive=args.recursive, problems=problems)
    for problem in problems:
        _tell(f"lvmfmt: {problem}")
    return 0


def _get(args: argparse.Namespace) -> int:
    from ..host.machine import trees

    path = "/" + args.path.strip("/")
    with _machine(args) as machine:
        if not args.recursive:
            trees.get(machine, path, Path(args.target))
            return 0
        tree = trees.inventory(machine, path)
        done = jfs2.extract(tree, args.target, devices=args.devices, set_id=args.set_id)
    for problem in (*tree.problems, *done.problems):
        _tell(f"lvmfmt: {problem}")
    return 1 if tree.problems or done.failures else 0


def _ls(args: argparse.Namespace) -> int:
    from ..host.machine.listing import listing

    with _machine(args) as machine:
        problems: list[str] = []
        rows = listing(machine, args.path, problems)
    for problem in problems:
        _tell(f"lvmfmt: {problem}")
    if args.json:
        print_json([row._asdict() for row in rows], names=("name", "target"))
    else:
        print_table(
            ("MODE", "OWNER", "GROUP", "SIZE", "CHANGED", "NAME"),
            [(r.mode, r.uid, r.gid, r.size, r.changed, escaped_link(r.name, r.target)) for r in rows],
            right=("OWNER", "GROUP", "SIZE"),
        )
    return 1 if problems else 0


def _cat(args: argparse.Namespace) -> int:
    with _machine(args) as machine:
        data = machine.read_file(args.path)
    if data is None:
        raise NotFound("no such file", where=args.path)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return 0


def _edit(args: argparse.Namespace) -> int:
    import shlex
    import subprocess
    import tempfile

    with _machine(args, writable=True) as machine, tempfile.TemporaryDirectory(prefix="lvmfmt-edit-") as folder:
        before = machine.read_file(args.path) or b""
        copy = Path(folder, Path(args.path).name)
        copy.write_bytes(before)
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _EDITOR
        try:
            status = subprocess.run([*shlex.split(editor), str(copy)], check=False).returncode
        except OSError as error:
            raise OperationRefused(f"cannot run {editor}: {error.strerror}", hint="set EDITOR") from None
        if status:
            raise OperationRefused(f"{editor} ended with status {status}; nothing was changed", where=args.path)
        after = copy.read_bytes()
        if after != before:
            machine.write_file(args.path, after)
    return 0
