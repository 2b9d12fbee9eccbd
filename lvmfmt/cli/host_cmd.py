"""`lvmfmt host`: make an AIX host of image files, run commands on it, switch it off and on."""

from __future__ import annotations

import argparse
import sys

from ..errors import OperationRefused, printable
from ..units import format_size
from . import host_disk, host_files, host_shell
from .operands import assignment, size, tree, verb
from .output import print_table, progress

_EXAMPLES = """\
examples:
  lvmfmt host create box --disk hdisk0=8G,pvid=0041a97b0622ef7f --disk hdisk1=8G --tree /usr/share:/usr/share --mirror
  lvmfmt host run box -- lspv
  lvmfmt host run box -- alt_disk_copy -d hdisk1
  lvmfmt host disk add box hdisk2 --size 8G
  lvmfmt host shell box
  lvmfmt host put box ./file /tmp
  lvmfmt host poweroff box
  lvmfmt host boot box
"""
_CREATE_EXAMPLES = """\
  lvmfmt host create box --disk hdisk0=4G --disk hdisk1=4G
  lvmfmt host create box --disk hdisk0=8G,pvid=0041a97b0622ef7f --disk hdisk1=8G --mirror \\
      --tree /usr/share:/usr/share --tree ./etc:/etc --lv hd2=4G --seed 1
"""
_RUN_EXAMPLES = """\
  lvmfmt host run box -- lsvg -l rootvg
  lvmfmt host run box -- shutdown -Fr

the exit status is the command's
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs = parser.add_subparsers(title="host commands", metavar="COMMAND", required=True)
    _fill_create(verb(verbs, "create", "make a running host with a root volume group", examples=_CREATE_EXAMPLES))
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
    host_disk.register(verbs)
    host_files.register(verbs)
    host_shell.register(verbs)


def _fill_create(create: argparse.ArgumentParser) -> None:
    create.add_argument("dir", metavar="DIR", help="folder to make")
    create.add_argument(
        "--disk",
        action="append",
        required=True,
        metavar="NAME=SIZE[,pvid=16HEX]",
        type=_disk,
        help="a disk; repeat for more",
    )
    create.add_argument(
        "--tree",
        action="append",
        default=[],
        metavar="SRC[:/DEST]",
        type=tree,
        help="directory to take over (default: to /)",
    )
    create.add_argument(
        "--lv", action="append", default=[], metavar="NAME=SIZE", type=_lv, help="size of a logical volume, as hd2=4G"
    )
    create.add_argument("--mirror", action="store_true", help="mirror rootvg on the first two disks")
    create.add_argument("--seed", type=int, help="take times and identities from this number")
    create.add_argument(
        "--lvm-version", type=int, default=8, metavar="N", help="version in the LVM record (default: 8)"
    )
    create.set_defaults(run=_create)


def _disk(text: str) -> tuple[str, int, str | None]:
    name, value = assignment(text)
    capacity, *options = value.split(",")
    pvid = None
    for option in options:
        key, chosen = assignment(option)
        if key != "pvid":
            raise argparse.ArgumentTypeError(f"unknown disk option {key!r}; there is pvid=16HEX")
        if len(chosen) != 16 or not all(c in "0123456789abcdef" for c in chosen.lower()):
            raise argparse.ArgumentTypeError(f"a PVID is 16 hexadecimal digits, not {chosen!r}")
        pvid = chosen.lower()
    return name, size(capacity), pvid


def _lv(text: str) -> tuple[str, int]:
    name, value = assignment(text)
    return name, size(value)


def _create(args: argparse.Namespace) -> int:
    from ..host import DiskSpec, Host

    disks = [DiskSpec(*disk) for disk in args.disk]
    with progress(f"create {args.dir}") as told:
        report = Host.create(
            args.dir,
            disks=disks,
            trees=args.tree,
            lv_sizes=dict(args.lv),
            mirror=args.mirror,
            seed=args.seed,
            lvm_version=args.lvm_version,
            progress=told,
        )
    for problem in report.problems:
        print(f"lvmfmt: {printable(problem)}", file=sys.stderr)
    taken = f"{sum(report.files.values())} files, {format_size(report.bytes_copied)}"
    print(f"{printable(args.dir)}: {taken} in rootvg on {args.disk[0][0]}; the host is running")
    rows = [(name, format_size(size)) for name, size in report.sizes.items()]
    print_table(("LV", "SIZE"), rows, right=("SIZE",))
    return 0


def _run(args: argparse.Namespace) -> int:
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv  # some Pythons keep it
    if not argv:
        raise OperationRefused("no command given", hint="as in: lvmfmt host run DIR -- lspv")
    from ..host import Host

    return Host.open(args.dir).run(argv, sys.stdout, sys.stderr, sys.stdin)


def _boot(args: argparse.Namespace) -> int:
    from ..host import Host

    for note in Host.open(args.dir).boot():
        print(printable(note), file=sys.stderr)
    return 0


def _poweroff(args: argparse.Namespace) -> int:
    from ..host import Host

    Host.open(args.dir).poweroff()
    return 0
