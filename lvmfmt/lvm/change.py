"""Changing a group: in memory until the block ends without an error, then committed as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..block import BlockDevice
from ..errors import AlreadyExists, NoSpace, NotFound, OperationRefused
from ..origin import Origin
from . import lvcb as lvcbs
from .allocate import Policy, Pool, allocate
from .boot import read_pvid
from .commit import Changes
from .disk import scan
from .firstblock import FirstBlock
from .geometry import MAX_VG_PPS, Geometry
from .identity import lvid, new_pvid, uid_bytes, uid_text
from .lvcb import Lvcb
from .maps import LvMap, store
from .regions import INTRA
from .state import GroupState, Member
from .vgda import (
    MAX_COPIES,
    MAX_LVS,
    NO,
    PP_PARALLEL,
    PV_ACTIVE,
    YES,
)

DEFAULT_MAX_LPS = 512
_NAME = re.compile(r"[A-Za-z0-9_.\-+]{1,15}")


class Change:
    """A change that is being made; see `VolumeGroup.change`.

    PPs that are freed are not given out again within the same change, so that what the old group holds is untouched
    until the new one is committed.
    """

    def __init__(self, state: GroupState, blocks: dict[int, FirstBlock], origin: Origin, machine_id: str) -> None:
        self._old = state
        self._now = origin.now()
        self._origin = origin
        self._machine_id = machine_id
        self._blocks = blocks
        self._lvcbs: dict[int, Lvcb] = {}
        self._new_lvs: set[int] = set()
        self.state = state.copy()
        self.changes = Changes()

    # ---- logical volumes

    def add_lv(
        self,
        name: str,
        type: str,
        lps: int,
        copies: int = 1,
        disks: Sequence[str] | None = None,
        *,
        intra: str = "m",
        inter: str = "m",
        strict: str = "y",
        upper_bound: int = 32,
        label: str = "",
        fs: str = "",
        max_lps: int | None = None,
        contiguous: bool | None = None,
        relocatable: bool = True,
        bb_relocation: bool = True,
        write_verify: bool = False,
        mwc: bool = True,
    ) -> None:
        """Make a logical volume and its control block.

        Args:
            name: 1 to 15 characters, not used in the group.
            type: `jfs2`, `jfs2log`, `paging`, `boot`, ...
            lps: number of LPs.
            copies: of each LP.
            disks: PVIDs of the disks to use, in order; default all.
            intra: e, m, c, im, ie.
            inter: m or x.
            strict: y, n, s.
            upper_bound: largest number of disks for a copy.
            label: mount point.
            fs: attributes of the file system.
            max_lps: largest number of LPs later; default 512, or `lps` if that is more.
            contiguous: every copy one run of PPs; default for type `boot`.
            relocatable: whether it may be moved.
            bb_relocation: whether bad blocks are relocated.
            write_verify: whether writes are verified.
            mwc: whether mirror write consistency is active.

        Raises:
            AlreadyExists: the name is used.
            NoSpace: the PPs cannot be found.
            OperationRefused: an argument out of range.
        """
        self._check_name(name)
        max_lps = max(DEFAULT_MAX_LPS, lps) if max_lps is None else max_lps
        for what, valid in (
            ("LPs", 1 <= lps <= max_lps),
            ("copies", 1 <= copies <= MAX_COPIES),
            ("intra-policy", intra in INTRA),
            ("inter-policy", inter in ("m", "x")),
            ("strictness", strict in ("y", "n", "s")),
            ("upper bound", 1 <= upper_bound <= 1024),
        ):
            if not valid:
                raise OperationRefused(f"{what} out of range", where=name)
        vgda = self.state.vgda
        unused = np.flatnonzero(~vgda.lv_used[: MAX_LVS - 1])
        if not len(unused):
            raise NoSpace(f"the group has its {MAX_LVS - 1} logical volumes", where=name)
        minor = int(unused[0]) + 1
        policy = Policy(intra, inter, strict, upper_bound, type == "boot" if contiguous is None else contiguous)
        lv_map = allocate(self._pools(disks), lps, copies, policy)
        entry = vgda.lvs[minor - 1]
        entry["lvname"] = minor - 1
        entry["maxsize"] = max_lps
        entry["num_lps"] = lps
        entry["mirror_policy"] = PP_PARALLEL
        entry["permissions"] = YES
        entry["bb_relocation"] = YES if bb_relocation else NO
        entry["write_verify"] = YES if write_verify else NO
        entry["mirwrt_consist"] = YES if mwc else NO
        vgda.names[minor - 1] = name.encode()
        self._place(minor, lv_map)
        self._new_lvs.add(minor)
        self._lvcbs[minor] = Lvcb(
            type=type,
            lvid=lvid(self._vgid, minor),
            name=name,
            created=lvcbs.ctime(self._now),
            modified=lvcbs.ctime(self._now),
            machine_id=self._machine_id[3:].upper(),
            relocatable=relocatable,
            inter=inter,
            intra=intra,
            strict=strict,
            upper_bound=upper_bound,
            lps=lps,
            copies=copies,
            label=label or lvcbs.NO_LABEL,
            fs=fs,
        )
        lvcbs.build(self._lvcbs[minor])

    def rename_lv(self, old: str, new: str) -> None:
        """Give an LV another name, in the name list and in its control block if it has one."""
        minor = self._minor(old)
        self._check_name(new)
        vgda = self.state.vgda
        index = int(vgda.lvs[minor - 1]["lvname"])
        if not 0 <= index < MAX_LVS:
            index = vgda.lvs[minor - 1]["lvname"] = minor - 1
        vgda.names[index] = new.encode()
        if self._has_lvcb(minor):
            self._update_lvcb(minor, name=new)

    def set_lvcb(self, name: str, *, label: str | None = None, fs: str | None = None, type: str | None = None) -> None:
        """Change members of an LV's control block, as `putlvcb` does; None leaves a member alone.

        Raises:
            OperationRefused: the LV has no control block, or one in a layout that cannot be written.
        """
        minor = self._minor(name)
        if not self._has_lvcb(minor):
            raise OperationRefused("the logical volume has no control block", where=name)
        values = {"label": label if label is None else label or lvcbs.NO_LABEL, "fs": fs, "type": type}
        self._update_lvcb(minor, **{key: value for key, value in values.items() if value is not None})

    def remove_lv(self, name: str) -> None:
        """Remove an LV: its entry, its name, its PP entries. Its data stay where they are."""
        minor = self._minor(name)
        self._place(minor, LvMap.empty(1, 0))
        vgda = self.state.vgda
        if vgda.name(minor):
            vgda.names[int(vgda.lvs[minor - 1]["lvname"])] = b""
        vgda.lvs[minor - 1] = np.zeros((), vgda.lvs.dtype)
        del self.state.maps[minor]
        self._lvcbs.pop(minor, None)
        self._new_lvs.discard(minor)

    def mirror(self, name: str, *pvids: str) -> None:
        """Add a copy to an LV; its PPs are stale until `VolumeGroup.sync` has filled them.

        Args:
            name: of the LV.
            pvids: the disks for the new copy, in order; default all.

        Raises:
            NoSpace: strictness or free PPs do not allow it.
            OperationRefused: it has three copies.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        if lv_map.copies >= MAX_COPIES:
            raise OperationRefused(f"there are {MAX_COPIES} copies already", where=name)
        known = self._lvcb(minor) or Lvcb("", "", "", "", "", "")
        policy = Policy(known.intra, known.inter, known.strict, known.upper_bound, known.type == "boot")
        added = allocate(self._pools(pvids or None), lv_map.lps, 1, policy, lv_map)
        self.state.stale[added.pv - 1, added.pp - 1] = True
        self._place(minor, LvMap(np.vstack((lv_map.pv, added.pv)), np.vstack((lv_map.pp, added.pp))))
        self._update_copies(minor)

    def unmirror(self, name: str, pvid: str) -> None:
        """Take the PPs of an LV off a disk; what is left of each LP must have a good copy.

        Raises:
            OperationRefused: an LP would lose its last good copy.
        """
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        stays = lv_map.held & (lv_map.pv != self._number(pvid))
        if (stays == lv_map.held).all():
            raise OperationRefused(f"no copy on {pvid}", where=name)
        lost = ~(stays & ~lv_map.look_up(self.state.stale)).any(axis=0)
        if lost.any():
            raise OperationRefused(f"{int(lost.sum())} LPs would lose their last good copy", where=name)
        kept = LvMap(np.where(stays, lv_map.pv, 0).astype(np.uint16), np.where(stays, lv_map.pp, 0).astype(np.uint16))
        self._place(minor, kept.packed())
        self._update_copies(minor)

    def mark_stale(self, name: str) -> None:
        """Declare every copy of an LV stale but the first good one of each LP: the others are about to differ."""
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        good = lv_map.held & ~lv_map.look_up(self.state.stale)
        others = good & (np.cumsum(good, axis=0) > 1)
        self.state.stale[lv_map.pv[others] - 1, lv_map.pp[others] - 1] = True
        self._place(minor, lv_map)

    def mark_synced(self, name: str) -> None:
        """Declare all PPs of an LV good; `VolumeGroup.sync` does it after filling them."""
        minor = self._minor(name)
        lv_map = self.state.maps[minor]
        self.state.stale[lv_map.pv[lv_map.held] - 1, lv_map.pp[lv_map.held] - 1] = False
        self._place(minor, lv_map)

    # ---- disks

    def add_pv(self, device: BlockDevice) -> str:
        """Take a disk into the group; it gets a PVID if it has none.

        Returns:
            Its PVID.

        Raises:
            OperationRefused: it belongs to a group, or does not fit the geometry of this one.
        """
        if any(m.device is device for m in self.state.members.values()):
            raise OperationRefused("the disk is there already", where=device.name)
        check_unowned(device)
        state = self.state
        record = state.record
        geometry = Geometry(record.pp_shift, state.vgda.factor, record.version)
        pp_count = geometry.check_disk(device)
        unused = np.flatnonzero(~state.vgda.pv_used)
        if not len(unused):
            raise NoSpace(f"the group has its {len(state.vgda.pvs)} disks", where=device.name)
        if int(np.where(state.vgda.pv_used, state.vgda.pvs["pp_count"], 0).sum()) + pp_count > MAX_VG_PPS:
            raise NoSpace(f"a group has at most {MAX_VG_PPS} PPs", where=device.name)
        number = int(unused[0]) + 1
        taken = set(state.pvids.values())
        pvid = read_pvid(device) or new_pvid(self._machine_id, self._origin, taken)
        if pvid in taken:
            raise OperationRefused(f"PVID {pvid} is in the group already", where=device.name)
        pv = state.vgda.pvs[number - 1]
        pv["pv_id"] = np.frombuffer(uid_bytes(pvid), np.uint8)
        pv["pp_count"] = pp_count
        pv["pv_state"] = PV_ACTIVE
        pv["psn_part1"] = record.first_pp_psn
        pv["pv_num"] = number
        state.members[number] = Member(device, record.for_disk(device.size, number))
        self.changes.joined.add(number)
        return pvid

    def remove_pv(self, pvid: str) -> None:
        """Take a disk out of the group; LVM record, VGSA and VGDA on it are cleared, PVID and boot record stay.

        Raises:
            OperationRefused: LVs have PPs on it, or it is the last disk.
        """
        number = self._number(pvid)
        vgda = self.state.vgda
        if vgda.allocated[number - 1].any():
            raise OperationRefused(f"PV {pvid} has {int(vgda.allocated[number - 1].sum())} used PPs")
        if int(vgda.pv_used.sum()) == 1:
            raise OperationRefused(f"PV {pvid} is the last of the group", hint="remove the group from it instead")
        vgda.pvs[number - 1] = np.zeros((), vgda.pvs.dtype)
        vgda.pps[number - 1] = np.zeros((), vgda.pps.dtype)
        member = self.state.members.pop(number, None)
        if number in self.changes.joined:
            self.changes.joined.discard(number)
        elif member is not None:
            self.changes.left.append(member)

    # ---- the group

    def set_options(self, *, quorum: bool | None = None, auto_varyon: bool | None = None) -> None:
        """Set quorum checking and automatic varyon, as `chvg -Q -a` does; None leaves one alone."""
        for field, value in (("quorum", quorum), ("auto_varyon", auto_varyon)):
            if value is not None:
                self.state.vgda.header[field] = int(value)

    def finish(self) -> tuple[GroupState, Changes]:
        """The state and changes to commit, with everything that follows from the rest brought up to date."""
        self.state.settle()
        for minor, lvcb in self._lvcbs.items():
            target = self.changes.new_lvcbs if minor in self._new_lvs else self.changes.lvcbs
            target[minor] = lvcbs.build(lvcb)
        return self.state, self.changes

    @property
    def now(self) -> int:
        """The instant of the change, nanoseconds since 1970."""
        return self._now

    # ---- helpers

    @property
    def _vgid(self) -> str:
        return uid_text(self.state.vgda.header["vg_id"].tobytes())

    def _minor(self, name: str) -> int:
        raw = name.encode("utf-8", "surrogateescape")
        for minor in self.state.maps:
            if self.state.vgda.name(minor) == raw or name == f"#{minor}":
                return minor
        raise NotFound("no such logical volume", where=name)

    def _number(self, pvid: str) -> int:
        for number, known in self.state.pvids.items():
            if known == pvid:
                return number
        raise NotFound("no such physical volume in the group", where=pvid)

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise OperationRefused(f"not a name for a logical volume: {name!r}", hint="1 to 15 letters, digits or _.-+")
        if any(self.state.vgda.name(minor) == name.encode() for minor in self.state.maps):
            raise AlreadyExists("the group has a logical volume of this name", where=name)

    def _pools(self, pvids: Sequence[str] | None) -> list[Pool]:
        """What is free now and was free when the change began."""
        state, old = self.state, self._old
        numbers = [self._number(pvid) for pvid in pvids] if pvids is not None else sorted(state.pvids)
        was_used = old.vgda.allocated
        pools = []
        for number in numbers:
            count = int(state.vgda.exists[number - 1].sum())
            used = state.vgda.allocated[number - 1] | (was_used[number - 1] if number - 1 < len(was_used) else False)
            pools.append(Pool(number, ~used[:count]))
        return pools

    def _place(self, minor: int, lv_map: LvMap) -> None:
        state = self.state
        store(state.vgda, minor, state.maps.get(minor), lv_map, state.stale)
        state.maps[minor] = lv_map

    def _lvcb(self, minor: int) -> Lvcb | None:
        if minor in self._lvcbs or minor not in self._blocks:
            return self._lvcbs.get(minor)
        return self._blocks[minor].lvcb

    def _has_lvcb(self, minor: int) -> bool:
        return self._lvcb(minor) is not None

    def _update_copies(self, minor: int) -> None:
        if self._has_lvcb(minor):
            self._update_lvcb(minor, copies=self.state.maps[minor].copies)

    def _update_lvcb(self, minor: int, **values: object) -> None:
        current = self._lvcb(minor)
        assert current is not None
        if minor not in self._lvcbs and not lvcbs.is_ours(self._blocks[minor].data, current):
            raise OperationRefused("the control block has a layout that this program cannot write", where=current.name)
        self._lvcbs[minor] = replace(current, modified=lvcbs.ctime(self._now), **values)  # type: ignore[arg-type]
        lvcbs.build(self._lvcbs[minor])


def check_unowned(device: BlockDevice) -> None:
    """Raise `OperationRefused` if the disk belongs to a volume group."""
    info = scan([device])[0]
    if info.record is not None:
        raise OperationRefused(
            f"the disk belongs to volume group {info.record.vgid}", where=device.name, hint="clear its LVM record first"
        )
