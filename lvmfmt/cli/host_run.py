"""`lvmfmt host run|boot|bootlist|poweroff`: commands of a running host, and its power."""

from __future__ import annotations

import argparse
import sys

from .. import host
from ..errors import OperationRefused
from ..escaping import printable
from .operands import Commands, verb
from .stopping import stoppable

_RUN_EXAMPLES = """\
  lvmfmt host run box -- lsvg -l rootvg
  lvmfmt host run box -- shutdown -Fr

the exit status is the command's; Ctrl-C, SIGTERM, SIGHUP and a pipe that nobody reads end the command between two of
its lines, and the system goes on: a second signal cuts its power
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    run = verb(verbs, "run", "run one AIX command", examples=_RUN_EXAMPLES)
    run.add_argument("dir", metavar="DIR", help="folder of the host")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND ARG...", help="command to run")
    run.set_defaults(run=_run)
    for name, summary, action, examples in (
        ("boot", "boot a host from the first usable disk of its boot list; cuts its power before, if it runs", _boot,
         ("", " --disk hdisk1")),
        ("bootlist", "show a boot list or replace it, as the menu of the firmware does", _bootlist,
         ("", " hdisk0 hdisk1", " --service hdisk1")),
        ("poweroff", "cut the power: what was not written to disk is lost", _poweroff, ("",)),
    ):  # fmt: skip
        switch = verb(verbs, name, summary, examples="".join(f"  lvmfmt host {name} box{more}\n" for more in examples))
        switch.add_argument("dir", metavar="DIR", help="folder of the host")
        if name == "boot":
            switch.add_argument("--disk", metavar="SLOT", help="boot from this disk, whatever the boot lists say")
        if name == "bootlist":
            switch.add_argument("disks", nargs="*", metavar="SLOT", help="the new list, the first disk first")
        if name != "poweroff":
            switch.add_argument("--service", action="store_true", help="the service list, not the normal one")
        switch.set_defaults(run=action)


def _run(args: argparse.Namespace) -> int:
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv  # some Pythons keep it
    if not argv:
        raise OperationRefused("no command given", hint="as in: lvmfmt host run DIR -- lspv")

    with stoppable() as (stdout, stderr):
        return host.Host.open(args.dir).run(argv, stdout, stderr, sys.stdin)


def _boot(args: argparse.Namespace) -> int:
    for note in host.Host.open(args.dir).boot(disk=args.disk, service=args.service):
        print(printable(note), file=sys.stderr)
    return 0


def _bootlist(args: argparse.Namespace) -> int:
    machine = host.Host.open(args.dir)
    if args.disks:
        machine.set_boot_list(args.disks, service=args.service)
    for slot in machine.boot_list(service=args.service):
        print(printable(slot))
    return 0


def _poweroff(args: argparse.Namespace) -> int:
    host.Host.open(args.dir).poweroff()
    return 0
