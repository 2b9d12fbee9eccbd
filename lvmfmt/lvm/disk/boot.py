"""The boot record (PSN 0): the PVID and what boots from the disk."""

from __future__ import annotations

from typing import Any

from ...block import DeviceLike, opened
from ...errors import CorruptImage
from ...layout.lvm_disk import BOOT_RECORD
from ...units import SECTOR
from ..problems import Checker
from .identity import uid_bytes, uid_text

IBMA = b"\xc9\xc2\xd4\xc1"
"""The record id: "IBMA" in EBCDIC. Without it a disk is not an AIX disk, whatever partition table it has."""


def read_boot_record(device: DeviceLike) -> Any:
    """The fields of the boot record, as a construct `Container`.

    Raises:
        CorruptImage: the device is shorter than a sector, or the record id is not IBMA.
    """
    with opened(device) as disk:
        values = BOOT_RECORD.parse(disk.read(0, min(SECTOR, disk.size)), where=disk.name)
    Checker(BOOT_RECORD, values, 0, disk.name).require(
        "IPL_record_id", values.IPL_record_id == IBMA, IBMA.hex(), values.IPL_record_id.hex()
    )
    return values


def read_pvid(device: DeviceLike) -> str | None:
    """The PVID, 16 hex digits; None if the disk has none."""
    try:
        return pvid_in(read_boot_record(device))
    except CorruptImage:
        return None


def pvid_in(boot_record: Any) -> str | None:
    """The PVID in the fields of a boot record, 16 hex digits; None if the disk has none."""
    raw = bytes(boot_record.pv_id)
    return raw[:8].hex() if any(raw[:8]) else None


def write_pvid(device: DeviceLike, pvid: str) -> None:
    """Write record id and PVID, and touch nothing else, as `chdev -a pv=yes` does (D1, D6, I11)."""
    _update(device, {"pv_id": uid_bytes(pvid)})


def clear_pvid(device: DeviceLike) -> None:
    """Zero the PVID and keep the rest, as `chdev -a pv=clear` does (I11; the extent of 16 bytes is assumed)."""
    _update(device, {"pv_id": bytes(16)})


def write_boot_record(device: DeviceLike, **fields: Any) -> None:
    """Set fields of the boot record by their published names; the others and the PVID stay."""
    _update(device, fields)


def clear_boot_record(device: DeviceLike) -> None:
    """Zero everything but record id and PVID, as `chpv -c` does."""
    with opened(device, writable=True) as disk:
        pvid = read_boot_record(disk).pv_id
        disk.write(0, BOOT_RECORD.build({"IPL_record_id": IBMA, "pv_id": pvid}))
        disk.flush()


def _update(device: DeviceLike, fields: dict[str, Any]) -> None:
    with opened(device, writable=True) as disk:
        values = BOOT_RECORD.parse(disk.read(0, min(SECTOR, disk.size)), where=disk.name)
        disk.write(0, BOOT_RECORD.build({**values, **fields, "IPL_record_id": IBMA}))
        disk.flush()


def pvid_of(raw: bytes) -> str:
    """The text of a PVID as stored in 16 bytes."""
    return uid_text(raw)[:16]
