"""Disks that join and leave a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, DeviceLike, opened_all
from ...errors import NoSpace, OperationRefused
from ..descriptor.vgda import PV_NO_ALLOCATION, PV_REMOVED, PV_SPLIT
from ..disk.boot import read_pvid
from ..disk.identity import new_pvid
from ..disk.scan import scan
from ..errors import DiskTaken, LastDisk, LastGoodCopy, PartitionsInUse, SnapshotGroup
from ..groupstate import MemberDisk
from .draft import Draft


class Disks(Draft):
    """The part of `Change` about disks."""

    def add_pv(self, device: DeviceLike) -> str:
        """Take a disk into the group; it gets a PVID if it has none.

        Args:
            device: the disk, for writing. What is opened here is closed with the group, or if the change fails.

        Returns:
            Its PVID.

        Raises:
            DiskTaken: it belongs to a group.
            SnapshotGroup: a part of this group is split off.
            OperationRefused: it does not fit the geometry of this one.
        """
        held = [member.device for member in self.state.members.values()]
        (device,) = self.opened.enter_context(opened_all([device], writable=True, held=held))
        if any(m.device is device for m in self.state.members.values()):
            raise OperationRefused("the disk is there already", where=device.name)
        check_unowned(device)
        state = self.state
        if state.split_off:
            raise SnapshotGroup("a part of the group is split off", where=device.name, hint="join it first")
        record = state.record
        geometry = state.geometry
        pp_count = geometry.check_disk(device)
        unused = np.flatnonzero(~state.vgda.pv_used)
        if not len(unused):
            raise NoSpace(f"the group has its {len(state.vgda.pvs)} disks", where=device.name)
        if int(np.where(state.vgda.pv_used, state.vgda.pvs["pp_count"], 0).sum()) + pp_count > geometry.vg_pps:
            raise NoSpace(f"a group has at most {geometry.vg_pps} PPs", where=device.name)
        number = int(unused[0]) + 1
        taken = set(state.pvids.values())
        pvid = read_pvid(device) or new_pvid(self._machine_id, self._origin, taken)
        if pvid in taken:
            raise OperationRefused(f"PVID {pvid} is in the group already", where=device.name)
        state.vgda.define_pv(number, pvid, pp_count, record.first_pp_psn)
        state.members[number] = MemberDisk(device, record.for_disk(device.size, number))
        self.changes.joined.add(number)
        return pvid

    def remove_pv(self, pvid: str) -> None:
        """Take a disk out of the group; LVM record, VGSA and VGDA on it are cleared, PVID and boot record stay.

        Raises:
            PartitionsInUse: LVs have PPs on it.
            LastDisk: it is the last disk.
        """
        number = self._number(pvid)
        vgda = self.state.vgda
        if vgda.allocated[number - 1].any():
            raise PartitionsInUse(pvid, int(vgda.allocated[number - 1].sum()))
        if int(vgda.pv_used.sum()) == 1:
            raise LastDisk(pvid)
        vgda.remove_pv(number)
        member = self.state.members.pop(number, None)
        if number in self.changes.joined:
            self.changes.joined.discard(number)
        elif member is not None:
            self.changes.left.append(member)

    def set_disk(self, pvid: str, *, allocatable: bool | None = None, removed: bool | None = None) -> None:
        """Let a disk give partitions or not, be used or not (`chpv -a`, `-v`); None leaves it alone.

        What lies on a disk that is removed becomes stale; after its return it has to be synchronised.

        Raises:
            LastGoodCopy: an LV has its last good copy on a disk that is to be removed.
        """
        number = self._number(pvid)
        state = self.state.vgda.pvs["pv_state"]
        for flag, wanted in (
            (PV_NO_ALLOCATION, None if allocatable is None else not allocatable),
            (PV_REMOVED, removed),
        ):
            if wanted is not None:
                state[number - 1] = int(state[number - 1]) & ~flag & 0xFF | (flag if wanted else 0)
        for minor, lv_map in list(self.state.maps.items()) if removed else ():
            here = lv_map.pv == number
            good = lv_map.held & ~lv_map.look_up(self.state.stale)
            lost = (here & good).any(axis=0) & ~(good & ~here).any(axis=0)
            if lost.any():
                raise LastGoodCopy(self.state.vgda.name(minor).decode("utf-8", "surrogateescape"), int(lost.sum()))
            self._mark(lv_map.where(here), stale=True)
            self._place(minor, lv_map)

    def split_off(self, numbers: Sequence[int]) -> None:
        """Go on without disks that keep their places in the VGDA; see `lvm.split`."""
        state = self.state
        for number in numbers:
            state.vgda.pvs["pv_state"][number - 1] |= PV_SPLIT
            state.vgsa.mark_missing(number, True)
            state.members.pop(number, None)
        for minor, lv_map in list(state.maps.items()):
            self._mark(lv_map.where(np.isin(lv_map.pv, numbers)), stale=True)
            self._place(minor, lv_map)

    def rejoin(self, found: Mapping[int, BlockDevice], equal: Mapping[int, NDArray[np.bool_]]) -> None:
        """Take disks back that were split off; see `lvm.split`.

        Args:
            found: their devices by PV number, without LVM records.
            equal: by minor number of an LV, which of its partitions are good, shape (copies, lps).
        """
        state = self.state
        for number, device in found.items():
            state.vgda.pvs["pv_state"][number - 1] &= ~PV_SPLIT & 0xFF
            state.vgsa.mark_missing(number, False)
            state.members[number] = MemberDisk(device, state.record.for_disk(device.size, number))
            self.changes.joined.add(number)
        for minor, which in equal.items():
            lv_map = state.maps[minor]
            self._mark(lv_map.where(which), stale=False)
            self._place(minor, lv_map)


def check_unowned(device: BlockDevice) -> None:
    """Raise `DiskTaken` if the disk belongs to a volume group."""
    info = scan([device])[0]
    if info.record is not None:
        raise DiskTaken(info.record.vgid, where=device.name)
