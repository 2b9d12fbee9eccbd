"""The volume groups on a set of disks, and the logical volume on them that goes by a name or a mount point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

from ..arguments import expect
from ..block import DeviceLike, opened_all
from ..block.opening import D, several
from ..errors import NotFound, OperationRefused
from ..lvm import LogicalVolume, VolumeGroup, inferred, scan


def by_group(
    devices: D | Iterable[D], *, infer: bool = False, numbers: Mapping[int, str] | None = None
) -> dict[str, list[D]]:
    """The disks of each volume group by VGID, each as it was given.

    Args:
        devices: the disks.
        infer: a disk without an LVM record is of the group that its descriptor areas lead to, and without these it may
            be of any of them: each has it. Else such disks are in none.
        numbers: which device is which PV as a person says it: names of devices by PV number.
    """
    groups: dict[str, list[D]] = {}
    given = several(devices)
    with opened_all(given) as disks:
        infos = scan(disks)
        found = list(zip(given, inferred(infos, numbers) if infer or numbers else infos, strict=True))
    for one, disk in found:
        if disk.vgid:
            groups.setdefault(disk.vgid, []).append(one)
    for disk in (disk for _, disk in found if disk.said and disk.vgid):
        others = {other.vgid for _, other in found if other.vgid and not other.said} - {disk.vgid}
        if others:
            raise OperationRefused(
                f"said to be PV {disk.said} of {', '.join(map(str, others))}, but it is of volume group {disk.vgid}",
                where=disk.device.name,
            )
    if numbers and len(groups) > 1:
        raise OperationRefused(f"--pv says nothing of {len(groups)} volume groups", hint="name the images of one")
    if infer or numbers:
        rest = [one for one, disk in found if not disk.vgid]
        groups = {vgid: [*members, *rest] for vgid, members in groups.items()}
    return groups


def open_groups(
    devices: DeviceLike | Iterable[DeviceLike],
    *,
    writable: bool = False,
    infer: bool = False,
    numbers: Mapping[int, str] | None = None,
) -> list[VolumeGroup]:
    """The volume groups on `devices`, in the order of their first disks.

    Args:
        devices: the disks. What is opened here is closed with its group.
        writable: for writing, too.
        infer: know disks by what else is on them where LVM record or PVID are lost; see `VolumeGroup.open`.
        numbers: which device is which PV as a person says it: names of devices by PV number.

    Raises:
        OperationRefused: an image is a copy of another one, or not what its PVID or a person says; both are named.
    """
    with ExitStack() as stack:
        groups = [
            stack.enter_context(VolumeGroup.open(members, writable=writable, infer=infer, numbers=numbers))
            for members in by_group(devices, infer=infer, numbers=numbers).values()
        ]
        for group in groups:
            group.refuse_copies()
        stack.pop_all()
    return groups


def find_logical_volume(groups: Sequence[VolumeGroup], name: str) -> tuple[VolumeGroup, LogicalVolume]:
    """The only logical volume that is called `name`, or whose file system is mounted there, and its group.

    Args:
        groups: where to look for it.
        name: of a logical volume; one that begins with / is the mount point in its label.

    Raises:
        NotFound: no group has such a logical volume.
        OperationRefused: several have.
    """
    expect(name, str, "the name of a logical volume, or a mount point")
    found = [
        (group, volume)
        for group in groups
        for volume in group.logical_volumes.values()
        if name == (volume.label if name.startswith("/") else volume.name)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        vgids = ", ".join(group.vgid for group, _ in found)
        raise OperationRefused(
            f"{len(found)} volume groups have an LV {name!r}: {vgids}", hint="name the images of one"
        )
    names = [known for group in groups for known in group.logical_volumes]
    hint = f"there are {', '.join(names)}" if names else "there is no volume group on these images"
    raise NotFound(f"no logical volume is called {name!r}", hint=hint)
