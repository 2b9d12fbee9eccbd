"""The draft of a changed group: what every kind of change works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from ...arguments import Checked, expect
from ...errors import AlreadyExists, NotFound, OperationRefused
from ...origin import Origin
from .. import lvcb as lvcbs
from ..commit import Changes
from ..descriptor.factor import with_factor
from ..descriptor.lvpolicy import policy_of
from ..descriptor.maps import LvMap, store
from ..descriptor.vgda import PV_MISSING, PV_NO_ALLOCATION, PV_REMOVED, PV_SPLIT
from ..descriptor.vgdalvs import valid_name
from ..errors import BadArgument
from ..firstblock import FirstBlock
from ..groupstate import GroupState
from ..lvcb import Lvcb
from ..policy import LvPolicy
from .pools import Pool

_NOT_ALLOCATABLE = PV_MISSING | PV_REMOVED | PV_NO_ALLOCATION | PV_SPLIT
"""States of a PV that gives no PPs: missing, removed, no allocation, split [lvm 8.3]."""


class Draft(Checked):
    """A copy of a group's state, and what a commit writes besides it.

    Attributes:
        state: the group as it shall be.
        changes: disks that come and go, control blocks.
        opened: what was opened for it; the group's once it is committed.
    """

    def __init__(self, state: GroupState, blocks: Mapping[int, FirstBlock], origin: Origin, machine_id: str) -> None:
        self._old = state
        self._now = origin.now()
        self._origin = origin
        self._machine_id = machine_id
        self._blocks = blocks
        self._lvcbs: dict[int, tuple[Lvcb, bytes]] = {}
        self._new_lvs: set[int] = set()
        self._placed: set[int] = set()
        self.state = state.copy()
        self.changes = Changes()
        self.opened = ExitStack()

    def finish(self) -> tuple[GroupState, Changes]:
        """The state and changes to commit, with everything that follows from the rest brought up to date."""
        self.state.settle(self._placed)
        for minor, (_, block) in self._lvcbs.items():
            self.state.vgda.set_control_block(minor, block)
            if self.state.vgda.format.lvcb_in_lv:
                target = self.changes.new_lvcbs if minor in self._new_lvs else self.changes.lvcbs
                target[minor] = block
        return self.state, self.changes

    @property
    def now(self) -> int:
        """The instant of the change, nanoseconds since 1970."""
        return self._now

    @property
    def _vgid(self) -> str:
        return self.state.vgid

    # ---- names and numbers

    def _minor(self, name: str) -> int:
        raw = expect(name, str, "the name of a logical volume").encode("utf-8", "surrogateescape")
        minor = self.state.vgda.minor(raw) if raw else None
        if minor is None and name[:1] == "#" and name[1:].isdecimal():
            minor = int(name[1:])
        if minor not in self.state.maps:
            raise NotFound("no such logical volume", where=name)
        return minor

    def _number(self, pvid: str) -> int:
        for number, known in self.state.pvids.items():
            if known == pvid:
                return number
        raise NotFound("no such physical volume in the group", where=pvid)

    def _numbers(self, pvids: Sequence[str]) -> list[int]:
        return [self._number(pvid) for pvid in pvids]

    def _check_name(self, name: str) -> None:
        raw = expect(name, str, "the name of a logical volume").encode("utf-8", "surrogateescape")
        if not valid_name(raw):
            raise OperationRefused(f"not a name for a logical volume: {name!r}", hint="1 to 15 letters, digits or _.-+")
        if self.state.vgda.minor(name.encode()) is not None:
            raise AlreadyExists("the group has a logical volume of this name", where=name)

    def _check_version(self, version: int, what: str) -> None:
        if self.state.record.version < version:
            raise BadArgument(f"LVM version for {what}", self.state.record.version, f"{version} or later [lvm 4.3]")

    # ---- partitions

    def _pools(self, pvids: Sequence[str] | None) -> list[Pool]:
        """What is free now and was free when the change began, on disks that are here and give PPs."""
        state, old = self.state, self._old
        vgda, slots = state.vgda, state.vgda.slots
        was_used = old.vgda.allocated
        if vgda.factor != old.vgda.factor:
            was_used = with_factor(was_used, slots)
        free = ~(vgda.allocated.flat | was_used.flat)
        gives = ((vgda.pvs["pv_state"] & _NOT_ALLOCATABLE) == 0).tolist()
        numbers = self._numbers(pvids) if pvids is not None else sorted(state.members)
        first = slots.first.tolist()
        return [
            Pool(number, free[first[number - 1] : first[number - 1] + vgda.pp_count(number)])
            for number in dict.fromkeys(numbers)
            if number in state.members and gives[number - 1]
        ]

    def _place(self, minor: int, lv_map: LvMap) -> None:
        state = self.state
        store(state.vgda, minor, state.maps.get(minor), lv_map, state.stale)
        state.maps[minor] = lv_map
        self._placed.add(minor)

    def _mark(self, lv_map: LvMap, *, stale: bool) -> None:
        """Mark all PPs of a map; `_place` has to follow."""
        held = lv_map.held
        self.state.stale[lv_map.pv[held] - 1, lv_map.pp[held] - 1] = stale

    def policy(self, name: str) -> LvPolicy:
        """How an LV is placed and written as it shall be.

        Raises:
            NotFound: no LV has this name.
        """
        return self._policy(self._minor(name))

    def _policy(self, minor: int) -> LvPolicy:
        return policy_of(self.state.vgda, minor, self._lvcb(minor))

    # ---- control blocks

    def _lvcb(self, minor: int) -> Lvcb | None:
        if minor in self._lvcbs:
            return self._lvcbs[minor][0]
        return self._blocks[minor].lvcb if minor in self._blocks else None

    def _set_lvcb(self, minor: int, lvcb: Lvcb) -> None:
        """Raise `OperationRefused` if a member is too long for a control block."""
        self._lvcbs[minor] = lvcb, lvcbs.build(lvcb)

    def _has_lvcb(self, minor: int) -> bool:
        return self._lvcb(minor) is not None

    def _update_sizes(self, minor: int) -> None:
        """Let the control block, if there is one, say the number of LPs and copies that the map has."""
        current, lv_map = self._lvcb(minor), self.state.maps[minor]
        if current is not None and (current.copies, current.lps) != (lv_map.copies, lv_map.lps):
            self._update_lvcb(minor, copies=lv_map.copies, lps=lv_map.lps)

    def _update_lvcb(self, minor: int, **values: object) -> None:
        current = self._lvcb(minor)
        assert current is not None
        if minor not in self._lvcbs and not lvcbs.is_ours(self._blocks[minor].data, current):
            raise OperationRefused("the control block has a layout that this program cannot write", where=current.name)
        self._set_lvcb(minor, current._replace(modified=lvcbs.ctime(self._now), **values))  # type: ignore[arg-type]
