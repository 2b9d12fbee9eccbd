"""PP sizes, factors and versions: [lvm 1.2, 1.3, 4.3] and issue text."""

import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.errors import BadArgument
from lvmfmt.lvm.geometry import GroupGeometry, pp_count, vgda_counts

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40


@pytest.mark.parametrize(
    ("sizes", "version", "pp_mib", "factor"),
    [
        ([1 * GIB], 8, 16, 1),  # never below 16 MiB
        ([16 * GIB], 8, 32, 1),  # 1023 PPs of 16 MiB would be too many
        ([1016 * 16 * MIB + 4 * MIB], 8, 16, 1),  # just 1016
        ([40 * GIB], 8, 64, 1),  # D13: 639 PPs of 64 MiB
        ([8 * GIB, 200 * GIB], 8, 256, 1),  # the largest disk decides
        ([1000 * GIB], 8, 1024, 1),
        ([1500 * GIB], 8, 1024, 2),
        ([2 * TIB], 8, 1024, 4),  # 2047 PPs are more than 2 x 1016
        ([250 * GIB], 1, 256, 1),
    ],
)
def test_defaults(sizes: list[int], version: int, pp_mib: int, factor: int, memory_disk):
    found = GroupGeometry.of([Sized(size) for size in sizes], None, 1, version)
    assert (1 << found.pp_shift, found.factor) == (pp_mib * MIB, factor)
    for size in sizes:
        assert pp_count(size, found.pp_shift) <= 1016 * factor


class Sized(Overlay):
    """As much of a device as geometry needs."""

    def __init__(self, size: int) -> None:
        self.size, self.name = size, "disk"


@pytest.mark.parametrize(("size", "version"), [(300 * GIB, 1), (300 * GIB, 2), (1500 * GIB, 3)])
def test_versions_without_pps_large_enough(size: int, version: int):
    with pytest.raises(OperationRefused, match="no PPs large enough"):
        GroupGeometry.of([Sized(size)], None, 1, version)


def test_disks_above_2_tib():
    with pytest.raises(OperationRefused, match="2 TiB"):
        GroupGeometry(30, 4, 8).check_disk(Sized(2 * TIB + 512))
    assert GroupGeometry(30, 4, 8).check_disk(Sized(2 * TIB)) == 2047


@pytest.mark.parametrize(
    ("numbers", "counts"), [([4], {4: 2}), ([7, 2], {2: 2, 7: 1}), ([1, 2, 3], {1: 1, 2: 1, 3: 1})]
)
def test_vgda_counts(numbers: list[int], counts: dict[int, int]):
    assert vgda_counts(numbers) == counts


@pytest.mark.parametrize(
    ("kind", "factor"),
    [(VgKind.CLASSIC, 0), (VgKind.CLASSIC, 3), (VgKind.CLASSIC, 64), (VgKind.BIG, 48), (VgKind.SCALABLE, 2)],
)
@pytest.mark.parametrize("pp_size", [None, 16 * MIB])
def test_a_factor_that_a_kind_does_not_have_is_not_rounded(kind: VgKind, factor: int, pp_size: int | None):
    # [lvm 1.3]: powers of two that divide 32 or 128 disks; none in a scalable group
    with pytest.raises(BadArgument, match="factor") as refused:
        GroupGeometry.of([Sized(1 * GIB)], pp_size, factor, None, kind=kind)
    assert refused.value.value == factor


def test_a_kind_that_is_not_made():
    with pytest.raises(BadArgument, match="classic, big, scalable"):
        GroupGeometry.of([Sized(1 * GIB)], None, 1, None, kind=VgKind.FOREIGN)


def sized(pps: int, pp_mib: int = 1) -> Sized:
    """A classic disk of just so many PPs: 4352 sectors are before the first one, 256 KiB behind the last [lvm 1.2]."""
    return Sized(4352 * 512 + pps * pp_mib * MIB + pool())


def pool() -> int:
    """Bytes behind the last PP."""
    whole = next(size for size in range(4352 * 512 + MIB, 4352 * 512 + 8 * MIB, 512) if pp_count(size, 20) == 1)
    return whole - 4352 * 512 - MIB


@pytest.mark.parametrize(
    ("pps", "factor", "fits"), [(1016, 1, True), (1017, 1, False), (2032, 2, True), (2033, 2, False)]
)
def test_the_most_pps_of_a_disk(pps: int, factor: int, fits: bool) -> None:
    geometry = GroupGeometry.of([sized(1)], MIB, factor, 9)
    assert geometry.takes([sized(pps)]) is fits
    if fits:
        assert geometry.check_disk(sized(pps)) == pps
        assert geometry.fit(sized(pps).size).lost == 0
        assert geometry.fit(sized(pps).size + MIB - 512).lost == MIB - 512
    else:
        with pytest.raises(
            OperationRefused, match=f"creation of {pps} partitions, the limit is {pps - 1}; 1 MiB of the"
        ):
            geometry.check_disk(sized(pps))


def test_the_smallest_and_the_largest_disk() -> None:
    geometry = GroupGeometry.of([sized(1)], MIB, 1, 9)
    assert geometry.check_disk(sized(1)) == 1
    with pytest.raises(OperationRefused, match="too small for a PP of 1 MiB"):
        geometry.check_disk(Sized(sized(1).size - 512))
    large = GroupGeometry.of([sized(1)], 1 << 30, 4, 9)
    assert large.check_disk(Sized(2 * TIB)) == 2047
    with pytest.raises(OperationRefused, match="take disks up to 2 TiB"):
        large.check_disk(Sized(2 * TIB + 512))


@pytest.mark.parametrize("size", [0, MIB - 1, MIB + 512, 3 * MIB, MIB // 2])
def test_pps_are_powers_of_two(size: int) -> None:
    with pytest.raises(OperationRefused, match="a power of two from 1 MiB"):
        GroupGeometry.of([sized(1)], size, 1, 9)
