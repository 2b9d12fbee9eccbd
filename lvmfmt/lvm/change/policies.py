"""Policies and flags of a logical volume, and the texts of its control block (`chlv`, `putlvcb`)."""

from __future__ import annotations

from dataclasses import replace

from ...errors import OperationRefused
from .. import lvcb as lvcbs
from ..descriptor.vgda import NO, YES
from ..disk.regions import INTRA
from ..errors import BadArgument
from .allocate import violated
from .codes import MAX_UPPER_BOUND, SCHEDULES, mwc_code
from .draft import Draft


class Policies(Draft):
    """The part of `Change` about flags; None leaves a flag alone."""

    def set_policy(
        self,
        name: str,
        *,
        intra: str | None = None,
        inter: str | None = None,
        strict: str | None = None,
        upper_bound: int | None = None,
        relocatable: bool | None = None,
        bb_relocation: bool | None = None,
        write_verify: bool | None = None,
        mwc: bool | str | None = None,
        schedule: str | None = None,
        read_only: bool | None = None,
        max_lps: int | None = None,
    ) -> None:
        """Change how an LV is placed from now on, and how it is written; see `add_lv` for the values.

        Nothing moves: the policies count for the next allocation. Strictness and upper bound must hold for what is
        there.

        Raises:
            BadArgument: a value out of range, or one that the LV breaks already.
            OperationRefused: a placing policy of an LV whose control block is not there or cannot be written.
        """
        minor = self._minor(name)
        lps, most = self.state.maps[minor].lps, self.state.vgda.max_pps
        striped = self._stripe_width(minor)
        for what, value, expected, valid in (
            ("intra-policy", intra, "e, m, c, im or ie", intra is None or intra in INTRA),
            ("inter-policy", inter, "m or x", inter is None or inter in ("m", "x")),
            ("strictness", strict, "y, n or s", strict is None or strict in ("y", "n", "s")),
            ("upper bound", upper_bound, f"1 to {MAX_UPPER_BOUND}",
             upper_bound is None or 1 <= upper_bound <= MAX_UPPER_BOUND),
            ("schedule", schedule, "p, s, ps or pr; of a striped LV p",
             schedule is None or (schedule in SCHEDULES and (not striped or schedule == "p"))),
            ("maximum LPs", max_lps, f"{lps} to {most}", max_lps is None or max(lps, 1) <= max_lps <= most),
        ):  # fmt: skip
            if not valid:
                raise BadArgument(what, value, expected, where=name)
        if striped and (upper_bound not in (None, striped) or strict in ("y", "n")):
            raise BadArgument("policy", "another one", f"superstrict on {striped} disks, for it is striped", where=name)
        placing = {"intra": intra, "inter": inter, "strict": strict, "upper_bound": upper_bound}
        given = {key: value for key, value in placing.items() if value is not None}
        limits = {key: value for key, value in given.items() if key in ("strict", "upper_bound")}
        if limits and (reason := violated(self.state.maps[minor], replace(self._policy(minor), **limits))):  # type: ignore[arg-type]
            raise BadArgument(" and ".join(limits).replace("_", " "), list(limits.values()), reason, where=name)
        if relocatable is not None:
            given["relocatable"] = relocatable
        if given:
            self._need_lvcb(minor, name)
            self._update_lvcb(minor, **given)
        entry = self.state.vgda.lvs[minor - 1]
        codes = {
            "bb_relocation": None if bb_relocation is None else YES if bb_relocation else NO,
            "write_verify": None if write_verify is None else YES if write_verify else NO,
            "mirwrt_consist": None if mwc is None else mwc_code(mwc),
            "permissions": None if read_only is None else 2 if read_only else 1,
            "mirror_policy": None if schedule is None or striped else SCHEDULES[schedule],
            "maxsize": max_lps,
        }
        for key, code in codes.items():
            if code is not None:
                entry[key] = code

    def set_lvcb(self, name: str, *, label: str | None = None, fs: str | None = None, type: str | None = None) -> None:
        """Change members of an LV's control block, as `putlvcb` does; None leaves a member alone.

        Its name and its sizes become those of the VGDA, which is written before control blocks are.

        Raises:
            OperationRefused: the LV has no control block, or one in a layout that cannot be written.
        """
        minor = self._minor(name)
        self._need_lvcb(minor, name)
        values = {"label": label if label is None else label or lvcbs.NO_LABEL, "fs": fs, "type": type}
        self._update_lvcb(minor, name=name, **{key: value for key, value in values.items() if value is not None})
        self._update_sizes(minor)

    def _need_lvcb(self, minor: int, name: str) -> None:
        if not self._has_lvcb(minor):
            raise OperationRefused("the logical volume has no control block", where=name)
