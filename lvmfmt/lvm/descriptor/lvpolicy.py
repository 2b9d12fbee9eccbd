"""The policy of a logical volume as its entry in the VGDA and its control block say it, and back into the entry."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ..lvcb import Lvcb
from ..policy import DEFAULT_UPPER_BOUND, NO_STRIP, PLACING, LvPolicy
from .vgda import NO, PP_PARALLEL, PP_SEQUENTIAL, PP_STRIPED, YES, Vgda


class _Code(NamedTuple):
    """How an LV entry says a member: in which field, by which numbers, and what any other number is taken for."""

    field: str
    numbers: Mapping[Any, int]
    other: bool | str


_CODES = {
    "bb_relocation": _Code("bb_relocation", {True: YES, False: NO}, False),
    "write_verify": _Code("write_verify", {True: YES, False: NO}, False),
    "mwc": _Code("mirwrt_consist", {"a": 1, "n": 2, "p": 3}, ""),
    "schedule": _Code("mirror_policy", {"p": PP_PARALLEL, "s": PP_SEQUENTIAL, "ps": 4, "pr": 8}, ""),
    "read_only": _Code("permissions", {False: 1, True: 2}, False),
}
STRIPE_FIELDS = ("stripe_exp", "striping_width")
"""Fields of an LV entry that are 0 unless it is striped."""


def policy_of(vgda: Vgda, minor: int, lvcb: Lvcb | None) -> LvPolicy:
    """The policy of an LV: what its entry and its control block say, without a control block what is usual.

    Args:
        vgda: of the group.
        minor: number of the LV.
        lvcb: its control block, None if it has none.
    """
    entry, number = vgda.lvs[minor - 1], vgda.small_fields(minor)[2]
    striped = number == PP_STRIPED
    exponent, width = (int(entry[name]) for name in STRIPE_FIELDS)
    codes = {name: int(entry[code.field]) for name, code in _CODES.items()} | {"schedule": number}
    said = {name: _word(_CODES[name], value) for name, value in codes.items()}
    if striped:
        said["schedule"] = "p"
    if lvcb is not None:
        said |= {name: getattr(lvcb, name) for name in PLACING}
    return LvPolicy(
        **{"upper_bound": DEFAULT_UPPER_BOUND, **said},
        contiguous=lvcb is not None and lvcb.type == "boot",
        stripe_width=width,
        strip_size=(1 << exponent if striped else 0) if striped == (exponent > 0) == (width > 0) else NO_STRIP,
        max_lps=int(entry["maxsize"]),
    )


def _word(code: _Code, value: int) -> Any:
    return next((word for word, number in code.numbers.items() if number == value), code.other)


def entry_codes(policy: LvPolicy, members: Collection[str]) -> Iterator[tuple[str, int]]:
    """Fields of the LV entry and their numbers, for those members of a policy that are named."""
    for name in members:
        if name in _CODES:
            code = _CODES[name]
            yield code.field, PP_STRIPED if name == "schedule" and policy.width else code.numbers[getattr(policy, name)]
    if "max_lps" in members and policy.max_lps is not None:
        yield "maxsize", policy.max_lps
