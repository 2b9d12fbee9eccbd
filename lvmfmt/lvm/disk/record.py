"""The LVM record (PSN 7, backup PSN 70): that a disk belongs to a volume group, and where its areas lie."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from ...arguments import checked
from ...layout.lvm_disk import LVM_RECORD, LVM_RECORD_SCALABLE
from ...layout.record import Record
from ...oneline import one_line
from ...units import SECTOR, align_up
from ..errors import BadArgument
from ..kinds import LIMITS, VgKind
from ..problems import Checker
from ..vgdaformat import VgdaFormat, row_format, row_sectors, scalable_areas, scalable_format
from .identity import uid_bytes, uid_text

PRIMARY_PSN, BACKUP_PSN = 7, 70
LVM_ID = b"_LVM"
FIRST_PSN = 128
"""First sector after the reserved area."""
VGSA_SECTORS = {VgKind.CLASSIC: 8, VgKind.BIG: 32}
VGDA_SECTORS = {kind: row_sectors(kind) for kind in VGSA_SECTORS}
RELOCATION_SECTORS = 256
"""Length of the bad-block relocation pool; assumed, real lengths are not published."""
AREAS = ("ppsa", "pv_miss", "mwc_db", "vg_info", "pv_info", "lvcb_info", "lvea", "ppea")
"""The areas of a scalable group in the order in which we put them; three make its VGSA, five its VGDA."""
_STATUS = 3
_LTG_SHIFTS = range(17, 25)


class LvmRecord(NamedTuple):
    """What an LVM record says, checked. PSNs and lengths count sectors of 512 bytes.

    The areas of a group whose layout is not ours are not described: the two lengths are 0 then.

    Attributes:
        areas: sectors of each of `AREAS` in a scalable group, else empty.
    """

    vgid: str
    kind: VgKind
    version: int
    pv_number: int
    pp_shift: int
    reloc_psn: int = 0
    reloc_len: int = RELOCATION_SECTORS
    vgda_len: int = 0
    vgda_psn: tuple[int, int] = (0, 0)
    vgsa_len: int = 0
    vgsa_psn: tuple[int, int] = (0, 0)
    ltg_shift: int = 17
    areas: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return one_line(self)

    @classmethod
    @checked
    def new(cls, vgid: str, kind: VgKind, version: int, pp_shift: int, areas: tuple[int, ...] = ()) -> LvmRecord:
        """The record of a new group, of no disk yet: per copy VGSA, then VGDA, from sector 128 on [lvm 1.2].

        Args:
            vgid: identifier of the group.
            kind: of the group.
            version: LVM version.
            pp_shift: log2 of the bytes of a PP.
            areas: sectors of each of `AREAS`, for a scalable group.
        """
        vgsa = sum(areas[:_STATUS]) or VGSA_SECTORS[kind]
        vgda = sum(areas[_STATUS:]) or VGDA_SECTORS[kind]
        return cls(vgid, kind, version, 0, pp_shift, vgda_len=vgda, vgsa_len=vgsa, areas=areas).usual

    @property
    def described(self) -> bool:
        """Whether the places of VGSA and VGDA are known: the lengths are those of a layout that we can read."""
        return self.vgda_len != 0

    @property
    def structure(self) -> Record:
        """What the sector is."""
        return LVM_RECORD_SCALABLE if self.kind is VgKind.SCALABLE else LVM_RECORD

    @checked
    def vgda_format(self, factor: int) -> VgdaFormat:
        """Where the tables of a VGDA of the group lie.

        Args:
            factor: as the VGSA has it.
        """
        if self.kind is VgKind.SCALABLE:
            return scalable_format(self.areas[_STATUS:])
        if factor < 1:
            raise BadArgument("factor", factor, "1 or more")
        return row_format(self.kind, self.vgda_len, factor)

    @property
    def first_pp_psn(self) -> int:
        """Where PP 1 starts: the end of both copies, rounded up to 256 sectors (inferred from D1)."""
        return align_up(max(self.vgda_psn) + self.vgda_len, 256)

    @property
    def shared(self) -> LvmRecord:
        """What all disks of the group have in common of it; the rest as in a record of no disk."""
        return self._replace(pv_number=0, reloc_psn=0, reloc_len=0, ltg_shift=17)

    @property
    def usual(self) -> LvmRecord:
        """The same with the areas where they always lie: from sector 128 on, per copy VGSA, then VGDA [lvm 1.2]."""
        second = FIRST_PSN + self.vgsa_len + self.vgda_len
        vgsa, vgda = (FIRST_PSN, second), (FIRST_PSN + self.vgsa_len, second + self.vgsa_len)
        return self._replace(vgsa_psn=vgsa, vgda_psn=vgda)

    @checked
    def for_disk(self, size: int, number: int) -> LvmRecord:
        """The record of a disk of `size` bytes in the same group; the relocation pool is at its end (assumed)."""
        psn = size // SECTOR - RELOCATION_SECTORS
        return self._replace(pv_number=number, reloc_psn=psn, reloc_len=RELOCATION_SECTORS)

    def build(self) -> bytes:
        """The sector that says this."""
        return self.structure.build(self.values())

    def values(self) -> dict[str, Any]:
        """The fields of the sector that says this."""
        common = {"lvm_id": LVM_ID, "vg_id": uid_bytes(self.vgid), "pv_num": self.pv_number, "version": self.version}
        common |= {"vgda_len": self.vgda_len, "vgsa_len": self.vgsa_len, "ltg_shift": self.ltg_shift}
        common |= {"vgda_psn": list(self.vgda_psn), "vgsa_psn": list(self.vgsa_psn)}
        area = 2 * (self.vgda_len + self.vgsa_len)
        if self.kind is not VgKind.SCALABLE:
            return common | {
                "lvmarea_len": area,
                "reloc_psn": self.reloc_psn,
                "reloc_len": self.reloc_len,
                "pp_size": self.pp_shift,
                "vg_type": int(self.kind is VgKind.BIG),
            }
        return (
            common
            | {f"{name}_len": length for name, length in zip(AREAS, self.areas, strict=True)}
            | {f"{name}_psn": psns for name, psns in self._area_psns().items()}
            | {
                "res_area_len": area,
                "bb_reloc_psn": self.reloc_psn,
                "bb_reloc_len": self.reloc_len,
                "pp_shift": self.pp_shift,
            }
        )

    def _area_psns(self) -> dict[str, list[int]]:
        """Both PSNs of each area: those of the VGSA from its start on, those of the VGDA likewise."""
        psns = {}
        for index, name in enumerate(AREAS):
            first = index if index < _STATUS else index - _STATUS
            starts = self.vgsa_psn if index < _STATUS else self.vgda_psn
            before = sum(self.areas[index - first : index])
            psns[name] = [start + before for start in starts]
        return psns


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
    kind = kind_of(values.version, values.vg_type)
    structure = LVM_RECORD_SCALABLE if kind is VgKind.SCALABLE else LVM_RECORD
    values = structure.parse(sector)
    check = Checker(structure, values, offset, where)
    check.require("lvm_id", values.lvm_id == LVM_ID, LVM_ID.hex())
    check.require("vg_id", any(values.vg_id), "an identifier that is not zero")
    ltg = values.ltg_shift if values.ltg_shift in _LTG_SHIFTS else 17
    bare = LvmRecord(uid_text(values.vg_id), kind, values.version, 0, 0, ltg_shift=ltg)
    if kind is VgKind.FOREIGN:
        return bare
    record = _scalable(values, bare) if kind is VgKind.SCALABLE else _with_rows(values, bare)
    if kind is not VgKind.CLASSIC and not record.described:
        return record
    limits = LIMITS[kind]
    size = "pp_shift" if kind is VgKind.SCALABLE else "pp_size"
    versions = sorted(limits.versions)
    check.require("version", values.version in versions, f"one of {', '.join(map(str, versions))}")
    check.require("pv_num", 1 <= values.pv_num <= limits.pvs, f"1 to {limits.pvs}")
    shifts = limits.pp_shifts
    check.require(size, values[size] in shifts, f"{shifts[0]} to {shifts[-1]}")
    if kind is VgKind.CLASSIC:
        most = VGDA_SECTORS[kind]
        check.require("vgsa_len", values.vgsa_len == VGSA_SECTORS[kind], VGSA_SECTORS[kind])
        areas, rest = divmod(values.vgda_len - 50, 64)
        check.require("vgda_len", rest == 0 and 1 <= areas <= limits.pvs, f"{most}, or 50 + 64 x PV areas")
    for name, length in (("vgda", record.vgda_len), ("vgsa", record.vgsa_len)):
        psns = values[f"{name}_psn"]
        check.require(
            f"{name}_psn",
            all(FIRST_PSN <= psn <= sectors - length for psn in psns) and abs(psns[0] - psns[1]) >= length,
            f"two areas of {length} sectors between sector {FIRST_PSN} and the end at sector {sectors}",
            list(psns),
        )
    areas = sorted((psn, length) for psns, length in (
        (record.vgda_psn, record.vgda_len), (record.vgsa_psn, record.vgsa_len)) for psn in psns)  # fmt: skip
    apart = all(psn + length <= after for (psn, length), (after, _) in pairwise(areas))
    check.require("vgsa_psn", apart, "areas that do not overlap each other", list(values.vgsa_psn))
    return record


def _with_rows(values: Any, bare: LvmRecord) -> LvmRecord:
    """What the record of a classic or big group says; of a big one nothing unless it has the lengths that we know."""
    known = bare.kind is VgKind.CLASSIC or (values.vgda_len, values.vgsa_len) == (
        VGDA_SECTORS[bare.kind],
        VGSA_SECTORS[bare.kind],
    )
    record = bare._replace(
        pv_number=values.pv_num,
        pp_shift=values.pp_size,
        reloc_psn=values.reloc_psn,
        reloc_len=values.reloc_len,
    )
    if not known:
        return record
    return record._replace(
        vgda_len=values.vgda_len,
        vgda_psn=(values.vgda_psn[0], values.vgda_psn[1]),
        vgsa_len=values.vgsa_len,
        vgsa_psn=(values.vgsa_psn[0], values.vgsa_psn[1]),
    )


def _scalable(values: Any, bare: LvmRecord) -> LvmRecord:
    """What the record of a scalable group says; of its areas nothing unless they lie as we lay them."""
    record = bare._replace(
        pv_number=values.pv_num,
        pp_shift=values.pp_shift,
        reloc_psn=values.bb_reloc_psn,
        reloc_len=values.bb_reloc_len,
    )
    areas = tuple(values[f"{name}_len"] for name in AREAS)
    ours = record._replace(
        vgda_len=values.vgda_len,
        vgda_psn=(values.vgda_psn[0], values.vgda_psn[1]),
        vgsa_len=values.vgsa_len,
        vgsa_psn=(values.vgsa_psn[0], values.vgsa_psn[1]),
        areas=areas,
    )
    limits = LIMITS[VgKind.SCALABLE]
    shapes = [scalable_areas(limits.pvs, lvs, pps) for lvs in limits.lvs for pps in limits.pps]
    lengths = (sum(areas[:_STATUS]), sum(areas[_STATUS:]))
    psns = {name: list(values[f"{name}_psn"]) for name in AREAS}
    known = areas in shapes and lengths == (ours.vgsa_len, ours.vgda_len) and psns == ours._area_psns()
    return ours if known else record


def kind_of(version: int, vg_type: int) -> VgKind:
    """The kind of group; `version` lies at the same place in both kinds of record (H), `vg_type` is the old one's."""
    if version >= 32000:
        return VgKind.FOREIGN
    if version == 31:
        return VgKind.SCALABLE
    # classic groups may hold fill bytes here (D1: 0xDDDD), so only the exact value counts
    return VgKind.BIG if vg_type == 1 else VgKind.CLASSIC
