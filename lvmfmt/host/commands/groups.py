"""What commands that work on a volume group have in common."""

from __future__ import annotations

from ...lvm import VolumeGroup
from .. import devices
from ..machine import Machine
from ..messages import CommandFailed, message


def varied_on_group(machine: Machine, name: str, program: str) -> VolumeGroup:
    """The group called `name`.

    Raises:
        CommandFailed: there is none, or it is not varied on; with AIX's message.
    """
    known = devices.group(machine.odm, name)
    if known is None:
        raise CommandFailed(message("group-unknown", program=program, group=name))
    if not machine.is_varied_on(known):
        raise CommandFailed(message("not-varied-on", program=program))
    return machine.group(name)
