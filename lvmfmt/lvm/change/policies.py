"""Policies and flags of a logical volume, and the texts of its control block (`chlv`, `putlvcb`)."""

from __future__ import annotations

from ...errors import OperationRefused
from .. import lvcb as lvcbs
from ..descriptor.lvpolicy import entry_codes
from ..errors import BadArgument
from ..policy import PLACING, LvPolicy
from .allocate import violated
from .draft import Draft


class Policies(Draft):
    """The part of `Change` about policies and flags."""

    def set_policy(self, name: str, policy: LvPolicy) -> None:
        """Change how an LV is placed from now on, and how it is written: `replace(change.policy(name), mwc="p")`.

        Nothing moves: the policies count for the next allocation. Strictness and upper bound must hold for what is
        there. What does not differ is left alone.

        Raises:
            BadArgument: a value out of range, or one that the LV breaks already.
            OperationRefused: a placing policy of an LV whose control block is not there or cannot be written.
        """
        minor = self._minor(name)
        before, lv_map, most = self._policy(minor), self.state.maps[minor], self.state.vgda.max_pps
        changed = policy.changed(before)
        policy.check(changed, name)
        if fixed := changed.keys() & {"contiguous", "strip_size", "stripe_width"}:
            raise BadArgument(
                " and ".join(sorted(fixed)).replace("_", " "), "another one", "the one it has", where=name
            )
        if "max_lps" in changed and not max(lv_map.lps, 1) <= (policy.max_lps or 0) <= most:
            raise BadArgument("maximum LPs", policy.max_lps, f"{lv_map.lps} to {most}", where=name)
        if policy.width and changed.get("strict") in ("y", "n"):
            raise BadArgument("strictness", policy.strict, "s, for it is striped", where=name)
        limits = {key: value for key, value in changed.items() if key in ("strict", "upper_bound")}
        if limits and (reason := violated(lv_map, policy)):
            raise BadArgument(" and ".join(limits).replace("_", " "), list(limits.values()), reason, where=name)
        if placing := {key: value for key, value in changed.items() if key in PLACING}:
            self._need_lvcb(minor, name)
            self._update_lvcb(minor, **placing)
        for field, code in entry_codes(policy, changed):
            self.state.vgda.lvs[minor - 1][field] = code

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
