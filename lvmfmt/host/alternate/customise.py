"""Phase 2 of `alt_disk_copy`, and `alt_rootvg_op -C`: changing a clone while it is awake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from ..archive import installing, packages
from ..boot.firstboot import FIRST_BOOT
from ..console.shell import Shell, fault
from ..machine.running import Machine
from ..messages import message, refusal
from ..odm import filesets
from .names import ALT_ROOT

FIXES = "fF"
"""Flags that install fixes by the numbers of their APARs: which files those are is in a data base that is not here."""
RESOLVER = "/etc/resolv.conf"
_INSTALLP_FLAGS = re.compile(r"-?[acgpqvwxFNQXY]*")


@dataclass(frozen=True)
class CloneChanges:
    """What is to be done to a clone; everything that it needs is there.

    Attributes:
        files: content of files of the clone by their paths.
        software: packages to install, in order.
        commit: whether updates are to stay.
        script: lines to run at the end, None for no script.
    """

    files: Mapping[str, bytes]
    software: tuple[packages.Image, ...]
    commit: bool
    script: str | None


def plan(machine: Machine, program: str, given: Mapping[str, str]) -> CloneChanges:
    """What the flags of a command ask for: a resolv.conf (`-R`), software, a script now (`-s`), one for later (`-x`).

    Raises:
        CommandFailed: a file or a package that is needed is missing, or is not to be had here; the script to run now
            has a line that this host's shell does not understand.
    """
    for flag in FIXES:
        if flag in given:
            raise refusal("alt-no-fixes", program=program, flag=flag)
    files = {flag: _read(machine, program, given[flag]) for flag in "sRx" if flag in given}
    script = files.pop("s").decode("utf-8", "surrogateescape") if "s" in files else None
    if script is not None and (problem := fault(script.splitlines())):
        raise refusal("alt-script", program=program, path=given["s"], problem=problem)
    targets = {"R": RESOLVER, "x": FIRST_BOOT}
    return CloneChanges(
        {targets[flag]: data for flag, data in files.items()},
        _software(machine, program, given),
        "c" in given.get("I", "c"),
        script,
    )


def _software(machine: Machine, program: str, given: Mapping[str, str]) -> tuple[packages.Image, ...]:
    wanted = given.get("w", "").split()
    if "b" in given:
        wanted += [given["b"]] if given["b"] == packages.UPDATE_ALL else _bundle(machine, program, given["b"])
    if not wanted and not {"l", "I"} & set(given):
        return ()
    if not _INSTALLP_FLAGS.fullmatch(given.get("I", "")):
        raise refusal("value-invalid", program=program, value=given["I"], flag="I")
    if not wanted or "l" not in given:
        raise refusal("alt-software", program=program)
    found = packages.images(machine, program, given["l"])
    return tuple(packages.choose(program, found, wanted, filesets.installed(machine.read_file)))


def _bundle(machine: Machine, program: str, path: str) -> list[str]:
    """The names in a bundle file: a fileset a line, `I:` or another letter before it, `#` before a comment."""
    lines = _read(machine, program, path).decode("utf-8", "surrogateescape").splitlines()
    names = [line.strip().partition(":")[2] or line.strip() for line in lines if not line.strip().startswith("#")]
    return [name for name in names if name]


def apply(machine: Machine, changes: CloneChanges, stdout: TextIO, stderr: TextIO) -> int:
    """Change the clone that is awake.

    Args:
        machine: the running machine.
        changes: as `plan` found them possible.
        stdout: where the output of the script goes.
        stderr: where messages go.

    Returns:
        Exit status of the script, or 1 where a package could not be installed.
    """
    for path, data in changes.files.items():
        machine.write_file(ALT_ROOT + path, data)
    status = 0
    for image in changes.software:
        problems = installing.install(machine, image, root=ALT_ROOT, commit=changes.commit)
        for fileset in image.package.filesets:
            print(message("alt-installing", fileset=fileset.name, level=fileset.level), file=stdout)
        for problem in problems:
            print(message("installp-problem", path=image.path, reason=problem), file=stderr)
            status = 1
    if changes.script is None or status:
        return status
    return Shell(machine, stdout, stderr).run_script(changes.script.splitlines())


def _read(machine: Machine, program: str, path: str) -> bytes:
    data = machine.read_file(path) if path.startswith("/") else None
    if data is None:
        raise refusal("alt-no-file", program=program, path=path)
    return data
