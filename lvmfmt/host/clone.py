"""Cloning rootvg by file, as `alt_disk_copy` does: a volume group of its own, file systems made new, an ODM of its own.

Until the end the clone's logical volumes have names that start with `alt_`, and the running ODM knows them. Then the
names in VGDA, control blocks and superblocks become those of a rootvg, and the running ODM keeps a placeholder:
`altinst_rootvg` with its disks and without logical volumes. What fails on the way is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .. import lvm
from ..block import BlockDevice
from ..errors import LvmfmtError, NoSpace, NotFound, OperationRefused
from ..jfs2 import AIX, ExternalLog, FileSystem, build, format_log
from ..lvm import Geometry, LogicalVolume, VolumeGroup
from ..lvm.geometry import pp_count
from ..lvm.kinds import LIMITS
from ..units import MIB, SECTOR, ceil_div
from . import boot, devices, exclude, filesystems
from .devices import Disk
from .imagedata import ImageData, VolumeData
from .machine import Machine, read_file
from .messages import CommandFailed, message
from .odm import Odm
from .rootvg import BOOT_VOLUME, ROOT_VOLUME, ROOTVG, identity
from .volumes import open_file_system

ALT_GROUP, OLD_GROUP = "altinst_rootvg", "old_rootvg"
PREFIX = "alt_"
ALT_ROOT = "/alt_inst"
MAX_NAME = 15 - len(PREFIX)
LOG_TYPE = "jfs2log"

Say = Callable[[str], None]


class Clone:
    """One run of `alt_disk_copy`.

    Args:
        machine: the running system.
        data: what to build, from image.data.
        targets: the disks, which belong to no group.
        matches: the exclude list.
        say: prints a line of the command's output.
        progress: told how many more bytes are copied.
    """

    def __init__(
        self,
        machine: Machine,
        data: ImageData,
        targets: Sequence[Disk],
        matches: exclude.Matcher,
        say: Say,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.machine = machine
        self.data = data
        self.targets = targets
        self.matches = matches
        self.say = say
        self.progress = progress
        self.source = machine.group(ROOTVG)
        self.devices: list[BlockDevice] = [machine.device(disk.slot) for disk in targets]
        self.geometry = choose_geometry(self.devices, data.pp_size, self.source)

    def check_sizes(self) -> None:
        """Compare what the source takes, its mirror copies included, with what the targets have.

        Raises:
            CommandFailed: they have less.
        """
        required = sum(v.pps for v in self.data.volumes) * self.data.pp_size
        available = sum(pp_count(d.size, self.geometry.pp_shift) for d in self.devices) << self.geometry.pp_shift
        if required > available:
            raise CommandFailed(message("alt-no-space", required=required // MIB, available=available // MIB))

    def run(self) -> None:
        """Make the clone.

        Raises:
            CommandFailed: it failed and was undone.
        """
        try:
            self._make_group()
            self._copy_files()
            self._make_bootable()
            self._put_to_sleep()
        except NoSpace as error:
            self._undo()
            raise CommandFailed(message("allocation-failed"), message("mklv-failed"), _failed(error)) from error
        except LvmfmtError as error:
            self._undo()
            raise CommandFailed(_failed(error)) from error
        except BaseException:
            self._undo()
            raise

    # --- phase 1: the group, its logical volumes and file systems -------------------------------------------------

    def _make_group(self) -> None:
        machine, origin = self.machine, self.machine.origin
        self.say(message("alt-creating-group"))
        for device in self.devices:
            if lvm.scan([device])[0].record is not None:
                lvm.free_group_metadata(device)  # left by a clone that was removed from the ODM only
        geometry = self.geometry
        self.group = VolumeGroup.create(
            self.devices,
            origin=origin,
            machine_id=machine.settings.machine_id,
            pp_size=1 << geometry.pp_shift,
            factor=geometry.factor,
            version=geometry.version,
        )
        self._trim()
        volumes, file_systems = self.data.volumes, dict((lv, mp) for mp, lv in self.data.file_systems)
        pvids = list(self.group.physical_volumes)
        for disk, pvid in zip(self.targets, pvids, strict=True):
            devices.set_pvid(machine.odm, disk.name, pvid)
        with self.group.change(origin, machine_id=machine.settings.machine_id) as change:
            change.set_options(auto_varyon=False)
            for volume in volumes:
                key = "alt-creating-volume" + ("-full-stop" if machine.profile.alt_volume_full_stop else "")
                self.say(message(key, name=PREFIX + volume.name))
                label = alt_path(file_systems[volume.name]) if volume.name in file_systems else volume.label
                like = self.source.logical_volumes.get(volume.name)
                change.add_lv(
                    PREFIX + volume.name,
                    volume.type,
                    self._lps(volume),
                    volume.copies,
                    intra=volume.intra,
                    inter=volume.inter,
                    label=label,
                    fs=f"vfs=jfs2:log=/dev/{PREFIX}{self._log_name}" if volume.name in file_systems else "",
                    max_lps=max(volume.max_lps, self._lps(volume)),
                    relocatable=volume.type != "boot",
                    bb_relocation=like is None or like.bb_relocation == 1,
                    mwc=like is None or like.mwc == 1,
                )
        devices.define_group(machine.odm, ALT_GROUP, self.group.vgid, pvids, auto_on=False)
        for created in self.group.logical_volumes.values():
            devices.define_volume(machine.odm, ALT_GROUP, created)
        machine.save_odm()

    def _trim(self) -> None:
        """Give back the space of whatever the disks held, as a disk subsystem does for blocks that nobody owns."""
        for pv in self.group.physical_volumes.values():
            if pv.device is not None:
                start = pv.first_psn * SECTOR
                pv.device.punch(start, pv.pp_count * pv.pp_size)

    def _lps(self, volume: VolumeData) -> int:
        return ceil_div(volume.lps * self.data.pp_size, self.group.pp_size)

    @property
    def _log_name(self) -> str:
        log = next((v.name for v in self.data.volumes if v.type == LOG_TYPE), None)
        if log is None:
            raise NotFound("rootvg has no log volume")
        return log

    def _volume(self, name: str) -> LogicalVolume:
        return self.group.logical_volumes[PREFIX + name]

    def _copy_files(self) -> None:
        machine = self.machine
        mounts = sorted(self.data.file_systems)
        for point, _ in mounts:
            self.say(message("alt-creating-file-system", mount_point=alt_path(point) + ("/" if point == "/" else "")))
        format_log(self._volume(self._log_name).device, AIX)
        self.say(message("alt-generating-list"))
        self.say(message("alt-for-backup"))
        needed = {e.mount_point for e in machine.file_system_entries()}
        trees = {}
        for point, _ in mounts:
            whole = machine.mounted(point).inventory()
            trees[point] = whole.select(exclude.keep(whole, point, self.matches, needed))
        self.say(message("alt-backing-up"))
        log = ExternalLog(devices.major_of(machine.odm, ALT_GROUP) << 32 | self._volume(self._log_name).minor)
        for point, name in mounts:
            now = machine.origin.now()
            tree = trees.pop(point)
            inodes = tree.inodes.copy()
            inodes["ctime"] = inodes["otime"] = now  # a restored file is a new file
            build(
                self._volume(name).device,
                replace(tree, inodes=inodes),
                dialect=AIX,
                now=now,
                block_size=machine.mounted(point).block_size,
                log=log,
                identity=identity(alt_path(point), PREFIX + name),
                progress=self.progress,
            )

    # --- phase 3: a rootvg of its own -----------------------------------------------------------------------------

    def _make_bootable(self) -> None:
        machine = self.machine
        self.files = {
            point: open_file_system(self.group, self._volume(name).name, writable=True)
            for point, name in self.data.file_systems
        }
        self.say(message("alt-modifying-odm"))
        odm = self._odm()
        odm.save(self.files["/"], now=machine.origin.now())
        entries = machine.root.read(filesystems.PATH)
        self.files["/"].write_file(filesystems.PATH, entries, now=machine.origin.now())
        self.say(message("alt-building-boot-image"))
        image = boot.compose(lambda path: read_file(self._locate, path), odm.files(), machine.origin)
        boot.install(self._volume(BOOT_VOLUME), image)

    def _odm(self) -> Odm:
        """The ODM of the clone: its own group is rootvg, the group it was copied from is old_rootvg."""
        odm = self.machine.odm.copy()
        for name in (ALT_GROUP, OLD_GROUP):
            devices.remove_group(odm, name)
        for name in devices.volumes(odm, ROOTVG):
            devices.remove_volume(odm, name)
        odm.set_attribute(ROOTVG, "vgserial_id", self.group.vgid)
        devices.set_members(odm, ROOTVG, list(self.group.physical_volumes))
        for planned in self.data.volumes:
            volume = self._volume(planned.name)
            block = replace(volume.lvcb, label=planned.label or "None") if volume.lvcb else None
            devices.define_volume(odm, ROOTVG, replace(volume, name=planned.name, lvcb=block))
        devices.define_group(odm, OLD_GROUP, self.source.vgid, list(self.source.physical_volumes), auto_on=False)
        return odm

    def _locate(self, path: str) -> tuple[FileSystem, str]:
        point = max((p for p in self.files if p == "/" or path.startswith(p + "/")), key=len)
        return self.files[point], "/" + path.removeprefix(point).lstrip("/")

    def _put_to_sleep(self) -> None:
        machine = self.machine
        points = sorted((alt_path(point) for point in self.files), reverse=True)
        for point in [*points, points[-1]]:  # AIX names the alternate root twice
            self.say(message("forced-unmount", mount_point=point))
        self.say(message("alt-changing-names"))
        with self.group.change(machine.origin) as change:
            for planned in self.data.volumes:
                change.rename_lv(PREFIX + planned.name, planned.name)
        self.say(message("alt-fixing-lvcb"))
        with self.group.change(machine.origin) as change:
            change.set_options(auto_varyon=True)
            for planned in self.data.volumes:
                like = self.source.logical_volumes.get(planned.name)
                change.set_lvcb(planned.name, label=planned.label, fs=like.fs if like else "")
        self.say(message("alt-fixing-superblocks"))
        volumes = self.group.logical_volumes
        major = devices.major_of(machine.odm, ROOTVG)
        for point, name in self.data.file_systems:
            names = identity(point, name)
            FileSystem.open(volumes[name].device, writable=True).set_identity(
                fname=names.fname, fpack=names.fpack, logdev=major << 32 | volumes[self._log_name].minor
            )
        for volume in devices.volumes(machine.odm, ALT_GROUP):
            devices.remove_volume(machine.odm, volume)
        machine.save_odm()

    def _undo(self) -> None:
        """Leave neither the group on the targets nor the placeholder in the ODM."""
        devices.remove_group(self.machine.odm, ALT_GROUP)
        self.machine.save_odm()
        for device in self.devices:
            lvm.free_group_metadata(device)


def check(machine: Machine, targets: Sequence[str]) -> list[Disk]:
    """The target disks, if a clone can be made on them.

    Raises:
        CommandFailed: a target is unknown or in use, a clone exists, or a name of the source does not allow it.
    """
    disks = []
    for name in targets:
        disk = machine.disk(name)
        if disk is None:
            raise CommandFailed(message("alt-disk-unknown", disk=name))
        group = devices.group_of(machine.odm, disk.pvid)
        if group is not None:
            raise CommandFailed(message("alt-disk-in-group", disk=disk.name, group=group))
        if disk in disks:
            raise CommandFailed(message("alt-disk-twice", disk=disk.name))
        _check_unowned(machine, disk)
        disks.append(disk)
    if devices.group(machine.odm, ALT_GROUP) is not None:
        raise CommandFailed(message("alt-exists"))
    volumes = machine.group(ROOTVG).logical_volumes
    for name in volumes:
        if name.startswith(PREFIX):
            raise CommandFailed(message("alt-name-in-use", what=f"The logical volume {name}"))
        if len(name) > MAX_NAME:
            raise CommandFailed(message("alt-name-too-long", name=name, limit=MAX_NAME))
    for entry in machine.file_system_entries():
        if entry.mount_point == ALT_ROOT or entry.mount_point.startswith(ALT_ROOT + "/"):
            raise CommandFailed(message("alt-name-in-use", what=f"The file system {entry.mount_point}"))
    for name in (BOOT_VOLUME, ROOT_VOLUME):
        if name not in volumes:
            raise CommandFailed(message("bosboot-no-volume", volume=name, disk=machine.running.booted))
    return disks


def _check_unowned(machine: Machine, disk: Disk) -> None:
    """A disk can hold a group that only its PVID hides; one that is varied on is never written over."""
    vgid = lvm.scan([machine.device(disk.slot)])[0].vgid
    for group in machine.groups():
        if group.vgid == vgid and machine.is_varied_on(group):
            raise CommandFailed(message("alt-disk-in-group", disk=disk.name, group=group.name))


def choose_geometry(targets: Sequence[BlockDevice], pp_size: int, source: VolumeGroup) -> Geometry:
    """PP size of the source with the smallest factor that the disks need; larger PPs where no factor does.

    Raises:
        OperationRefused: no geometry of a classic group fits the disks.
    """
    shift = pp_size.bit_length() - 1
    for factor in (f for f in LIMITS[source.record.kind].factors if f >= source.factor):
        try:
            geometry = Geometry(shift, factor, source.version)
        except OperationRefused:
            break
        if all(pp_count(d.size, shift) <= geometry.max_pps for d in targets) and len(targets) <= geometry.max_pvs:
            return geometry
    return Geometry.of(targets, None, 1, source.version)


def alt_path(mount_point: str) -> str:
    """Where a file system of the clone is mounted while it is awake."""
    return ALT_ROOT if mount_point == "/" else ALT_ROOT + mount_point


def _failed(error: LvmfmtError) -> str:
    return message("alt-failed", reason=str(error))
