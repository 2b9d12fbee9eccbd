"""`getlvcb`, `putlvcb`: the control block of a logical volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

from ....escaping import printable
from ....lvm import Lvcb
from ...machine.running import Machine
from ...messages import refusal
from ...syntax import Command, demand, flags
from ..operands import finish, group_of_volume


def getlvcb(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Show all of a control block (`-A`, with tags `-AT`), or members of it."""
    given, operands = flags(argv, "ATacefiLnrstuy", operands=1)
    demand(set(given) - {"T"})
    name = operands[0].removeprefix("/dev/")
    _, group = group_of_volume(machine, name, "getlvcb")
    known = group.logical_volumes[name].lvcb
    if known is None:
        raise refusal("no-control-block", program="getlvcb", volume=name)
    if "A" in given and "T" in given:
        print("\t AIX LVCB", file=stdout)
    for flag, tag, value in _members(known):
        if "A" in given or flag in given:
            print(f"\t {tag} = {printable(value)}" if "T" in given else printable(value), file=stdout)
    if "A" in given:
        print(file=stdout)


def _members(known: Lvcb) -> Iterator[tuple[str, str, str]]:
    yield "a", "intrapolicy", known.intra
    yield "c", "copies", str(known.copies)
    yield "e", "interpolicy", known.inter
    yield "i", "lvid", known.lvid
    yield "y", "lvname", known.name
    yield "L", "label", known.label
    yield "", "machine id", known.machine_id
    yield "n", "number lps", str(known.lps)
    yield "r", "relocatable", "y" if known.relocatable else "n"
    yield "s", "strict", known.strict
    yield "", "stripe width", str(known.stripe_width)
    yield "", "stripe size in exponent", str(known.stripe_exp)
    yield "t", "type", known.type
    yield "u", "upperbound", str(known.upper_bound)
    yield "f", "fs", known.fs
    yield "", "time created ", known.created.strip()
    yield "", "time modified", known.modified.strip()


def putlvcb(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Write members of a control block: type (`-t`), label (`-L`), file system text (`-f`), policies."""
    from ..aixwords import as_aix
    from .mklv import policy_options

    given, operands = flags(argv, "a:e:f:L:r:s:t:u:", operands=1)
    demand(given)
    name = operands[0].removeprefix("/dev/")
    group_name, group = group_of_volume(machine, name, "putlvcb")
    with as_aix("putlvcb"), group.change(machine.origin) as change:
        placing = policy_options({flag: value for flag, value in given.items() if flag in "aersu"})
        change.set_policy(name, replace(change.policy(name), **placing))
        if {"t", "L", "f"} & set(given):
            change.set_lvcb(name, type=given.get("t"), label=given.get("L"), fs=given.get("f"))
    finish(machine, group_name, group)


COMMANDS = {"getlvcb": Command(getlvcb), "putlvcb": Command(putlvcb, changes=True)}
