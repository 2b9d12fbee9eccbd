"""`installp`: installs packages from a directory of the host, or lists them."""

from __future__ import annotations

from typing import TextIO

from ...archive import installing, packages
from ...archive.packages import Image
from ...machine.running import Machine
from ...messages import message
from ...odm import filesets
from ...syntax import Command, demand, flags, refuse

PROGRAM = "installp"
_LISTED = f"  {'Fileset Name':<30} {'Level':<20} I/U"
_SUMMARY = f"{'Name':<27} {'Level':<15} {'Part':<11} {'Event':<11} Result"


def installp(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Apply (`-a`, with `-c` for good) packages of a directory (`-d`), or list what is there (`-l`).

    `-p` only says what would be installed. `-g`, `-X`, `-Y`, `-N`, `-Q`, `-F`, `-v`, `-q` and `-w` are accepted: space
    is there or is not, licenses are not asked for, and a package is taken as a whole. A package whose boot image has
    to be made anew gets one.
    """
    given, operands = flags(argv, "acd:glpqvwxFNQXYuCrGsL")
    refuse(given, PROGRAM, "uCrGsL")
    demand(
        "d" in given and ("l" in given) is not bool({"a", "p"} & set(given)) and ("l" in given) is not bool(operands)
    )
    found = packages.images(machine, PROGRAM, given["d"])
    if "l" in given:
        print(_LISTED, file=stdout)
        for image in found:
            kind = "I" if image.package.type == packages.INSTALL else "U"
            for fileset in image.package.filesets:
                print(message("installp-listed", name=fileset.name, level=fileset.level, kind=kind), file=stdout)
        return 0
    chosen = packages.choose(PROGRAM, found, operands, filesets.installed(machine.read_file))
    if "p" in given:
        _summary(chosen, set(), stdout, "PREVIEW")
        return 0
    broken = set()
    for image in chosen:
        for problem in installing.install(machine, image, commit="c" in given):
            print(message("installp-problem", path=image.path, reason=problem), file=stderr)
            broken.add(image.path)
    _summary(chosen, broken, stdout, "APPLY")
    status = 1 if broken else 0
    if any(one.bosboot for image in chosen for one in image.package.filesets):
        status |= machine.execute(["bosboot", "-a"], stdout, stderr, None)
    return status


def _summary(chosen: list[Image], broken: set[str], stdout: TextIO, event: str) -> None:
    """The table at the end (recalled)."""
    for line in ("Installation Summary", "-" * 20, _SUMMARY, "-" * 79):
        print(line, file=stdout)
    for image in chosen:
        result = "FAILED" if image.path in broken else "SUCCESS"
        for one in image.package.filesets:
            row = message("installp-row", name=one.name, level=one.level, part="USR", event=event, result=result)
            print(row, file=stdout)


COMMANDS = {"installp": Command(installp, changes=True)}
