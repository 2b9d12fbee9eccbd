"""Making, extending, renaming and removing logical volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...arguments import expect
from ...errors import NoSpace
from .. import lvcb as lvcbs
from ..descriptor.lvpolicy import entry_codes
from ..descriptor.maps import LvMap
from ..descriptor.vgda import MAX_COPIES
from ..disk.identity import lvid
from ..errors import AllocationRefused, BadArgument, BadMap, MaximumReached
from ..kinds import VgKind
from ..lvcb import STRIP_SHIFTS, Lvcb
from ..policy import DEFAULT_MAX_LPS, PLACING, LvPolicy
from .allocate import allocate, extend, violated
from .draft import Draft
from .mapfile import PartitionRange, place

_USUAL = LvPolicy()
_LARGE_STRIP_SHIFT = 17
_STRIPES, _STRIPED_MIRRORS, _LARGE_STRIPS = 2, 6, 30  # LVM versions that brought them [lvm 4.3]


class Volumes(Draft):
    """The part of `Change` about whole logical volumes."""

    def add_lv(
        self,
        name: str,
        type: str,
        lps: int,
        copies: int = 1,
        disks: Sequence[str] | None = None,
        *,
        policy: LvPolicy = _USUAL,
        label: str = "",
        fs: str = "",
        partitions: Sequence[PartitionRange] | None = None,
    ) -> None:
        """Make a logical volume and its control block.

        Args:
            name: 1 to 15 characters, not used in the group.
            type: `jfs2`, `jfs2log`, `paging`, `boot`, ...
            lps: number of LPs; of a striped LV rounded up to a multiple of the width.
            copies: of each LP.
            disks: PVIDs of the disks to use, in order; default all.
            policy: how its PPs are chosen, and how it is written.
            label: mount point.
            fs: attributes of the file system.
            partitions: the exact PPs, all of a copy before those of the next (`mklv -m`); instead of `disks`.

        Raises:
            AlreadyExists: the name is used.
            AllocationRefused: the PPs cannot be found.
            NoSpace: the group has all LVs that it can have.
            BadArgument: an argument out of range.
            BadMap: `partitions` cannot be used.
        """
        self._check_name(name)
        for number, what in ((lps, "LPs"), (copies, "copies")):
            expect(number, int, f"a number of {what}")
        for text, what in ((type, "the type of a logical volume"), (label, "a label"), (fs, "attributes")):
            expect(text, str, what)
        expect(policy, LvPolicy, "an LvPolicy")
        policy = self._settled(name, type, lps, copies, disks, policy)
        lps = -(-lps // policy.width) * policy.width if policy.width else lps
        vgda, most = self.state.vgda, policy.max_lps or 0
        for what, value, expected, valid in (
            ("maximum LPs", most, f"1 to {vgda.max_pps}", 1 <= most <= vgda.max_pps),
            ("LPs", lps, f"1 to {most}", 1 <= lps <= most),
            ("copies", copies, f"1 to {MAX_COPIES}", 1 <= copies <= MAX_COPIES),
        ):
            if not valid:
                raise BadArgument(what, value, expected, where=name)
        policy.check(vars(policy), name)
        minor = min(set(range(1, vgda.max_lvs)).difference(self.state.maps), default=0)
        if not minor:
            raise NoSpace(f"the group has its {vgda.max_lvs - 1} logical volumes", where=name)
        lv_map = (
            allocate(self._pools(disks), lps, copies, policy)
            if partitions is None
            else self._exact(partitions, LvMap.empty(copies, 0), lps, policy)
        )
        entry = vgda.lvs[minor - 1]
        entry["lvname"] = minor - 1
        if vgda.format.kind is VgKind.SCALABLE:
            entry["minor"] = minor
        entry["num_lps"] = lps
        for field, code in entry_codes(policy, vars(policy)):
            entry[field] = code
        exponent = policy.strip_size.bit_length() - 1 if policy.width else 0
        entry["stripe_exp"], entry["striping_width"] = exponent, policy.width
        vgda.names[minor - 1] = name.encode()
        self._mark(lv_map, stale=False)
        self._place(minor, lv_map)
        self._new_lvs.add(minor)
        made = lvcbs.ctime(self._now)
        lvcb = Lvcb(
            type=type,
            lvid=lvid(self._vgid, minor),
            name=name,
            created=made,
            modified=made,
            machine_id=self._machine_id[3:].upper(),
            **{member: getattr(policy, member) for member in PLACING},
            lps=lps,
            copies=copies,
            stripe_width=policy.width,
            stripe_exp=exponent,
            label=label or lvcbs.NO_LABEL,
            fs=fs,
        )
        self._set_lvcb(minor, lvcb)

    def extend_lv(
        self,
        name: str,
        lps: int,
        disks: Sequence[str] | None = None,
        *,
        partitions: Sequence[PartitionRange] | None = None,
    ) -> None:
        """Give an LV more LPs in all its copies, by its own policy (`extendlv`).

        Args:
            name: of the LV.
            lps: how many more; of a striped LV rounded up to a multiple of the width.
            disks: PVIDs of the disks to use, in order; default all.
            partitions: the exact PPs, all of a copy before those of the next; instead of `disks`.

        Raises:
            MaximumReached: more LPs than it may have.
            AllocationRefused: the PPs cannot be found; those of a boot LV are the ones behind it.
            BadArgument, BadMap: an argument cannot be used.
        """
        minor = self._minor(name)
        old, policy = self.state.maps[minor], self._policy(minor)
        expect(lps, int, "a number of LPs")
        lps = -(-lps // policy.width) * policy.width if policy.width else lps
        if lps < 1:
            raise BadArgument("LPs", lps, "1 or more", where=name)
        limit = int(self.state.vgda.lvs["maxsize"][minor - 1])
        if old.lps + lps > limit:
            raise MaximumReached(name, old.lps + lps, limit)
        if not old.held.all():
            raise BadArgument("copies", "an LP that lacks one", "the same number of each LP", where=name)
        if partitions is not None:
            new = self._exact(partitions, old, lps, policy)
        elif policy.contiguous:
            new = self._next_to(old, lps, policy)
        else:
            new = extend(self._pools(disks), old, lps, policy)
        self._mark(LvMap(new.pv[:, old.lps :], new.pp[:, old.lps :]), stale=False)
        self.state.vgda.lvs["num_lps"][minor - 1] = new.lps
        self._place(minor, new)
        self._update_sizes(minor)

    def shrink_lv(self, name: str, lps: int) -> None:
        """Take the last LPs away from an LV, in all its copies; what they hold is out of reach then.

        Args:
            name: of the LV.
            lps: how many stay; of a striped LV rounded up to a multiple of the width.

        Raises:
            BadArgument: none, or more than it has.
        """
        minor = self._minor(name)
        old, width = self.state.maps[minor], self._policy(minor).width
        lps = -(-lps // width) * width if width else lps
        if not 1 <= lps <= old.lps:
            raise BadArgument("LPs", lps, f"1 to {old.lps}", where=name)
        self._mark(LvMap(old.pv[:, lps:], old.pp[:, lps:]), stale=False)
        self.state.vgda.lvs["num_lps"][minor - 1] = lps
        self._place(minor, LvMap(old.pv[:, :lps].copy(), old.pp[:, :lps].copy()))
        self._update_sizes(minor)

    def rename_lv(self, old: str, new: str) -> None:
        """Give an LV another name, in the name list and in its control block if it has one."""
        minor = self._minor(old)
        self._check_name(new)
        vgda = self.state.vgda
        index = int(vgda.lvs[minor - 1]["lvname"])
        if not 0 <= index < len(vgda.names):
            index = vgda.lvs[minor - 1]["lvname"] = minor - 1
        vgda.names[index] = new.encode()
        if self._has_lvcb(minor):
            self._update_lvcb(minor, name=new)

    def remove_lv(self, name: str) -> None:
        """Remove an LV: its entry, its name, its PP entries. Its data stay where they are."""
        minor = self._minor(name)
        self._place(minor, LvMap.empty(1, 0))
        self.state.vgda.clear_entry(minor)
        del self.state.maps[minor]
        self._lvcbs.pop(minor, None)
        self._new_lvs.discard(minor)

    def leave_block_0(self, name: str) -> None:
        """Give a new LV no control block if it would lie in block 0: an application has its data there."""
        if self.state.vgda.format.lvcb_in_lv:
            self._lvcbs.pop(self._minor(name), None)

    def _settled(
        self, name: str, type: str, lps: int, copies: int, disks: Sequence[str] | None, asked: LvPolicy
    ) -> LvPolicy:
        """What is asked of a new LV, with everything that is usual filled in."""
        width = self._width(name, copies, disks, asked)
        lps = -(-lps // width) * width if width else lps
        policy = replace(asked, stripe_width=width, strict="s" if width and copies > 1 else asked.strict)
        return replace(
            policy,
            upper_bound=policy.bound,
            contiguous=type == "boot" if asked.contiguous is None else asked.contiguous,
            max_lps=max(DEFAULT_MAX_LPS, lps) if asked.max_lps is None else asked.max_lps,
        )

    def _width(self, name: str, copies: int, disks: Sequence[str] | None, asked: LvPolicy) -> int:
        """Disks of a stripe, 0 if it is not striped."""
        strip_size, width = asked.strip_size, asked.stripe_width
        if not strip_size:
            if width:
                raise BadArgument("strip size", 0, "a power of two, for a stripe width is given", where=name)
            return 0
        shift = strip_size.bit_length() - 1
        if 1 << shift != strip_size or shift not in STRIP_SHIFTS or shift > self.state.record.pp_shift:
            raise BadArgument("strip size", strip_size, "a power of two, 4 KiB to 128 MiB, at most a PP", where=name)
        if width is None:
            width = len(disks if disks is not None else self.state.pvids) // max(copies, 1)
        if not 2 <= width <= len(self.state.vgda.pvs):
            raise BadArgument("stripe width", width, f"2 to {len(self.state.vgda.pvs)}", where=name)
        self._check_version(_STRIPES, "striped logical volumes")
        if copies > 1:
            self._check_version(_STRIPED_MIRRORS, "striped mirrors")
        if shift > _LARGE_STRIP_SHIFT:
            self._check_version(_LARGE_STRIPS, "strips above 128 KiB")
        return width

    def _exact(self, partitions: Sequence[PartitionRange], old: LvMap, lps: int, policy: LvPolicy) -> LvMap:
        """The map with more LPs exactly there; what the policy forbids is refused."""
        pvids = self.state.pvids
        pools = {pvids[pool.number]: pool for pool in self._pools(None)}
        added = place(partitions, pools, lps, old.copies)
        new = LvMap(np.hstack((old.pv, added.pv)), np.hstack((old.pp, added.pp)))
        if reason := violated(new, policy):
            raise BadMap(reason)
        return new

    def _next_to(self, old: LvMap, lps: int, policy: LvPolicy) -> LvMap:
        pvids = self.state.pvids
        ends = zip(old.pv[:, -1].tolist(), old.pp[:, -1].tolist(), strict=True)
        try:
            return self._exact([PartitionRange(pvids[pv], pp + 1, pp + lps) for pv, pp in ends], old, lps, policy)
        except BadMap as error:
            raise AllocationRefused(f"no free run of {lps} PPs behind it: {error.what}") from error
