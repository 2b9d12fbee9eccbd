"""Cloning rootvg by file, as `alt_disk_copy` does: a volume group of its own, file systems made new, an ODM of its own.

The three phases follow each other in one command or in several. After the first, and after the second, the clone is
awake: what comes next is found on its disks and in the running ODM, so another process goes on with it. At the end
the running ODM keeps a placeholder, `altinst_rootvg` with its disks and without logical volumes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ... import lvm
from ...block import BlockDevice
from ...errors import LvmfmtError, NoSpace, OperationRefused
from ...jfs2 import AIX, ExternalLog, InlineLog, Inventory, Log, build, format_log
from ...lvm import LogicalVolume, LvPolicy, VolumeGroup
from ...origin import FixedOrigin
from ...system.volume_types import LOG_TYPE
from ...units import SECTOR, ceil_div
from ..archive.imagedata import ImageData, VolumeData
from ..machine import varying
from ..machine.running import Machine
from ..messages import CommandFailed, message
from ..odm import devices
from ..odm.devices import Disk
from ..rootvg import ROOTVG, identity
from . import awake, exclude
from . import names as alternate
from .names import ALT_GROUP, PREFIX, alt_path
from .targets import check_sizes, choose_geometry

Say = Callable[[str], None]


class Clone:
    """Phase 1 of `alt_disk_copy`: the clone's group, file systems and files. `make` leaves it awake.

    Args:
        machine: the running system.
        program: the command that speaks.
        data: what to build, from image.data.
        targets: the disks, which belong to no group.
        matches: the exclude list.
        say: prints a line of the command's output.
        progress: told how many more bytes are copied.
        list_files: print the names of the files.

    Attributes:
        problems: what could not be taken over, a line each.
    """

    def __init__(
        self,
        machine: Machine,
        program: str,
        data: ImageData,
        targets: Sequence[Disk],
        matches: exclude.Matcher,
        say: Say,
        progress: Callable[[int], None] | None,
        *,
        list_files: bool = False,
    ) -> None:
        self.machine = machine
        self.program = program
        self.data = data
        self.targets = targets
        self.matches = matches
        self.say = say
        self.progress = progress
        self.list_files = list_files
        self.problems: list[str] = []
        self.source = machine.group(ROOTVG)
        self.devices: list[BlockDevice] = [machine.device(disk.slot) for disk in targets]
        self.geometry = choose_geometry(self.devices, data.pp_size, self.source)

    def check_sizes(self) -> None:
        """Raise `CommandFailed` if the targets are too small."""
        check_sizes(self.data, self.devices, self.geometry)

    def make(self) -> None:
        """Make the group, its logical volumes and file systems, copy the files, and mount it.

        Raises:
            CommandFailed: it failed and was undone.
        """
        try:
            self._make_group()
            self._copy_files()
            self.machine.varied_on(lvm.varyon(self.devices, origin=self.machine.origin))
            awake.mount(self.machine, _refuse)
        except NoSpace as error:
            self.undo()
            raise CommandFailed(
                message("allocation-failed"), message("mklv-failed"), failed(self.program, error)
            ) from error
        except LvmfmtError as error:
            self.undo()
            raise CommandFailed(failed(self.program, error)) from error
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Leave neither the group on the targets nor the placeholder in the ODM."""
        known = devices.group(self.machine.odm, ALT_GROUP)
        if known is not None:
            awake.unmount(self.machine)
            varying.vary_off(self.machine, known)
        devices.remove_group(self.machine.odm, ALT_GROUP)
        self.machine.save_odm()
        for device in self.devices:
            lvm.free_group_metadata(device)

    def _make_group(self) -> None:
        machine, origin = self.machine, self.machine.origin
        self.say(message("alt-creating-group"))
        for device in self.devices:
            if lvm.scan([device])[0].record is not None:
                lvm.free_group_metadata(device)  # left by a clone that was removed from the ODM only
        self.group = VolumeGroup.create(
            self.devices,
            origin=origin,
            machine_id=machine.settings.machine_id,
            pp_size=1 << self.geometry.pp_shift,
            factor=self.geometry.factor,
            version=self.geometry.version,
        )
        self._trim()
        pvids = list(self.group.physical_volumes)
        for disk, pvid in zip(self.targets, pvids, strict=True):
            devices.set_pvid(machine.odm, disk.name, pvid)
        # before there is a logical volume: after a power failure from here on the ODM knows what to remove
        devices.define_group(machine.odm, ALT_GROUP, self.group.vgid, pvids, auto_on=False)
        machine.save_odm()
        with self.group.change(origin, machine_id=machine.settings.machine_id) as change:
            change.set_options(auto_varyon=False)
            for volume in self.data.volumes:
                key = "alt-creating-volume" + ("-full-stop" if machine.profile.alt_volume_full_stop else "")
                self.say(message(key, name=PREFIX + volume.name))
                self._add_volume(change, volume)
        for created in self.group.logical_volumes.values():
            devices.define_volume(machine.odm, ALT_GROUP, created)
        machine.save_odm()
        machine.slots.forget()  # the disks belong to another group now

    def _add_volume(self, change: lvm.Change, volume: VolumeData) -> None:
        mount_points = {name: point for point, name in self.data.file_systems}
        point = mount_points.get(volume.name)
        like = self.source.logical_volumes.get(volume.name)
        fs = like.fs if like and like.fs else f"vfs=jfs2:log=/dev/{self._log}" if point else ""
        lps = self._lps(volume)
        kept = like.policy if like else LvPolicy()
        policy = LvPolicy(
            volume.policy.intra,
            volume.policy.inter,
            kept.strict,
            relocatable=volume.type != "boot",
            bb_relocation=kept.bb_relocation,
            write_verify=kept.write_verify,
            mwc=kept.mwc or "a",
            max_lps=max(volume.policy.max_lps or 0, lps),
        )
        change.add_lv(
            PREFIX + volume.name,
            volume.type,
            lps,
            volume.copies,
            policy=policy,
            label=alt_path(point) if point else volume.label,
            fs=alternate.alt_attributes(fs),
        )

    def _trim(self) -> None:
        """Give back the space of whatever the disks held, as a disk subsystem does for blocks that nobody owns."""
        for pv in self.group.physical_volumes.values():
            if pv.device is not None:
                start = pv.first_psn * SECTOR
                pv.device.punch(start, pv.pp_count * pv.pp_size)

    def _lps(self, volume: VolumeData) -> int:
        return ceil_div(volume.lps * self.data.pp_size, self.group.pp_size)

    @property
    def _log(self) -> str:
        return next((v.name for v in self.data.volumes if v.type == LOG_TYPE), "")

    def _copy_files(self) -> None:
        machine = self.machine
        mounts = sorted(self.data.file_systems)
        for point, _ in mounts:
            self.say(message("alt-creating-file-system", mount_point=alt_path(point) + ("/" if point == "/" else "")))
        for volume in self.group.logical_volumes.values():
            if volume.type == LOG_TYPE:
                format_log(volume.device, AIX)
        trees = self._trees([point for point, _ in mounts])
        for point, name in mounts:
            now = machine.origin.now()
            tree = trees.pop(point)
            if self.list_files:
                for path in tree.entry_paths():
                    self.say(f"./{point.strip('/')}".rstrip("/") + path.decode("utf-8", "backslashreplace"))
            inodes = tree.inodes.copy()
            inodes["ctime"] = inodes["otime"] = now  # a restored file is a new file
            build(
                alternate.volume(self.group, name).device,
                replace(tree, inodes=inodes),
                dialect=AIX,
                origin=FixedOrigin(now),
                block_size=self._block_size(point),
                log=self._log_of(alternate.volume(self.group, name)),
                identity=identity(alt_path(point), PREFIX + name),
                progress=self.progress,
            )

    def _log_of(self, volume: LogicalVolume) -> Log:
        """Where the control block of a file system says that its log is: inline, or a log volume of the group."""
        log = alternate.log_of(self.group, volume)
        number = devices.major_of(self.machine.odm, ALT_GROUP) << 32 | log.minor
        return InlineLog(device=number) if log.minor == volume.minor else ExternalLog(number)

    def _trees(self, points: Sequence[str]) -> dict[str, Inventory]:
        """What is copied into the file systems, by mount point; says so."""
        self.say(message("alt-generating-list"))
        self.say(message("alt-for-backup"))
        trees = self._list_files(points)
        self.say(message("alt-backing-up"))
        return trees

    def _block_size(self, point: str) -> int:
        """Bytes of a block of the file system that is mounted here when the clone runs."""
        return self.machine.mounted(point).block_size

    def _list_files(self, points: Sequence[str]) -> dict[str, Inventory]:
        needed = {e.mount_point for e in self.machine.file_system_entries()}
        trees = {}
        for point in points:
            whole = self.machine.mounted(point).inventory()
            trees[point] = whole.select(exclude.keep(whole, point, self.matches, needed))
        return trees


def _refuse(line: str) -> None:
    raise OperationRefused(line)


def failed(program: str, error: LvmfmtError) -> str:
    """The line that says why a copy was undone."""
    return message("alt-failed", program=program, reason=str(error))
