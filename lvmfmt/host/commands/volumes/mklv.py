"""`mklv`, `extendlv`, `rmlv`: logical volumes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, TextIO

from ....lvm import LvPolicy, PartitionRange, VolumeGroup, parse_map_file
from ....lvm.change import Change
from ....lvm.errors import LastGoodCopy
from ....units import GIB, KIB, MIB, ceil_div
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import CommandFailed, message, refusal
from ...syntax import Command, UsageError, demand, flags, refuse, with_flag
from ..aixwords import as_aix
from ..operands import (
    ask,
    check_free_name,
    default_prefix,
    finish,
    group_of_volume,
    member,
    members,
    new_name,
    varied_on_group,
)

_SIZE = re.compile(r"(\d{1,15})([bBkKmMgG]?)")
_UNITS = {"b": 512, "k": KIB, "m": MIB, "g": GIB}


def partitions(text: str, pp_size: int) -> int:
    """How many LPs an operand asks for: a number, or a size with b, k, m or g."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError
    return int(found[1]) if not found[2] else ceil_div(int(found[1]) * _UNITS[found[2].lower()], pp_size)


def size_of(text: str) -> int:
    """Bytes of a strip: `64K`, `1M`, or bytes."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError
    return int(found[1]) * _UNITS.get(found[2].lower(), 1)


def policy_options(given: dict[str, str]) -> dict[str, Any]:
    """The members of a `LvPolicy` that the flags which `mklv` and `chlv` share ask for."""
    found: dict[str, Any] = {
        key: given[flag]
        for flag, key in (("a", "intra"), ("e", "inter"), ("s", "strict"), ("w", "mwc"), ("d", "schedule"))
        if flag in given
    }
    for flag, key in (("b", "bb_relocation"), ("r", "relocatable"), ("v", "write_verify")):
        if flag in given:
            demand(given[flag] in ("y", "n"))
            found[key] = given[flag] == "y"
    for flag, key in (("u", "upper_bound"), ("x", "max_lps")):
        if flag in given:
            demand(given[flag].isdecimal() and len(given[flag]) <= 9)
            found[key] = int(given[flag])
    if found.get("mwc") == "y":
        found["mwc"] = "a"
    return found


def map_file(machine: Machine, group: VolumeGroup, path: str, program: str) -> list[PartitionRange]:
    """The partitions that a map file of the host lists."""
    data = machine.read_file(path)
    if data is None:
        raise refusal("device-missing", program=program, device=path)
    names = dict(zip(machine.disk_names(list(group.physical_volumes)), group.physical_volumes, strict=True))
    return parse_map_file(data.decode("utf-8", "surrogateescape"), names)


def mklv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a logical volume and print its name.

    Flags about the device node, serialised I/O and preferred reads are taken: nothing on a disk depends on them.
    """
    given, operands = flags(argv, "y:Y:t:c:L:a:e:b:r:v:w:d:s:u:x:m:S:C:io:U:G:P:T:kR:n:p:")
    if "i" in given:
        operands = [*operands, *machine.stdin.read().split()]
    demand(len(operands) >= 2 and not {"y", "Y"} <= set(given))
    group_name, amount, *disks = operands
    type = given.get("t", "jfs")
    options = policy_options(given)
    if "S" in given:
        options["strip_size"] = size_of(given["S"])
        options["stripe_width"] = _number(given["C"]) if "C" in given else None
    with as_aix("mklv", message("mklv-failed")):
        refuse(given, "mklv", "p")
        group = varied_on_group(machine, group_name, "mklv")
        name = given.get("y") or new_name(machine, given.get("Y") or default_prefix(type))
        check_free_name(machine, name)
        listed = map_file(machine, group, given["m"], "mklv") if "m" in given else None
        pvids = members(machine, group, disks, "mklv") or None
        with group.change(machine.origin) as change:
            change.add_lv(
                name, type, partitions(amount, group.pp_size), _number(given.get("c", "1")), pvids,
                policy=LvPolicy(**options), label=given.get("L", ""), partitions=listed,
            )  # fmt: skip
    finish(machine, group_name, group)
    print(name, file=stdout)


def extendlv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Give a logical volume more LPs, by another policy (`-a`, `-e`, `-s`, `-u`) if it is to have one from now on."""
    given, operands = flags(argv, "a:e:s:u:m:o:p:")
    demand(len(operands) >= 2)
    name, amount, *disks = operands
    options = policy_options(given)
    with as_aix("extendlv", message("extendlv-failed")):
        group_name, group = group_of_volume(machine, name, "extendlv")
        listed = map_file(machine, group, given["m"], "extendlv") if "m" in given else None
        pvids = members(machine, group, disks, "extendlv") or None
        with group.change(machine.origin) as change:
            change.set_policy(name, replace(change.policy(name), **options))
            change.extend_lv(name, partitions(amount, group.pp_size), pvids, partitions=listed)
    finish(machine, group_name, group)


def rmlv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Remove logical volumes, or what they have on one disk (`-p`); asks first unless `-f` is given."""
    given, operands = flags(argv, "Bfp:")
    demand(operands)
    status = 0
    for name in operands:
        try:
            with as_aix("rmlv", message("rmlv-failed", volume=name)):
                done = _remove(machine, name, given, stderr)
        except CommandFailed as error:
            print(error, file=stderr)
            status = error.status
            continue
        if done:
            print(message("rmlv-removed", volume=name), file=stdout)
        elif done is None:
            status = 1
    return status


def _remove(machine: Machine, name: str, given: dict[str, str], stderr: TextIO) -> bool | None:
    """Remove a volume.

    Returns:
        Whether it is gone as a whole; None if the answer was no.
    """
    group_name, group = group_of_volume(machine, name, "rmlv")
    pvid = member(machine, group, given["p"], "rmlv") if "p" in given else None
    if pvid is None and name in open_volumes(machine, group):
        raise refusal("volume-open", program="rmlv", volume=name)
    if "f" not in given:
        warning = (
            message("rmlv-warning", volume=name)
            if pvid is None
            else message("rmlv-on-disk", volume=name, disk=given["p"])
        )
        if not ask(machine, stderr, warning, message("rmlv-question")):
            return None
    gone = True
    with group.change(machine.origin) as change:
        if pvid is None:
            change.remove_lv(name)
        else:
            gone = _remove_from(change, name, pvid, open=name in open_volumes(machine, group))
    finish(machine, group_name, group)
    return gone


def _remove_from(change: Change, name: str, pvid: str, *, open: bool) -> bool:
    try:
        change.unmirror(name, pvid)
    except LastGoodCopy:
        if open:
            raise refusal("volume-open", program="rmlv", volume=name) from None
        change.remove_lv(name)
        return True
    return False


def _number(text: str) -> int:
    demand(text.isdecimal() and len(text) <= 9)
    return int(text)


COMMANDS = {
    "mklv": Command(mklv, changes=True, listens=with_flag("i")),
    "extendlv": Command(extendlv, changes=True),
    "rmlv": Command(rmlv, changes=True),
}
