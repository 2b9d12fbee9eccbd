"""A machine without a folder: ODM, kernel and files in memory or on one small image, for tests of single functions."""

import io
from pathlib import Path
from types import ModuleType

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.errors import NotFound
from lvmfmt.host import registry
from lvmfmt.host.folder.kernel import Kernel
from lvmfmt.host.folder.nvram import Nvram
from lvmfmt.host.folder.settings import Settings
from lvmfmt.host.machine.mounted_file_system import MountedFileSystem
from lvmfmt.host.machine.running import Machine
from lvmfmt.host.odm import devices
from lvmfmt.host.odm.database import Odm
from lvmfmt.jfs2 import AIX, InlineLog, mkfs
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin
from lvmfmt.units import MIB

from .conftest import Result

MACHINE_ID = "00C6CE9D4C00"


def file_system(path: Path, size: int = 16 * MIB) -> MountedFileSystem:
    """A new file system with a log of its own, mounted."""
    device = ImageFile.create(path, size)
    mkfs(device, dialect=AIX, origin=FixedOrigin(10**18), log=InlineLog())
    return MountedFileSystem(
        device,
        read_superblock(device),
        writable=True,
        go_on=lambda: mount(device, origin=FixedOrigin(10**18)),
        plain=lambda: device,
    )


def volume_group(folder: Path, disks: int = 2, size: int = 96 * MIB, pp_size: int = 4 * MIB) -> VolumeGroup:
    """A new group on sparse images: with PPs of 4 MiB each disk of 96 MiB has 23 of them."""
    images = [ImageFile.create(folder / f"pv{n}.img", size) for n in range(disks)]
    return VolumeGroup.create(images, origin=SeededOrigin(5), machine_id=MACHINE_ID, pp_size=pp_size)


class Slots:
    """The images of a stub by their slots."""

    def __init__(self, images: dict[str, BlockDevice]) -> None:
        self.images = images

    def forget(self) -> None:
        pass

    def slot_of(self, device: BlockDevice) -> str:
        return next(slot for slot, known in self.images.items() if known is device)


class Stub(Machine):
    """A running machine of which only that is there which a test gives it."""

    def __init__(self, root: MountedFileSystem | None = None) -> None:
        self.kernel = Kernel("hdisk0", booted_at=10**18)
        self.nvram = Nvram()
        self.origin = SeededOrigin(1)
        self.stdin = io.StringIO()
        self.writable = True
        self._settings = Settings(MACHINE_ID, "5.3", 1)
        self._odm = Odm()
        self.boots_again = False
        self.opened: dict[str, MountedFileSystem] = {}
        self.varied: dict[str, VolumeGroup] = {}
        self.images: dict[str, BlockDevice] = {}
        self.saved = 0
        self.slots = Slots(self.images)  # type: ignore[assignment]
        if root is not None:
            self.opened["/"] = root
            self.kernel.mount("/dev/hd4", "/")

    def define(self, name: str, group: VolumeGroup) -> VolumeGroup:
        """Let the ODM know a group that is varied on; its disks are hdisk0, hdisk1, ... in the slots of these names."""
        for number, (pvid, pv) in enumerate(group.physical_volumes.items(), len(self.images)):
            disk = f"hdisk{number}"
            devices.define_disk(self.odm, disk, disk, pvid)
            assert pv.device is not None
            self.images[disk] = pv.device
        devices.define_group(self.odm, name, group.vgid, list(group.physical_volumes), auto_on=True)
        for volume in group.logical_volumes.values():
            devices.define_volume(self.odm, name, volume)
        self.varied[name] = group
        self.running.vary_on(group.vgid)
        return group

    def group(self, name: str) -> VolumeGroup:
        return self.varied[name]

    def group_of_volume(self, name: str) -> VolumeGroup:
        return next(group for group in self.varied.values() if name in group.logical_volumes)

    def volume_device(self, name: str) -> BlockDevice:
        return self.group_of_volume(name).logical_volumes[name].device

    def device(self, slot: str) -> BlockDevice:
        if slot not in self.images:
            raise NotFound("the disk image is missing", where=slot)
        return self.images[slot]

    def mounted(self, mount_point: str) -> MountedFileSystem:
        return self.opened[mount_point]

    def open_logs(self) -> set[str]:
        return set()

    def save_odm(self) -> None:
        self.saved += 1


def run(machine: Stub, module: ModuleType, line: str, stdin: str = "") -> Result:
    """Run a command of a module of `host/commands`."""
    argv, out, err = line.split(), io.StringIO(), io.StringIO()
    machine.stdin = io.StringIO(stdin)
    status = registry.call(module.COMMANDS[argv[0]], machine, argv, out, err)
    return Result(status, out.getvalue().splitlines(), err.getvalue().splitlines())
