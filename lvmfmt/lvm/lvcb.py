"""The logical volume control block: what an LV is for.

The order of its members is published (D3, D4), their places are not. So the reader finds them by their look in any
layout, and the writer uses the places of `layout.lvcb`, which are our own: do not expect AIX to accept them.
"""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

import numpy as np

from ..errors import CorruptImage, OperationRefused
from ..layout.lvcb import LVCB
from ..oneline import one_line
from ..units import NS_PER_S

TAG = b"AIX LVCB"
NO_LABEL = "None"
_CTIME = (  # patterns are compiled when the first block is read
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    rb"[ 0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [0-9]{4}\n"
)
_MACHINE = rb"[0-9A-F]{6,}"
_LETTERS = rb"([yn])([mxcein])([mxcein])([yns])"
_LVID_REST = rb"[0-9a-f]*\.[0-9]+"
_INTRA = {"m": "m", "c": "c", "e": "e", "i": "ie", "n": "im"}
_LVID_FIRST = 24
MOST_LPS = 0xFFFF
"""What the 16 bits for the number of LPs can say; of an LV with more only the VGDA knows how many."""
_MAX_WIDTH = 1024
STRIP_SHIFTS = range(12, 28)
"""log2 of the bytes of a strip: 4 KiB to 128 MiB."""


class Lvcb(NamedTuple):
    """What a control block says.

    Attributes:
        type: `jfs2`, `jfs2log`, `paging`, `boot`, ...
        lvid: VGID, a dot, the minor number.
        name: of the LV.
        created: ctime text with its newline.
        modified: likewise.
        machine_id: the last 9 digits of the machine id, capitals.
        relocatable: whether reorgvg may move it.
        inter: m (minimum) or x (maximum number of PVs).
        intra: e, m, c, im or ie: the region it was asked for.
        strict: y, n, or s (superstrict).
        upper_bound: largest number of PVs for a copy.
        lps: number of LPs.
        copies: of each LP.
        label: mount point, `None` if unset.
        fs: attributes of the file system, such as `vfs=jfs2:log=/dev/hd8`.
        stripe_width: disks of a stripe, 0 if it is not striped.
        stripe_exp: log2 of the bytes of a strip, 0 if it is not striped.
    """

    type: str
    lvid: str
    name: str
    created: str
    modified: str
    machine_id: str
    relocatable: bool = True
    inter: str = "m"
    intra: str = "m"
    strict: str = "y"
    upper_bound: int = 32
    lps: int = 0
    copies: int = 1
    label: str = NO_LABEL
    fs: str = ""
    stripe_width: int = 0
    stripe_exp: int = 0

    def __repr__(self) -> str:
        return one_line(self)


def ctime(ns: int) -> str:
    """`ctime()` text of an instant in UTC, with its newline."""
    return time.asctime(time.gmtime(ns // NS_PER_S)) + "\n"


def read(block: bytes, *, offset: int = 0, where: str = "") -> Lvcb:
    """The control block in the first 512 bytes of an LV, whatever its layout [lvm 13.2].

    Raises:
        CorruptImage: the tag is not there, or a member cannot be found.
    """

    def missing(field: str, expected: str) -> CorruptImage:
        place = offset + LVCB.offset_of(field)
        return CorruptImage("lvcb", field, offset=place, expected=expected, found="none", where=where)

    if not block.startswith(TAG):
        raise CorruptImage("lvcb", "tag", offset=offset, expected=TAG.hex(), found=block[:8].hex(), where=where)
    times = list(re.finditer(_CTIME, block))
    if len(times) < 2:
        raise missing("modified" if times else "created", "a time as ctime prints it")
    head = _strings(block[len(TAG) : times[0].start()])
    if len(head) < 3:
        raise missing(("type", "lvid", "lvname")[len(head)], "a text")
    machine = re.compile(_MACHINE).search(block, times[1].end())
    if machine is None:
        raise missing("machine_id", "hex digits")
    letters = re.compile(_LETTERS).search(block, machine.end())
    if letters is None:
        raise missing("relocatable", "four letters: relocatable, two policies, strict")
    at = letters.end()
    numbers = _numbers(block, at) or (_numbers(block, at + 1) if block[at : at + 1] == b"\0" else None)
    if numbers is None:
        raise missing("upperbound", "upper bound, LPs, copies 1 to 3")
    at += 0 if _numbers(block, at) else 1
    width, exponent = _stripes(block, at + 6)
    tail = _strings(block[at + 10 if width else at + 6 :])
    lvid = head[1]
    if b"." not in lvid:
        rest = next((i for i in reversed(range(len(tail))) if re.fullmatch(_LVID_REST, tail[i])), None)
        if rest is None:
            raise missing("lvid_rest", "the end of an LVID")
        lvid += tail.pop(rest)
    label = tail.pop(0) if tail and b"=" not in tail[0] else NO_LABEL.encode()
    inter, intra = _policies(letters[2].decode(), letters[3].decode())
    return Lvcb(
        type=_text(head[0]),
        lvid=_text(lvid),
        name=_text(head[2]),
        created=times[0][0].decode(),
        modified=times[1][0].decode(),
        machine_id=machine[0].decode(),
        relocatable=letters[1] == b"y",
        inter=inter,
        intra=intra,
        strict=letters[4].decode(),
        upper_bound=numbers[0],
        lps=numbers[1],
        copies=numbers[2],
        stripe_width=width,
        stripe_exp=exponent,
        label=_text(label),
        fs=_text(tail[0]) if tail else "",
    )


def build(lvcb: Lvcb) -> bytes:
    """The 512 bytes of a control block in our own layout.

    Raises:
        OperationRefused: a text is too long for its place.
    """
    letter = next(letter for letter, intra in _INTRA.items() if intra == lvcb.intra)
    values: dict[str, Any] = {
        "tag": TAG,
        "reserved1": 0,
        "reserved2": 0,
        "reserved3": 0,
        "relocatable": b"y" if lvcb.relocatable else b"n",
        "inter_policy": lvcb.inter.encode(),
        "intra_policy": letter.encode(),
        "strict": lvcb.strict.encode(),
        "upperbound": lvcb.upper_bound,
        "num_lps": min(lvcb.lps, MOST_LPS),
        "copies": lvcb.copies,
        "stripe_width": lvcb.stripe_width,
        "stripe_exp": lvcb.stripe_exp,
    }
    for name, value, width in (
        ("type", lvcb.type, 31),
        ("lvid", lvcb.lvid[:_LVID_FIRST], 31),
        ("lvname", lvcb.name, 31),
        ("created", lvcb.created, 31),
        ("modified", lvcb.modified, 31),
        ("machine_id", lvcb.machine_id, 15),
        ("label", lvcb.label, 127),
        ("fs", lvcb.fs, 127),
        ("lvid_rest", lvcb.lvid[_LVID_FIRST:], 31),
    ):
        raw = value.encode("utf-8", "surrogateescape")
        if len(raw) > width:
            raise OperationRefused(f"{name} is longer than the {width} bytes an LVCB has for it", where=lvcb.name)
        values[name] = raw
    return np.array([tuple(values[name] for name in LVCB.dtype.names or ())], LVCB.dtype).tobytes()


def is_of(block: bytes, lvid: str) -> bool:
    """Whether a block is the control block of the LV with an LVID, be it that members of it cannot be found."""
    try:
        return read(block).lvid == lvid
    except CorruptImage:
        parts = (lvid[:_LVID_FIRST].encode(), lvid[_LVID_FIRST:].encode())
        return block.startswith(TAG) and all(part in block for part in parts)


def is_ours(block: bytes, lvcb: Lvcb) -> bool:
    """Whether a block that reads as `lvcb` has our own layout, so that it can be written anew without loss."""
    try:
        return build(lvcb) == block
    except OperationRefused:
        return False


def _strings(data: bytes) -> list[bytes]:
    """Texts between NULs; numbers, which look like control characters or a blank, are none."""
    return [part for part in re.findall(rb"[^\0]+", data) if part.strip() and min(part) >= 0x20]


def _numbers(block: bytes, at: int) -> tuple[int, int, int] | None:
    upper, lps, copies = (int.from_bytes(block[at + i : at + i + 2], "big") for i in (0, 2, 4))
    return (upper, lps, copies) if 1 <= upper <= 1024 and 1 <= copies <= 3 else None


def _stripes(block: bytes, at: int) -> tuple[int, int]:
    """Stripe width and exponent if they lie here as in our own layout, (0, 0) else: their place is not published."""
    width, exponent = (int.from_bytes(block[at + i : at + i + 2], "big") for i in (0, 2))
    return (width, exponent) if 2 <= width <= _MAX_WIDTH and exponent in STRIP_SHIFTS else (0, 0)


def _policies(first: str, second: str) -> tuple[str, str]:
    """(inter, intra): their order is not published, but x is only ever inter and c, e, i, n only ever intra."""
    if first in "cein" or second == "x":
        first, second = second, first
    return ("x" if first == "x" else "m"), _INTRA.get(second, "m")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
