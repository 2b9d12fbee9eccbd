"""`lvmfmt lv`: the logical volumes on images, and their whole content out to a file and back."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .. import block, lvm, system
from ..errors import NotFound, OperationRefused
from ..escaping import escaped, printable
from ..origin import seeded_or_system
from .doubting import tell_doubts
from .operands import add_force, add_json, add_operands, split, verb
from .output import amount, print_json, print_table, progress

_SHOWN = 8
"""LPs that a line names at most; `--json` has them all."""
_EXAMPLES = """\
examples:
  lvmfmt lv list hdisk0.img hdisk1.img
  lvmfmt lv export hdisk0.img hdisk1.img hd4 root.img
  lvmfmt lv import hdisk0.img hdisk1.img hd4 root.img

Fixed operands are counted from the right; everything before them is images.
"""
_LIST_EXAMPLES = """\
  lvmfmt lv list hdisk0.img hdisk1.img
  lvmfmt lv list disks/*.img --json
"""
_EXPORT_EXAMPLES = """\
  lvmfmt lv export hdisk0.img hdisk1.img hd4 root.img
  lvmfmt lv export hdisk0.img hdisk1.img hd4 root.img --force     replaces root.img

The image has the size of the logical volume and begins with its control block. Holes stay holes.
"""
_IMPORT_EXAMPLES = """\
  lvmfmt lv import hdisk0.img hdisk1.img hd4 root.img

SRC has exactly the size of the logical volume. All copies are written; one that is stale or not here is refused. The
logical volume keeps its control block unless SRC begins with something other than a control block or zeros. If the
import is stopped, all copies but one are marked stale.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs = parser.add_subparsers(prog=parser.prog, title="lv commands", metavar="COMMAND", required=True)
    listing = verb(verbs, "list", "list the logical volumes", examples=_LIST_EXAMPLES)
    add_operands(listing, "IMAGE", "disk images of one or more volume groups")
    add_json(listing)
    listing.set_defaults(run=run_list)
    out = verb(verbs, "export", "write a logical volume as a raw image", examples=_EXPORT_EXAMPLES)
    add_operands(out, "OPERAND", "IMAGE... NAME OUT")
    out.add_argument("--force", action="store_true", help="replace OUT")
    out.set_defaults(run=run_export)
    back = verb(verbs, "import", "replace the content of a logical volume", examples=_IMPORT_EXAMPLES)
    add_operands(back, "OPERAND", "IMAGE... NAME SRC")
    add_force(back)
    back.add_argument("--seed", type=int, help="take the time stamps from this number")
    back.set_defaults(run=run_import)


def run_list(args: argparse.Namespace) -> int:
    """Print the volumes of all groups."""
    images, _ = split(args.operands)
    with ExitStack() as stack:
        groups = system.open_groups(stack.enter_context(block.opened_all(images)))
        if not groups:
            raise NotFound("there is no volume group on these images")
        rows: list[dict[str, Any]] = [
            {
                "vgid": group.vgid,
                "name": name,
                "minor": lv.minor,
                "lvid": lv.lvid,
                "type": lv.type,
                "size": lv.size,
                "lps": lv.lps,
                "pps": lv.pps,
                "copies": lv.copies,
                "stale_pps": lv.stale_pps,
                "missing": _missing(lv),
                "pvs": lv.pv_numbers,
                "label": lv.label,
            }
            for group in groups
            for name, lv in group.logical_volumes.items()
        ]
        said = [pair for group in groups for pair in _doubts(group, group.logical_volumes)]
    tell_doubts(args, said)
    if args.json:
        print_json(rows, names=("name", "label"))
        return 0
    headers = ("LV", "TYPE", "LPs", "PPs", "COPIES", "STALE", "MISSING", "SIZE", "LABEL", "LVID")
    right = ("LPs", "PPs", "COPIES", "STALE", "MISSING", "SIZE")
    keys = ("name", "type", "lps", "pps", "copies", "stale_pps", "lost", "size", "label", "lvid")
    lost = [{**row, "lost": len({place["lp"] for place in row["missing"]})} for row in rows]
    shown = [[escaped(cell) if isinstance(cell := row[key], str) else cell for key in keys] for row in lost]
    print_table(headers, shown, right=right)
    for row in rows:
        _print_missing(str(row["name"]), row["missing"])
    return 0


def _doubts(group: lvm.VolumeGroup, names: Iterable[str]) -> list[tuple[str, lvm.Doubt]]:
    """What there is to say about volumes, each with its name."""
    found, volumes = lvm.examine(group), group.logical_volumes
    return [(name, doubt) for name in names for doubt in lvm.doubts(group, volumes[name], found)]


def _missing(lv: lvm.LogicalVolume) -> list[dict[str, object]]:
    """Where the LPs lie of which no good copy is on these images."""
    return [
        {"lp": lp, "pvid": pvid, "pp": pp}
        for lp in lv.missing_lps.tolist()
        for pvid, pp in lv.places_of(lp) or [("", 0)]
    ]


def _print_missing(name: str, missing: list[dict[str, object]]) -> None:
    """One line for each disk that has what is missing of a volume."""
    by_pvid: dict[str, list[str]] = {}
    for place in missing:
        by_pvid.setdefault(str(place["pvid"]), []).append(f"{place['lp']} (PP {place['pp']})")
    for pvid, lps in by_pvid.items():
        shown = ", ".join(lps[:_SHOWN]) + (f" and {len(lps) - _SHOWN} more" if len(lps) > _SHOWN else "")
        where = f"on PV {pvid}, which is not here" if pvid else "of which no disk has a copy"
        print(f"{escaped(name)}: without LPs {shown} {where}")


def run_export(args: argparse.Namespace) -> int:
    """Copy the volume to a new image."""
    images, (name, out) = split(args.operands, "NAME", "OUT")
    _refuse_an_image(out, images)
    start = time.monotonic()
    with ExitStack() as stack:
        devices = stack.enter_context(block.opened_all(images))
        group, lv = system.find_logical_volume(system.open_groups(devices), name)
        tell_doubts(args, _doubts(group, [lv.name]))
        data = sum(e.length for e in lv.device.extents() if e.is_data)
        told = stack.enter_context(progress(f"export {name}", data))
        with block.new_image(out, lv.size, replace=args.force) as target:
            done = lvm.export_lv(lv, target, progress=told)
        torn = [device.name for device in devices if getattr(device, "in_use", False)]
    print(f"{printable(out)}: {amount(done, time.monotonic() - start)}; {lv.size - done} bytes are holes")
    for image in torn:
        print(f"lvmfmt: {printable(image)}: in use while it was read; the copy may be torn", file=sys.stderr)
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Write the image into the volume."""
    images, (name, source) = split(args.operands, "NAME", "SRC")
    _refuse_an_image(source, images)
    start = time.monotonic()
    origin = seeded_or_system(args.seed)
    with ExitStack() as stack:
        content = stack.enter_context(block.open(source))
        devices = stack.enter_context(block.opened_all(images, writable=True))
        group, lv = system.find_logical_volume(system.open_groups(devices), name)
        data = sum(e.length for e in content.extents() if e.is_data)
        told = stack.enter_context(progress(f"import {name}", data))
        done = lvm.import_lv(group, lv, content, origin=origin, progress=told)
    print(f"{printable(name)}: {amount(done, time.monotonic() - start)} into each of {lv.copies} copies")
    if getattr(content, "in_use", False):
        print(f"lvmfmt: {printable(source)}: in use while it was read; the content may be torn", file=sys.stderr)
    return 0


def _refuse_an_image(path: str, images: list[str]) -> None:
    for image in images:
        if Path(path).exists() and Path(image).exists() and Path(path).samefile(image):
            raise OperationRefused("one of the images that the logical volume is on", where=path)
