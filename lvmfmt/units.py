"""Sectors, sizes and the names of sizes."""

from __future__ import annotations

from .errors import OperationRefused

SECTOR = 512
"""Bytes in a sector; every PSN (physical sector number) counts these."""

NS_PER_S = 10**9
"""Nanoseconds in a second."""

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40

_SUFFIX = {"": 1, "B": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB, "P": 1 << 50}


def parse_size(text: str) -> int:
    """Bytes of a size such as `512`, `64K`, `1.5G`, `2TiB`.

    Raises:
        OperationRefused: the text is not a size.
    """
    body = text.strip().upper().removesuffix("IB") if text.strip().upper().endswith("IB") else text.strip().upper()
    number, suffix = (body[:-1], body[-1]) if body and body[-1] in _SUFFIX else (body, "")
    try:
        size = float(number) * _SUFFIX[suffix] if "." in number else int(number) * _SUFFIX[suffix]
        whole = size == int(size)
    except (ValueError, OverflowError):
        size, whole = -1, False
    if not whole or not 0 <= size < 1 << 63:
        raise OperationRefused(f"not a size: {text!r}", hint="write for example 512, 64K, 16M or 1.5G")
    return int(size)


def format_size(size: int) -> str:
    """`size` in bytes as people read it, exact when it is a whole number of a unit: `1.5 GiB`."""
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}" if size % unit == 0 else f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def ceil_div(a: int, b: int) -> int:
    """The quotient of two non-negative integers, rounded up."""
    return -(-a // b)


def align_up(value: int, to: int) -> int:
    """`value` rounded up to a multiple of `to`."""
    return -(-value // to) * to
