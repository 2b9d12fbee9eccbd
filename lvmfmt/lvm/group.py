"""`VolumeGroup`: one or more disks with one VGDA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np

from ..block import BlockDevice
from ..block.plan import Progress
from ..errors import OperationRefused
from ..origin import Origin
from .change import Change, check_unowned
from .commit import commit
from .firstblock import FirstBlock
from .geometry import Geometry
from .identity import check_machine_id, lvid, machine_of, new_vgid, uid_text
from .problems import Problem
from .record import LvmRecord, VgKind
from .state import GroupState, load
from .sync import fill_stale
from .vgda import LV_STALE, PV_STALE, Vgda
from .vgsa import Vgsa
from .volume import LogicalVolume, PhysicalVolume

_USUAL_MODEL = "4c00"
"""The last four digits of the machine id of nearly all machines; used where a group does not tell them."""


class VolumeGroup:
    """A classic volume group on open devices, which stay the caller's.

    Made by `create` or `open`. After a change the attributes show the new state; PVs and LVs fetched before keep
    showing the old one.

    Attributes:
        problems: what is wrong with it, found when it was opened.
    """

    def __init__(self, state: GroupState, problems: list[Problem]) -> None:
        self._state = state
        self.problems = problems
        if state.members:
            self.problems += self._lvcb_problems()

    @classmethod
    def open(cls, devices: Sequence[BlockDevice]) -> VolumeGroup:
        """Open the group that the disks belong to, with what is there of it.

        The newest valid copies of VGDA and VGSA are believed. Missing disks, older or damaged copies and whatever
        does not add up are in `problems`.

        Raises:
            CorruptImage: no disk has a valid LVM record, or none a valid VGDA.
            UnsupportedFeature: a big or scalable group, or another volume manager's.
            OperationRefused: the disks belong to different groups.
        """
        return cls(*load(devices))

    @classmethod
    def create(
        cls,
        devices: Sequence[BlockDevice],
        *,
        origin: Origin,
        machine_id: str,
        pp_size: int | None = None,
        factor: int = 1,
        version: int = 8,
    ) -> VolumeGroup:
        """Make a group of disks that belong to none.

        Args:
            devices: the disks, PV 1 first; those without a PVID get one.
            origin: clock for identifiers and stamps.
            machine_id: 12 hex digits (`uname -m`), part of the identifiers.
            pp_size: bytes of a PP, 1 MiB to 1 GiB; see `Geometry.of` for the default.
            factor: 1, 2, 4, 8, 16, 32: multiplies 1,016 PPs a disk, divides 32 disks.
            version: LVM version: 1 to 13 or 30.

        Raises:
            OperationRefused: a disk belongs to a group, or the format does not allow this; nothing was written.
        """
        if not devices:
            raise OperationRefused("a volume group needs a disk")
        for device in devices:
            check_unowned(device)
        geometry = Geometry.of(devices, pp_size, factor, version)
        record = LvmRecord(
            vgid=new_vgid(check_machine_id(machine_id), origin, version),
            kind=VgKind.CLASSIC,
            version=version,
            pv_number=0,
            pp_shift=geometry.pp_shift,
        )
        vgda = Vgda.empty(record, geometry.factor)
        stale = np.zeros(vgda.pps.shape, np.bool_)
        group = cls(GroupState(vgda, Vgsa.empty(geometry.factor), stale, {}, {}, record), [])
        with group.change(origin, machine_id=machine_id) as change:
            for device in devices:
                change.add_pv(device)
        return group

    @property
    def vgid(self) -> str:
        """Identifier: 32 hex digits, 16 for a group made before LVM version 8."""
        return uid_text(self._state.vgda.header["vg_id"].tobytes())

    @property
    def record(self) -> LvmRecord:
        """An LVM record of the group; what it says of the group is true for all disks."""
        return self._state.record

    @property
    def pp_size(self) -> int:
        """Bytes of a PP."""
        return 1 << self.record.pp_shift

    @property
    def version(self) -> int:
        """LVM version."""
        return self.record.version

    @property
    def factor(self) -> int:
        """What multiplies 1,016 PPs a disk and divides 32 disks."""
        return self._state.vgda.factor

    @property
    def stamp(self) -> int:
        """Time stamp of the VGDA, nanoseconds since 1970."""
        return self._state.vgda.stamp

    @property
    def total_vgdas(self) -> int:
        """VGDA copies in the whole group."""
        return int(self._state.vgda.header["total_vgdas"])

    @property
    def quorum(self) -> bool:
        """Whether quorum checking is on."""
        return int(self._state.vgda.header["quorum"]) != 0

    @property
    def auto_varyon(self) -> bool:
        """Whether it is varied on at start."""
        return int(self._state.vgda.header["auto_varyon"]) != 0

    @property
    def complete(self) -> bool:
        """Whether every disk is here."""
        return set(self._state.pvids) == set(self._state.members)

    @cached_property
    def physical_volumes(self) -> dict[str, PhysicalVolume]:
        """The disks by PVID, in the order of their numbers, those that are not here included."""
        state = self._state
        vgda, allocated = state.vgda, state.vgda.allocated
        result = {}
        for number, pvid in state.pvids.items():
            pv = vgda.pvs[number - 1]
            count = int(vgda.exists[number - 1].sum())
            member = state.members.get(number)
            # PPs that would lie over the metadata are not to be believed, and never to be written
            sane = int(pv["psn_part1"]) >= state.record.first_pp_psn
            result[pvid] = PhysicalVolume(
                pvid=pvid,
                number=number,
                device=member.device if member is not None and sane else None,
                pp_count=count,
                pp_size=self.pp_size,
                first_psn=int(pv["psn_part1"]),
                vgda_count=max(0, vgda.vgda_count(number)),
                state=int(pv["pv_state"]) & ~PV_STALE | (PV_STALE if state.stale[number - 1].any() else 0),
                used=allocated[number - 1, :count],
                stale=state.stale[number - 1, :count],
            )
        return result

    @cached_property
    def logical_volumes(self) -> dict[str, LogicalVolume]:
        """The LVs by name, in the order of their minor numbers.

        An LV without a name, or with one that another has, goes by `#` and its minor number.
        """
        result: dict[str, LogicalVolume] = {}
        for minor in sorted(self._state.maps):
            lv = self._volume(minor)
            result[lv.name if lv.name and lv.name not in result else f"#{minor}"] = lv
        return result

    @contextmanager
    def change(self, origin: Origin, *, machine_id: str | None = None) -> Iterator[Change]:
        """Change the group: in memory until the block ends, then on the disks, all or nothing.

        Args:
            origin: clock for stamps and identifiers.
            machine_id: 12 hex digits for PVIDs and control blocks; default the machine that made the group.

        Raises:
            OperationRefused: a disk is missing or was opened for reading; nothing was written.
        """
        machine = check_machine_id(machine_id) if machine_id else machine_of(self.vgid) or self.vgid[:8] + _USUAL_MODEL
        self.__dict__.pop("_blocks", None)  # block 0 is ordinary data: an application may have written over it since
        change = Change(self._state, self._blocks, origin, machine)
        yield change
        state, changes = change.finish()
        after = VolumeGroup.__new__(VolumeGroup)
        after._state = state
        commit(self._state, state, changes, lv_device=lambda minor: after._bare(minor, None).device, now=change.now)
        self._state = state
        for name in ("physical_volumes", "logical_volumes", "_blocks", "_pvs"):
            self.__dict__.pop(name, None)
        self.problems = self._lvcb_problems()

    def sync(self, origin: Origin, *names: str, progress: Progress | None = None) -> int:
        """Fill stale copies from good ones and mark them good, as `syncvg` does.

        Args:
            origin: clock for the stamp.
            names: the LVs; default all that have stale PPs.
            progress: told of bytes done.

        Returns:
            Bytes copied.

        Raises:
            OperationRefused: an LP has no good copy.
        """
        done = 0
        volumes = [lv for name, lv in self.logical_volumes.items() if lv.stale_pps and (not names or name in names)]
        for lv in volumes:
            done += fill_stale(lv, progress)
        if volumes:
            with self.change(origin) as change:
                for lv in volumes:
                    change.mark_synced(lv.name)
        return done

    @cached_property
    def _pvs(self) -> dict[int, PhysicalVolume]:
        return {pv.number: pv for pv in self.physical_volumes.values()}

    @cached_property
    def _blocks(self) -> dict[int, FirstBlock]:
        """What each LV has in its first sector, by minor number."""
        return {minor: FirstBlock.of(self._bare(minor, None)) for minor in self._state.maps}

    def _volume(self, minor: int) -> LogicalVolume:
        return self._bare(minor, self._blocks[minor])

    def _bare(self, minor: int, block: FirstBlock | None) -> LogicalVolume:
        state = self._state
        entry = state.vgda.lvs[minor - 1]
        lv_state, _, policy = state.vgda.small_fields(minor)
        stale = state.maps[minor].look_up(state.stale)
        return LogicalVolume(
            name=state.vgda.name(minor).decode("utf-8", "surrogateescape"),
            minor=minor,
            lvid=lvid(self.vgid, minor),
            pp_size=self.pp_size,
            max_lps=int(entry["maxsize"]),
            state=lv_state & ~LV_STALE | (LV_STALE if stale.any() else 0),  # the VGSA decides what is stale
            policy=policy,
            mwc=int(entry["mirwrt_consist"]),
            bb_relocation=int(entry["bb_relocation"]),
            write_verify=int(entry["write_verify"]),
            permissions=int(entry["permissions"]),
            map=state.maps[minor],
            stale=stale,
            lvcb=block.lvcb if block else None,
            pvs=self._pvs,
        )

    def _lvcb_problems(self) -> list[Problem]:
        return [
            problem for minor, block in self._blocks.items() for problem in block.problems(self._bare(minor, block))
        ]
