"""Every declared structure by its name."""

from __future__ import annotations

from ..errors import NotFound
from . import backup, boot_image, lvcb, lvm_disk, vgda, vgda_scalable
from .jfs2 import J2_RECORDS, JFS1_RECORDS
from .jfs2.acl import ACL_RECORDS
from .record import Record

FAMILIES: dict[str, tuple[Record, ...]] = {
    "LVM and boot records": (*lvm_disk.RECORDS, *vgda.RECORDS, *vgda_scalable.RECORDS, *lvcb.RECORDS),
    "boot image of our own": boot_image.RECORDS,
    "AIX JFS2": J2_RECORDS,
    "Linux JFS": JFS1_RECORDS,
    "access control lists": ACL_RECORDS,
    "backup archives": backup.RECORDS,
}
"""Records by what they belong to, in the order of a disk: reserved area, VGSA, VGDA, LVCB, boot image, file system."""

CATALOG: dict[str, Record] = {record.name: record for records in FAMILIES.values() for record in records}
"""Name -> record, family by family."""


def grade_of(structure: str, field: str) -> str:
    """The grade of a field, both by their names; "" if there is no such field."""
    name = field.partition("[")[0]
    known = CATALOG[structure].grades if structure in CATALOG else {}
    return known[name].value if name in known else ""


def structure(name: str) -> Record:
    """The structure called `name`.

    Raises:
        NotFound: there is none; the hint names similar ones.
    """
    if name in CATALOG:
        return CATALOG[name]
    import difflib

    near = difflib.get_close_matches(name, CATALOG, 3, 0.4)
    hint = f"did you mean {', '.join(near)}?" if near else "`lvmfmt layout` lists them"
    raise NotFound(f"no structure is called {name!r}", hint=hint)
