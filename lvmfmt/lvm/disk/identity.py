"""Identifiers: PVID, VGID, LVID, and the two u32 of a time stamp.

How they are made is inferred from published pairs of machine ids and identifiers (D1, D8, D13).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from numpy.typing import NDArray

from ...errors import OperationRefused
from ...origin import Origin, origin_or_system
from ...units import NS_PER_S

NS_PER_MS = 10**6

USUAL_MODEL = "4c00"
"""The last four digits of the machine id of nearly all machines; used where nobody tells them."""

FIRST_128_BIT_VERSION = 8
"""LVM version from which a VGID has 128 bits."""


def check_machine_id(text: str) -> str:
    """`text` in lower case if it is a machine id (`uname -m`): 12 hex digits.

    Raises:
        OperationRefused: it is not.
    """
    if not isinstance(text, str) or not re.fullmatch("[0-9a-fA-F]{12}", text):
        raise OperationRefused(f"not a machine id: {text!r}", hint="12 hex digits, as `uname -m` prints them")
    return text.lower()


def new_machine_id(origin: Origin | None = None) -> str:
    """A machine id: 12 hex digits, of which the last four are those of nearly all machines."""
    return f"00{origin_or_system(origin).entropy('machine id', 3).hex()}{USUAL_MODEL}"


def new_pvid(machine_id: str, origin: Origin | None = None, taken: Collection[str] = ()) -> str:
    """A PVID: the first 8 digits of the machine id, the low 32 bits of milliseconds since 1970; 16 hex digits."""
    ms = origin_or_system(origin).now() // NS_PER_MS
    while (pvid := f"{check_machine_id(machine_id)[:8]}{ms & 0xFFFFFFFF:08x}") in taken:
        ms += 1  # two disks within one millisecond
    return pvid


def new_vgid(machine_id: str, origin: Origin | None, version: int) -> str:
    """A VGID: 32 hex digits from LVM version 8 on, before that 16 that are made as a PVID is."""
    machine = check_machine_id(machine_id)
    ms = origin_or_system(origin).now() // NS_PER_MS
    if version < FIRST_128_BIT_VERSION:
        return f"{machine[:8]}{ms & 0xFFFFFFFF:08x}"
    return f"{machine[:8]}0000{machine[8:]}{ms:016x}"


def uid_text(raw: bytes) -> str:
    """The text of a 16-byte id: 16 hex digits if the second half is zero (every PVID, an old VGID), else 32."""
    return raw[:8].hex() if not any(raw[8:]) else raw.hex()


def uid_bytes(text: str) -> bytes:
    """The 16 bytes of an id of 16 or 32 hex digits.

    Raises:
        OperationRefused: it is neither.
    """
    if not re.fullmatch("[0-9a-fA-F]{16}([0-9a-fA-F]{16})?", text):
        raise OperationRefused(f"not an identifier: {text!r}", hint="16 or 32 hex digits")
    return bytes.fromhex(text).ljust(16, b"\0")


def machine_of(vgid: str) -> str | None:
    """The machine id within a 128-bit VGID, 12 hex digits; None for an old VGID, which holds only its first 8."""
    return vgid[:8] + vgid[12:16] if len(vgid) == 32 else None


def vgid_time(vgid: str) -> int | None:
    """When a 128-bit VGID was made, in nanoseconds since 1970; None for an old VGID."""
    return int(vgid[16:], 16) * NS_PER_MS if len(vgid) == 32 else None


def lvid(vgid: str, minor: int) -> str:
    """The LVID of the logical volume with a minor number."""
    return f"{vgid}.{minor}"


def stamp(sec: int, nsec: int) -> int:
    """A time stamp in nanoseconds since 1970; 0 means none."""
    return int(sec) * NS_PER_S + int(nsec)


def stamp_of(row: NDArray[Any]) -> int:
    """The time stamp in a row with `sec` and `nsec`, shape (1,)."""
    return stamp(int(row["sec"][0]), int(row["nsec"][0]))


def stamp_words(ns: int) -> tuple[int, int]:
    """The two u32 of a time stamp: seconds and nanoseconds."""
    return divmod(ns, NS_PER_S)
