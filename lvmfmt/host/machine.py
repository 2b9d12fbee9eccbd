"""A running AIX system during one command: its boot, its devices, its volume groups and mounted file systems.

In this stage every change of a file system is complete when a command ends, so a mounted file system is clean on disk
at all times; what `mounted` means is kept with the running system (`run/`).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

from .. import block, lvm
from ..block import BlockDevice
from ..errors import ImageIOError, LvmfmtError, NotFound, OperationRefused
from ..jfs2 import FileSystem
from ..lvm import VolumeGroup
from ..lvm.identity import machine_of
from ..origin import Origin, SeededOrigin, SystemOrigin
from . import devices, filesystems
from .boot import find_image
from .configure import configure_disks
from .devices import Disk, Group
from .filesystems import Entry
from .folder import Folder, Kernel, Nvram, Settings
from .messages import message
from .odm import Odm
from .profiles import Profile, profile
from .rootvg import ROOT_VOLUME, ROOTVG
from .volumes import open_file_system

DEFAULT_MACHINE_ID = "000000000000"
"""Where the settings are lost and the booted group's VGID is of the old kind, which has no whole machine id."""

_MAX_SYMLINKS = 8


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
        self._failed = folder.failed()
        self._slots = {name: path for name, path in folder.slots().items() if name not in self._failed}
        self._devices: dict[str, BlockDevice] = {}
        self.forget()

    def forget(self) -> None:
        """Drop everything that was read from disks; it is read again when it is needed."""
        self._vgids: dict[str, str | None] | None = None
        self._groups: dict[str, VolumeGroup] = {}
        self._mounted: dict[str, FileSystem] = {}
        self._odm: Odm | None = None

    def close(self) -> None:
        """Flush and close the disks, and keep what the NVRAM keeps."""
        try:
            for device in self._devices.values():
                if device.writable:
                    device.flush()
        finally:
            for device in self._devices.values():
                device.close()
            self._devices.clear()
            self.forget()
            if isinstance(self.origin, SeededOrigin):
                self.nvram = replace(self.nvram, ticks=self.origin.ticks)
            if self.nvram != self._saved_nvram:
                self.folder.write_nvram(self.nvram)
                self._saved_nvram = self.nvram

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- settings -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Machine id, profile and seed; where they are lost, the machine id of the booted group and defaults."""
        if self._settings is None:
            vgid = self._vgid_of(self.running.booted) or ""
            self._settings = Settings(machine_of(vgid) or DEFAULT_MACHINE_ID)
            self.folder.write_settings(self._settings)
        return self._settings

    @property
    def profile(self) -> Profile:
        """The release whose formats are printed."""
        return profile(self.settings.profile)

    # --- boot ---------------------------------------------------------------------------------------------------

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
        """Boot from the first disk of the normal boot list that can be booted.

        The disk's own ODM and /etc/filesystems count; its group is rootvg. Where the ODM and the VGDA differ, the
        VGDA is right, and the difference is told to `console`. An empty list means all disks, in order.

        Raises:
            OperationRefused: no disk in the list boots, or the boot stops after its image was loaded.
        """
        self.power_off()
        slot = self._boot_slot()
        try:
            self._start(slot, console)
        except LvmfmtError as error:
            self.kernel = None
            raise OperationRefused(message("boot-stopped", slot=slot, reason=str(error))) from error
        self.nvram = replace(self.nvram, last_boot=slot)
        self._remember()

    def power_off(self) -> None:
        """Forget the running system."""
        self.kernel = None
        self.folder.cut_power()
        self.forget()

    def _boot_slot(self) -> str:
        reasons = []
        for slot in self.nvram.normal or self._slots:
            try:
                find_image(self.device(slot))
            except LvmfmtError as error:
                reasons.append(f"{slot}: {error}")
            else:
                return slot
        raise OperationRefused(message("no-boot-device", reasons="; ".join(reasons) or "there are no disks"))

    def _start(self, slot: str, console: Callable[[str], None]) -> None:
        vgid = self._vgid_of(slot)
        if vgid is None:
            raise OperationRefused("the disk has an image, but belongs to no volume group")
        group = self._open(vgid)
        for name in (ROOT_VOLUME, f"alt_{ROOT_VOLUME}"):
            if name in group.logical_volumes:
                break
        else:
            raise NotFound(f"its volume group has no logical volume {ROOT_VOLUME}")
        if name != ROOT_VOLUME:
            raise OperationRefused(
                "its volume group is awake", hint="it must be put to sleep before it can be booted and used as rootvg"
            )
        self.kernel = Kernel(slot, self.origin.now(), (vgid,), ((f"/dev/{ROOT_VOLUME}", "/"),))
        odm = self.odm
        configure_disks(odm, self.pvids_on_disk())
        for note in devices.reconcile(odm, ROOTVG, group):
            console(note)
        self._vary_on_others(odm, console)
        try:
            self.save_odm()
        except OperationRefused as error:  # a mirror copy is missing; reading goes on
            console(f"the ODM is not written: {error}")
        self._mount_all(console)

    def _vary_on_others(self, odm: Odm, console: Callable[[str], None]) -> None:
        for other in devices.groups(odm):
            if other.auto_on and other.name != ROOTVG:
                try:
                    self._open(other.vgid)
                except LvmfmtError as error:
                    console(f"{other.name} cannot be varied on: {error}")
                else:
                    self.kernel = replace(self.running, varied_on=(*self.running.varied_on, other.vgid))

    def _mount_all(self, console: Callable[[str], None]) -> None:
        mounts = list(self.running.mounts)
        for entry in filesystems.mount_order(self.file_system_entries()):
            if entry.mount_point == "/":
                continue
            if entry.volume is not None:
                try:
                    self._mounted[entry.mount_point] = self._open_volume(entry.volume)
                except LvmfmtError as error:
                    console(f"{entry.mount_point} cannot be mounted: {error}")
                    continue
            mounts.append((entry.device, entry.mount_point))
        self.kernel = replace(self.running, mounts=tuple(mounts))

    def _remember(self) -> None:
        self.folder.write_kernel(self.running)

    # --- disks --------------------------------------------------------------------------------------------------

    def device(self, slot: str) -> BlockDevice:
        """The image in a slot.

        Raises:
            NotFound: the slot is empty.
            ImageIOError: the disk has failed.
        """
        if slot in self._failed:
            raise ImageIOError("the disk has failed", where=slot, hint="lvmfmt host disk restore brings it back")
        if slot not in self._devices:
            if slot not in self._slots:
                raise NotFound("the disk image is missing", where=f"{self.folder.disks}/{slot}.img")
            self._devices[slot] = block.open(self._slots[slot], writable=self.writable)
        return self._devices[slot]

    def pvids_on_disk(self) -> dict[str, str | None]:
        """PVID on the disk in each slot that answers, None where it has none."""
        return {slot: lvm.read_pvid(self.device(slot)) for slot in self._slots}

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

    def _vgid_of(self, slot: str) -> str | None:
        if self._vgids is None:
            slots = []
            for name in self._slots:
                try:
                    self.device(name)
                except ImageIOError:
                    continue  # a disk that cannot be opened is missing; one that another process uses is an error
                slots.append(name)
            infos = lvm.scan([self._devices[name] for name in slots])
            self._vgids = {name: info.vgid for name, info in zip(slots, infos, strict=True)}
        return self._vgids.get(slot)

    # --- volume groups ------------------------------------------------------------------------------------------

    def group(self, name: str) -> VolumeGroup:
        """The varied-on group called `name`.

        Raises:
            NotFound: the ODM has no such group.
            OperationRefused: it is not varied on.
        """
        known = devices.group(self.odm, name)
        if known is None:
            raise NotFound(f"no volume group {name}")
        if not self.is_varied_on(known):
            raise OperationRefused(f"volume group {name} is not varied on")
        return self._open(known.vgid)

    def groups(self) -> list[Group]:
        """The groups that the ODM knows."""
        return devices.groups(self.odm)

    def is_varied_on(self, group: Group) -> bool:
        """Whether a group is varied on."""
        return group.vgid in self.running.varied_on

    def _open(self, vgid: str) -> VolumeGroup:
        if vgid not in self._groups:
            members = [self.device(slot) for slot in self._slots if self._vgid_of(slot) == vgid]
            if not members:
                raise NotFound(f"no disk of volume group {vgid} is there")
            self._groups[vgid] = VolumeGroup.open(members)
        return self._groups[vgid]

    # --- file systems -------------------------------------------------------------------------------------------

    @property
    def root(self) -> FileSystem:
        """The root file system."""
        return self.mounted("/")

    def mounted(self, mount_point: str) -> FileSystem:
        """The file system that is mounted at `mount_point`.

        Raises:
            NotFound: nothing, or no file system with blocks, is mounted there.
        """
        if mount_point not in self._mounted:
            device = next((d for d, point in self.running.mounts if point == mount_point), "")
            if not device.startswith("/dev/"):
                raise NotFound(f"no file system is mounted at {mount_point}")
            self._mounted[mount_point] = self._open_volume(device.removeprefix("/dev/"))
        return self._mounted[mount_point]

    def _open_volume(self, name: str) -> FileSystem:
        for vgid in self.running.varied_on:
            volume = self._open(vgid).logical_volumes.get(name)
            if volume is not None:
                return open_file_system(self._open(vgid), name, writable=self.writable and volume.device.writable)
        raise NotFound(f"no logical volume {name}")

    def locate(self, path: str) -> tuple[FileSystem, str]:
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

    # --- ODM ----------------------------------------------------------------------------------------------------

    @property
    def odm(self) -> Odm:
        """The ODM of the running system; changes count when `save_odm` is called."""
        if self._odm is None:
            self._odm = Odm.load(self.root)
        return self._odm

    def save_odm(self) -> None:
        """Write the classes of the ODM that have changed."""
        self.odm.save(self.root, now=self.origin.now())

    # --- NVRAM --------------------------------------------------------------------------------------------------

    def set_boot_list(self, mode: str, slots: list[str]) -> None:
        """Replace the boot list `normal` or `service`."""
        self.nvram = Nvram(**{**vars(self.nvram), mode: tuple(slots)})


def read_file(locate: Callable[[str], tuple[FileSystem, str]], path: str) -> bytes | None:
    """Content of the regular file at an absolute path, or None if there is none.

    Args:
        locate: answers the file system that holds a path, and the path inside it.
        path: the path; where it names a symlink, that is followed, a few times at most.
    """
    for _ in range(_MAX_SYMLINKS):
        files, inside = locate(path)
        try:
            kind = files.stat(inside)
        except NotFound:
            return None
        if kind.is_file:
            return files.read(inside)
        if not kind.is_symlink:
            return None
        target = files.readlink(inside)
        path = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    return None
