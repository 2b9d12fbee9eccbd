"""Phase 2 of `alt_disk_copy`, and `alt_rootvg_op -C`: changing a clone while it is awake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from ..machine.machine import Machine
from ..messages import CommandFailed, message
from .names import ALT_ROOT

SOFTWARE = "bfFwlI"
"""Flags that install software; this host has no installp."""

RESOLVER = "/etc/resolv.conf"
FIRST_BOOT = "/etc/firstboot"


def check(machine: Machine, program: str, given: Mapping[str, str]) -> None:
    """Raise `CommandFailed` if a file that is needed is missing, or software is to be installed."""
    for flag in SOFTWARE:
        if flag in given:
            raise CommandFailed(message("alt-no-installp", program=program, flag=flag))
    for flag in "sRx":
        if flag in given and _read(machine, given[flag]) is None:
            raise CommandFailed(message("alt-no-file", program=program, path=given[flag]))


def customise(machine: Machine, given: Mapping[str, str], stdout: TextIO, stderr: TextIO) -> int:
    """Do what `check` allowed: resolv.conf (`-R`), a script for the first boot (`-x`), a script now (`-s`).

    Args:
        machine: the running machine; its clone is awake.
        given: flags with their values.
        stdout: where the output of the script goes.
        stderr: where its messages go.

    Returns:
        Exit status of the script, 0 without one.
    """
    for flag, target in (("R", RESOLVER), ("x", FIRST_BOOT)):
        if flag in given:
            machine.write_file(ALT_ROOT + target, _read(machine, given[flag]) or b"")
    if "s" not in given:
        return 0
    from ..console.shell import Shell
    from ..host import Session

    script = (_read(machine, given["s"]) or b"").decode("utf-8", "surrogateescape")
    session = Session(machine, lambda line: print(line, file=stderr))
    return Shell(session, stdout, stderr).run_all(script.splitlines())


def _read(machine: Machine, path: str) -> bytes | None:
    return machine.read_file(path) if path.startswith("/") else None
