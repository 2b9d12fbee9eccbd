"""Every declared structure by its name."""

from __future__ import annotations

from . import boot_image, lvcb, lvm_disk, vgda
from .jfs2 import JFS2_RECORDS
from .record import Record

CATALOG: dict[str, Record] = {
    record.name: record
    for record in (*lvm_disk.RECORDS, *vgda.RECORDS, *lvcb.RECORDS, *boot_image.RECORDS, *JFS2_RECORDS)
}
"""Name -> record, in the order of a disk: reserved area, VGSA, VGDA, LVCB, boot image, file system."""
