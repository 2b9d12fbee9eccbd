"""Where a structure lies when nobody says: from the fixed map of a disk, its LVM record, or the file system's map.

In a big or scalable group the places inside VGDA and VGSA are our own choice; those of a group that does not bear our
mark are not guessed at.
"""

from __future__ import annotations

from typing import Any

from ..block import BlockDevice
from ..errors import CorruptImage, NotFound, OperationRefused
from ..layout.catalog import CATALOG
from ..layout.lvm_disk import LVM_RECORD, LVM_RECORD_SCALABLE
from ..layout.record import Record
from ..layout.vgda import LAYOUT_MARK, VGDA_HEADER_BIG
from ..layout.vgda_scalable import AREA_BEGIN, AREA_END, AREA_MARK
from ..lvm.disk.record import AREAS, LVM_ID, kind_of
from ..lvm.kinds import VgKind
from ..lvm.online import mwc
from ..units import SECTOR

_DISK_PSN = {
    "boot_record": (0,),
    "config_record": (1, 64),
    "lvm_record": (7, 70),
    "lvm_record_scalable": (7, 70),
    "bad_block_directory": (8, 71),
}
"""PSNs of the copies [lvm 1.1]."""

_VOLUME_BYTE = {
    "lvcb": (0,),
    "j2_superblock": (0x8000, 0xF000),
    "jfs1_superblock": (0x8000, 0xF000),
}
"""Bytes of the copies in a logical volume or file system ([lvm 9], [jfs2 1])."""

_GROUP_AREA = {
    VgKind.CLASSIC: {"vgsa": "vgsa", "vgda_header": "vgda", "vgda_trailer": "vgda"},
    VgKind.BIG: {"vgsa_big": "vgsa", "vgda_header_big": "vgda", "vgda_trailer": "vgda"},
    VgKind.SCALABLE: {
        "vg_info": "vg_info",
        "pv_info": "pv_info",
        "lv_entry_scalable": "lvea",
        "pp_entry_scalable": "ppea",
        "area_begin": "",
        "area_end": "",
    },
}
"""The area that a structure lies in, by the kind of group; "" for each area, those of the first copy first."""
_IN_GROUPS = {name for areas in _GROUP_AREA.values() for name in areas}
_TABLES = ("pv_info", "lv_entry_scalable", "pp_entry_scalable")
"""Rows that begin behind the start of their area; the place is that of the first."""


def place(device: BlockDevice, record: Record, copy: int) -> int:
    """Byte of `device` where copy number `copy` (from 1) of a structure begins.

    Raises:
        OperationRefused: the structure has no fixed place, or not so many copies, or the group is of another kind or
            not in a layout that we know.
        NotFound: there is no LVM record that would say.
        CorruptImage: the LVM record that would say does not.
    """
    if record.name in _DISK_PSN:
        offsets = tuple(SECTOR * psn for psn in _DISK_PSN[record.name])
        _check_record_kind(device, record)
    elif record.name == "mwc_record":
        found = _lvm_record(device)
        offsets = tuple(SECTOR * psn for psn in mwc.psns(found[1] if found else VgKind.CLASSIC))
    elif record.name in _VOLUME_BYTE:
        offsets = _VOLUME_BYTE[record.name]
    elif record.name in _IN_GROUPS:
        offsets = _group_copies(device, record.name)
    else:
        raise OperationRefused(
            f"{record.name} has no fixed place ({record.place})",
            where=device.name,
            hint="say where with --offset or --psn",
        )
    if not 1 <= copy <= len(offsets):
        raise OperationRefused(f"{record.name} has copies 1 to {len(offsets)}, not {copy}", where=device.name)
    return offsets[copy - 1]


def _lvm_record(device: BlockDevice) -> tuple[Any, VgKind, int] | None:
    """The fields of the first LVM record that bears its id, the kind of group that it tells of, and its PSN."""
    for psn in _DISK_PSN["lvm_record"]:
        if (psn + 1) * SECTOR > device.size:
            continue
        sector = device.read(psn * SECTOR, SECTOR)
        lvm = LVM_RECORD.parse(sector, offset=psn * SECTOR, where=device.name)
        if lvm.lvm_id == LVM_ID:
            kind = kind_of(lvm.version, lvm.vg_type)
            return (LVM_RECORD_SCALABLE.parse(sector) if kind is VgKind.SCALABLE else lvm), kind, psn
    return None


def _check_record_kind(device: BlockDevice, record: Record) -> None:
    """Both kinds of LVM record lie in the same sector; the wrong one would be read out of the other's fields."""
    found = _lvm_record(device) if record in (LVM_RECORD, LVM_RECORD_SCALABLE) else None
    right = LVM_RECORD_SCALABLE if found and found[1] is VgKind.SCALABLE else LVM_RECORD
    if found and record is not right:
        raise OperationRefused(
            f"the record is that of a {found[1]} volume group, not a {record.name}",
            where=device.name,
            hint=f"it is a {right.name}; --psn {found[2]} shows the sector as {record.name} all the same",
        )


def _group_copies(device: BlockDevice, name: str) -> tuple[int, ...]:
    found = _lvm_record(device)
    if found is None:
        raise NotFound("no LVM record, so nothing says where the volume group's areas are", where=device.name)
    lvm, kind, psn = found
    areas = _GROUP_AREA.get(kind, {})
    if name not in areas:
        hint = f"it has {', '.join(areas)}" if areas else "its layout is not known"
        raise OperationRefused(f"a {kind} volume group has no {name}", where=device.name, hint=hint)
    record = LVM_RECORD_SCALABLE if kind is VgKind.SCALABLE else LVM_RECORD
    starts: list[int] = []
    for copy in (0, 1):
        for area in (areas[name],) if areas[name] else AREAS:
            key = f"{area}_psn"
            first = int(lvm[key][copy])
            if first == 0:  # a copy that this disk does not carry
                continue
            length = int(lvm[f"{area}_len"])
            at = first * SECTOR + _inside(name, length)
            if at < 0 or at + CATALOG[name].size > device.size:
                raise CorruptImage(
                    record.name, f"{key}[{copy}]",
                    offset=psn * SECTOR + record.offset_of(key) + (8 if kind is VgKind.SCALABLE else 4) * copy,
                    expected=f"a place within {device.size // SECTOR} sectors", found=first, where=device.name,
                )  # fmt: skip
            starts.append(at)
    if kind is not VgKind.CLASSIC and not _bears_our_mark(device, lvm, kind):
        raise OperationRefused(
            f"the layout of this {kind} volume group is not published, and it is not ours",
            where=device.name,
            hint="say where with --offset or --psn",
        )
    return tuple(starts)


def _inside(name: str, length: int) -> int:
    """Byte of a structure in its area of `length` sectors."""
    if name == "vgda_trailer":
        return (length - 1) * SECTOR
    if name == "area_end":
        return length * SECTOR - AREA_END.size
    return AREA_BEGIN.size if name in _TABLES else 0


def _bears_our_mark(device: BlockDevice, lvm: Any, kind: VgKind) -> bool:
    """Whether a VGDA, where the LVM record says, begins with the mark of our own layout."""
    header, mark = (VGDA_HEADER_BIG, LAYOUT_MARK) if kind is VgKind.BIG else (AREA_BEGIN, AREA_MARK)
    starts = [int(start) * SECTOR for start in lvm.vgda_psn]
    sectors = [device.read(at, header.size) for at in starts if 0 < at <= device.size - header.size]
    return any(header.parse(sector).layout == mark for sector in sectors)
