"""The LVM record (PSN 7, backup PSN 70): that a disk belongs to a volume group, and where its areas lie."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

from ..block import BlockDevice
from ..errors import CorruptImage
from ..layout.lvm_disk import LVM_RECORD
from ..layout.vgda import VGDA_HEADER
from ..units import SECTOR, align_up
from .identity import uid_bytes, uid_text
from .problems import Checker, Problem

PRIMARY_PSN, BACKUP_PSN = 7, 70
LVM_ID = b"_LVM"
FIRST_PSN = 128
"""First sector after the reserved area."""
VGSA_SECTORS = 8
VGDA_SECTORS = 2098
RELOCATION_SECTORS = 256
"""Length of the bad-block relocation pool; assumed, real lengths are not published."""
PP_SHIFTS = range(20, 31)
"""log2 of the PP sizes of a classic group: 1 MiB to 1 GiB."""
MAX_PVS = 32
_LTG_SHIFTS = range(17, 25)


class VgKind(enum.StrEnum):
    """The type of a volume group, as far as the LVM record tells."""

    CLASSIC = "classic"
    BIG = "big"
    SCALABLE = "scalable"
    FOREIGN = "foreign"
    """Another volume manager's."""


@dataclass(frozen=True)
class LvmRecord:
    """What an LVM record says, checked. PSNs and lengths count sectors of 512 bytes.

    The areas of a group that is not classic are not described: the two lengths are 0 then.
    """

    vgid: str
    kind: VgKind
    version: int
    pv_number: int
    pp_shift: int
    reloc_psn: int = 0
    reloc_len: int = RELOCATION_SECTORS
    vgda_len: int = VGDA_SECTORS
    vgda_psn: tuple[int, int] = (FIRST_PSN + VGSA_SECTORS, FIRST_PSN + 2 * VGSA_SECTORS + VGDA_SECTORS)
    vgsa_len: int = VGSA_SECTORS
    vgsa_psn: tuple[int, int] = (FIRST_PSN, FIRST_PSN + VGSA_SECTORS + VGDA_SECTORS)
    ltg_shift: int = 17

    @property
    def first_pp_psn(self) -> int:
        """Where PP 1 starts: the end of both copies, rounded up to 256 sectors (inferred from D1)."""
        return align_up(max(self.vgda_psn) + self.vgda_len, 256)

    def for_disk(self, size: int, number: int) -> LvmRecord:
        """The record of a disk of `size` bytes in the same group; the relocation pool is at its end (assumed)."""
        psn = size // SECTOR - RELOCATION_SECTORS
        return replace(self, pv_number=number, reloc_psn=psn, reloc_len=RELOCATION_SECTORS)

    def build(self) -> bytes:
        """The sector that says this; classic groups only."""
        return LVM_RECORD.build(
            {
                "lvm_id": LVM_ID,
                "vg_id": uid_bytes(self.vgid),
                "lvmarea_len": 2 * (self.vgda_len + self.vgsa_len),
                "vgda_len": self.vgda_len,
                "vgda_psn": self.vgda_psn,
                "reloc_psn": self.reloc_psn,
                "reloc_len": self.reloc_len,
                "pv_num": self.pv_number,
                "pp_size": self.pp_shift,
                "vgsa_len": self.vgsa_len,
                "vgsa_psn": self.vgsa_psn,
                "version": self.version,
                "vg_type": 0,
                "ltg_shift": self.ltg_shift,
            }
        )


def parse(sector: bytes, *, offset: int, sectors: int, where: str) -> LvmRecord:
    """Check the fields of an LVM record.

    Args:
        sector: the 512 bytes.
        offset: where they lie in the image.
        sectors: how many sectors the device has.
        where: name of the image.

    Raises:
        CorruptImage: no record id, or a field out of its range.
    """
    values = LVM_RECORD.parse(sector, offset=offset, where=where)
    check = Checker(LVM_RECORD, values, offset, where)
    check.require("lvm_id", values.lvm_id == LVM_ID, LVM_ID.hex())
    check.require("vg_id", any(values.vg_id), "an identifier that is not zero")
    record = LvmRecord(
        vgid=uid_text(values.vg_id),
        kind=_kind(values.version, values.vg_type),
        version=values.version,
        pv_number=values.pv_num,
        pp_shift=values.pp_size,
        reloc_psn=values.reloc_psn,
        reloc_len=values.reloc_len,
        ltg_shift=values.ltg_shift if values.ltg_shift in _LTG_SHIFTS else 17,
    )
    if record.kind is not VgKind.CLASSIC:
        return replace(record, vgda_len=0, vgsa_len=0, pv_number=0, pp_shift=0)
    check.require("version", values.version in range(1, 14) or values.version == 30, "1 to 13, 30 or 31")
    check.require("pv_num", 1 <= values.pv_num <= MAX_PVS, f"1 to {MAX_PVS}")
    check.require("pp_size", values.pp_size in PP_SHIFTS, "20 to 30")
    check.require("vgsa_len", values.vgsa_len == VGSA_SECTORS, VGSA_SECTORS)
    areas, rest = divmod(values.vgda_len - 50, 64)
    check.require("vgda_len", rest == 0 and 1 <= areas <= MAX_PVS, f"{VGDA_SECTORS}, or 50 + 64 x PV areas")
    for name, length in (("vgda", values.vgda_len), ("vgsa", values.vgsa_len)):
        psns = values[f"{name}_psn"]
        check.require(
            f"{name}_psn",
            all(FIRST_PSN <= psn <= sectors - length for psn in psns) and abs(psns[0] - psns[1]) >= length,
            f"two areas of {length} sectors between sector {FIRST_PSN} and the end at sector {sectors}",
            list(psns),
        )
    return replace(
        record,
        vgda_len=values.vgda_len,
        vgda_psn=(values.vgda_psn[0], values.vgda_psn[1]),
        vgsa_len=values.vgsa_len,
        vgsa_psn=(values.vgsa_psn[0], values.vgsa_psn[1]),
    )


def _kind(version: int, vg_type: int) -> VgKind:
    if version >= 32000:
        return VgKind.FOREIGN
    if version == 31:
        return VgKind.SCALABLE
    # classic groups may hold fill bytes here (D1: 0xDDDD), so only the exact value counts
    return VgKind.BIG if vg_type == 1 else VgKind.CLASSIC


def read(device: BlockDevice) -> tuple[LvmRecord | None, list[Problem]]:
    """The LVM record of a disk, the backup's where the primary is not there or wrong; None for a disk in no group."""
    found: list[LvmRecord | None] = []
    failures: list[CorruptImage] = []
    sectors = []
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        offset = psn * SECTOR
        sectors.append(bytes(device.read(offset, SECTOR)) if offset + SECTOR <= device.size else b"")
        try:
            found.append(parse(sectors[-1], offset=offset, sectors=device.size // SECTOR, where=device.name))
        except CorruptImage as error:
            found.append(None)
            failures.append(error)
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


def sound_values(device: BlockDevice, record: LvmRecord) -> tuple[Any, int]:
    """All fields of the sector that `record` was read from, and its PSN; (None, 0) if it is in neither place."""
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        sector, offset = device.read(psn * SECTOR, SECTOR).tobytes(), psn * SECTOR
        try:
            if parse(sector, offset=offset, sectors=device.size // SECTOR, where=device.name) == record:
                return LVM_RECORD.parse(sector), psn
        except CorruptImage:
            continue
    return None, 0


def _leads_to_vgda(device: BlockDevice, record: LvmRecord) -> bool:
    """Whether a VGDA of the record's group, with the record's geometry, lies where the record says."""
    wanted = (uid_bytes(record.vgid), record.pp_shift, record.vgda_len)
    headers = [VGDA_HEADER.parse(device.read(psn * SECTOR, SECTOR)) for psn in record.vgda_psn]
    return record.vgda_len == 0 or wanted in [(h.vg_id, h.pp_size, h.vgda_size) for h in headers]


def write(device: BlockDevice, record: LvmRecord) -> None:
    """Write backup and primary, in this order: a disk joins its group with the first of them."""
    sector = record.build()
    for psn in (BACKUP_PSN, PRIMARY_PSN):
        device.write(psn * SECTOR, sector)
        device.flush()


def clear(device: BlockDevice) -> None:
    """Zero primary and backup: the disk leaves its group with the second of them."""
    for psn in (PRIMARY_PSN, BACKUP_PSN):
        device.write(psn * SECTOR, bytes(SECTOR))
        device.flush()
