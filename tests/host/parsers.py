"""Parsers of AIX listings as scripts of administrators and inventory agents have them.

They are written from outputs that were published (fixtures/transcripts/listings.txt and the other transcripts there),
know nothing of the program under test, and take no column for granted where the published rows do not keep to it:
words are split at blanks, fields with blanks in them are found by their labels.
"""

import re
from typing import NamedTuple

PVID = r"[0-9a-f]{16}"
UNITS = {"512-blocks": 512, "1024-blocks": 1 << 10, "MB blocks": 1 << 20, "GB blocks": 1 << 30}

DISK_LABELS = (
    "PHYSICAL VOLUME", "VOLUME GROUP", "PV IDENTIFIER", "VG IDENTIFIER", "PV STATE", "STALE PARTITIONS", "ALLOCATABLE",
    "PP SIZE", "LOGICAL VOLUMES", "TOTAL PPs", "VG DESCRIPTORS", "FREE PPs", "HOT SPARE", "USED PPs", "MAX REQUEST",
    "FREE DISTRIBUTION", "USED DISTRIBUTION", "MIRROR POOL",
)  # fmt: skip
GROUP_LABELS = (
    "VOLUME GROUP", "VG IDENTIFIER", "VG STATE", "PP SIZE", "VG PERMISSION", "TOTAL PPs", "MAX LVs", "FREE PPs", "LVs",
    "USED PPs", "OPEN LVs", "QUORUM", "TOTAL PVs", "VG DESCRIPTORS", "STALE PVs", "STALE PPs", "ACTIVE PVs", "AUTO ON",
    "MAX PPs per VG", "MAX PPs per PV", "MAX PVs", "LTG size (Dynamic)", "AUTO SYNC", "HOT SPARE", "BB POLICY",
    "PV RESTRICTION", "INFINITE RETRY", "DISK BLOCK SIZE", "CRITICAL VG", "FS SYNC OPTION", "CRITICAL PVs",
)  # fmt: skip
VOLUME_LABELS = (
    "LOGICAL VOLUME", "VOLUME GROUP", "LV IDENTIFIER", "PERMISSION", "VG STATE", "LV STATE", "TYPE", "WRITE VERIFY",
    "MAX LPs", "PP SIZE", "COPIES", "SCHED POLICY", "LPs", "PPs", "STALE PPs", "BB POLICY", "INTER-POLICY",
    "RELOCATABLE", "INTRA-POLICY", "UPPER BOUND", "MOUNT POINT", "LABEL", "MIRROR WRITE CONSISTENCY",
    "EACH LP COPY ON A SEPARATE PV ?", "Serialize IO ?",
)  # fmt: skip


class Unreadable(ValueError):
    """A line that is not as AIX prints it."""


def words(line: str, pattern: str) -> tuple[str, ...]:
    """The groups of a pattern that has to match a whole line, but for blanks at its end."""
    found = re.fullmatch(pattern, line.rstrip())
    if found is None:
        raise Unreadable(line)
    return tuple("" if group is None else group for group in found.groups())


def header(lines: list[str], *heads: str) -> list[str]:
    """The rows under a line that has these heads in this order, with blanks between them."""
    if not lines or not re.fullmatch(r"\s+".join(map(re.escape, heads)), lines[0].strip()):
        raise Unreadable(lines[0] if lines else "nothing")
    return lines[1:]


def titled(lines: list[str], title: str) -> list[str]:
    """The lines under a first line."""
    if not lines or lines[0].rstrip() != title:
        raise Unreadable(lines[0] if lines else "nothing")
    return lines[1:]


def regions(text: str) -> tuple[int, ...]:
    """PPs from the outer to the inner edge: `08..00..00..59..102`, or `000:000:008:000:000`."""
    counts = tuple(int(part) for part in re.split(r"\.\.|:", text))
    if len(counts) != 5:
        raise Unreadable(text)
    return counts


def pairs(lines: list[str], labels: tuple[str, ...]) -> dict[str, str]:
    """Labels and values, one or two pairs a line; of a label that comes twice the first counts.

    `VG IDENTIFIER` has no colon in `lspv`.
    """
    one = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    pattern = re.compile(rf"(?:(?<=\s)|^)(?:({one}):|(VG IDENTIFIER)(?= ))")
    found: dict[str, str] = {}
    for line in lines:
        cuts = list(pattern.finditer(line))
        if not cuts or cuts[0].start() or len(cuts) > 2:
            raise Unreadable(line)
        for cut, end in zip(cuts, [*(c.start() for c in cuts[1:]), len(line)], strict=True):
            found.setdefault(cut[1] or cut[2], line[cut.end() : end].strip())
    return found


def number(text: str) -> int:
    """The number that a value begins with: `64 megabyte(s)`, `543 (34752 megabytes)`, `2 (Enabled)`."""
    return int(words(text, r"(\d+)(?: .*)?")[0])


# --- lspv ------------------------------------------------------------------------------------------------------------


class Disk(NamedTuple):
    name: str
    pvid: str | None
    group: str | None
    state: str


def lspv(lines: list[str]) -> list[Disk]:
    rows = [words(line, rf"(\S+) +({PVID}|none) +(\S+)(?: +(\S+))?") for line in lines]
    return [
        Disk(name, None if pvid == "none" else pvid, None if group == "None" else group, state)
        for name, pvid, group, state in rows
    ]


def lspv_disk(lines: list[str]) -> dict[str, str]:
    return pairs(lines, DISK_LABELS)


class OnDisk(NamedTuple):
    volume: str
    lps: int
    pps: int
    regions: tuple[int, ...]
    mount_point: str


def lspv_l(lines: list[str], disk: str) -> list[OnDisk]:
    rows = header(titled(lines, f"{disk}:"), "LV NAME", "LPs", "PPs", "DISTRIBUTION", "MOUNT POINT")
    found = [words(row, r"(\S+) +(\d+) +(\d+) +([\d.]+) +(\S+)") for row in rows]
    return [OnDisk(name, int(lps), int(pps), regions(where), point) for name, lps, pps, where, point in found]


class Range(NamedTuple):
    first: int
    last: int
    state: str
    region: str
    volume: str
    type: str
    mount_point: str


def lspv_p(lines: list[str], disk: str) -> list[Range]:
    rows = header(titled(lines, f"{disk}:"), "PP RANGE", "STATE", "REGION", "LV NAME", "TYPE", "MOUNT POINT")
    where = "outer edge|outer middle|center|inner middle|inner edge"
    pattern = rf" *(\d+)-(\d+) +(used|free|stale) +({where})(?: +(\S+) +(\S+) +(\S+))?"
    return [Range(int(first), int(last), *rest) for first, last, *rest in (words(row, pattern) for row in rows)]


class Held(NamedTuple):
    disk: str
    first: int
    last: int
    volume: str | None
    lp: int
    copy: int
    stale: bool


def partitions(lines: list[str]) -> list[Held]:
    """`lspv -M`, and `lsvg -M` without its heading."""
    found = []
    for line in lines:
        disk, first, last, volume, lp, copy, stale = words(
            line, r"(\S+?):(\d+)(?:-(\d+))?(?:\t([^:\s]+):(\d+)(?::(\d+))?(?:\t(stale))?)?"
        )
        pp = int(first)
        found.append(Held(disk, pp, int(last or pp), volume or None, int(lp or 0), int(copy or 1), bool(stale)))
    return found


# --- lsvg ------------------------------------------------------------------------------------------------------------


def lsvg_group(lines: list[str]) -> dict[str, str]:
    return pairs(lines, GROUP_LABELS)


class Volume(NamedTuple):
    name: str
    type: str
    lps: int
    pps: int
    disks: int
    state: str
    mount_point: str


def lsvg_l(lines: list[str], group: str) -> list[Volume]:
    rows = header(titled(lines, f"{group}:"), "LV NAME", "TYPE", "LPs", "PPs", "PVs", "LV STATE", "MOUNT POINT")
    state = r"(?:open|closed)/(?:syncd|stale)"
    found = [words(row, rf"(\S+) +(\S+) +(\d+) +(\d+) +(\d+) +({state}) +(\S+)") for row in rows]
    return [Volume(n, kind, int(lps), int(pps), int(pvs), *rest) for n, kind, lps, pps, pvs, *rest in found]


class Member(NamedTuple):
    disk: str
    state: str
    total: int
    free: int
    regions: tuple[int, ...]


def lsvg_p(lines: list[str], group: str) -> list[Member]:
    rows = header(titled(lines, f"{group}:"), "PV_NAME", "PV STATE", "TOTAL PPs", "FREE PPs", "FREE DISTRIBUTION")
    return lsvg_p_rows(rows)


def lsvg_p_rows(rows: list[str]) -> list[Member]:
    found = [words(row, r"(\S+) +(active|missing|removed) +(\d+) +(\d+) +([\d.]+)") for row in rows]
    return [Member(name, state, int(total), int(free), regions(where)) for name, state, total, free, where in found]


def lsvg_M(lines: list[str], group: str) -> list[Held]:
    """`lsvg -M`: an empty line, the name of the group, then the partitions."""
    return partitions(titled(titled(lines, ""), group))


# --- lslv ------------------------------------------------------------------------------------------------------------


def lslv_volume(lines: list[str]) -> dict[str, str]:
    return pairs(lines, VOLUME_LABELS)


class Share(NamedTuple):
    disk: str
    copies: tuple[int, ...]
    in_band: int
    regions: tuple[int, ...]


def lslv_l(lines: list[str], volume: str, mount_point: str) -> list[Share]:
    rows = header(titled(lines, f"{volume}:{mount_point}"), "PV", "COPIES", "IN BAND", "DISTRIBUTION")
    found = [words(row, r"(\S+) +(\d+):(\d+):(\d+) +(\d+)% +([\d:]+)") for row in rows]
    return [Share(disk, (int(a), int(b), int(c)), int(band), regions(where)) for disk, a, b, c, band, where in found]


def lslv_m(lines: list[str], volume: str, mount_point: str) -> dict[int, list[tuple[int, str]]]:
    """For each LP the PP and the disk of its copies."""
    rows = titled(lines, f"{volume}:{mount_point}")
    if not re.match(r"LP +PP1 +PV1( +PP2 +PV2)?( +PP3 +PV3)? *$", rows[0]):
        raise Unreadable(rows[0])
    found = {}
    for row in rows[1:]:
        words(row, r"(\d{4,})(?: +\d{4,} +\S+){1,3}")
        lp, *copies = row.split()
        found[int(lp)] = [(int(pp), disk) for pp, disk in zip(copies[::2], copies[1::2], strict=True)]
    return found


# --- file systems, paging, boot --------------------------------------------------------------------------------------


class Mounted(NamedTuple):
    """Sizes in bytes; None for a file system without blocks."""

    device: str
    size: float | None
    free: float | None
    used: int | None
    inodes: int | None
    mount_point: str


def df(lines: list[str]) -> list[Mounted]:
    head = re.fullmatch(
        r"Filesystem +(512-blocks|1024-blocks|MB blocks|GB blocks) +Free +%Used +Iused +%Iused +Mounted on", lines[0]
    )
    if head is None:
        raise Unreadable(lines[0])
    unit = UNITS[head[1]]
    found = []
    for line in lines[1:]:
        device, size, free, used, inodes, _, point = words(
            line, r"(\S+) +([\d.]+|-) +([\d.]+|-) +(?:(\d+)%|-) +(?:(\d+)|-) +(?:(\d+)%|-) +(/\S*)"
        )
        if size == "-":
            found.append(Mounted(device, None, None, None, None, point))
        else:
            inode_count = int(inodes) if inodes else None  # a snapshot has none
            found.append(Mounted(device, float(size) * unit, float(free) * unit, int(used), inode_count, point))
    return found


class Entry(NamedTuple):
    """A file system of /etc/filesystems; size in bytes, None where it is not printed."""

    mount_point: str
    device: str
    vfs: str
    size: int | None
    options: str
    auto: bool
    accounting: bool


def lsfs_c(lines: list[str]) -> list[Entry]:
    rows = titled(lines, "#MountPoint:Device:Vfs:Nodename:Type:Size:Options:AutoMount:Acct")
    found = []
    for row in rows:
        point, device, vfs, _, _, size, options, auto, account = row.split(":")
        found.append(
            Entry(point, device, vfs, int(size) * 512 if size else None, options, auto == "yes", account == "yes")
        )
    return found


def lsfs(lines: list[str]) -> list[Entry]:
    rows = header(lines, "Name", "Nodename", "Mount Pt", "VFS", "Size", "Options", "Auto", "Accounting")
    found = []
    for row in rows:
        device, _, point, vfs, size, options, auto, account = words(row, r" +".join([r"(\S+)"] * 8))
        octets = None if size == "--" else int(size) * 512
        found.append(Entry(point, device, vfs, octets, options, auto == "yes", account == "yes"))
    return found


class Paging(NamedTuple):
    volume: str
    disk: str
    group: str
    size: int
    used: int
    active: bool


def lsps_a(lines: list[str]) -> list[Paging]:
    rows = header(lines, "Page Space", "Physical Volume", "Volume Group", "Size", "%Used", "Active", "Auto", "Type")
    found = [words(row, r"(\S+) +(\S+) +(\S+) +(\d+)MB +(\d+) +(yes|no) +(?:yes|no) +lv") for row in rows]
    return [
        Paging(name, disk, vg, int(mb) << 20, int(used), active == "yes") for name, disk, vg, mb, used, active in found
    ]


class BootDevice(NamedTuple):
    device: str
    volume: str | None
    path: int | None


def bootlist(lines: list[str]) -> list[BootDevice]:
    found = [words(line, r"(\S+)(?: blv=(\S+))?(?: pathid=(\d+))?") for line in lines]
    return [BootDevice(device, volume or None, int(path) if path else None) for device, volume, path in found]
