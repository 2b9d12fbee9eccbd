"""A running AIX system as commands see it: its disks, volume groups, file systems and files, its ODM."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TextIO

from ...block import BlockDevice
from ...errors import NotFound, OperationRefused
from ...lvm import VolumeGroup
from ...lvm.disk.identity import machine_of
from ...origin import Origin, SeededOrigin, SystemOrigin
from ..folder.folder import Folder
from ..folder.kernel import Kernel
from ..folder.settings import Settings
from ..odm import devices, filesystems
from ..odm.devices import Disk, Group
from ..odm.filesystems import Entry
from ..odm.odm import Odm
from ..profiles import Profile, profile
from .mounted import MountedFileSystem
from .mounts import Mounts
from .paths import read_file
from .slots import Slots
from .varied import VariedGroups

DEFAULT_MACHINE_ID = "000000000000"
"""Where the settings are lost and the booted group's VGID is of the old kind, which has no whole machine id."""

Execute = Callable[[Sequence[str], TextIO, TextIO, TextIO | None], int]
"""Runs a command, and answers its exit status."""


class Running:
    """What is open of a host while one process uses it; things are opened when they are asked for first.

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
    """

    def __init__(self, folder: Folder, *, writable: bool, stdin: TextIO | None = None) -> None:
        self.folder = folder
        self.writable = writable
        self.stdin = io.StringIO() if stdin is None else stdin
        self.nvram = folder.read_nvram()
        self.kernel = folder.read_kernel()
        self._settings = folder.read_settings()
        seed = self._settings.seed if self._settings else None
        self.origin: Origin = SystemOrigin() if seed is None else SeededOrigin(seed, self.nvram.ticks)
        self.slots = Slots(folder, writable=writable)
        self.execute: Execute = _no_commands
        self.boots_again = False
        self._begin()

    def _begin(self) -> None:
        left = self.kernel.groups if self.kernel else {}
        self._groups = VariedGroups(self.slots, self.origin, writable=self.writable, left=left)
        self._mounts = Mounts(self)
        self._odm: Odm | None = None
        self.slots.forget()

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
        for vgid in self.running.varied_on:
            group = self._groups.open(vgid)
            if name in group.logical_volumes:
                return group
        raise NotFound(f"no logical volume {name}")

    def volume_device(self, name: str) -> BlockDevice:
        """A logical volume of a varied-on group as a device; close it after use, or its group cannot lose it.

        Raises:
            NotFound: there is none.
        """
        return self._groups.device(self.group_of_volume(name).vgid, name)

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

    def mount(self, volume: str, mount_point: str) -> MountedFileSystem:
        """Mount the file system of a logical volume of a varied-on group.

        Raises:
            OperationRefused: it or the mount point is in use, or the file system is not in order.
        """
        return self._mounts.mount(volume, mount_point)

    def note_mount(self, device: str, mount_point: str) -> None:
        """Let the kernel know of a mount that has no blocks, such as /proc."""
        self.kernel = self.running._replace(mounts=(*self.running.mounts, (device, mount_point)))

    def unmount(self, mount_point: str) -> None:
        """Unmount what is mounted at `mount_point`, which is clean then.

        Raises:
            NotFound: nothing is.
        """
        self._mounts.unmount(mount_point)

    def open_logs(self) -> set[str]:
        """Names of the logical volumes with the open logs of mounted file systems."""
        return self._mounts.open_logs()

    def locate(self, path: str) -> tuple[MountedFileSystem, str]:
        """The mounted file system that holds an absolute path, and the path inside it; nothing need exist there."""
        points = [p for d, p in self.running.mounts if d.startswith("/dev/")]
        point = max((p for p in points if p == "/" or path == p or path.startswith(p + "/")), key=len, default="/")
        return self.mounted(point), "/" + path.removeprefix(point).lstrip("/")

    def read_file(self, path: str) -> bytes | None:
        """Content of the regular file at an absolute path, through a symlink if it is one; None if there is none."""
        return read_file(self.locate, path)

    def write_file(self, path: str, data: bytes) -> None:
        """Create or replace a file; its directory exists."""
        files, inside = self.locate(path)
        files.write_file(inside, data, now=self.origin.now())

    def file_system_entries(self) -> list[Entry]:
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


def _no_commands(argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO | None) -> int:
    raise OperationRefused("nothing on this machine runs commands", where=argv[0])
