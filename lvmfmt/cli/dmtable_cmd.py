"""`lvmfmt dmtable`: device-mapper tables of the logical volumes on images."""

from __future__ import annotations

import argparse
import re
import stat
import sys
from contextlib import ExitStack
from pathlib import Path

from .. import block, lvm, system
from ..errors import CorruptImage, OperationRefused
from ..escaping import printable
from .doubting import tell_doubts
from .operands import add_json, add_numbers, add_operands, assignment, numbers_of, once, split
from .output import print_json

_EXAMPLES = """\
examples:
  lvmfmt dmtable hdisk0.img hdisk1.img --lv hd4 | dmsetup create hd4
  dmsetup create --concise "$(lvmfmt dmtable hdisk0.img hdisk1.img)"
  lvmfmt dmtable hdisk0.img hdisk1.img --device hdisk0.img=/dev/loop4 --device hdisk1.img=/dev/loop5

Without --lv all logical volumes are printed on one line in the concise format of dmsetup. An image that --device does
not name, and that is no block device itself, is taken to be /dev/loop0, /dev/loop1, ... in the order of the images
(losetup /dev/loop0 hdisk0.img). Mirrored volumes become mirror targets that take their copies to be in sync; stale
copies are left out. What no image has becomes an error target. Striped volumes become striped targets.
"""
_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,64}")


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    add_operands(parser, "IMAGE", "disk images of one or more volume groups")
    parser.add_argument("--lv", metavar="NAME", help="print the table of this logical volume only")
    parser.add_argument(
        "--device", metavar="IMAGE=PATH", type=assignment, action="append", default=[], help="device for an image"
    )
    add_numbers(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    images, _ = split(args.operands)
    paths = _paths(images, once(args.device))
    left_out: list[CorruptImage] = []
    tables: list[tuple[str, lvm.LogicalVolume, list[lvm.Target]]] = []
    with ExitStack() as stack:
        devices = stack.enter_context(block.opened_all(images))
        groups = system.open_groups(devices, infer=True, numbers=numbers_of(args, images))
        if args.lv is not None:
            group, lv = system.find_logical_volume(groups, args.lv)
            tell_doubts(args, _misleading(group, args.lv, lv))
            tables = _tables(args.lv, lv, paths)
        else:
            for group in groups:
                tell_doubts(args, (d for v in group.logical_volumes.items() for d in _misleading(group, *v)))
                for name, lv in group.logical_volumes.items():
                    try:
                        tables += _tables(name, lv, paths)
                    except CorruptImage as error:
                        left_out.append(error)
    if args.json:
        print_json([_plain(name, lv, targets) for name, lv, targets in tables])
    elif args.lv is not None and len(tables) == 1:
        print("\n".join(str(target) for target in tables[0][2]))
    elif tables:
        print(";".join(_concise(name, lv, targets) for name, lv, targets in tables))
    for reason in left_out:
        print(f"lvmfmt: {reason}; no table", file=sys.stderr)
    return 1 if left_out else 0


def _misleading(group: lvm.VolumeGroup, name: str, lv: lvm.LogicalVolume) -> list[tuple[str, lvm.Doubt]]:
    return [(name, doubt) for doubt in lvm.doubts(group, lv, group.problems) if doubt.misleads]


def _tables(
    name: str, lv: lvm.LogicalVolume, paths: dict[str, str]
) -> list[tuple[str, lvm.LogicalVolume, list[lvm.Target]]]:
    """The table of an LV, and before it those of the devices that it needs."""
    from ..lvm.dmtable import dm_parts

    if not lv.lps:
        raise CorruptImage("lv_entry", "num_lps", expected="at least 1", found=0, where=name)
    device = _device_name(name, lv)
    parts = [(part, lv, targets) for part, targets in dm_parts(lv, paths, name=device).items()]
    return [*parts, (name, lv, lvm.dm_table(lv, paths, name=device))]


def _paths(images: list[str], given: dict[str, str]) -> dict[str, str]:
    """The device that stands for each image, by the image's path."""
    if unknown := set(given) - set(images):
        raise OperationRefused(f"--device names what is no image here: {', '.join(sorted(unknown))}")
    result = {}
    for index, image in enumerate(images):
        is_device = Path(image).exists() and stat.S_ISBLK(Path(image).stat().st_mode)
        result[image] = given.get(image) or (image if is_device else f"/dev/loop{index}")
        if not result[image].startswith("/") or re.search(r"[\s,;\\]", result[image]):
            raise OperationRefused(f"not a path that a table can name: {printable(result[image])}")
    return result


def _plain(name: str, lv: lvm.LogicalVolume, targets: list[lvm.Target]) -> dict[str, object]:
    return {"name": name, "device": _device_name(name, lv), "table": [str(target) for target in targets]}


def _concise(name: str, lv: lvm.LogicalVolume, targets: list[lvm.Target]) -> str:
    """One device: name, no UUID, any minor number, flags, the table."""
    flags = "ro" if lv.policy.read_only else "rw"
    return ",".join([_device_name(name, lv), "", "", flags, *(str(target) for target in targets)])


def _device_name(name: str, lv: lvm.LogicalVolume) -> str:
    """The LV's own name, if it is one that every tool takes."""
    return name if _NAME.fullmatch(name) else f"lv{lv.minor}"
