"""`lvmfmt host run|boot|poweroff`: commands of a running host, and its power."""

from __future__ import annotations

import argparse
import sys

from .. import host
from ..errors import OperationRefused
from ..escaping import printable
from .operands import Commands, verb

_RUN_EXAMPLES = """\
  lvmfmt host run box -- lsvg -l rootvg
  lvmfmt host run box -- shutdown -Fr

the exit status is the command's
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    run = verb(verbs, "run", "run one AIX command", examples=_RUN_EXAMPLES)
    run.add_argument("dir", metavar="DIR", help="folder of the host")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND ARG...", help="command to run")
    run.set_defaults(run=_run)
    for name, summary, action in (
        ("boot", "boot a host from the first usable disk of its boot list", _boot),
        ("poweroff", "cut the power: what was not written to disk is lost", _poweroff),
    ):
        switch = verb(verbs, name, summary, examples=f"  lvmfmt host {name} box\n")
        switch.add_argument("dir", metavar="DIR", help="folder of the host")
        switch.set_defaults(run=action)


def _run(args: argparse.Namespace) -> int:
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv  # some Pythons keep it
    if not argv:
        raise OperationRefused("no command given", hint="as in: lvmfmt host run DIR -- lspv")

    return host.Host.open(args.dir).run(argv, sys.stdout, sys.stderr, sys.stdin)


def _boot(args: argparse.Namespace) -> int:
    for note in host.Host.open(args.dir).boot():
        print(printable(note), file=sys.stderr)
    return 0


def _poweroff(args: argparse.Namespace) -> int:
    host.Host.open(args.dir).poweroff()
    return 0
