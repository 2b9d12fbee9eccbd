"""A running AIX system during one process: its devices, its volume groups, its mounted file systems and its ODM.

Between two commands the system is at rest: everything that follows from the commands so far is on the disks, the file
systems stay mounted there, and `run/` says how they and the groups were left. While a process writes it is not, so a
process that dies leaves a host that has lost power.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TextIO

from ... import lvm
from ...block import BlockDevice
from ...errors import ImageInUse, ImageIOError, LvmfmtError, NotFound, OperationRefused
from ...lvm import VolumeGroup
from ...lvm.disk.identity import machine_of
from ...origin import SeededOrigin, seeded_or_system
from ..folder.host_folder import Folder
from ..folder.kernel import Kernel
from ..folder.settings import Settings
from ..messages import message
from ..odm import devices, filesystems
from ..odm.database import Odm
from ..odm.devices import Disk, Group
from ..odm.filesystems import FileSystemStanza
from ..profiles import Profile, profile
from .mount_table import MountTable
from .mounted_file_system import MountedFileSystem
from .paths import holder, read_file
from .slots import DiskSlots
from .stopping import ENDS_A_COMMAND
from .varied_groups import Loss, VariedGroups

DEFAULT_MACHINE_ID = "000000000000"
"""Where the settings are lost and the booted group's VGID is of the old kind, which has no whole machine id."""

Execute = Callable[[Sequence[str], TextIO, TextIO, TextIO | None], int]
"""Runs a command, and answers its exit status."""


class Machine:
    """A host that is being used by one process; the caller holds the folder's lock.

    Things are opened when they are asked for first. A writing process says in `run/` that the system is not at rest,
    `close` that it is again; a reading one writes nothing.

    Args:
        folder: the host's folder.
        writable: open disks for writing.
        stdin: what commands read; None for nothing.

    Attributes:
        nvram: what survives without power.
        kernel: the running system, or None when the power is off.
        origin: clock and identities.
        slots: the disks.
        execute: runs a command (command line, standard output, standard error, standard input); set by who uses the
            machine, for commands that run others.
        boots_again: whether the system was shut down to be booted again.
        notices: what the system has to say of disks and groups that have failed meanwhile.
    """

    def __init__(self, folder: Folder, *, writable: bool, stdin: TextIO | None = None) -> None:
        self.folder = folder
        self.writable = writable
        self.stdin = io.StringIO() if stdin is None else stdin
        self.nvram = self._saved_nvram = folder.read_nvram()
        self.kernel = folder.read_kernel()
        self._settings = folder.read_settings()
        seed = self._settings.seed if self._settings else None
        self.origin = seeded_or_system(seed, self.nvram.ticks)
        self.slots = DiskSlots(folder, writable=writable)
        self.execute: Execute = _no_commands
        self.boots_again = False
        self.notices: list[str] = []
        self._begin()
        if writable and self.kernel is not None:
            self._remember(self.kernel, at_rest=False)

    def _begin(self) -> None:
        self._opened_groups: VariedGroups | None = None
        self._opened_mounts: MountTable | None = None
        self._odm: Odm | None = None
        self.slots.forget()

    @property
    def _groups(self) -> VariedGroups:
        if self._opened_groups is None:
            self._opened_groups = VariedGroups(self.running, self.slots, self.origin, writable=self.writable)
        return self._opened_groups

    @property
    def _mounts(self) -> MountTable:
        if self._opened_mounts is None:
            self._opened_mounts = MountTable(self.running, self._groups, self.origin, writable=self.writable)
        return self._opened_mounts

    @property
    def running(self) -> Kernel:
        """The running system.

        Raises:
            OperationRefused: the power is off.
        """
        if self.kernel is None:
            raise OperationRefused("the host is off", where=str(self.folder.path))
        return self.kernel

    # --- settings -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Machine id, profile and seed; where they are lost, the machine id of the booted group and defaults."""
        if self._settings is None:
            vgid = self.slots.vgid(self.running.booted) or ""
            self._settings = Settings(machine_of(vgid) or DEFAULT_MACHINE_ID)
        return self._settings

    @property
    def profile(self) -> Profile:
        """The release whose formats are printed."""
        return profile(self.settings.profile)

    # --- disks --------------------------------------------------------------------------------------------------

    def device(self, slot: str) -> BlockDevice:
        """The image in a slot.

        Raises:
            NotFound: the slot is empty.
            ImageIOError: the disk has failed.
        """
        return self.slots.device(slot)

    def pvids_on_disk(self) -> dict[str, str | None]:
        """PVID on the disk in each slot that answers, None where it has none."""
        return self.slots.pvids()

    def disks(self) -> list[Disk]:
        """The disks that the running system knows, in order."""
        return devices.disks(self.odm)

    def disk(self, name: str) -> Disk | None:
        """The disk called `name` (or /dev/NAME), or None."""
        base = name.removeprefix("/dev/")
        return next((d for d in self.disks() if d.name == base), None)

    def disk_names(self, pvids: list[str]) -> list[str]:
        """The names of disks by their PVIDs; an unknown one stays a PVID."""
        names = {d.pvid: d.name for d in self.disks()}
        return [names.get(pvid, pvid) for pvid in pvids]

    # --- volume groups ------------------------------------------------------------------------------------------

    def group(self, name: str) -> VolumeGroup:
        """The varied-on group called `name`; in a writing process its changes count for all who use it.

        Raises:
            NotFound: the ODM has no such group.
            OperationRefused: it is not varied on.
        """
        known = devices.group(self.odm, name)
        if known is None:
            raise NotFound(f"no volume group {name}")
        if not self.is_varied_on(known):
            raise OperationRefused(f"volume group {name} is not varied on")
        return self._groups.open(known.vgid)

    def groups(self) -> list[Group]:
        """The groups that the ODM knows."""
        return devices.groups(self.odm)

    def is_varied_on(self, group: Group) -> bool:
        """Whether a group is varied on."""
        return group.vgid in self.running.varied_on

    def group_of_volume(self, name: str) -> VolumeGroup:
        """The varied-on group that has a logical volume.

        Raises:
            NotFound: none has.
        """
        return self._groups.group_of_volume(name)

    def volume_device(self, name: str) -> BlockDevice:
        """A logical volume of a varied-on group as a device; close it after use, or its group cannot lose it.

        Raises:
            NotFound: there is none.
        """
        return self._groups.volume_device(name)

    def varied_on(self, online: lvm.OnlineGroup) -> VolumeGroup:
        """Take in a group that `lvm.varyon` has just varied on; the kernel knows it as the newest."""
        self.running.vary_on(online.group.vgid)
        return self._groups.adopt(online)

    def varied_off(self, vgid: str) -> None:
        """Leave a group with none of its file systems mounted; the kernel forgets it."""
        self.running.vary_off(vgid)
        self.forget()

    # --- file systems -------------------------------------------------------------------------------------------

    @property
    def root(self) -> MountedFileSystem:
        """The root file system."""
        return self.mounted("/")

    def mounted(self, mount_point: str) -> MountedFileSystem:
        """The file system that is mounted at `mount_point`.

        Raises:
            NotFound: nothing, or no file system with blocks, is mounted there.
        """
        return self._mounts.at(mount_point)

    def mount(self, device: str, mount_point: str, options: str | None = None) -> None:
        """Mount a file system; see `MountTable.mount`.

        Raises:
            OperationRefused: it or the mount point is in use, or the file system is not in order.
        """
        self._mounts.mount(device, mount_point, options)

    def unmount(self, mount_point: str) -> None:
        """Unmount what is mounted at `mount_point`, which is clean then.

        Raises:
            NotFound: nothing is.
        """
        self._mounts.unmount(mount_point)

    def away(self, mount_point: str | None) -> AbstractContextManager[None]:
        """Unmount a file system for as long as a block changes it on its device; see `MountTable.away`."""
        return self._mounts.away(mount_point)

    def open_logs(self) -> set[str]:
        """Names of the logical volumes with the open logs of mounted file systems."""
        return self._mounts.open_logs()

    def locate(self, path: str) -> tuple[MountedFileSystem, str]:
        """The mounted file system that holds an absolute path, and the path inside it; nothing need exist there."""
        point, inside = holder(self.running.volumes.values(), path)
        return self.mounted(point), inside

    def read_file(self, path: str) -> bytes | None:
        """Content of the regular file at an absolute path, through a symlink if it is one; None if there is none."""
        return read_file(self.locate, path)

    def write_file(self, path: str, data: bytes) -> None:
        """Create or replace a file; its directory exists."""
        files, inside = self.locate(path)
        files.write_file(inside, data, now=self.origin.now())

    def make_directory(self, path: str) -> None:
        """Make a directory and those that it is to lie in, where they are not there."""
        parts = [part for part in path.split("/") if part]
        for count in range(1, len(parts) + 1):
            files, inside = self.locate("/" + "/".join(parts[:count]))
            if inside != "/" and not files.exists(inside):
                files.mkdir(inside, now=self.origin.now())

    def file_system_entries(self) -> list[FileSystemStanza]:
        """The stanzas of /etc/filesystems.

        Raises:
            NotFound: there is no such file.
            CorruptImage: it cannot be read.
        """
        return filesystems.parse(self.root.read(filesystems.PATH))

    # --- ODM ---------------------------------------------------------------------------------------------------

    @property
    def odm(self) -> Odm:
        """The ODM of the running system; changes count when `save_odm` is called."""
        if self._odm is None:
            self._odm = Odm.load(self.root)
        return self._odm

    def save_odm(self) -> None:
        """Write the classes of the ODM that have changed."""
        self.odm.save(self.root, now=self.origin.now())

    # --- power --------------------------------------------------------------------------------------------------

    def start(self, kernel: Kernel) -> None:
        """Begin a new running system, of which nothing is varied on yet."""
        self.kernel = kernel
        self.boots_again = False

    def booted(self, slot: str) -> None:
        """Note that a boot has come to its end; settings that were lost are written again."""
        if self._settings is None:
            self.folder.write_settings(self.settings)
        self.nvram = self.nvram._replace(last_boot=slot)
        self._remember(self.running, at_rest=False)

    def set_boot_list(self, mode: str, slots: list[str]) -> None:
        """Replace the boot list `normal` or `service`."""
        chosen = tuple(slots)
        self.nvram = self.nvram._replace(normal=chosen) if mode == "normal" else self.nvram._replace(service=chosen)

    def power_off(self, *, halted: bool = False) -> None:
        """Cut the power: what is not on the disks is lost, where the system was not shut down before."""
        self.kernel = None
        self.folder.cut_power(halted=halted)
        self._begin()

    def shut_down(self, *, again: bool = False) -> None:
        """Stop the running system: unmount everything, leave all groups, switch the power off.

        Args:
            again: who uses the machine is to boot it again.
        """
        self.boots_again = again
        for _, point in reversed(self.running.mounts):
            if point != "/":
                self.unmount(point)
        self.unmount("/")
        self._rest()
        self.power_off(halted=True)

    def is_intact(self) -> bool:
        """Whether the disks of the running system are as they were left; if not, it has lost power.

        A group that has lost its quorum, or all its disks, meanwhile is taken down with its file systems; rootvg takes
        the system with it.

        Raises:
            ImageInUse: another process is using a disk, so that it cannot be told; the system is as it was.
        """
        try:
            for vgid in self.running.varied_on:
                self._check_up(vgid)
            self._mounts.verify()
        except ImageInUse:
            raise
        except LvmfmtError:
            return False
        return True

    def _check_up(self, vgid: str) -> None:
        try:
            self._groups.open(vgid)
        except (ImageIOError, NotFound):
            if vgid == self.running.varied_on[0]:
                raise
            self._take_down(vgid)

    def _take_down(self, vgid: str) -> None:
        names = [g.name for g in self.groups() if g.vgid == vgid]
        self.notices.append(message("quorum-lost", group=" ".join(names) or vgid))
        volumes = {v for name in names for v in devices.volumes(self.odm, name)}
        self._mounts.lose(volumes)
        self.running.vary_off(vgid)

    def forget(self) -> None:
        """Come to rest, and drop everything that was read from disks; it is read again when it is needed."""
        self._rest()
        self._begin()

    def _rest(self) -> None:
        """Bring everything home; the kernel says how it was left."""
        if self.kernel is None or not self.writable:
            return
        for vgid in self._groups.down():
            if vgid == self.kernel.varied_on[0]:
                raise ImageIOError("rootvg has lost its quorum", where=vgid)
            self._take_down(vgid)
        logs, frozen = self._mounts.rest()
        self.kernel.leave(self._groups.rest(), logs, frozen)
        self.notices += map(_notice, self._groups.losses)

    def _remember(self, kernel: Kernel, *, at_rest: bool) -> None:
        kernel.at_rest = at_rest
        self.folder.write_kernel(kernel)

    def close(self, *, died: bool = False) -> None:
        """Come to rest, close the disks, and keep what the NVRAM keeps.

        Args:
            died: leave everything as it is, as a process that dies does: the host has lost power.
        """
        try:
            if not died:
                self._rest()
                self.slots.flush()
                if self.kernel is not None and self.writable:
                    self._remember(self.kernel, at_rest=True)
        finally:
            self._opened_mounts = self._opened_groups = None
            self.slots.close()
            if self.writable and isinstance(self.origin, SeededOrigin):
                self.nvram = self.nvram._replace(ticks=self.origin.ticks)
            if self.nvram != self._saved_nvram:
                self.folder.write_nvram(self.nvram)
                self._saved_nvram = self.nvram

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(died=kind is not None and not issubclass(kind, ENDS_A_COMMAND))


def _notice(loss: Loss) -> str:
    if not loss.volume:
        return message("disk-lost", disk=loss.slot)
    if not loss.partitions:
        return message("disk-old", disk=loss.slot, volume=loss.volume)
    return message("partitions-stale", disk=loss.slot, volume=loss.volume, partitions=loss.partitions)


def _no_commands(argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO | None) -> int:
    raise OperationRefused("nothing on this machine runs commands", where=argv[0])
