"""`varyonvg`, `varyoffvg`: make a volume group usable, and leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ....errors import CorruptImage
from ....escaping import printable
from ....lvm import NoQuorum, PvState, PvStatus
from ...machine import varying
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import CommandFailed, message, refusal
from ...odm import devices
from ...odm.devices import Group
from ...rootvg import ROOTVG
from ...syntax import Command, flags, refuse
from ..aixwords import as_aix
from ..operands import finish, known_group


def varyonvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Vary a group on, and fill what is stale unless that is not wanted (`-n`); disks may be missing with `-f` only."""
    given, (name,) = flags(argv, "bcfnprstuM:O", operands=1)
    known = devices.group(machine.odm, name)
    if known is None:
        raise refusal("varyon-group-unknown", group=name, status=3)
    if machine.is_varied_on(known) and not _disks_came_back(machine, name):
        return
    with as_aix("varyonvg"):
        refuse(given, "varyonvg", "crs")
        statuses = bring_up(machine, known, force="f" in given, sync="n" not in given)
    if any(status.state is not PvState.ACTIVE for status in statuses):
        for line in status_lines(machine, statuses):
            print(line, file=stderr)
        print(message("varied-on-partly", group=name), file=stdout)


def bring_up(machine: Machine, known: Group, *, force: bool, sync: bool) -> Sequence[PvStatus]:
    """Vary a group on, and let the ODM say of it what the VGDA says.

    Raises:
        CommandFailed: with AIX's messages.
    """
    try:
        statuses = varying.vary_on(machine, known, force=force, sync=sync)
    except NoQuorum as error:
        raise CommandFailed(*status_lines(machine, error.statuses), message("no-quorum")) from error
    except CorruptImage as error:
        raise refusal("no-descriptors") from error
    finish(machine, known.name, machine.group(known.name))
    return statuses


def status_lines(machine: Machine, statuses: Sequence[PvStatus]) -> list[str]:
    """What a varyon says of each disk; one that is not here is told by its PVID only."""
    names = {d.pvid: d.name for d in machine.disks()}
    lines: list[str] = []
    for status in statuses:
        name = f"{names.get(status.pvid, status.pvid)}  " if status.state is PvState.ACTIVE else ""
        label = "PV Status:" if not lines else ""
        lines.append(printable(f"{label:<16}{name}{status.pvid}  {status.state.value}"))
    return lines


def _disks_came_back(machine: Machine, name: str) -> bool:
    """Whether a group that is varied on misses disks that are here again."""
    group = machine.group(name)
    known = known_group(machine, name, "varyonvg")
    missing = {pvid for pvid, pv in group.physical_volumes.items() if group.state.vgsa.missing(pv.number)}
    here = {d.pvid for d in machine.disks() if d.name in varying.members(machine, known)}
    return bool(missing & here)


def varyoffvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Leave a group whose logical volumes are all closed."""
    given, (name,) = flags(argv, "s", operands=1)
    known = known_group(machine, name, "varyoffvg")
    with as_aix("varyoffvg", message("varyoff-failed", group=name)):
        refuse(given, "varyoffvg", "s")
        if not machine.is_varied_on(known):
            raise refusal("not-varied-on", program="lvaryoffvg")
        if name == ROOTVG or open_volumes(machine, machine.group(name)):
            raise refusal("varyoff-open")
    varying.vary_off(machine, known)


COMMANDS = {"varyonvg": Command(varyonvg, changes=True), "varyoffvg": Command(varyoffvg, changes=True)}
