"""Setting the normal boot list to a rootvg, as the alternate disk tools do when they have finished."""

from __future__ import annotations

from collections.abc import Sequence

from ..machine.running import Machine
from ..messages import message
from ..odm.devices import Disk
from ..rootvg import BOOT_VOLUME
from . import image as boot


def set_boot_disks(machine: Machine, disks: Sequence[Disk]) -> str:
    """Boot from those of the disks that can be booted; returns the line that says so.

    Args:
        machine: the running machine.
        disks: of one rootvg, the preferred one first.
    """
    chosen = [d for d in disks if boot.bootable(machine.device(d.slot))] or list(disks[:1])
    machine.set_boot_list("normal", [d.slot for d in chosen])
    key = "alt-bootlist-blv" if machine.profile.bootlist_message_blv else "alt-bootlist"
    return message(key, disk=chosen[0].name, volume=BOOT_VOLUME)
