"""The volume groups on a set of disks, and the logical volume on them that goes by a name or a mount point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from ..arguments import expect
from ..block import DeviceLike
from ..block.opening import D, several
from ..errors import NotFound, OperationRefused
from ..lvm import LogicalVolume, VolumeGroup, scan


def by_group(devices: D | Iterable[D]) -> dict[str, list[D]]:
    """The disks of each volume group by VGID, each as it was given; disks whose LVM records are lost are in none."""
    groups: dict[str, list[D]] = {}
    given = several(devices)
    for one, disk in zip(given, scan(given), strict=True):
        if disk.vgid:
            groups.setdefault(disk.vgid, []).append(one)
    return groups


def open_groups(devices: DeviceLike | Iterable[DeviceLike], *, writable: bool = False) -> list[VolumeGroup]:
    """The volume groups on `devices`, in the order of their first disks.

    Args:
        devices: the disks. What is opened here is closed with its group.
        writable: for writing, too.

    Raises:
        OperationRefused: an image is a copy of another one, or not what its PVID says; both are named.
    """
    with ExitStack() as stack:
        groups = [
            stack.enter_context(VolumeGroup.open(members, writable=writable)) for members in by_group(devices).values()
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
