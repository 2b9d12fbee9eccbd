"""A running AIX system during one process: its devices, its volume groups, its mounted file systems and its ODM.

Between two commands the system is at rest: everything that follows from the commands so far is on the disks, the file
systems stay mounted there, and `run/` says how they and the groups were left. While a process writes it is not, so a
process that dies leaves a host that has lost power.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from ...block import BlockDevice
from ...errors import ImageIOError, LvmfmtError, NotFound, OperationRefused
from ...lvm import VolumeGroup
from ...lvm.identity import machine_of
from ...origin import Origin, SeededOrigin, SystemOrigin
from ..folder.folder import Folder, Kernel, Nvram, Settings
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

if TYPE_CHECKING:
    from ...lvm import OnlineGroup

DEFAULT_MACHINE_ID = "000000000000"
"""Where the settings are lost and the booted group's VGID is of the old kind, which has no whole machine id."""


class Machine:
    """A host that is being used by one process; the caller holds the folder's lock.

    Args:
        folder: the host's folder.
        writable: open disks for writing.
        stdin: what commands read; None for nothing.

    Attributes:
        nvram: what survives without power; `close` writes it back.
        kernel: the running system, or None when the power is off.
        origin: clock and identities.
        slots: the disks.
    """

    def __init__(self, folder: Folder, *, writable: bool, stdin: TextIO | None = None) -> None:
        self.folder = folder
        self.writable = writable
        self.stdin = io.StringIO() if stdin is None else stdin
        self.nvram = folder.read_nvram()
        self.kernel = folder.read_kernel()
        self._saved_nvram = self.nvram if (folder.path / "nvram.json").exists() else None
        self._settings = folder.read_settings()
        seed = self._settings.seed if self._settings else None
        self.origin: Origin = SystemOrigin() if seed is None else SeededOrigin(seed, self.nvram.ticks)
        self.slots = Slots(folder, writable=writable)
        self._begin()
        if writable and self.kernel is not None:
            self._remember(at_rest=False)

    def _begin(self) -> None:
        left = self.kernel.groups if self.kernel else {}
        self._groups = VariedGroups(self.slots, self.origin, writable=self.writable, left=left)
        self._mounts = Mounts(self)
        self._odm: Odm | None = None
        self.slots.forget()

    def forget(self) -> None:
        """Come to rest, and drop everything that was read from disks; it is read again when it is needed."""
        self._rest()
        self._begin()

    def _rest(self) -> None:
        """Bring everything home; the kernel says how it was left."""
        if self.kernel is None or not self.writable:
            return
        for vgid in self._groups.down():
            if vgid == self.running.varied_on[0]:
                raise ImageIOError("rootvg has lost its quorum", where=vgid)
            self._take_down(vgid)
        logs, frozen = self._mounts.rest()
        groups = {vgid: left for vgid, left in self._groups.rest().items() if vgid in self.running.varied_on}
        self.kernel = replace(self.running, logs=logs, frozen=frozen, groups=groups)

    def _remember(self, *, at_rest: bool) -> None:
        self.kernel = replace(self.running, at_rest=at_rest)
        self.folder.write_kernel(self.kernel)

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
                    self._remember(at_rest=True)
        finally:
            self._mounts.drop()
            self._groups.drop()
            self.slots.close()
            if isinstance(self.origin, SeededOrigin):
                self.nvram = replace(self.nvram, ticks=self.origin.ticks)
            if self.nvram != self._saved_nvram:
                self.folder.write_nvram(self.nvram)
                self._saved_nvram = self.nvram

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(died=kind is not None and not issubclass(kind, LvmfmtError))

    # --- settings -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Machine id, profile and seed; where they are lost, the machine id of the booted group and defaults."""
        if self._settings is None:
            vgid = self.slots.vgid(self.running.booted) or ""
            self._settings = Settings(machine_of(vgid) or DEFAULT_MACHINE_ID)
            self.folder.write_settings(self._settings)
        return self._settings

    @property
    def profile(self) -> Profile:
        """The release whose formats are printed."""
        return profile(self.settings.profile)

    # --- power --------------------------------------------------------------------------------------------------

    @property
    def running(self) -> Kernel:
        """The running system.

        Raises:
            OperationRefused: the power is off.
        """
        if self.kernel is None:
            raise OperationRefused("the host is off", where=str(self.folder.path))
        return self.kernel

    def boot(self, console: Callable[[str], None]) -> None:
        """Boot; see `booting.boot`. A system that runs loses its power before."""
        from ..boot.booting import boot

        boot(self, console)

    def start(self, kernel: Kernel) -> None:
        """Begin a new running system, of which nothing is varied on yet."""
        self.kernel = kernel

    def booted(self, slot: str) -> None:
        """Note that a boot has come to its end."""
        self.nvram = replace(self.nvram, last_boot=slot)
        self._remember(at_rest=False)

    def power_off(self, *, halted: bool = False) -> None:
        """Cut the power: what is not on the disks is lost, where the system was not shut down before."""
        self._mounts.drop()
        self._groups.drop()
        self.kernel = None
        self.folder.cut_power(halted=halted)
        self._begin()

    def shut_down(self) -> None:
        """Stop the running system: unmount everything, leave all groups, switch the power off."""
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
        """
        try:
            for vgid in self.running.varied_on:
                self._check_up(vgid)
            self._mounts.verify()
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
        volumes = {v for g in self.groups() if g.vgid == vgid for v in devices.volumes(self.odm, g.name)}
        self._mounts.lose(volumes)
        kept = tuple(known for known in self.running.varied_on if known != vgid)
        self.kernel = replace(self.running, varied_on=kept)

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

    def varied_on(self, online: OnlineGroup) -> VolumeGroup:
        """Take in a group that `lvm.varyon` has just varied on; the kernel knows it as the newest."""
        vgid = online.group.vgid
        others = (known for known in self.running.varied_on if known != vgid)
        self.kernel = replace(self.running, varied_on=(*others, vgid))
        return self._groups.adopt(online)

    def varied_off(self, vgid: str) -> None:
        """Leave a group with none of its file systems mounted; the kernel forgets it."""
        kept = tuple(known for known in self.running.varied_on if known != vgid)
        self.kernel = replace(self.running, varied_on=kept)
        self.forget()

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
        self.kernel = replace(self.running, mounts=(*self.running.mounts, (device, mount_point)))

    def unmount(self, mount_point: str) -> None:
        """Unmount what is mounted at `mount_point`, which is clean then.

        Raises:
            NotFound: nothing is.
        """
        self._mounts.unmount(mount_point)

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

    # --- ODM and NVRAM ------------------------------------------------------------------------------------------

    @property
    def odm(self) -> Odm:
        """The ODM of the running system; changes count when `save_odm` is called."""
        if self._odm is None:
            self._odm = Odm.load(self.root)
        return self._odm

    def save_odm(self) -> None:
        """Write the classes of the ODM that have changed."""
        self.odm.save(self.root, now=self.origin.now())

    def set_boot_list(self, mode: str, slots: list[str]) -> None:
        """Replace the boot list `normal` or `service`."""
        self.nvram = Nvram(**{**vars(self.nvram), mode: tuple(slots)})


__all__ = ["Machine", "read_file"]
