"""What can be found on a disk when nothing says where to look: control blocks of LVs and superblocks, by scanning.

PP 1 starts at a multiple of 128 KiB [lvm 1.2] and every PP is a multiple of 1 MiB, so a logical volume begins
on a 128 KiB boundary whatever the PP size of its group. The control blocks of big and scalable groups lie, also or
only, in their VGDA, one a sector: in front of PP 1 every sector is looked at. Only data extents are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..block import BlockDevice, DeviceLike, Window, opened
from ..errors import CorruptImage, LvmfmtError
from ..jfs2.dialect import DIALECTS
from ..jfs2.superblock import read_superblock
from ..layout.lvcb import LVCB
from ..lvm.disk.record import FIRST_PSN
from ..lvm.disk.recordcopies import read as read_record
from ..lvm.kinds import LIMITS, VgKind
from ..lvm.lvcb import TAG
from ..lvm.lvcb import read as read_lvcb
from ..lvm.vgdaformat import scalable_areas
from ..oneline import one_line
from ..units import KIB, MIB, SECTOR
from .grading import LEFTOVER

STRIDE = 128 * KIB
_MOST_METADATA = 2 * MIB + 2 * SECTOR * sum(
    scalable_areas(LIMITS[VgKind.SCALABLE].pvs, LIMITS[VgKind.SCALABLE].lvs[-1], LIMITS[VgKind.SCALABLE].pps[-1])
)
"""Bytes in front of PP 1 of the largest group, where no LVM record says how many there are."""
_SUPERBLOCKS = (0x8000, 0xF000)
_DIALECTS = {dialect.magic: dialect for dialect in DIALECTS.values()}
_CHUNK = 8 * MIB
"""Bytes that are looked at together."""


@dataclass(frozen=True, repr=False)
class Leftover:
    """The start of a logical volume or of a file system, found by scanning.

    Attributes:
        image: the disk.
        offset: byte where the volume begins; of a control block in a VGDA, where that lies.
        structure: lvcb, j2_superblock or jfs1_superblock.
        name: of the LV, or of the file system.
        type: of the LV; the dialect of the file system.
        lvid: of the LV, "" for a file system.
        lps: LPs of the LV; 0 for a file system.
        copies: copies of the LV; 0 for a file system.
        size: bytes of the file system; 0 for an LV, whose PP size is not known.
        label: mount point of the LV, label of the file system.
        problem: what is wrong with it, "" if nothing.
        found_by: how: "scan" of where volumes may begin, or "metadata" for a control block in a VGDA. Nothing of the
            group's own says that it is still in use.
    """

    image: str
    offset: int
    structure: str
    name: str = ""
    type: str = ""
    lvid: str = ""
    lps: int = 0
    copies: int = 0
    size: int = 0
    label: str = ""
    problem: str = ""
    found_by: str = "scan"

    @property
    def grades(self) -> dict[str, str]:
        """How well what a control block says is known, by attribute, where that is not A."""
        return LEFTOVER if self.structure == LVCB.name else {}

    __repr__ = one_line


def salvage(device: DeviceLike) -> list[Leftover]:
    """Everything that is found on a disk, in the order of its offsets."""
    with opened(device) as disk:
        return _salvage(disk)


def _salvage(device: BlockDevice) -> list[Leftover]:
    metadata = list(_metadata_blocks(device))
    inside = {f.offset for f in metadata}
    found = metadata + [
        _lvcb(device, at) for at in _boundaries(device, 0, len(TAG)) if at not in inside and _holds(device, at, TAG)
    ]
    starts: set[int] = set()
    for phase in _SUPERBLOCKS:
        for at in _boundaries(device, phase, 4):
            if bytes(device.read(at, 4)) in _DIALECTS:
                starts.add(at - phase)
    found += [_superblock(device, start) for start in starts]
    return sorted(found, key=lambda f: (f.offset, f.structure != "lvcb"))


def _metadata_blocks(device: BlockDevice) -> Iterator[Leftover]:
    """The control blocks in the VGDAs, those with one content once."""
    record, _ = read_record(device)
    if record is not None and record.kind is VgKind.CLASSIC:
        return  # its VGDA has none
    end = min(record.first_pp_psn * SECTOR if record is not None and record.described else _MOST_METADATA, device.size)
    first = FIRST_PSN * SECTOR
    seen: set[bytes] = set()
    for extent in device.extents(first, end - first) if end > first else ():
        for at in range(extent.offset, extent.offset + extent.length, _CHUNK) if extent.is_data else ():
            length = min(_CHUNK, extent.offset + extent.length - at) // SECTOR * SECTOR
            sectors = device.read(at, length).reshape(-1, SECTOR)
            tags = np.ascontiguousarray(sectors[:, : len(TAG)]).view(f"S{len(TAG)}").reshape(-1)
            for row in (tags == TAG).nonzero()[0].tolist():
                block, offset = sectors[row].tobytes(), at + row * SECTOR
                if record is None and offset % STRIDE == 0:
                    continue  # a volume may begin here
                if block not in seen:
                    seen.add(block)
                    yield replace(_lvcb(device, offset), found_by="metadata")


def _boundaries(device: BlockDevice, phase: int, length: int) -> Iterator[int]:
    """Offsets that are `phase` behind a boundary and have `length` bytes of data, extents being whole sectors."""
    for extent in device.extents():
        if extent.is_data:
            first = max(0, -(-(extent.offset - phase) // STRIDE)) * STRIDE + phase
            yield from range(first, extent.offset + extent.length - length + 1, STRIDE)


def _holds(device: BlockDevice, offset: int, tag: bytes) -> bool:
    return bytes(device.read(offset, len(tag))) == tag


def _lvcb(device: BlockDevice, offset: int) -> Leftover:
    block = device.read(offset, min(SECTOR, device.size - offset)).tobytes()
    try:
        lvcb = read_lvcb(block, offset=offset, where=device.name)
    except CorruptImage as error:
        return Leftover(device.name, offset, "lvcb", problem=error.what)
    return Leftover(
        device.name,
        offset,
        "lvcb",
        name=lvcb.name,
        type=lvcb.type,
        lvid=lvcb.lvid,
        lps=lvcb.lps,
        copies=lvcb.copies,
        label=lvcb.label,
    )


def _superblock(device: BlockDevice, start: int) -> Leftover:
    magics = (bytes(device.read(start + at, 4)) for at in _SUPERBLOCKS if start + at + 4 <= device.size)
    dialect = next(_DIALECTS[magic] for magic in magics if magic in _DIALECTS)
    structure = dialect.structures.superblock.name
    try:
        superblock = read_superblock(Window(device, start))
    except LvmfmtError as error:
        return Leftover(device.name, start, structure, type=dialect.name, problem=error.what)
    values = superblock.values
    names = {
        n: bytes(values[n]).decode("utf-8", "surrogateescape") for n in ("s_fname", "s_fpack", "s_label") if n in values
    }
    return Leftover(
        device.name,
        start,
        structure,
        name=names.get("s_fpack", "") or names.get("s_fname", ""),
        type=dialect.name,
        size=int(values["s_size"]) * SECTOR,
        label=names.get("s_label", ""),
        problem="; ".join(superblock.problems),
    )
