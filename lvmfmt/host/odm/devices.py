"""What the ODM says about disks, volume groups and logical volumes, in the words of this program.

Volume groups have names only here: the disk knows identifiers (VGID, PVID), the ODM of the booted rootvg gives them
names. Attribute names are those of [commands 3.2].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ... import lvm
from .database import Odm

DISK_LINK, DISK_DRIVER, DISK_PARENT = "disk/vscsi/vdisk", "scsidisk", "vscsi0"
MACHINE_DEVICES = (
    ("sys0", "sys/chrp/chrp", "", ""),
    (DISK_PARENT, "adapter/vdevice/IBM,v-scsi", "vscsi_initdd", "C2-T1"),
)
"""What every machine has beside disks: name, link, driver, place."""
GROUP_LINK, VOLUME_LINK = "logical_volume/vgsubclass/vgtype", "logical_volume/lvsubclass/lvtype"
FIRST_GROUP_MAJOR = 10
"""Major number of rootvg; other groups get the numbers after it."""

_NO_PVID = "none"


class Disk(NamedTuple):
    """An hdisk: its name, the slot (image file) behind it, and its PVID as the ODM has it."""

    name: str
    slot: str
    pvid: str | None


class Group(NamedTuple):
    """A volume group: name, VGID, PVIDs of its disks, and whether a boot varies it on."""

    name: str
    vgid: str
    pvids: tuple[str, ...]
    auto_on: bool


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A sort key that puts hdisk2 before hdisk10."""
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in re.findall(r"[0-9]+|[^0-9]+", name))


def disks(odm: Odm) -> list[Disk]:
    """All disks, in the order of their names."""
    found = [
        Disk(str(o["name"]), str(o["connwhere"]), _pvid(odm.attribute(str(o["name"]), "pvid")))
        for o in odm.get("CuDv", PdDvLn=DISK_LINK)
    ]
    return sorted(found, key=lambda d: natural(d.name))


def _pvid(value: str | None) -> str | None:
    return value[:16] if value and value != _NO_PVID else None


def define_machine(odm: Odm) -> None:
    """Add the devices that every machine has."""
    for name, link, driver, place in MACHINE_DEVICES:
        odm.add("CuDv", name=name, status=1, chgstatus=2, ddins=driver, connwhere=place, PdDvLn=link)


def define_disk(odm: Odm, name: str, slot: str, pvid: str | None) -> None:
    """Add a disk."""
    odm.add(
        "CuDv", name=name, status=1, chgstatus=2, ddins=DISK_DRIVER, parent=DISK_PARENT, connwhere=slot,
        PdDvLn=DISK_LINK,
    )  # fmt: skip
    set_pvid(odm, name, pvid)


def set_pvid(odm: Odm, name: str, pvid: str | None) -> None:
    """Note the PVID of a disk: 16 digits and 16 zeros, as AIX stores it."""
    odm.set_attribute(name, "pvid", pvid + "0" * 16 if pvid else _NO_PVID, nls_index=11)


def groups(odm: Odm) -> list[Group]:
    """All volume groups, in the order they were defined."""
    found = []
    for o in odm.get("CuDv", PdDvLn=GROUP_LINK):
        name = str(o["name"])
        pvids = tuple(str(a["value"])[:16] for a in odm.get("CuAt", name=name, attribute="pv"))
        found.append(
            Group(name, odm.attribute(name, "vgserial_id") or "", pvids, odm.attribute(name, "auto_on") == "y")
        )
    return found


def group(odm: Odm, name: str) -> Group | None:
    """The group called `name`, or None."""
    return next((g for g in groups(odm) if g.name == name), None)


def group_of(odm: Odm, pvid: str | None) -> str | None:
    """Name of the group that a disk belongs to by its PVID, or None."""
    return next((g.name for g in groups(odm) if pvid in g.pvids), None)


def define_group(
    odm: Odm, name: str, vgid: str, pvids: Sequence[str], *, auto_on: bool, major: int | None = None
) -> None:
    """Add a group without logical volumes; without a `major` it gets the first free one."""
    if major is None:
        taken = majors(odm)
        major = next(n for n in range(FIRST_GROUP_MAJOR, FIRST_GROUP_MAJOR + len(taken) + 1) if n not in taken)
    odm.add("CuDv", name=name, status=1, PdDvLn=GROUP_LINK)
    odm.add_attribute(name, "vgserial_id", vgid)
    odm.add_attribute(name, "auto_on", "y" if auto_on else "n")
    odm.add("CuDvDr", resource="devno", value1=str(major), value2="0", value3=name)
    set_members(odm, name, pvids)


def majors(odm: Odm) -> set[int]:
    """Major device numbers that groups have."""
    return {int(v) for o in odm.get("CuDvDr", value2="0") if (v := str(o["value1"])).isdigit()}


def set_members(odm: Odm, name: str, pvids: Sequence[str]) -> None:
    """Note which disks a group has."""
    odm.delete("CuAt", name=name, attribute="pv")
    for pvid in pvids:
        odm.add_attribute(name, "pv", pvid + "0" * 16)


def remove_group(odm: Odm, name: str) -> None:
    """Remove a group and its logical volumes."""
    for volume in volumes(odm, name):
        remove_volume(odm, volume)
    _forget(odm, name)


def rename(odm: Odm, old: str, new: str) -> None:
    """Give a device, such as a disk or a group, another name."""
    references = {"CuDv": ("name", "parent"), "CuAt": ("name",), "CuDep": ("name",), "CuDvDr": ("value3",)}
    for class_, keys in references.items():
        for o in odm.classes[class_]:
            for key in keys:
                if o[key] == old:
                    o[key] = new


def volumes(odm: Odm, group: str) -> list[str]:
    """Names of the logical volumes of a group, in the order they were defined."""
    return [str(o["name"]) for o in odm.get("CuDv", parent=group, PdDvLn=VOLUME_LINK)]


def define_volume(odm: Odm, group: str, volume: lvm.LogicalVolume) -> None:
    """Add a logical volume; attributes with AIX's default value are left out."""
    name = volume.name
    odm.add("CuDv", name=name, status=1, parent=group, PdDvLn=VOLUME_LINK)
    odm.add("CuDep", name=group, dependency=name)
    odm.add("CuDvDr", resource="devno", value1=str(major_of(odm, group)), value2=str(volume.minor), value3=name)
    for attribute, value in volume_attributes(volume).items():
        odm.add_attribute(name, attribute, value)


def volume_attributes(volume: lvm.LogicalVolume) -> dict[str, str]:
    """CuAt of a logical volume."""
    wanted = {
        "lvserial_id": (volume.lvid, ""),
        "type": (volume.type, "jfs"),
        "label": (volume.label or "None", "None"),
        "intra": (volume.policy.intra, "m"),
        "inter": (volume.policy.inter, "m"),
        "copies": (str(volume.copies), "1"),
        "size": (str(volume.lps), ""),
    }
    return {name: value for name, (value, default) in wanted.items() if value != default}


def major_of(odm: Odm, group: str) -> int:
    """Major device number of a group; its logical volumes have their own minor numbers."""
    found = odm.get("CuDvDr", value2="0", value3=group)
    value = str(found[0]["value1"]) if found else ""
    return int(value) if value.isdigit() else FIRST_GROUP_MAJOR


def remove_volume(odm: Odm, name: str) -> None:
    """Remove a logical volume."""
    odm.delete("CuDep", dependency=name)
    _forget(odm, name)


def _forget(odm: Odm, name: str) -> None:
    odm.delete("CuDv", name=name)
    odm.delete("CuAt", name=name)
    odm.delete("CuDvDr", value3=name)


def reconcile(odm: Odm, name: str, actual: lvm.VolumeGroup) -> list[str]:
    """Make the ODM's view of a group the VGDA's, and say what differed.

    The VGDA is right: it is read when the group is varied on. A logical volume whose name is that of another group's
    stays out: a clone that sleeps has the names of the running system, and shows none [commands, Corrections].
    """
    notes = []
    known = group(odm, name)
    away = actual.split_off
    members = [pvid for pvid, pv in actual.physical_volumes.items() if pv.number not in away]
    if known is None:
        define_group(odm, name, actual.vgid, members, auto_on=True)
        notes.append(f"{name}: was not in the ODM")
    else:
        if known.vgid != actual.vgid:
            notes.append(f"{name}: VGID {known.vgid} in the ODM, {actual.vgid} on disk")
            odm.set_attribute(name, "vgserial_id", actual.vgid)
        if list(known.pvids) != members:
            notes.append(f"{name}: other disks in the ODM than in the VGDA")
            set_members(odm, name, members)
    for gone in volumes(odm, name):
        if gone not in actual.logical_volumes:
            notes.append(f"{name}: logical volume {gone} is not in the VGDA")
            remove_volume(odm, gone)
    for volume_name, volume in actual.logical_volumes.items():
        if any(o["parent"] != name for o in odm.get("CuDv", name=volume_name)):
            notes.append(f"{name}: logical volume {volume_name} is known as another group's")
            continue
        attributes = {str(o["attribute"]): str(o["value"]) for o in odm.get("CuAt", name=volume_name)}
        if attributes != volume_attributes(volume):
            notes.append(f"{name}: logical volume {volume_name} was described otherwise in the ODM")
            remove_volume(odm, volume_name)
            define_volume(odm, name, volume)
    return notes
