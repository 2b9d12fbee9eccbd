"""`lvmfmt host disk`: plug disks in and out, make them fail and come back."""

from __future__ import annotations

import argparse

from ..escaping import printable
from ..units import format_size
from .operands import Commands, add_json, size, verb
from .output import print_json, print_table

_EXAMPLES = """\
  lvmfmt host disk list box
  lvmfmt host disk add box hdisk2 --size 8G
  lvmfmt host disk add box hdisk2 --image ../other/disks/hdisk1.img
  lvmfmt host disk remove box hdisk2 --to hdisk2.img
  lvmfmt host disk fail box hdisk1
  lvmfmt host disk restore box hdisk1

the running system finds a new disk with cfgmgr, or at its next boot
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    disk = verb(verbs, "disk", "plug disks in and out, make them fail and come back", examples=_EXAMPLES)
    actions = disk.add_subparsers(prog=disk.prog, title="disk commands", metavar="COMMAND", required=True)
    for name, summary in (
        ("list", "show the slots of a host"),
        ("add", "plug a disk in: a new one, or an image, which moves into the host's folder"),
        ("remove", "pull a disk out; its image moves to a file of yours"),
        ("fail", "make a disk fail; its image stays as it is"),
        ("restore", "make a failed disk answer again"),
    ):
        examples = "".join(f"{line}\n" for line in _EXAMPLES.splitlines() if f" disk {name} " in line)
        one = verb(actions, name, summary, examples=examples)
        one.add_argument("dir", metavar="DIR", help="folder of the host")
        if name == "list":
            add_json(one)
        else:
            one.add_argument("slot", metavar="SLOT", help="name of the slot, as hdisk2")
        if name == "add":
            what = one.add_mutually_exclusive_group(required=True)
            what.add_argument("--size", type=size, help="size of a new disk, as 8G")
            what.add_argument("--image", metavar="FILE", help="image of a disk that exists")
        if name == "remove":
            one.add_argument("--to", metavar="FILE", required=True, help="where its image goes")
        one.set_defaults(run=_list if name == "list" else _change, action=name)


def _list(args: argparse.Namespace) -> int:
    from ..host.folder import hardware
    from ..host.folder.host_folder import Folder

    found = hardware.slots(Folder(args.dir))
    if args.json:
        print_json([{**vars(slot), "image": str(slot.image)} for slot in found])
        return 0
    rows = [(s.name, format_size(s.size), "failed" if s.failed else "ok", s.image) for s in found]
    print_table(("SLOT", "SIZE", "STATE", "IMAGE"), rows, right=("SIZE",))
    return 0


def _change(args: argparse.Namespace) -> int:
    from ..host.folder import hardware
    from ..host.folder.host_folder import Folder

    folder, path = Folder(args.dir), None
    with folder.lock():
        if args.action == "add":
            path = hardware.add(folder, args.slot, size=args.size, image=args.image)
        elif args.action == "remove":
            path = hardware.remove(folder, args.slot, to=args.to)
        elif args.action == "fail":
            hardware.fail(folder, args.slot)
        else:
            hardware.restore(folder, args.slot)
    if path is not None:
        print(printable(str(path)))
    return 0
