"""The three kinds of volume group and their published limits ([lvm 1.3]; H, I3, I4, D13)."""

from __future__ import annotations

import enum
from typing import NamedTuple

from ..units import KIB, TIB


class VgKind(enum.StrEnum):
    """The type of a volume group, as far as the LVM record tells."""

    CLASSIC = "classic"
    BIG = "big"
    SCALABLE = "scalable"
    FOREIGN = "foreign"
    """Another volume manager's."""


PPS_PER_ROW = 1016
"""PPs of one PV area of a classic or big group. A factor multiplies it."""


class Limits(NamedTuple):
    """What a group of a kind can have.

    Attributes:
        pvs: PVs; a factor divides it.
        lvs: the numbers of LVs it can be made for, the reserved LV 0 included, smallest first.
        pps: PPs in the group, the default first.
        pp_shifts: log2 of the PP sizes.
        factors: what may multiply the PPs of a PV and divides the PVs.
        versions: LVM versions, the usual one first.
        disk: bytes of a disk; PSNs of 32 bits end at 2 TiB.
    """

    pvs: int
    lvs: tuple[int, ...]
    pps: tuple[int, ...]
    pp_shifts: range
    factors: tuple[int, ...]
    versions: tuple[int, ...]
    disk: int


_KPPS = (32, 64, 128, 256, 512, 768, 1024, 2048)
"""What `mkvg -P` takes, in units of 1,024 PPs."""
LIMITS = {
    VgKind.CLASSIC: Limits(
        pvs=32,
        lvs=(256,),
        pps=(32 * PPS_PER_ROW,),
        pp_shifts=range(20, 31),
        factors=(1, 2, 4, 8, 16, 32),
        versions=(8, *range(1, 8), *range(9, 14), 30),
        disk=2 * TIB,
    ),
    VgKind.BIG: Limits(
        pvs=128,
        lvs=(512,),
        pps=(128 * PPS_PER_ROW,),
        pp_shifts=range(20, 31),
        factors=(1, 2, 4, 8, 16, 32, 64),
        versions=(10, *range(5, 10), *range(11, 14), 30),
        disk=2 * TIB,
    ),
    VgKind.SCALABLE: Limits(
        pvs=1024,
        lvs=(256, 512, 1024, 2048, 4096),
        pps=tuple(n * KIB for n in _KPPS),
        pp_shifts=range(20, 38),
        factors=(1,),
        versions=(31,),
        disk=1 << 63,
    ),
}
