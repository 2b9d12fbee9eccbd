"""Every declared structure by its name."""

from __future__ import annotations

from . import backup, boot_image, lvcb, lvm_disk, vgda, vgda_scalable
from .jfs2 import JFS2_RECORDS
from .jfs2.acl import ACL_RECORDS
from .record import Record

CATALOG: dict[str, Record] = {
    record.name: record
    for record in (
        *lvm_disk.RECORDS,
        *vgda.RECORDS,
        *vgda_scalable.RECORDS,
        *lvcb.RECORDS,
        *boot_image.RECORDS,
        *JFS2_RECORDS,
        *ACL_RECORDS,
        *backup.RECORDS,
    )
}
"""Name -> record, in the order of a disk: reserved area, VGSA, VGDA, LVCB, boot image, file system; then archives."""
