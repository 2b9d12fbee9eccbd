"""The numbers of a group: PP sizes, factors, versions, PPs on a disk, VGDA copies on each disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..arguments import Checked, expect
from ..block import BlockDevice
from ..errors import OperationRefused
from ..units import MIB, SECTOR, format_size
from .disk.record import RELOCATION_SECTORS, LvmRecord
from .errors import BadArgument
from .kinds import LIMITS, PPS_PER_ROW, VgKind
from .vgdaformat import scalable_areas

_SMALLEST_DEFAULT = 24
_FIRST_LARGE_PP, _LARGE_PP_SHIFT = 3, 28  # LVM version 3 brought PPs above 256 MiB
_FIRST_FACTOR = 4
FIRST_PP_PSN = 4352
"""Sector of PP 1 in a classic group."""


class Fit(NamedTuple):
    """How a disk fits a group.

    Attributes:
        pps: PPs that the group can use of it.
        room: PPs that the disk has room for.
        lost: bytes behind the metadata that lie in none of the usable PPs.
    """

    pps: int
    room: int
    lost: int


@dataclass(frozen=True)
class GroupGeometry(Checked):
    """The numbers of a group.

    Attributes:
        pp_shift: log2 of the bytes of a PP.
        factor: multiplies the PPs of a disk and divides the disks; 1 in a scalable group.
        version: LVM version.
        kind: of the group.
        max_lvs: LVs, the reserved LV 0 included; 0 for the default of the kind.
        vg_pps: PPs of the group; 0 for the default of the kind.

    Raises:
        OperationRefused: the kind or the version does not allow it.
    """

    pp_shift: int
    factor: int
    version: int
    kind: VgKind = VgKind.CLASSIC
    max_lvs: int = 0
    vg_pps: int = 0

    def __post_init__(self) -> None:
        limits, kind = LIMITS[expect(self.kind, VgKind, "a kind of volume group, such as VgKind.BIG")], self.kind
        for number in (self.pp_shift, self.factor, self.version, self.max_lvs, self.vg_pps):
            expect(number, int, "a number of a volume group")
        object.__setattr__(self, "max_lvs", self.max_lvs or limits.lvs[0])
        object.__setattr__(self, "vg_pps", self.vg_pps or limits.pps[0])
        if self.version not in limits.versions:
            known = ", ".join(map(str, sorted(limits.versions)))
            raise OperationRefused(f"LVM version {self.version} is not one of a {kind} group", hint=f"it has {known}")
        if self.pp_shift not in limits.pp_shifts:
            first, last = (format_size(1 << shift) for shift in (limits.pp_shifts[0], limits.pp_shifts[-1]))
            raise OperationRefused(f"PPs of a {kind} group have {first} to {last}")
        for name, value, values in (
            ("factor", self.factor, limits.factors),
            ("number of LVs", self.max_lvs, limits.lvs),
            ("number of PPs", self.vg_pps, limits.pps),
        ):
            if value not in values:
                known = ", ".join(map(str, values))
                raise OperationRefused(f"{name} {value} is not one that a {kind} group can have: {known}")
        if self.pp_shift > _LARGE_PP_SHIFT and self.version < _FIRST_LARGE_PP:
            raise OperationRefused("PPs above 256 MiB need LVM version 3 or later", hint="version 8 is the usual one")
        if self.factor > 1 and self.version < _FIRST_FACTOR:
            raise OperationRefused("a factor needs LVM version 4 or later", hint="version 8 is the usual one")

    @classmethod
    def of(
        cls,
        devices: Sequence[BlockDevice],
        pp_size: int | None,
        factor: int,
        version: int | None,
        *,
        kind: VgKind = VgKind.CLASSIC,
        max_lvs: int = 0,
        max_pps: int = 0,
    ) -> GroupGeometry:
        """The geometry for these disks.

        Args:
            devices: the disks.
            pp_size: bytes of a PP; None takes the smallest from 16 MiB on with which the disks fit, and if the largest
                is not enough, the smallest larger factor.
            factor: one of the kind: a power of two from 1 on.
            version: LVM version; None takes the usual one of the kind.
            kind: of the group.
            max_lvs: LVs of a scalable group, 256 to 4096 with LV 0; 0 for 256.
            max_pps: PPs of a scalable group, 32768 to 2097152; 0 for 32768.

        Raises:
            BadArgument: no such factor, or groups of the kind are not made.
            OperationRefused: the kind or the version does not allow it, or the disks do not fit.
        """
        limits = LIMITS.get(kind)
        if limits is None:
            raise BadArgument("kind", kind, "one that can be made: classic, big, scalable")
        if factor not in limits.factors:
            known = ", ".join(map(str, limits.factors))
            raise BadArgument("factor", factor, f"one that a {kind} group can have: {known}")
        version = limits.versions[0] if version is None else version
        if pp_size is not None:
            shift = pp_size.bit_length() - 1
            if pp_size < MIB or 1 << shift != pp_size:
                raise OperationRefused(f"{pp_size} bytes: PPs have a power of two from 1 MiB to 1 GiB")
            return cls(shift, factor, version, kind, max_lvs, max_pps)
        last = _LARGE_PP_SHIFT if version < _FIRST_LARGE_PP else limits.pp_shifts[-1]
        for candidate in (f for f in limits.factors if f == factor or (f > factor and version >= _FIRST_FACTOR)):
            for shift in range(_SMALLEST_DEFAULT, last + 1):
                geometry = cls(shift, candidate, version, kind, max_lvs, max_pps)
                if geometry.takes(devices):
                    return geometry
        raise OperationRefused(
            f"LVM version {version} has no PPs large enough for these disks",
            hint=f"version {limits.versions[0]} is the usual one",
        )

    def takes(self, devices: Sequence[BlockDevice]) -> bool:
        """Whether no disk has more PPs than a disk may have, nor all together more than the group."""
        rooms = [self.fit(device.size).room for device in devices]
        return all(room <= self.max_pps for room in rooms) and sum(rooms) <= self.vg_pps

    @property
    def max_pps(self) -> int:
        """Largest number of PPs of a disk."""
        return self.vg_pps if self.kind is VgKind.SCALABLE else PPS_PER_ROW * self.factor

    @property
    def max_pvs(self) -> int:
        """Largest number of disks."""
        return LIMITS[self.kind].pvs // self.factor

    @property
    def areas(self) -> tuple[int, ...]:
        """Sectors of the areas of a scalable group, else empty."""
        scalable = self.kind is VgKind.SCALABLE
        return scalable_areas(LIMITS[self.kind].pvs, self.max_lvs, self.vg_pps) if scalable else ()

    def record(self, vgid: str) -> LvmRecord:
        """The LVM record of a new group."""
        return LvmRecord.new(vgid, self.kind, self.version, self.pp_shift, self.areas)

    def fit(self, size: int) -> Fit:
        """How a disk of `size` bytes fits the group."""
        first = self.record("0" * 16).first_pp_psn
        room = pp_count(size, self.pp_shift, first)
        within = pp_count(min(size, LIMITS[self.kind].disk), self.pp_shift, first)
        pps = min(room, within, self.max_pps)
        return Fit(pps, room, max(0, size - RELOCATION_SECTORS * SECTOR - first * SECTOR - (pps << self.pp_shift)))

    def check_disk(self, device: BlockDevice) -> int:
        """The number of PPs of a disk.

        Raises:
            OperationRefused: the disk is too small, too large, or has too many PPs for the group.
        """
        limit = LIMITS[self.kind].disk
        if device.size > limit:
            raise OperationRefused(f"{self.kind} groups take disks up to {format_size(limit)}", where=device.name)
        fit = self.fit(device.size)
        if fit.room < 1:
            raise OperationRefused(
                f"{format_size(device.size)} is too small for a PP of {format_size(1 << self.pp_shift)}",
                where=device.name,
            )
        if fit.room > self.max_pps:
            raise OperationRefused(
                f"the PP size of {1 << self.pp_shift >> 20} MiB requires the creation of {fit.room} partitions, "
                f"the limit is {self.max_pps}; {format_size(fit.lost)} of the disk would be lost",
                where=device.name,
                hint="use larger PPs" if self.kind is VgKind.SCALABLE else "use larger PPs or a factor",
            )
        return fit.room


def pp_count(size: int, pp_shift: int, first_psn: int = FIRST_PP_PSN) -> int:
    """PPs on a disk of `size` bytes: what fits between its first PP and the relocation pool [lvm 1.2]."""
    return max(0, (size // SECTOR - RELOCATION_SECTORS - first_psn) * SECTOR >> pp_shift)


def vgda_counts(numbers: Iterable[int]) -> dict[int, int]:
    """VGDA copies by PV number: 2 on an only disk, 2 + 1 on two, else 1 on each [lvm 11]."""
    ordered = sorted(numbers)
    return {number: 2 if index == 0 and len(ordered) < 3 else 1 for index, number in enumerate(ordered)}
