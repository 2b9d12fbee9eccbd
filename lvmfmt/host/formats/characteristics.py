"""Detail listings: pairs of label and value, two pairs a row (`lspv PV`, `lsvg VG`, `lslv LV`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...escaping import printable
from ...units import MIB
from ..profiles import Profile
from .rows import distribution

Pair = tuple[str, object]

_UNKNOWN = "???????"
MAX_REQUEST = 256
"""KB that the emulated disks take in one request."""


def _pairs(width: int, label_width: int, rows: Iterable[tuple[Pair, Pair | None]]) -> list[str]:
    """Rows of label and value: the left value padded to `width`, the right label to `label_width`."""
    lines = []
    for (label, value), right in rows:
        left = f"{label:<20}{printable(str(value))}"
        if right is None:
            lines.append(left)
        else:  # a value that is too long is followed by one blank
            left = left.ljust(20 + width) if len(left) < 20 + width else f"{left} "
            lines.append(f"{left}{right[0]:<{label_width}}{printable(str(right[1]))}")
    return lines


def _size(pps: int, pp_size: int) -> str:
    return f"{pps} ({pps * pp_size // MIB} megabytes)"


class PhysicalFacts(NamedTuple):
    """What `lspv PV` tells; sizes in bytes, regions from the outer edge inwards."""

    name: str
    group: str
    pvid: str
    vgid: str
    state: str
    stale: int
    allocatable: bool
    pp_size: int
    volumes: int
    total: int
    free: int
    descriptors: int
    free_regions: Sequence[int]
    used_regions: Sequence[int]


def physical_details(facts: PhysicalFacts) -> list[str]:
    """The lines of `lspv PV` of a disk in a group that is varied on."""
    used = facts.total - facts.free
    return [
        *_physical_head(facts.name, facts.group, facts.pvid, facts.vgid),
        *_physical_body(
            facts.state, facts.stale, "yes" if facts.allocatable else "no", f"{facts.pp_size // MIB} megabyte(s)",
            facts.volumes, _size(facts.total, facts.pp_size), facts.descriptors, _size(facts.free, facts.pp_size), "no",
            _size(used, facts.pp_size), distribution(facts.free_regions, ".."), distribution(facts.used_regions, ".."),
            "None",
        ),
    ]  # fmt: skip


def unknown_physical_details(name: str, group: str, pvid: str, vgid: str) -> list[str]:
    """The lines of `lspv PV` of a disk whose group is not varied on."""
    return [*_physical_head(name, group, pvid, vgid), *_physical_body(*[_UNKNOWN] * 13)]


def _physical_head(name: str, group: str, pvid: str, vgid: str) -> list[str]:
    return _pairs(
        25, 18, [(("PHYSICAL VOLUME:", name), ("VOLUME GROUP:", group))]
    ) + _pairs(16, 18, [(("PV IDENTIFIER:", pvid), ("VG IDENTIFIER", vgid))])  # fmt: skip


def _physical_body(
    state: object, stale: object, allocatable: object, pp_size: object, volumes: object, total: object,
    descriptors: object, free: object, hot_spare: object, used: object, free_regions: object, used_regions: object,
    pool: object,
) -> list[str]:  # fmt: skip
    return _pairs(25, 18, [
        (("PV STATE:", state), None),
        (("STALE PARTITIONS:", stale), ("ALLOCATABLE:", allocatable)),
        (("PP SIZE:", pp_size), ("LOGICAL VOLUMES:", volumes)),
        (("TOTAL PPs:", total), ("VG DESCRIPTORS:", descriptors)),
        (("FREE PPs:", free), ("HOT SPARE:", hot_spare)),
        (("USED PPs:", used), ("MAX REQUEST:", f"{MAX_REQUEST} kilobytes")),
        (("FREE DISTRIBUTION:", free_regions), None),
        (("USED DISTRIBUTION:", used_regions), None),
        (("MIRROR POOL:", pool), None),
    ])  # fmt: skip


class GroupFacts(NamedTuple):
    """What `lsvg VG` tells; sizes in bytes, `max_pps_per_pv` None where a group has no such limit."""

    name: str
    vgid: str
    permission: str
    pp_size: int
    total: int
    free: int
    max_lvs: int
    volumes: int
    open_volumes: int
    quorum: int
    quorum_on: bool
    disks: int
    descriptors: int
    stale_disks: int
    stale_pps: int
    active_disks: int
    auto_on: bool
    max_pps: int
    max_pps_per_pv: int | None
    max_disks: int
    ltg_size: int


def group_details(profile: Profile, facts: GroupFacts) -> list[str]:
    """The lines of `lsvg VG` of a group that is varied on."""
    quorum = f"{facts.quorum} ({'Enabled' if facts.quorum_on else 'Disabled'})"
    limits: list[tuple[Pair, Pair | None]] = [(("MAX PPs per VG:", facts.max_pps), None)]
    if facts.max_pps_per_pv is None:
        limits = [(("MAX PPs per VG:", facts.max_pps), ("MAX PVs:", facts.max_disks))]
    else:
        limits.append((("MAX PPs per PV:", facts.max_pps_per_pv), ("MAX PVs:", facts.max_disks)))
    rows: list[tuple[Pair, Pair | None]] = [
        (("VOLUME GROUP:", facts.name), ("VG IDENTIFIER:", facts.vgid)),
        (("VG STATE:", "active"), ("PP SIZE:", f"{facts.pp_size // MIB} megabyte(s)")),
        (("VG PERMISSION:", facts.permission), ("TOTAL PPs:", _size(facts.total, facts.pp_size))),
        (("MAX LVs:", facts.max_lvs), ("FREE PPs:", _size(facts.free, facts.pp_size))),
        (("LVs:", facts.volumes), ("USED PPs:", _size(facts.total - facts.free, facts.pp_size))),
        (("OPEN LVs:", facts.open_volumes), ("QUORUM:", quorum if profile.quorum_words else facts.quorum)),
        (("TOTAL PVs:", facts.disks), ("VG DESCRIPTORS:", facts.descriptors)),
        (("STALE PVs:", facts.stale_disks), ("STALE PPs:", facts.stale_pps)),
        (("ACTIVE PVs:", facts.active_disks), ("AUTO ON:", "yes" if facts.auto_on else "no")),
        *limits,
        (("LTG size (Dynamic):", f"{facts.ltg_size // 1024} kilobyte(s)"), ("AUTO SYNC:", "no")),
        (("HOT SPARE:", "no"), ("BB POLICY:", "relocatable")),
    ]
    later: list[tuple[Pair, Pair | None]] = [
        (("PV RESTRICTION:", "none"), ("INFINITE RETRY:", "no")),
        (("DISK BLOCK SIZE:", 512), ("CRITICAL VG:", "no")),
        (("FS SYNC OPTION:", "no"), ("CRITICAL PVs:", "no")),
    ]
    return _pairs(25, 16, [*rows, *later[: profile.group_rows]])


class VolumeFacts(NamedTuple):
    """What `lslv LV` tells, in AIX's words where they are words; sizes in bytes."""

    name: str
    group: str
    lvid: str
    permission: str
    group_state: str
    state: str
    type: str
    write_verify: bool
    max_lps: int
    pp_size: int
    copies: int
    policy: str
    lps: int
    pps: int
    stale: int
    bb_policy: str
    inter: str
    relocatable: bool
    intra: str
    upper_bound: int
    mount_point: str
    label: str
    mwc: str
    separate: str
    stripe_width: int
    strip_size: int


def volume_details(facts: VolumeFacts) -> list[str]:
    """The lines of `lslv LV`."""
    rows: list[tuple[Pair, Pair | None]] = [
        (("VG STATE:", facts.group_state), ("LV STATE:", facts.state)),
        (("TYPE:", facts.type), ("WRITE VERIFY:", "on" if facts.write_verify else "off")),
        (("MAX LPs:", facts.max_lps), ("PP SIZE:", f"{facts.pp_size // MIB} megabyte(s)")),
        (("COPIES:", facts.copies), ("SCHED POLICY:", facts.policy)),
        (("LPs:", facts.lps), ("PPs:", facts.pps)),
        (("STALE PPs:", facts.stale), ("BB POLICY:", facts.bb_policy)),
        (("INTER-POLICY:", facts.inter), ("RELOCATABLE:", "yes" if facts.relocatable else "no")),
        (("INTRA-POLICY:", facts.intra), ("UPPER BOUND:", facts.upper_bound)),
        (("MOUNT POINT:", facts.mount_point), ("LABEL:", facts.label)),
    ]
    lines = [
        *_pairs(23, 16, [(("LOGICAL VOLUME:", facts.name), ("VOLUME GROUP:", facts.group))]),
        *_pairs(0, 16, [(("LV IDENTIFIER:", facts.lvid), ("PERMISSION:", facts.permission))]),
        *_pairs(23, 16, rows),
        f"MIRROR WRITE CONSISTENCY: {facts.mwc}",
        f"EACH LP COPY ON A SEPARATE PV ?: {facts.separate}",
        "Serialize IO ?:     NO",
    ]
    if facts.stripe_width:
        lines += [
            f"{'STRIPE WIDTH:':<20}{facts.stripe_width}",
            f"{'STRIPE SIZE:':<20}{facts.strip_size // 1024}K",
        ]
    return lines
