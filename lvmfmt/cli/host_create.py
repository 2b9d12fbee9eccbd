"""`lvmfmt host create`: a new host with a root volume group."""

from __future__ import annotations

import argparse
import sys

from .. import host
from ..escaping import printable
from ..units import format_size
from .operands import Commands, assignment, once, size, tree, verb
from .output import print_table, progress

_EXAMPLES = """\
  lvmfmt host create box --disk hdisk0=4G --disk hdisk1=4G
  lvmfmt host create box --disk hdisk0=8G,pvid=0041a97b0622ef7f --disk hdisk1=8G --mirror \\
      --tree /usr/share:/usr/share --tree ./etc:/etc --lv hd2=4G --seed 1

exit status: 0 all of the trees is there, but for sockets and device nodes; 1 the host runs, and something is missing
"""


def register(verbs: Commands) -> None:
    """Add the command."""
    create = verb(verbs, "create", "make a running host with a root volume group", examples=_EXAMPLES)
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
    from ..jfs2.inventory.left_out import is_incomplete

    disks = [host.DiskSpec(*disk) for disk in args.disk]
    with progress(f"create {args.dir}") as told:
        report = host.Host.create(
            args.dir,
            disks=disks,
            trees=args.tree,
            lv_sizes=once(args.lv),
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
    return int(is_incomplete(report.problems))
