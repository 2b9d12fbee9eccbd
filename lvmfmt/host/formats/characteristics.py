"""Detail listings: pairs of label and value, two pairs a line (`lspv PV`, `lsvg VG`, `lslv LV`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...escaping import printable
from ...units import MIB
from ..profiles import Profile

UNKNOWN = "???????"
"""The value of what a group that is not varied on cannot tell."""
MAX_REQUEST = 256
"""KB that the emulated disks take in one request."""


class Line(NamedTuple):
    """A line of a listing: two labels, or one, and the columns of the left value and of the right label."""

    left: str
    right: str = ""
    value_width: int = 25
    label_width: int = 16


DISK = (
    Line("PHYSICAL VOLUME:", "VOLUME GROUP:", 25, 18),
    Line("PV IDENTIFIER:", "VG IDENTIFIER", 16, 18),
    Line("PV STATE:"),
    Line("STALE PARTITIONS:", "ALLOCATABLE:", 25, 18),
    Line("PP SIZE:", "LOGICAL VOLUMES:", 25, 18),
    Line("TOTAL PPs:", "VG DESCRIPTORS:", 25, 18),
    Line("FREE PPs:", "HOT SPARE:", 25, 18),
    Line("USED PPs:", "MAX REQUEST:", 25, 18),
    Line("FREE DISTRIBUTION:"),
    Line("USED DISTRIBUTION:"),
    Line("MIRROR POOL:"),
)
"""`lspv PV`."""
_GROUP = (
    Line("VOLUME GROUP:", "VG IDENTIFIER:"),
    Line("VG STATE:", "PP SIZE:"),
    Line("VG PERMISSION:", "TOTAL PPs:"),
    Line("MAX LVs:", "FREE PPs:"),
    Line("LVs:", "USED PPs:"),
    Line("OPEN LVs:", "QUORUM:"),
    Line("TOTAL PVs:", "VG DESCRIPTORS:"),
    Line("STALE PVs:", "STALE PPs:"),
    Line("ACTIVE PVs:", "AUTO ON:"),
)
_ONE_LIMIT = (Line("MAX PPs per VG:", "MAX PVs:"),)
_TWO_LIMITS = (Line("MAX PPs per VG:"), Line("MAX PPs per PV:", "MAX PVs:"))
_GROUP_OPTIONS = (Line("LTG size (Dynamic):", "AUTO SYNC:"), Line("HOT SPARE:", "BB POLICY:"))
_LATER_OPTIONS = (
    Line("PV RESTRICTION:", "INFINITE RETRY:"),
    Line("DISK BLOCK SIZE:", "CRITICAL VG:"),
    Line("FS SYNC OPTION:", "CRITICAL PVs:"),
)
"""What later releases print; the profile says how many of them."""
VOLUME = (
    Line("LOGICAL VOLUME:", "VOLUME GROUP:", 23),
    Line("LV IDENTIFIER:", "PERMISSION:", 0),
    Line("VG STATE:", "LV STATE:", 23),
    Line("TYPE:", "WRITE VERIFY:", 23),
    Line("MAX LPs:", "PP SIZE:", 23),
    Line("COPIES:", "SCHED POLICY:", 23),
    Line("LPs:", "PPs:", 23),
    Line("STALE PPs:", "BB POLICY:", 23),
    Line("INTER-POLICY:", "RELOCATABLE:", 23),
    Line("INTRA-POLICY:", "UPPER BOUND:", 23),
    Line("MOUNT POINT:", "LABEL:", 23),
    Line("MIRROR WRITE CONSISTENCY: "),
    Line("EACH LP COPY ON A SEPARATE PV ?: "),
    Line("Serialize IO ?:"),
)
"""`lslv LV`."""
STRIPES = (Line("STRIPE WIDTH:"), Line("STRIPE SIZE:"))
"""What `lslv LV` adds for a striped one."""


def group_lines(profile: Profile, *, limit_per_disk: bool) -> tuple[Line, ...]:
    """The listing `lsvg VG`, for a group with or without a limit of PPs on a disk."""
    limits = _TWO_LIMITS if limit_per_disk else _ONE_LIMIT
    return (*_GROUP, *limits, *_GROUP_OPTIONS, *_LATER_OPTIONS[: profile.group_rows])


def details(lines: Iterable[Line], values: Mapping[str, object]) -> list[str]:
    """The lines of a listing, filled in.

    Args:
        lines: the listing.
        values: by label, without its colon; a value that is too long for its column is followed by one blank.
    """

    def value(label: str) -> str:
        return printable(str(values.get(label.rstrip(" ?:"), UNKNOWN)))

    filled = []
    for line in lines:
        text = f"{line.left:<20}{value(line.left)}"
        if line.right:
            width = 20 + line.value_width
            text = text.ljust(width) if len(text) < width else f"{text} "
            text += f"{line.right:<{line.label_width}}{value(line.right)}"
        filled.append(text)
    return filled


def in_megabytes(size: int) -> str:
    """The size of a PP."""
    return f"{size // MIB} megabyte(s)"


def with_megabytes(pps: int, pp_size: int) -> str:
    """A number of PPs and what it comes to."""
    return f"{pps} ({pps * pp_size // MIB} megabytes)"
