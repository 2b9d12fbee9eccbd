"""What a logical volume is asked to be: where its PPs go, how it is written; read back, the same values say what it is.

`mklv` and `chlv` ask for these. Where the PPs go is in the control block [lvm 13], the rest in the LV entry of the
VGDA [lvm 8.2].
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..arguments import Checked
from .errors import BadArgument

MAX_UPPER_BOUND = 1024
DEFAULT_UPPER_BOUND = 32
DEFAULT_MAX_LPS = 512
NO_STRIP = 1
"""Bytes of a strip of an LV whose entry contradicts itself on whether it is striped: nobody can map it."""

PLACING = ("intra", "inter", "strict", "upper_bound", "relocatable")
"""Members of a policy that the control block has, under the same names."""


@dataclass(frozen=True)
class LvPolicy(Checked):
    """How the PPs of a logical volume are chosen, and how it is written.

    None stands for what is usual. In the policy of an LV that is there nothing is None.

    Attributes:
        intra: region of the disk that is asked for: e, m, c, im or ie (`mklv -a`).
        inter: m, as few disks as possible, or x, as many (`-e`).
        strict: y, no two copies of an LP on a disk; s, no two copies of the LV on a disk; n (`-s`). A striped LV with
            several copies is always s.
        upper_bound: largest number of disks for a copy, 1 to 1,024 (`-u`); usually 32, of a striped LV its width.
        contiguous: every copy is one run of PPs; usual for type `boot`.
        stripe_width: disks of a stripe (`-C`); usually all that may be used. 0 of an LV that is not striped.
        strip_size: bytes of a strip, a power of two from 4 KiB to 128 MiB and at most a PP (`-S`); 0: not striped;
            `NO_STRIP` where the LV entry contradicts itself.
        relocatable: whether it may be moved (`-r`).
        bb_relocation: whether bad blocks are relocated (`-b`).
        write_verify: whether writes are verified (`-v`).
        mwc: mirror write consistency: a (active), p (passive), n (none) (`-w`).
        schedule: how copies are written and read: p (parallel), s (sequential), ps and pr (parallel, and read
            sequentially or round robin) (`-d`).
        read_only: whether it can only be read (`chlv -p r`).
        max_lps: largest number of LPs (`-x`); usually 512, or those that there are if they are more.
    """

    intra: str = "m"
    inter: str = "m"
    strict: str = "y"
    upper_bound: int | None = None
    contiguous: bool | None = None
    stripe_width: int | None = None
    strip_size: int = 0
    relocatable: bool = True
    bb_relocation: bool = True
    write_verify: bool = False
    mwc: str = "a"
    schedule: str = "p"
    read_only: bool = False
    max_lps: int | None = None

    @property
    def width(self) -> int:
        """Disks of a stripe, 0 if it is not striped."""
        return (self.stripe_width or 0) if self.strip_size else 0

    @property
    def bound(self) -> int:
        """Largest number of disks for a copy."""
        return (self.width or DEFAULT_UPPER_BOUND) if self.upper_bound is None else self.upper_bound

    def changed(self, before: LvPolicy) -> dict[str, Any]:
        """The members in which this one differs from another."""
        return {name: value for name, value in vars(self).items() if value != getattr(before, name)}

    def check(self, members: Collection[str], where: str) -> None:
        """Refuse values that no LV can have.

        Args:
            members: names of the members to look at; those of a striped LV depend on more, see `Change.add_lv`.
            where: name of the LV.

        Raises:
            BadArgument: a value is out of range.
        """
        for name, (what, expected) in _WORDS.items():
            if name in members and getattr(self, name) not in expected:
                raise BadArgument(what, getattr(self, name), ", ".join(expected), where=where)
        if "upper_bound" in members and not 1 <= self.bound <= MAX_UPPER_BOUND:
            raise BadArgument("upper bound", self.upper_bound, f"1 to {MAX_UPPER_BOUND}", where=where)
        if self.width and "upper_bound" in members and self.bound != self.width:
            raise BadArgument("upper bound", self.upper_bound, f"{self.width}, the stripe width", where=where)
        if self.width and "schedule" in members and self.schedule != "p":
            raise BadArgument("schedule", self.schedule, "p for a striped LV", where=where)


_WORDS = {
    "intra": ("intra-policy", ("e", "m", "c", "im", "ie")),
    "inter": ("inter-policy", ("m", "x")),
    "strict": ("strictness", ("y", "n", "s")),
    "mwc": ("mirror write consistency", ("a", "p", "n")),
    "schedule": ("schedule", ("p", "s", "ps", "pr")),
}
"""What messages call the members that are words, and the words."""
