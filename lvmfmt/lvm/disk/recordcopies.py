"""The two copies of the LVM record on a disk: which is believed, and how both are written."""

from __future__ import annotations

from typing import Any

from ...block import BlockDevice
from ...errors import CorruptImage, ImageIOError
from ...layout.vgda import VGDA_HEADER
from ...layout.vgda_scalable import AREA_MARK, VG_INFO
from ...units import SECTOR
from ..kinds import VgKind
from ..problems import Problem, unreadable
from .barrier import write_sync
from .identity import uid_bytes
from .record import BACKUP_PSN, PRIMARY_PSN, LvmRecord, parse


def read(device: BlockDevice) -> tuple[LvmRecord | None, list[Problem]]:
    """The LVM record of a disk, the backup's where the primary is not there or wrong; None for a disk in no group."""
    sectors, found, failures = _parsed(device)
    primary, backup = found
    if primary is None and backup is None:
        return None, [Problem.of("record-lost", error) for error in failures if error.field != "lvm_id"]
    problems = [Problem.of("record-copy", error) for error in failures]
    if primary is not None and backup is not None and sectors[0] != sectors[1]:
        text = "the backup record differs from the primary"
        problems.append(Problem("record-differs", "lvm_record", "", BACKUP_PSN * SECTOR, text, device.name))
        if not _leads_to_vgda(device, primary) and _leads_to_vgda(device, backup):
            return backup, problems
    return primary or backup, problems


def sound_copies(device: BlockDevice) -> list[LvmRecord]:
    """What each copy says that can be used."""
    return [record for record in _parsed(device)[1] if record is not None]


def _parsed(device: BlockDevice) -> tuple[list[bytes], list[LvmRecord | None], list[CorruptImage]]:
    """The sectors of primary and backup, what each says, None where it cannot be used, and why."""
    sectors: list[bytes] = []
    found: list[LvmRecord | None] = []
    failures: list[CorruptImage] = []
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        offset = psn * SECTOR
        sectors.append(b"")
        try:
            if offset + SECTOR <= device.size:
                sectors[-1] = device.read(offset, SECTOR).tobytes()
            found.append(parse(sectors[-1], offset=offset, sectors=device.size // SECTOR, where=device.name))
        except ImageIOError as error:
            found.append(None)
            failures.append(unreadable("lvm_record", offset, error))
        except CorruptImage as error:
            found.append(None)
            failures.append(error)
    return sectors, found, failures


def sound_values(device: BlockDevice, record: LvmRecord) -> tuple[Any, int]:
    """All fields of the sector that `record` was read from, and its PSN; (None, 0) if it is in neither place."""
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        sector, offset = device.read(psn * SECTOR, SECTOR).tobytes(), psn * SECTOR
        try:
            if parse(sector, offset=offset, sectors=device.size // SECTOR, where=device.name) == record:
                return record.structure.parse(sector), psn
        except CorruptImage:
            continue
    return None, 0


def _leads_to_vgda(device: BlockDevice, record: LvmRecord) -> bool:
    """Whether a VGDA of the record's group, with the record's geometry, lies where the record says."""
    if not record.described:
        return False
    sectors = [device.read(psn * SECTOR, SECTOR) for psn in record.vgda_psn]
    if record.kind is VgKind.SCALABLE:
        infos = [VG_INFO.parse(sector) for sector in sectors]
        return (uid_bytes(record.vgid), record.pp_shift, AREA_MARK) in [(i.vg_id, i.pp_size, i.layout) for i in infos]
    headers = [VGDA_HEADER.parse(sector) for sector in sectors]
    wanted = (uid_bytes(record.vgid), record.pp_shift, record.vgda_len)
    return wanted in [(h.vg_id, h.pp_size, h.vgda_size) for h in headers]


def write(device: BlockDevice, record: LvmRecord) -> None:
    """Write backup and primary, in this order: a disk joins its group with the first of them."""
    sector = record.build()
    for psn in (BACKUP_PSN, PRIMARY_PSN):
        write_sync(device, psn * SECTOR, sector)


def clear(device: BlockDevice) -> None:
    """Zero primary and backup: the disk leaves its group with the second of them."""
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        write_sync(device, psn * SECTOR, bytes(SECTOR))
