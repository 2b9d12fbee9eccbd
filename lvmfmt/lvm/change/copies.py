"""Copies of logical volumes: more of them, fewer, elsewhere, and which are good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import NotFound
from ..descriptor.maps import LvMap
from ..descriptor.vgda import MAX_COPIES
from ..errors import AllocationRefused, BadArgument, CopiesExist, LastGoodCopy, NotOnDisk
from ..policy import LvPolicy
from .allocate import add_copies, fill_row, violated
from .draft import Draft
from .pools import Row


class Copies(Draft):
    """The part of `Change` about copies."""

    def mirror(
        self,
        name: str,
        *pvids: str,
        copies: int | None = None,
        policy: LvPolicy | None = None,
    ) -> None:
        """Add copies to an LV (`mklvcopy`); their PPs are stale until `VolumeGroup.sync` has filled them.

        An LP that lacks a copy which others have gets it as well.

        Args:
            name: of the LV.
            pvids: the disks for the new PPs, in order; default all.
            copies: of each LP in the end; default one more than there are.
            policy: how the new PPs are chosen; default that of the LV.

        Raises:
            AllocationRefused: strictness or free PPs do not allow it.
            CopiesExist: it has so many copies, or more.
        """
        minor = self._minor(name)
        old = self.state.maps[minor].packed()
        whole = int(old.held.sum(axis=0).min(initial=old.copies)) if old.lps else old.copies
        wanted = whole + 1 if copies is None else copies
        if wanted > MAX_COPIES:
            raise CopiesExist(name, whole, wanted) if copies is None else BadArgument("copies", wanted, "1 to 3")
        if whole >= wanted:
            raise CopiesExist(name, whole, wanted)
        policy = policy or self._policy(minor)
        if policy.width:  # striped mirrors came later than either [lvm 4.3]
            self._check_version(6, "striped mirrors")
        new = add_copies(self._pools(pvids or None), old, wanted, policy)
        before = LvMap.empty(new.copies, new.lps)
        before.pv[: old.copies] = old.pv
        self._mark(new.where(~before.held), stale=True)
        self._place(minor, new)
        self._update_sizes(minor)

    def unmirror(self, name: str, pvid: str) -> None:
        """Take the PPs of an LV off a disk; what is left of each LP must have a good copy.

        Raises:
            NotOnDisk: it has none there.
            LastGoodCopy: an LP would lose its last good copy.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        stays = lv_map.held & (lv_map.pv != self._number(pvid))
        if (stays == lv_map.held).all():
            raise NotOnDisk(name, pvid)
        self._keep(minor, name, stays)

    def remove_copies(self, name: str, copies: int, disks: Sequence[str] | None = None) -> None:
        """Leave each LP of an LV with so many copies (`rmlvcopy`).

        Of each LP go the copies on the disks named, in their order; then, if no disk is named, stale ones and those on
        disks that are not here, then the highest numbered.

        Args:
            name: of the LV.
            copies: that stay: 1 or 2.
            disks: PVIDs of the disks to take copies from; default any.

        Raises:
            CopiesExist: it has no more copies than that.
            NotOnDisk: LPs have not so many copies to remove on those disks.
            LastGoodCopy: an LP would lose its last good copy.
            BadArgument: other than 1 or 2.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        if not 1 <= copies < MAX_COPIES:
            raise BadArgument("copies", copies, "1 or 2", where=name)
        surplus = np.maximum(lv_map.held.sum(axis=0) - copies, 0)
        if not surplus.any():
            raise CopiesExist(name, lv_map.copies, copies)
        rank = np.where(lv_map.held, np.arange(lv_map.copies)[:, None], -1)
        rank += np.where(self._good(lv_map), 0, MAX_COPIES)
        if disks is not None:
            places = {number: len(disks) - at for at, number in enumerate(self._numbers(disks))}
            weight = np.array([places.get(number, 0) for number in range(int(lv_map.pv.max(initial=0)) + 1)])
            rank = np.where(weight[lv_map.pv] > 0, rank + 2 * MAX_COPIES * weight[lv_map.pv], -1)
        order = np.argsort(-rank, axis=0, kind="stable")
        position = np.argsort(order, axis=0, kind="stable")
        goes = (position < surplus) & (rank >= 0)
        if (goes.sum(axis=0) < surplus).any():
            raise NotOnDisk(name, *(disks or ()))
        self._keep(minor, name, lv_map.held & ~goes)

    def move(self, name: str, sources: Sequence[str], targets: Sequence[str]) -> tuple[LvMap, LvMap]:
        """Give all PPs that an LV has on some disks other places, by its own policy; see `lvm.migrate`.

        What lies there has to be copied before the change ends: the new PPs count as good.

        Args:
            name: of the LV.
            sources: PVIDs of the disks to leave.
            targets: PVIDs of the disks to use, in order.

        Returns:
            Its map until now, and its map from now on: of the same shape, equal but for the PPs that move.

        Raises:
            NotOnDisk: it has no PP on the sources.
            AllocationRefused: the targets have not the PPs, or strictness forbids them.
            LastGoodCopy: an LP has no good copy.
        """
        minor = self._minor(name)
        old = self.state.maps[minor]
        leaving = np.isin(old.pv, self._numbers(sources)) & old.held
        if not leaving.any():
            raise NotOnDisk(name, *sources)
        pools = self._pools([pvid for pvid in targets if pvid not in sources])
        policy = self._policy(minor)
        new = old.where(~leaving)
        for copy in range(old.copies):
            for lps in self._together(old, leaving, copy, policy):
                mates = [i for i in range(old.copies) if i != copy]
                others = new.pv[mates]
                barred = others if policy.strict == "s" else others[:0]
                own = frozenset(np.unique(new.pv[copy][new.held[copy]]).tolist())
                row = Row(np.zeros(len(lps), np.uint16), np.zeros(len(lps), np.uint32), others[:, lps],
                          frozenset(np.unique(barred[barred != 0]).tolist()), own, int(lps[0]), copy)  # fmt: skip
                if policy.width:  # a column goes to one disk that no other column has
                    free = [pool for pool in pools if pool.number not in own]
                    fill_row(free, row, replace(policy, strip_size=0, upper_bound=1 + len(own), inter="m"))
                    if len(set(row.pv.tolist())) > 1:
                        raise AllocationRefused(f"{len(lps)} LPs of a stripe need PPs of one disk", where=name)
                else:
                    fill_row(pools, row, policy)
                new.pv[copy, lps], new.pp[copy, lps] = row.pv, row.pp
        self._relocate(minor, name, leaving, old, new)
        return old, new

    def move_lp(self, name: str, lp: int, pvid: str, pp: int | None = None, *, copy: int = 1) -> tuple[LvMap, LvMap]:
        """Give one copy of one LP another PP (`migratelp`); see `move`.

        Args:
            name: of the LV.
            lp: number of the LP, from 1.
            pvid: the disk to go to.
            pp: the PP there; default the best free one.
            copy: which copy, from 1.

        Raises:
            NotFound: no such LP or copy.
            AllocationRefused: the PP is not free, or strictness forbids it.
            LastGoodCopy: the LP has no good copy.
        """
        minor = self._minor(name)
        old = self.state.maps[minor]
        if not (1 <= lp <= old.lps and 1 <= copy <= old.copies and old.held[copy - 1, lp - 1]):
            raise NotFound(f"no copy {copy} of LP {lp}", where=name)
        policy = self._policy(minor)
        pools = self._pools([pvid])
        free = pools[0].best(policy.intra, pools[0].room) if pools else np.zeros(0, np.int64)
        if not len(free) or (pp is not None and pp not in free):
            raise AllocationRefused(f"PP {pp} of PV {pvid} is not free" if pp else f"no free PP on PV {pvid}")
        leaving = np.zeros_like(old.held)
        leaving[copy - 1, lp - 1] = True
        new = old.where(~leaving)
        new.pv[leaving], new.pp[leaving] = self._number(pvid), int(free[0]) if pp is None else pp
        if (reason := violated(new, policy)) and not violated(old, policy):
            raise AllocationRefused(reason, where=name)
        self._relocate(minor, name, leaving, old, new)
        return old, new

    def mark_stale(self, name: str, which: NDArray[np.bool_] | None = None) -> None:
        """Declare PPs of an LV stale: they are about to differ from the others.

        Args:
            name: of the LV.
            which: of its PPs, shape (copies, lps); default all but the first good one of each LP.

        Raises:
            LastGoodCopy: an LP would have no good copy.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        _check_shape(which, lv_map, name)
        good = lv_map.held & ~lv_map.look_up(self.state.stale)
        which = good & (np.cumsum(good, axis=0) > 1) if which is None else which
        lost = good.any(axis=0) & ~(good & ~which).any(axis=0)
        if lost.any():
            raise LastGoodCopy(name, int(lost.sum()))
        self._mark(lv_map.where(which), stale=True)
        self._place(minor, lv_map)

    def mark_synced(self, name: str, which: NDArray[np.bool_] | None = None) -> None:
        """Declare PPs of an LV good; `VolumeGroup.sync` does it after filling them.

        Args:
            name: of the LV.
            which: of its PPs, shape (copies, lps); default all.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        _check_shape(which, lv_map, name)
        self._mark(lv_map if which is None else lv_map.where(which), stale=False)
        self._place(minor, lv_map)

    def _good(self, lv_map: LvMap) -> NDArray[np.bool_]:
        """Which PPs are good, on disks that are here, shape (copies, lps)."""
        good = lv_map.held & ~lv_map.look_up(self.state.stale)
        return good & ~np.isin(lv_map.pv, list(self.state.absent))

    def _keep(self, minor: int, name: str, stays: NDArray[np.bool_]) -> None:
        """Free all PPs of an LV but those; of a good copy that is here one must stay."""
        lv_map = self.state.maps[minor]
        good, here = lv_map.held & ~lv_map.look_up(self.state.stale), self._good(lv_map)
        lost = ~(stays & good).any(axis=0) | (here.any(axis=0) & ~(stays & here).any(axis=0))
        if lost.any():
            raise LastGoodCopy(name, int(lost.sum()))
        self._place(minor, lv_map.where(stays).packed())
        self._update_sizes(minor)

    def _relocate(self, minor: int, name: str, leaving: NDArray[np.bool_], old: LvMap, new: LvMap) -> None:
        """Let the PPs that `leaving` tells be where `new` says, filled from a good copy of their LPs."""
        lost = leaving.any(axis=0) & ~(old.held & ~old.look_up(self.state.stale)).any(axis=0)
        if lost.any():
            raise LastGoodCopy(name, int(lost.sum()))
        self._mark(new.where(leaving), stale=False)
        self._place(minor, new)

    def _together(
        self, lv_map: LvMap, leaving: NDArray[np.bool_], copy: int, policy: LvPolicy
    ) -> list[NDArray[np.int64]]:
        """The LPs of a copy that leave, in the groups that are placed at once: columns of stripes, or all."""
        lps = np.flatnonzero(leaving[copy])
        if not len(lps):
            return []
        if policy.contiguous:
            return [np.flatnonzero(lv_map.held[copy])]
        if policy.width:
            return [lps[lps % policy.width == column] for column in np.unique(lps % policy.width).tolist()]
        return [lps]


def _check_shape(which: NDArray[np.bool_] | None, lv_map: LvMap, name: str) -> None:
    if which is not None and which.shape != lv_map.held.shape:
        raise BadArgument("shape of PPs", which.shape, f"{lv_map.held.shape}", where=name)
