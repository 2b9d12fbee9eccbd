"""Tables: a header and rows of columns of fixed width."""

from __future__ import annotations

from collections.abc import Sequence

from ...escaping import printable
from ...units import MIB, ceil_div
from ..profiles import Profile


def lspv_row(name: str, pvid: str | None, group: str | None, state: str) -> str:
    """A row of `lspv`: disk, PVID, volume group, and `active` or nothing."""
    return f"{printable(name):<16}{printable(pvid or 'none'):<36}{printable(group or 'None'):<16}{state:<12}"


def lsvg_volumes_header(profile: Profile) -> str:
    """The column heads of `lsvg -l`."""
    width = profile.lps_width
    return f"{'LV NAME':<20}{'TYPE':<11}{'LPs':<{width}}{'PPs':<{width}}{'PVs':<5}{'LV STATE':<14}MOUNT POINT"


def lsvg_volumes_row(
    profile: Profile, name: str, type: str, lps: int, pps: int, pvs: int, state: str, mount_point: str
) -> str:
    """A row of `lsvg -l`; `state` is such as `open/syncd`."""
    width = profile.lps_width
    name, type, mount_point = printable(name), printable(type), printable(mount_point)
    return f"{name:<20}{type:<11}{lps:<{width}}{pps:<{width}}{pvs:<5}{state:<14}{mount_point}"


def df_header(unit: str) -> str:
    """The column heads of `df`; `unit` is such as `MB blocks`, and as wide as it is is the column below it."""
    return f"Filesystem    {unit}      Free %Used    Iused %Iused Mounted on"


def df_used_header(unit: str) -> str:
    """The column heads of `df -I`."""
    return f"Filesystem    {unit}      Used      Free %Used Mounted on"


def percent_used(size: int, free: int) -> int:
    """%Used as AIX rounds it: up (fits every row of the article's `df -m`)."""
    return ceil_div(100 * (size - free), size) if size else 0


def percent_inodes(used: int, allocated: int, free: int) -> int:
    """%Iused: of the inodes that there are, and those that the free space could become [commands, Corrections].

    Args:
        used: inodes in use.
        allocated: inodes that extents are allocated for, `used` among them.
        free: free blocks of 4 KiB.
    """
    return ceil_div(900 * used, 9 * allocated + 8 * free)


def _amount(size: int, unit: int) -> str:
    """A size in units: MB and GB with two decimals, smaller ones whole."""
    return f"{size / unit:.2f}" if unit >= MIB else str(size // unit)


def df_row(
    device: str, size: int, free: int, inodes: int, inode_percent: int, mount_point: str, unit: tuple[str, int]
) -> str:
    """A row of `df`; `size` and `free` in bytes, `unit` the name of the unit and its bytes."""
    device, mount_point, used = printable(device), printable(mount_point), f"{percent_used(size, free)}%"
    name, one = unit
    return (
        f"{device:<13}{_amount(size, one):>{len(name) + 1}}{_amount(free, one):>10}{used:>6}{inodes:>9}"
        f"{f'{inode_percent}%':>7} {mount_point}"
    )


def df_pseudo_row(device: str, mount_point: str, unit: str) -> str:
    """A row of `df` for a file system without blocks, such as /proc."""
    return f"{printable(device):<13}{'-':>{len(unit) + 1}}{'-':>10}{'-':>5} {'-':>9}{'-':>6}  {printable(mount_point)}"


def df_used_row(device: str, size: int, free: int, mount_point: str, unit: tuple[str, int]) -> str:
    """A row of `df -I`; `size` and `free` in bytes, `unit` the name of the unit and its bytes."""
    device, mount_point, percent = printable(device), printable(mount_point), f"{percent_used(size, free)}%"
    name, one = unit
    amounts = f"{_amount(size, one):>{len(name) + 1}}{_amount(size - free, one):>10}{_amount(free, one):>10}"
    return f"{device:<13}{amounts}{percent:>6} {mount_point}"


def df_used_pseudo_row(device: str, mount_point: str, unit: str) -> str:
    """A row of `df -I` for a file system without blocks."""
    return f"{printable(device):<13}{'-':>{len(unit) + 1}}{'-':>10}{'-':>10}{'-':>5}  {printable(mount_point)}"


def lsvg_disks_header(profile: Profile) -> str:
    """The column heads of `lsvg -p`."""
    return _disks_row(profile, "PV_NAME", "PV STATE", "TOTAL PPs", "FREE PPs", "FREE DISTRIBUTION")


def lsvg_disks_row(profile: Profile, name: str, state: str, total: int, free: int, regions: Sequence[int]) -> str:
    """A row of `lsvg -p`; `regions` are the free PPs of the five regions."""
    return _disks_row(profile, printable(name), state, str(total), str(free), distribution(regions, ".."))


def _disks_row(profile: Profile, name: str, state: str, total: str, free: str, regions: str) -> str:
    return f"{name:<18}{state:<{profile.pv_state_width}}{total:<12}{free:<12}{regions}"


def distribution(regions: Sequence[int], separator: str, digits: int = 2) -> str:
    """The PPs of the five regions, from the outer edge to the inner edge."""
    return separator.join(f"{count:0{digits}}" for count in regions)


def pv_volumes_header(profile: Profile) -> str:
    """The column heads of `lspv -l`."""
    width = profile.lps_width
    return f"{'LV NAME':<22}{'LPs':<{width}}{'PPs':<{width}}{'DISTRIBUTION':<22}MOUNT POINT"


def pv_volumes_row(profile: Profile, name: str, lps: int, pps: int, regions: Sequence[int], mount_point: str) -> str:
    """A row of `lspv -l`: LPs and PPs of a logical volume on one disk, and in which regions."""
    width = profile.lps_width
    places = distribution(regions, "..")
    return f"{printable(name):<22}{lps:<{width}}{pps:<{width}}{places:<22}{printable(mount_point)}"


def volume_disks_header() -> str:
    """The column heads of `lslv -l`."""
    return f"{'PV':<18}{'COPIES':<14}{'IN BAND':<14}DISTRIBUTION"


def volume_disks_row(name: str, copies: Sequence[int], in_band: int, regions: Sequence[int]) -> str:
    """A row of `lslv -l`: LPs with 1, 2 and 3 PPs or more on a disk, per cent in the right region, PPs by region."""
    held, places = distribution(copies, ":", 3), distribution(regions, ":", 3)
    return f"{printable(name):<18}{held:<14}{f'{in_band}%':<14}{places}"
