"""`lvmfmt vg`: whether the volume groups on images are consistent, and their repair."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from .. import block, inspect, lvm, system
from ..errors import LvmfmtError, OperationRefused
from ..escaping import escaped, printable
from ..origin import seeded_or_system
from .operands import add_force, add_json, add_numbers, add_operands, numbers_of, split, verb
from .output import graded, print_json, print_table

_EXAMPLES = """\
examples:
  lvmfmt vg check hdisk0.img hdisk1.img
  lvmfmt vg check hdisk0.img hdisk1.img --repair --undo-file before.undo
  lvmfmt vg scan hdisk0.img
"""
_CHECK_EXAMPLES = """\
  lvmfmt vg check hdisk0.img hdisk1.img
  lvmfmt vg check disks/*.img --json
  lvmfmt vg check hdisk0.img hdisk1.img --data          also compares the copies of mirrored volumes
  lvmfmt vg check hdisk0.img hdisk1.img --pv 2=hdisk1.img        says which PV an image is that nothing else tells
  lvmfmt vg check hdisk0.img hdisk1.img --repair --undo-file before.undo
  lvmfmt undo before.undo

Finds what disagrees between copies, disks, maps, names, control blocks and records, and says which side is right.
--repair rewrites what has a sound source and nothing else; what it overwrites is in the undo file first. A group
with bytes that no field names, or a check sum, is not written without --force, which makes them zero. The
images of one group at a time are repaired. Exit status 0: nothing but notes (left), 1: findings.
"""
_SCAN_EXAMPLES = """\
  lvmfmt vg scan hdisk0.img hdisk1.img
  lvmfmt fs ls hdisk0.img --offset 0x220000 /          a file system that was found, if it is in one piece

Looks for control blocks and superblocks wherever a logical volume may begin, whatever the volume group says. What is
found may be what is left of a volume that was removed. Exit status 0: something was found, 1: nothing.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs = parser.add_subparsers(prog=parser.prog, title="vg commands", metavar="COMMAND", required=True)
    check = verb(verbs, "check", "find every disagreement in a volume group", examples=_CHECK_EXAMPLES)
    add_operands(check, "IMAGE", "disk images of one or more volume groups")
    check.add_argument("--repair", action="store_true", help="rewrite what has a sound source")
    check.add_argument("--data", action="store_true", help="also compare the copies of mirrored logical volumes")
    add_numbers(check)
    check.add_argument("--undo-file", metavar="FILE", help="undo file to make (with --repair; default: lvmfmt.undo)")
    add_force(check, "and overwrite bytes of VGSA and VGDA that no field names (with --repair)")
    check.add_argument("--seed", type=int, help="take the time stamps from this number")
    add_json(check)
    check.set_defaults(run=run_check)
    scan = verb(verbs, "scan", "list what is found on disks without a usable VGDA", examples=_SCAN_EXAMPLES)
    add_operands(scan, "IMAGE", "disk images")
    add_json(scan)
    scan.set_defaults(run=run_scan)


def run_check(args: argparse.Namespace) -> int:
    """Check every group, repair one if asked, and print what is wrong, or is still wrong."""
    images, _ = split(args.operands)
    if args.undo_file and not args.repair:
        raise OperationRefused("--undo-file goes with --repair")
    with ExitStack() as stack:
        devices = stack.enter_context(block.opened_all(images, writable=args.repair))
        numbers = numbers_of(args, images)
        groups = list(system.by_group(devices, infer=True, numbers=numbers).values()) or [devices]
        found = [problem for members in groups for problem in _check(members, args.data, numbers)]
        found = list(dict.fromkeys(found))
        written, left = 0, found
        if args.repair:
            if len(groups) > 1:
                raise OperationRefused(f"the images hold {len(groups)} volume groups", hint="repair one at a time")
            origin = seeded_or_system(args.seed)
            undo = args.undo_file or "lvmfmt.undo"
            written = lvm.repair(devices, undo, origin=origin, force=args.on_running_host, numbers=numbers)
            left = _check(devices, args.data, numbers)
    if args.json:
        print_json({"findings": [_plain(p) for p in found], "writes": written, "left": [_plain(p) for p in left]})
    else:
        _print(found)
        if args.repair:
            gone = len(found) - len([problem for problem in found if problem in left])
            saved = f"; {printable(undo)} puts the old bytes back" if written else ""
            print(f"{gone} of {len(found)} findings repaired with {written} writes{saved}")
            if left and written:
                print("\nleft:")
                _print(left)
    return 1 if any(problem.severity.value != "note" for problem in left) else 0


def _check(devices: Sequence[block.BlockDevice], data: bool, numbers: Mapping[int, str] | None) -> list[lvm.Problem]:
    """The findings of one group; without `data`, copies are compared only where a file system tells their states."""
    found = lvm.check(devices, data=data, numbers=numbers)
    if not data:
        with suppress(LvmfmtError):  # what keeps the group from being opened is among the findings
            group = lvm.VolumeGroup.open(devices, infer=True, numbers=numbers)
            found += system.unequal_heads(group)
    return found


def run_scan(args: argparse.Namespace) -> int:
    """Print what is found."""
    images, _ = split(args.operands)
    with ExitStack() as stack:
        found = [f for device in stack.enter_context(block.opened_all(images)) for f in inspect.salvage(device)]
    if args.json:
        print_json([{**vars(f), "grades": f.grades} for f in found], names=("name", "label"))
    elif not found:
        print("nothing was found by scanning")
    else:
        columns = ("IMAGE", "BYTE", "STRUCTURE", "NAME", "TYPE", "LPs", "COPIES", "SIZE", "LABEL", "LVID", "PROBLEM")
        shown = [f.grades for f in found if f.grades][:1]
        headers = [graded(name, *(grades.get(name.lower()) for grades in shown)) for name in columns]
        rows = [
            (f.image, f"{f.offset:#x}", f.structure + (" in VGDA" if f.found_by == "metadata" else ""), escaped(f.name),
             escaped(f.type), f.lps or "", f.copies or "", f.size or "", escaped(f.label), f.lvid, f.problem)
            for f in found
        ]  # fmt: skip
        print("found by scanning; nothing says whether it is still in use")
        right = [name for name in headers if name.split()[0] in ("BYTE", "LPs", "COPIES", "SIZE")]
        print_table(headers, rows, right=right)
    return 0 if found else 1


def _plain(problem: lvm.Problem) -> dict[str, object]:
    from ..layout.catalog import grade_of

    rule = lvm.RULES[problem.rule]
    return {
        "rule": problem.rule,
        "severity": problem.severity.value,
        "where": problem.where,
        "structure": problem.structure,
        "field": problem.field,
        "grade": grade_of(problem.structure, problem.field),
        "offset": problem.offset,
        "evidence": problem.text,
        "expected": rule.meaning,
        "right": problem.right,
    }


def _print(problems: list[lvm.Problem]) -> None:
    if not problems:
        print("nothing wrong was found")
        return
    from ..layout.catalog import grade_of

    rows = []
    for p in problems:
        name = f"{p.structure}.{p.field}" if p.field else p.structure
        offset = "" if p.offset is None else f"{p.offset:#x}"
        grade = grade_of(p.structure, p.field)
        rows.append((p.severity.value, p.rule, p.where, name, grade, offset, p.text, p.right))
    print_table(("SEVERITY", "RULE", "WHERE", "FIELD", "GRADE", "BYTE", "EVIDENCE", "RIGHT IS"), rows)
