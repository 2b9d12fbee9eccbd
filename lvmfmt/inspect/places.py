"""Where a structure lies when nobody says: from the fixed map of a disk, its LVM record, or the file system's map."""

from __future__ import annotations

from ..block import BlockDevice
from ..errors import CorruptImage, NotFound, OperationRefused
from ..layout.catalog import CATALOG
from ..layout.lvm_disk import LVM_RECORD
from ..layout.record import Record
from ..units import SECTOR

_DISK_PSN = {
    "boot_record": (0,),
    "config_record": (1, 64),
    "mwc_record": (2, 3),
    "lvm_record": (7, 70),
    "lvm_record_scalable": (7, 70),
    "bad_block_directory": (8, 71),
}
"""PSNs of the copies (lvm-format 1.1)."""

_VOLUME_BYTE = {
    "lvcb": (0,),
    "j2_superblock": (0x8000, 0xF000),
    "jfs1_superblock": (0x8000, 0xF000),
}
"""Bytes of the copies in a logical volume or file system (lvm-format 9, jfs2-format 1)."""


def place(device: BlockDevice, record: Record, copy: int) -> int:
    """Byte of `device` where copy number `copy` (from 1) of a structure begins.

    Raises:
        OperationRefused: the structure has no fixed place, or not so many copies.
        CorruptImage: the LVM record that would say does not.
    """
    if record.name in _DISK_PSN:
        offsets = tuple(SECTOR * psn for psn in _DISK_PSN[record.name])
    elif record.name in _VOLUME_BYTE:
        offsets = _VOLUME_BYTE[record.name]
    elif record.name in ("vgsa", "vgda_header", "vgda_trailer"):
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


def _group_copies(device: BlockDevice, name: str) -> tuple[int, ...]:
    for psn in _DISK_PSN["lvm_record"]:
        if (psn + 1) * SECTOR > device.size:
            continue
        lvm = LVM_RECORD.parse(device.read(psn * SECTOR, SECTOR), offset=psn * SECTOR, where=device.name)
        if lvm.lvm_id == b"_LVM":
            break
    else:
        raise NotFound("no LVM record, so nothing says where the volume group's areas are", where=device.name)
    key = "vgsa_psn" if name == "vgsa" else "vgda_psn"
    ends = lvm.vgda_len - 1 if name == "vgda_trailer" else 0
    size = CATALOG[name].size
    found = []
    for index, start in enumerate(lvm[key]):
        at = (start + ends) * SECTOR
        if start == 0:  # a copy that this disk does not carry
            continue
        if at + size > device.size:
            raise CorruptImage(
                "lvm_record", f"{key}[{index}]", offset=psn * SECTOR + LVM_RECORD.offset_of(key) + 4 * index,
                expected=f"a place within {device.size // SECTOR} sectors", found=start, where=device.name,
            )  # fmt: skip
        found.append(at)
    return tuple(found)
