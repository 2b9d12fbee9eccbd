"""The numbers of a classic group: PP sizes, factors, versions, PPs on a disk, VGDA copies on each disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..block import BlockDevice
from ..errors import OperationRefused
from ..units import MIB, SECTOR, TIB, format_size
from .record import PP_SHIFTS, RELOCATION_SECTORS
from .vgsa import FACTORS, MAX_PPS

MAX_DISK = 2 * TIB
MAX_VG_PPS = 32 * MAX_PPS
_DEFAULT_SHIFTS = range(24, 31)
_VERSIONS = (*range(1, 14), 30)
_FIRST_LARGE_PP, _LARGE_PP_SHIFT = 3, 28  # LVM version 3 brought PPs above 256 MiB
_FIRST_FACTOR = 4
FIRST_PP_PSN = 4352


@dataclass(frozen=True)
class Geometry:
    """PP size (log2 of bytes), factor and LVM version of a classic group.

    Raises:
        OperationRefused: the version does not allow it.
    """

    pp_shift: int
    factor: int
    version: int

    def __post_init__(self) -> None:
        if self.version not in _VERSIONS:
            raise OperationRefused(f"LVM version {self.version} is not one of a classic group", hint="1 to 13 or 30")
        if self.pp_shift not in PP_SHIFTS:
            raise OperationRefused("PPs of a classic group have 1 MiB to 1 GiB")
        if self.factor not in FACTORS:
            raise OperationRefused(f"factor {self.factor} is not one of 1, 2, 4, 8, 16, 32")
        if self.pp_shift > _LARGE_PP_SHIFT and self.version < _FIRST_LARGE_PP:
            raise OperationRefused("PPs above 256 MiB need LVM version 3 or later", hint="version 8 is the usual one")
        if self.factor > 1 and self.version < _FIRST_FACTOR:
            raise OperationRefused("a factor needs LVM version 4 or later", hint="version 8 is the usual one")

    @classmethod
    def of(cls, devices: Sequence[BlockDevice], pp_size: int | None, factor: int, version: int) -> Geometry:
        """The geometry for these disks.

        Args:
            devices: the disks.
            pp_size: bytes of a PP; None takes the smallest from 16 MiB on that gives at most 1,016 x factor PPs a
                disk, and if 1 GiB is not enough the smallest larger factor that is.
            factor: 1, 2, 4, 8, 16 or 32.
            version: LVM version.
        """
        if pp_size is not None:
            shift = pp_size.bit_length() - 1
            if pp_size < MIB or 1 << shift != pp_size:
                raise OperationRefused(f"{pp_size} bytes: PPs have a power of two from 1 MiB to 1 GiB")
            return cls(shift, factor, version)
        limit = _LARGE_PP_SHIFT if version < _FIRST_LARGE_PP else _DEFAULT_SHIFTS[-1]
        for candidate in (f for f in FACTORS if f == factor or (f > factor and version >= _FIRST_FACTOR)):
            for shift in _DEFAULT_SHIFTS[: limit - _DEFAULT_SHIFTS[0] + 1]:
                if all(pp_count(device.size, shift) <= candidate * MAX_PPS for device in devices):
                    return cls(shift, candidate, version)
        raise OperationRefused(
            f"LVM version {version} has no PPs large enough for these disks", hint="version 8 is the usual one"
        )

    @property
    def max_pps(self) -> int:
        """Largest number of PPs of a disk."""
        return MAX_PPS * self.factor

    @property
    def max_pvs(self) -> int:
        """Largest number of disks."""
        return 32 // self.factor

    def check_disk(self, device: BlockDevice) -> int:
        """The number of PPs of a disk.

        Raises:
            OperationRefused: the disk is too small, too large, or has too many PPs for the group.
        """
        if device.size > MAX_DISK:
            raise OperationRefused(f"classic groups take disks up to {format_size(MAX_DISK)}", where=device.name)
        count = pp_count(device.size, self.pp_shift)
        if count < 1:
            raise OperationRefused(
                f"{format_size(device.size)} is too small for a PP of {format_size(1 << self.pp_shift)}",
                where=device.name,
            )
        if count > self.max_pps:
            raise OperationRefused(
                f"the PP size of {1 << self.pp_shift >> 20} MiB requires the creation of {count} partitions, "
                f"the limit is {self.max_pps}",
                where=device.name,
                hint="use larger PPs or a factor",
            )
        return count


def pp_count(size: int, pp_shift: int) -> int:
    """PPs on a disk of `size` bytes: what fits between sector 4352 and the relocation pool (lvm-format 1.2)."""
    return max(0, (size // SECTOR - RELOCATION_SECTORS - FIRST_PP_PSN) * SECTOR >> pp_shift)


def vgda_counts(numbers: Iterable[int]) -> dict[int, int]:
    """VGDA copies by PV number: 2 on an only disk, 2 + 1 on two, else 1 on each (lvm-format 11)."""
    ordered = sorted(numbers)
    return {number: 2 if index == 0 and len(ordered) < 3 else 1 for index, number in enumerate(ordered)}
