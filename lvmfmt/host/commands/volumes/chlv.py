"""`chlv`: changes what a logical volume is, how it is placed from now on, or its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

from ...machine import imfs
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import message, refusal
from ...syntax import Command, demand, flags
from ..aixwords import as_aix
from ..operands import check_free_name, finish, group_of_volume
from .mklv import policy_options


def chlv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Change logical volumes; with `-n New Old` the name of one, which must be closed."""
    given, operands = flags(argv, "a:b:d:e:L:n:o:p:r:s:t:u:v:w:x:U:G:P:T:k:R:m:")
    demand(operands and given and ("n" not in given or len(operands) == 1) and given.get("p", "w") in ("r", "w"))
    for name in operands:
        with as_aix("chlv", message("chlv-failed", volume=name)):
            _change(machine, name, given)


def _change(machine: Machine, name: str, given: dict[str, str]) -> None:
    options = policy_options(given)
    if "p" in given:
        options["read_only"] = given["p"] == "r"
    group_name, group = group_of_volume(machine, name, "chlv")
    new = given.get("n")
    if new is not None:
        if name in open_volumes(machine, group):
            raise refusal("volume-open", program="chlv", volume=name)
        check_free_name(machine, new)
    with group.change(machine.origin) as change:
        change.set_policy(name, replace(change.policy(name), **options))
        if "t" in given or "L" in given:
            change.set_lvcb(name, type=given.get("t"), label=given.get("L"))
        if new is not None:
            change.rename_lv(name, new)
    finish(machine, group_name, group)
    if new is not None:
        imfs.rename(machine, name, new)


COMMANDS = {"chlv": Command(chlv, changes=True)}
