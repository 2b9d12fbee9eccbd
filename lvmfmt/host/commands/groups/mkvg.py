"""`mkvg`, `extendvg`, `reducevg`, `chvg`: volume groups and the disks in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from .... import lvm
from ....block import BlockDevice
from ....block.overlay import Overlay
from ....lvm import LIMITS, GroupGeometry, VgKind, VolumeGroup
from ....lvm.disk.foreign import foreign_use
from ....units import MIB
from ...machine import varying
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import devices
from ...odm.devices import Disk
from ...syntax import Command, demand, flags, refuse, with_flag
from ..aixwords import as_aix
from ..operands import check_free_name, disk_called, finish, known_group, new_name, varied_on_group


def number(given: dict[str, str], flag: str, default: int = 0) -> int:
    """The number that a flag was given."""
    text = given.get(flag, str(default))
    demand(text.isdecimal() and len(text) <= 9)
    return int(text)


def yes_or_no(given: dict[str, str], flag: str) -> bool | None:
    """What `y` or `n` was given with a flag, None if it was not given."""
    if flag not in given:
        return None
    demand(given[flag] in ("y", "n"))
    return given[flag] == "y"


def check_major(machine: Machine, given: dict[str, str], program: str) -> int | None:
    """The major number asked for (`-V`), None if none was."""
    if "V" not in given:
        return None
    major = number(given, "V")
    if major in devices.majors(machine.odm):
        raise refusal("major-used", program=program, major=major)
    return major


def mkvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Make a volume group of disks, vary it on, and print its name."""
    given, operands = flags(argv, "BSCcfinIOv:P:t:s:V:y:p:")
    if "i" in given:
        operands = [*operands, *machine.stdin.read().split()]
    demand(operands and not {"B", "S"} <= set(given) and ("S" in given or not {"v", "P"} & set(given)))
    kind = VgKind.BIG if "B" in given else VgKind.SCALABLE if "S" in given else VgKind.CLASSIC
    pp_size = number(given, "s") * MIB if "s" in given else None
    factor, max_lvs, kpps = number(given, "t", 1), number(given, "v"), number(given, "P")
    name = given.get("y") or new_name(machine, "vg")
    with as_aix("mkvg", message("mkvg-failed")):
        refuse(given, "mkvg", "Ccp")
        check_free_name(machine, name)
        if factor not in LIMITS[kind].factors:
            raise refusal("value-invalid", program="mkvg", value=factor, flag="t")
        major = check_major(machine, given, "mkvg")
        disks = _new_disks(machine, operands, "mkvg", force="f" in given)
        images = [machine.device(disk.slot) for disk in disks]
        geometry = GroupGeometry.of(images, pp_size, factor, None, kind=kind, max_lvs=max_lvs, max_pps=kpps * 1024)
        for disk, image in zip(disks, images, strict=True):
            _check_fit("mkvg-partitions", geometry, disk, image, name)
        changes = dict(
            origin=machine.origin, machine_id=machine.settings.machine_id, pp_size=1 << geometry.pp_shift,
            factor=geometry.factor, kind=kind, max_lvs=max_lvs, max_pps=kpps * 1024,
        )  # fmt: skip
        VolumeGroup.create([_cleared(image) for image in images], **changes)  # type: ignore[arg-type]
        for image in images:
            _clear(image)
        group = VolumeGroup.create(images, **changes)  # type: ignore[arg-type]
        with group.change(machine.origin) as change:
            change.set_options(quorum=True, auto_varyon="n" not in given)
    pvids = list(group.physical_volumes)
    _note_pvids(machine, disks, pvids, "mkvg", stderr)
    devices.define_group(machine.odm, name, group.vgid, pvids, auto_on="n" not in given, major=major)
    machine.save_odm()
    varying.vary_on(machine, known_group(machine, name, "mkvg"))
    print(name, file=stdout)


def extendvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Take disks into a volume group; all of them, or none when one cannot join."""
    given, operands = flags(argv, "fp:")
    demand(len(operands) >= 2)
    name, *names = operands
    with as_aix("extendvg", message("extendvg-failed")):
        refuse(given, "extendvg", "p")
        group = varied_on_group(machine, name, "extendvg")
        disks = _new_disks(machine, names, "extendvg", force="f" in given)
        images = [machine.device(disk.slot) for disk in disks]
        for disk, image in zip(disks, images, strict=True):
            _check_fit("extendvg-partitions", group.state.geometry, disk, image, name)
        rehearsal = group.begin(machine.origin, machine.settings.machine_id)
        for image in images:
            rehearsal.add_pv(_cleared(image))
        for image in images:
            _clear(image)
        with group.change(machine.origin, machine_id=machine.settings.machine_id) as change:
            pvids = [change.add_pv(image) for image in images]
    _note_pvids(machine, disks, pvids, "extendvg", stderr)
    finish(machine, name, group)
    machine.slots.forget()


def _new_disks(machine: Machine, names: Sequence[str], program: str, *, force: bool) -> list[Disk]:
    """The disks that are to join a group.

    Raises:
        CommandFailed: one is unknown or cannot be read, is in a group that the ODM knows, or bears the data of another
            group and it is not forced.
    """
    disks = [disk_called(machine, name, program) for name in names]
    demand(len({disk.name for disk in disks}) == len(disks))
    pvids = machine.pvids_on_disk()
    for disk in disks:
        image = varying.readable(machine, disk)
        if image is None:
            raise refusal("disk-unreadable")
        owner = devices.group_of(machine.odm, disk.pvid)
        if owner is not None and machine.is_varied_on(known_group(machine, owner, program)):
            if force:
                raise refusal("disk-in-use", program=program, disk=disk.name, group=owner)
            raise refusal("disk-taken", program=program, disk=disk.name)
        if owner is not None:
            raise refusal("disk-in-database", program=program)
        if lvm.scan([image])[0].record is not None and not force:
            raise refusal("disk-taken", program=program, disk=disk.name)
        if foreign_use(image) is not None and not force:
            raise refusal("disk-in-database", program=program)
        own = pvids.get(disk.slot)
        twin = next((d for d in machine.disks() if own and d.slot != disk.slot and pvids.get(d.slot) == own), None)
        if twin is not None:
            raise refusal("pvid-twice", program=program, pvid=own, disk=disk.name, other=twin.name)
    return disks


def _check_fit(text: str, geometry: GroupGeometry, disk: Disk, image: BlockDevice, group: str) -> None:
    fit = geometry.fit(image.size)
    if fit.room > geometry.max_pps:
        size = (1 << geometry.pp_shift) // MIB
        raise refusal(text, size=size, count=fit.room, disk=disk.name, group=group, limit=geometry.max_pps)
    geometry.check_disk(image)


def _cleared(image: BlockDevice) -> BlockDevice:
    """A copy of a disk in memory, without what a group has left on it: whatever is refused is refused there."""
    copy = Overlay(image)
    _clear(copy)
    return copy


def _clear(image: BlockDevice) -> None:
    if lvm.scan([image])[0].record is not None:
        lvm.free_group_metadata(image)


def _note_pvids(machine: Machine, disks: Sequence[Disk], pvids: Sequence[str], program: str, stderr: TextIO) -> None:
    for disk, pvid in zip(disks, pvids, strict=True):
        if disk.pvid != pvid:
            devices.set_pvid(machine.odm, disk.name, pvid)
            print(message("pvid-changed", program=program), file=stderr)


def chvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Change a volume group: varyon at boot (`-a`), quorum checking (`-Q`), factor (`-t`)."""
    given, (name,) = flags(argv, "a:Q:t:uBGL:b:s:h:CIM:P:v:", operands=1)
    demand(given)
    auto_on, quorum, factor = yes_or_no(given, "a"), yes_or_no(given, "Q"), number(given, "t") or None
    with as_aix("chvg", message("chvg-failed", group=name)):
        group = varied_on_group(machine, name, "chvg")
        if "M" in given and group.state.geometry.kind is not VgKind.SCALABLE:
            raise refusal("mirror-pool-kind", status=2)
        refuse(given, "chvg", "BGLbshCIMPv")
        if {auto_on, quorum, factor} != {None}:
            with group.change(machine.origin) as change:
                change.set_options(quorum=quorum, auto_varyon=auto_on, factor=factor)
    if auto_on is not None:
        machine.odm.set_attribute(name, "auto_on", given["a"])
    finish(machine, name, group)
    if factor is not None:
        limits = group.state.geometry
        print(message("factor-changed", group=name, disks=limits.max_pvs, pps=limits.max_pps), file=stderr)
    if quorum is not None:
        print(message("quorum-changed"), file=stderr)


COMMANDS = {
    "mkvg": Command(mkvg, changes=True, listens=with_flag("i")),
    "extendvg": Command(extendvg, changes=True),
    "chvg": Command(chvg, changes=True),
}
