"""`lvmfmt lv`: the logical volumes on images, and their whole content out to a file and back."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .. import block, lvm, system
from ..block.copying.mapfile import MapRun, RunState, map_lines
from ..block.newfile import replaceable
from ..errors import NotFound, OperationRefused
from ..escaping import escaped, printable
from ..origin import seeded_or_system
from ..units import MIB
from .doubting import tell_doubts, telling
from .operands import add_force, add_json, add_numbers, add_operands, numbers_of, split, verb
from .output import amount, graded, print_json, print_table, progress

_ZEROS = bytes(MIB)
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
  lvmfmt lv export hdisk0.img hdisk1.img hd4 - | gzip > root.gz   to standard output
  lvmfmt lv export hdisk0.img hdisk1.img hd4 root.img --copy 2    what the second copy holds, stale or not
  lvmfmt lv export hdisk0.img hd4 root.img --partial --map root.map

The image has the size of the logical volume and begins with its control block. Holes stay holes. With --partial, what
cannot be read becomes holes too (zeros on standard output); a map of it in the format of GNU ddrescue goes to the file
that --map names, or to standard error. What there is to doubt about the content is told on standard error.

exit status: 0 the content is whole, 1 something is missing or in doubt, 2 refused, 3 a disk could not be read
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
    add_numbers(listing)
    add_json(listing)
    listing.set_defaults(run=run_list)
    out = verb(verbs, "export", "write a logical volume as a raw image", examples=_EXPORT_EXAMPLES)
    add_operands(out, "OPERAND", "IMAGE... NAME OUT; OUT is - for standard output")
    out.add_argument("--force", action="store_true", help="replace OUT, and the file of --map")
    out.add_argument("--copy", type=int, metavar="N", help="the mirror copy with this number, 1 to 3, stale or not")
    out.add_argument("--partial", action="store_true", help="leave out what cannot be read, and write a map of it")
    out.add_argument("--map", metavar="FILE", help="with --partial: where the map goes (default: standard error)")
    add_numbers(out)
    out.set_defaults(run=run_export)
    back = verb(verbs, "import", "replace the content of a logical volume", examples=_IMPORT_EXAMPLES)
    add_operands(back, "OPERAND", "IMAGE... NAME SRC")
    back.add_argument("--zero-detect", action="store_true", help="make blocks of zeros holes")
    add_force(back)
    back.add_argument("--seed", type=int, help="take the time stamps from this number")
    back.set_defaults(run=run_import)


def run_list(args: argparse.Namespace) -> int:
    """Print the volumes of all groups."""
    from ..inspect.grading import GroupGrades

    images, _ = split(args.operands)
    with ExitStack() as stack:
        devices = stack.enter_context(block.opened_all(images))
        groups = system.open_groups(devices, infer=True, numbers=numbers_of(args, images))
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
                "grades": grades.lv,
            }
            for group in groups
            for grades in (GroupGrades(group.state),)
            for name, lv in group.logical_volumes.items()
        ]
        said = [pair for group in groups for pair in _doubts(group, group.logical_volumes)]
    tell_doubts(args, said)
    if args.json:
        print_json(rows, names=("name", "label"))
        return 0
    columns = ("LV", "TYPE", "LPs", "PPs", "COPIES", "STALE", "MISSING", "SIZE", "LABEL", "LVID")
    keys = ("name", "type", "lps", "pps", "copies", "stale_pps", "lost", "size", "label", "lvid")
    lost = [{**row, "lost": len({place["lp"] for place in row["missing"]})} for row in rows]
    shown = [[escaped(cell) if isinstance(cell := row[key], str) else cell for key in keys] for row in lost]
    headers = [graded(name, *(row["grades"].get(key) for row in rows)) for name, key in zip(columns, keys, strict=True)]
    print_table(
        headers, shown, right=[name for name in headers if name.split()[0] not in ("LV", "TYPE", "LABEL", "LVID")]
    )
    for row in rows:
        _print_missing(str(row["name"]), row["missing"])
    return 0


def _doubts(group: lvm.VolumeGroup, volumes: Mapping[str, lvm.LogicalVolume]) -> list[tuple[str, lvm.Doubt]]:
    """What there is to say about volumes, each with its name."""
    found = [*lvm.examine(group), *system.unequal_heads(group, *volumes)]
    return [(name, doubt) for name, lv in volumes.items() for doubt in lvm.doubts(group, lv, found)]


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
    """Copy the volume to a new image, or to standard output."""
    images, (name, out) = split(args.operands, "NAME", "OUT")
    if args.map is not None and not args.partial:
        raise OperationRefused("--map goes with --partial")
    for path in (out, args.map or "-"):
        _refuse_an_image(path, images)
    if args.map is not None and Path(args.map).resolve() == Path(out).resolve():
        raise OperationRefused("the volume and its map are one file", where=out)
    if args.map is not None:  # it would be late to learn at the end that there is no place for it
        replaceable(args.map, replace=args.force)
    start = time.monotonic()
    with ExitStack() as stack:
        devices = stack.enter_context(block.opened_all(images))
        groups = system.open_groups(devices, infer=True, numbers=numbers_of(args, images))
        group, lv = system.find_logical_volume(groups, name)
        tell_doubts(args, _doubts(group, {lv.name: lv}))
        if args.copy is not None:
            alone = lv.only(args.copy)
            stale, lv = int(lv.stale[args.copy - 1].sum()), alone
            if stale:
                telling(args)(f"{name}: copy {args.copy} is stale in {stale} of {lv.pps} PPs: it may be old")
        torn = [device.name for device in devices if getattr(device, "in_use", False)]
        if out == "-":
            done, seen = _to_stdout(lvm.runs_of(lv, partial=args.partial))
        else:
            data = sum(e.length for e in lv.device.extents() if e.is_data)
            told = stack.enter_context(progress(f"export {name}", data))
            with block.new_image(out, lv.size, replace=args.force) as target:
                if args.partial:
                    done, copied = lvm.rescue_lv(lv, target, progress=told)
                    seen = list(copied.runs())
                else:
                    done, seen = lvm.export_lv(lv, target, progress=told), []
    if args.partial:
        _write_map(args, seen)
    said = sys.stderr if out == "-" else sys.stdout
    where = "standard output" if out == "-" else printable(out)
    lost = sum(part.length for part in seen if part.state is not RunState.READ)
    missing = f"; {lost} bytes are missing" if lost else ""
    print(
        f"{where}: {amount(done, time.monotonic() - start)}; {lv.size - done - lost} bytes are holes{missing}",
        file=said,
    )
    for image in torn:
        print(f"lvmfmt: {printable(image)}: in use while it was read; the copy may be torn", file=sys.stderr)
    return 1 if lost else 0


def _to_stdout(parts: Iterable[lvm.ReadRun]) -> tuple[int, list[MapRun]]:
    """Bytes written, and what became of all."""
    done, seen = 0, []
    for part in parts:
        seen.append(MapRun(part.offset, part.length, part.state))
        if part.data is not None:
            sys.stdout.buffer.write(part.data.data)
            done += part.length
            continue
        for at in range(0, part.length, len(_ZEROS)):
            sys.stdout.buffer.write(_ZEROS[: part.length - at])
    sys.stdout.buffer.flush()
    return done, seen


def _write_map(args: argparse.Namespace, seen: Sequence[MapRun]) -> None:
    heading = "Mapfile of what lvmfmt lv export has read, in the format of GNU ddrescue"
    lines = "".join(f"{line}\n" for line in map_lines(seen, heading))
    if args.map is None:
        print(lines, end="", file=sys.stderr)
        return
    with block.new_image(args.map, len(lines), replace=args.force) as file:
        file.write(0, lines.encode("ascii"))


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
        done = lvm.import_lv(group, lv, content, find_zeros=args.zero_detect, origin=origin, progress=told)
    print(f"{printable(name)}: {amount(done, time.monotonic() - start)} into each of {lv.copies} copies")
    if getattr(content, "in_use", False):
        print(f"lvmfmt: {printable(source)}: in use while it was read; the content may be torn", file=sys.stderr)
    return 0


def _refuse_an_image(path: str, images: list[str]) -> None:
    for image in images:
        if Path(path).exists() and Path(image).exists() and Path(path).samefile(image):
            raise OperationRefused("one of the images that the logical volume is on", where=path)
