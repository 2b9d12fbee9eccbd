"""Booting a machine: from the boot list to a running system with its groups varied on and its file systems mounted.

The disk that boots decides: its group is rootvg, the ODM and /etc/filesystems in its hd4 are those of the system. Where
the ODM and the VGDA differ, the VGDA is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from ... import lvm
from ...block import BlockDevice
from ...errors import ImageInUse, ImageIOError, LvmfmtError, NotFound, OperationRefused
from ...lvm import VolumeGroup
from ..folder.kernel import DEV, Kernel
from ..machine.replay import replay_logs
from ..machine.running import Machine
from ..messages import message
from ..odm import devices, filesystems
from ..odm.configure import configure_disks
from ..odm.database import Odm
from ..rootvg import ROOT_VOLUME, ROOTVG
from .image import find_image

Console = Callable[[str], None]


def boot(machine: Machine, console: Console, *, slots: Sequence[str] | None = None) -> None:
    """Boot from the first disk of a boot list that can be booted; an empty list means all, in order.

    Args:
        machine: open for writing; a system that runs on it loses its power before.
        console: told what differs, and what cannot be varied on or mounted.
        slots: the boot list; None for the normal one.

    Raises:
        ImageInUse: another process is using a disk of the list.
        OperationRefused: no disk in the list boots, or the boot stops after its image was loaded.
    """
    machine.power_off()
    slot = _boot_slot(machine, machine.nvram.normal if slots is None else slots)
    try:
        _start(machine, slot, console)
    except LvmfmtError as error:
        machine.power_off()
        raise _stopped(slot, error) from error
    machine.booted(slot)


def expect_bootable(machine: Machine, slots: Sequence[str]) -> None:
    """Look whether a boot list leads to a rootvg, and change nothing.

    Args:
        machine: as it is, running or not.
        slots: the boot list.

    Raises:
        ImageInUse: another process is using one of its disks.
        OperationRefused: no disk in the list boots, or there is no rootvg behind its image.
    """
    slot = _boot_slot(machine, slots)
    try:
        members = _members(machine, slot)
    except LvmfmtError as error:
        raise _stopped(slot, error) from error
    for device in members:
        if getattr(device, "in_use", False):
            raise ImageInUse("another process is using the image", where=device.name)


def _stopped(slot: str, error: LvmfmtError) -> OperationRefused:
    return OperationRefused(message("boot-stopped", slot=slot, reason=str(error)))


def _boot_slot(machine: Machine, slots: Sequence[str]) -> str:
    reasons = []
    for slot in slots or machine.slots:
        try:
            find_image(machine.device(slot))
        except ImageInUse:
            raise  # it may well boot: that it is left out must not be by chance
        except LvmfmtError as error:
            reasons.append(f"{slot}: {error}")
        else:
            return slot
    raise OperationRefused(
        message("no-boot-device", reasons="; ".join(reasons) or "there are no disks"),
        hint="`lvmfmt host bootlist` shows and replaces the list, `lvmfmt host boot --disk` boots another disk",
    )


def _start(machine: Machine, slot: str, console: Console) -> None:
    members = _members(machine, slot)
    machine.start(Kernel(slot, machine.origin.now()))
    group = machine.varied_on(lvm.varyon(members, origin=machine.origin, force=True, sync=False))
    replay_logs(machine, group, console)
    machine.mount(f"{DEV}{ROOT_VOLUME}", "/")
    odm = machine.odm
    homes = _homes(odm)
    configure_disks(odm, machine.pvids_on_disk())
    _reconcile(machine, ROOTVG, group, console)
    _vary_on_others(machine, homes, console)
    machine.save_odm()
    _mount_all(machine, console)


def _members(machine: Machine, slot: str) -> list[BlockDevice]:
    """The disks of rootvg that are here; they must be more than half of it, unless quorum is off."""
    vgid = machine.slots.vgid(slot)
    if vgid is None:
        raise OperationRefused("the disk has an image, but belongs to no volume group")
    members = machine.slots.members(vgid, first=[slot])
    group = VolumeGroup.open(members)
    _check_names(group)
    here = sum(pv.vgda_count for pv in group.physical_volumes.values() if pv.device is not None)
    if group.quorum and 2 * here <= group.total_vgdas:
        raise ImageIOError(f"rootvg has no quorum: {here} of {group.total_vgdas} VGDAs are here", where=vgid)
    return members


def _check_names(group: VolumeGroup) -> None:
    if ROOT_VOLUME in group.logical_volumes:
        return
    if f"alt_{ROOT_VOLUME}" in group.logical_volumes:
        raise OperationRefused(
            "its volume group is awake", hint="it must be put to sleep before it can be booted and used as rootvg"
        )
    raise NotFound(f"its volume group has no logical volume {ROOT_VOLUME}")


def _homes(odm: Odm) -> dict[str, list[str]]:
    """In which slots the disks of each group are, by VGID, as the system knew it before it looks at the disks again.

    Storage may have copied a group onto other disks meanwhile: PVIDs and VGID are on both, and the copy is a stranger.
    """
    return {g.vgid: [d.slot for d in devices.disks(odm) if d.pvid in g.pvids] for g in devices.groups(odm)}


def _vary_on_others(machine: Machine, homes: dict[str, list[str]], console: Console) -> None:
    for other in devices.groups(machine.odm):
        if other.auto_on and other.name != ROOTVG:
            try:
                members = machine.slots.members(other.vgid, first=homes.get(other.vgid, ()))
                if not members:
                    raise NotFound("none of its disks is here")
                group = machine.varied_on(lvm.varyon(members, origin=machine.origin))
            except LvmfmtError as error:
                console(f"{other.name} cannot be varied on: {error}")
                continue
            _reconcile(machine, other.name, group, console)
            replay_logs(machine, group, console)


def _reconcile(machine: Machine, name: str, group: VolumeGroup, console: Console) -> None:
    """Let the control blocks, which are written after the VGDA, and the ODM say what the VGDA says."""
    behind = {p.where for p in group.problems if p.rule == "lvcb-vgda" and p.field != "lvid"}
    for volume in sorted(behind & set(group.logical_volumes)):
        console(f"{name}: the control block of {volume} is behind the VGDA")
        with suppress(OperationRefused), group.change(machine.origin) as change:  # some have a layout of their own
            change.set_lvcb(volume)
    for note in devices.reconcile(machine.odm, name, group):
        console(note)


def _mount_all(machine: Machine, console: Console) -> None:
    for entry in filesystems.mount_order(machine.file_system_entries()):
        if entry.mount_point == "/":
            continue
        try:
            machine.mount(entry.device, entry.mount_point)
        except LvmfmtError as error:
            console(f"{entry.mount_point} cannot be mounted: {error}")
