"""What the options of `mklv` and `chlv` are in an LV entry."""

from __future__ import annotations

from ..descriptor.vgda import PP_PARALLEL
from ..errors import BadArgument

MAX_UPPER_BOUND = 1024
SCHEDULES = {"p": PP_PARALLEL, "s": 1, "ps": 4, "pr": 8}
"""`mklv -d`: parallel, sequential, parallel write with sequential or round-robin read; the mirror_policy of each."""
MWC = {"a": 1, "n": 2, "p": 3}
"""`mklv -w`: active, none, passive."""


def mwc_code(mwc: bool | str) -> int:
    """mirwrt_consist of an LV entry for True, False or a letter of `MWC`."""
    letter = mwc if isinstance(mwc, str) else "a" if mwc else "n"
    if letter not in MWC:
        raise BadArgument("mirror write consistency", mwc, "a, p or n")
    return MWC[letter]
