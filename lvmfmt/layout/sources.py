"""The legend of source tags: what the letters behind a field stand for.

The `source` of a field is a list of tags, each perhaps with a note of what it says: `D1 (order), own (offset)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LEGEND: dict[str, str] = {
    "H": "an include file that AIX ships for programs: lvmrec.h, lvm.h, bootrecord.h, j2/*.h, dumprestor.h, ...",
    "L": "a field that GPL code of Linux uses: its AIX partition driver (LVM), its JFS driver and jfsutils (JFS1)",
    "L?": "a name in a structure of that partition driver, which its code never reads: a hint",
    "T": "bytes written by the system itself, checked here: AIX for archives, Linux for JFS1",
    "P": "sessions and pages that show bytes or values of a file system of AIX: fsdb, dumpfs, crfs, IBM's notes",
    "U": "independent programs that unpack archives of AIX",
    "D1": "a listing of `readvgda -s`: a classic group of three disks",
    "D2": "a dump with `od -x`: sector 0, VGSA and the start of the VGDA of one disk",
    "D3": "a control block without addresses, beside what `getlvcb -AT` says of it",
    "D4": "a listing of `getlvcb -TA`, of a logical volume from before AIX 5.1",
    "D5": "a dump with `lquerypv -h`: sector 0",
    "D6": "a PVID repaired with `dd`: bytes before and after",
    "D7": "a page of IBM on the four places where a PVID lies",
    "I5": "documents on the size of the mirror write consistency cache: 62 entries",
    "I7": "course material on the time stamps of a VGDA",
    "I10": "a note of IBM on control blocks of logical volumes",
    "X": "worked out from the sizes and places of tagged fields",
    "R": "recalled, and not found again: not verified",
    "own": "our own choice: nothing is published",
}
"""Tag -> what it stands for, the strongest first."""

_TAG = re.compile(r"([^ ,(]+)(?: \([^)]*\))?(?:, |$)")


def tags(source: str) -> list[str]:
    """The tags of a field's source, without notes, in their order.

    Raises:
        ValueError: it is no list of tags.
    """
    found, end = [], 0
    while match := _TAG.match(source, end):
        found.append(match[1])
        end = match.end()
    if not found or end != len(source):
        raise ValueError(f"no list of source tags: {source!r}")
    return found


def legend(sources: Iterable[str]) -> dict[str, str]:
    """The part of the legend that these sources of fields need, in its order.

    Raises:
        ValueError: a source is no list of tags.
        KeyError: a tag is not in the legend.
    """
    used = {tag for source in sources for tag in tags(source)}
    if unknown := used - LEGEND.keys():
        raise KeyError(f"not in the legend of sources: {', '.join(sorted(unknown))}")
    return {tag: meaning for tag, meaning in LEGEND.items() if tag in used}
