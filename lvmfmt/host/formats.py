"""The printf formats of AIX's listings, as published outputs show them.

Trailing blanks are kept: AIX prints them too. Names come from images, so they are made printable here.
"""

from __future__ import annotations

from ..errors import printable
from ..units import MIB, ceil_div
from .profiles import Profile


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
    """The column heads of `df`; `unit` is such as `MB blocks`."""
    return f"{'Filesystem':<13}{unit:>10}      Free %Used    Iused %Iused Mounted on"


def percent_used(size: int, free: int) -> int:
    """%Used as AIX rounds it: up (fits every row of the article's `df -m`)."""
    return ceil_div(100 * (size - free), size) if size else 0


def df_row(device: str, size: int, free: int, inodes: int, inode_percent: int, mount_point: str) -> str:
    """A row of `df -m`; `size` and `free` in bytes."""
    device, mount_point, used = printable(device), printable(mount_point), f"{percent_used(size, free)}%"
    return (
        f"{device:<13}{size / MIB:>10.2f}{free / MIB:>10.2f}{used:>6}{inodes:>9}{f'{inode_percent}%':>7} {mount_point}"
    )


def df_pseudo_row(device: str, mount_point: str) -> str:
    """A row of `df` for a file system without blocks, such as /proc."""
    return f"{printable(device):<13}{'-':>10}{'-':>10}{'-':>5} {'-':>9}{'-':>6}  {printable(mount_point)}"
