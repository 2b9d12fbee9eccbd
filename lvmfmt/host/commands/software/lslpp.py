"""`lslpp` and `oslevel`: which filesets are installed, and which level of the system that makes."""

from __future__ import annotations

import fnmatch
from typing import TextIO

from ...machine.running import Machine
from ...messages import refusal
from ...odm import filesets
from ...odm.filesets import STATES, InstalledFileset
from ...syntax import Command, demand, flags

LIBRARY = "/usr/lib/objrepos"
"""The part of the installed software that is here."""


def lslpp(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List filesets: in columns (`-l`), or with colons between fields (`-L`, `-c`); `-q` without headers."""
    given, operands = flags(argv, "lLcqa")
    demand({"l", "L"} & set(given))
    installed = filesets.installed(machine.read_file)
    found = []
    for pattern in operands or ["all"]:
        names = [n for n in installed if pattern == "all" or fnmatch.fnmatchcase(n, pattern)]
        if not names:
            raise refusal("lslpp-not-installed", fileset=pattern)
        found += [installed[name] for name in names]
    _print(list(dict.fromkeys(found)), stdout, **{flag: flag in given for flag in "Lcq"})


def _print(found: list[InstalledFileset], stdout: TextIO, *, L: bool, c: bool, q: bool) -> None:
    if c:
        lines = [] if q else ["#Fileset:Level:PTF Id:State:Type:Description:EFIX Locked"]
        for f in found:
            state = STATES.get(f.state, "?")
            row = f"{f.name}:{f.vrmf}::{state[0] if L else state}:F:{f.description}:"
            lines.append(row if L else f"{LIBRARY}:{row}")
    elif L:
        lines = [] if q else [f"  {'Fileset':<24}  {'Level':<14}  State  Type  Description", "  " + "-" * 76]
        lines += [
            f"  {f.name:<24} {f.vrmf:>15} {STATES.get(f.state, '?')[0]:>4}     F    {f.description}" for f in found
        ]
    else:
        lines = (
            []
            if q
            else [f"  {'Fileset':<24}  {'Level':>10}  {'State':<9}  Description", "  " + "-" * 76, f"Path: {LIBRARY}"]
        )
        lines += [f"  {f.name:<24}  {f.vrmf:>10}  {STATES.get(f.state, '?'):<9}  {f.description}" for f in found]
    print("\n".join(lines), file=stdout)


def oslevel(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """The level of the system: as such, with the technology level (`-r`), with the service pack (`-s`)."""
    given, _ = flags(argv, "rs", operands=0)
    demand(len(given) <= 1)
    found = filesets.installed(machine.read_file).get(filesets.OPERATING_SYSTEM)
    if found is None:
        raise refusal("lslpp-not-installed", fileset=filesets.OPERATING_SYSTEM)
    version, release, level, fix = found.level
    # from 5.3 TL 5 on the third number of bos.rte is the technology level, the fourth that of fixes; when a service
    # pack was built is in no level of a fileset, so the last part stays 0000
    technology = f"{version}{release}00-{level:02}"
    shown = {"r": technology, "s": f"{technology}-{fix:02}-0000", "": f"{version}.{release}.0.0"}
    print(shown[next(iter(given), "")], file=stdout)


COMMANDS = {"lslpp": Command(lslpp), "oslevel": Command(oslevel)}
