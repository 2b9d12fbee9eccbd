"""Making a host: disks, rootvg and its nine logical volumes, file systems filled from real trees, a boot image.

What cannot be taken over from a tree follows the rules of `jfs2.scan_trees` and of `Inventory.split`: sockets, device
nodes and files that cannot be read are left out, a hard link across file systems becomes a file of its own.
All of it is in the report.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...block import BlockDevice, ImageFile
from ...errors import NotFound, OperationRefused
from ...jfs2 import AIX, ExternalLog, FileSystem, Inventory, build, format_log, scan_trees, size_for
from ...lvm import VolumeGroup, write_pvid
from ...origin import Origin, SeededOrigin, SystemOrigin
from ...units import MIB, ceil_div, format_size
from .. import profiles
from ..boot import image as boot
from ..folder.folder import Folder
from ..folder.nvram import Nvram
from ..folder.settings import Settings
from ..machine.machine import Machine
from ..machine.paths import read_file
from ..machine.volumes import open_file_system
from ..odm import devices, filesets, filesystems
from ..odm.filesystems import Entry
from ..odm.odm import Odm
from .rootvg import BOOT_VOLUME, LOG_VOLUME, PROC, ROOTVG, SKELETON, STANZA_ORDER, VOLUMES, VolumeSpec, identity

_SLOT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,14}")
_MIN_FREE = 4 * MIB
_SPARE = 0.15
_BASE_ODM = 256 << 10


@dataclass(frozen=True)
class DiskSpec:
    """A disk to make: name of the slot and of the hdisk, size in bytes, and a PVID if it has one."""

    name: str
    size: int
    pvid: str | None = None


@dataclass(frozen=True)
class CreateReport:
    """What `create` made.

    Attributes:
        path: the host's folder.
        files: files, directories and links taken over, by mount point.
        bytes_copied: bytes of file data.
        sizes: bytes of each logical volume.
        boot_blocks: blocks of 512 bytes of the boot image.
        problems: a line for everything that could not be taken over as it was.
    """

    path: Path
    files: dict[str, int]
    bytes_copied: int
    sizes: dict[str, int]
    boot_blocks: int
    problems: list[str]


def create(
    path: str | os.PathLike[str],
    *,
    disks: Sequence[DiskSpec],
    trees: Sequence[tuple[str | os.PathLike[str], str]] = (),
    lv_sizes: Mapping[str, int] | None = None,
    mirror: bool = False,
    seed: int | None = None,
    lvm_version: int = 8,
    machine_id: str | None = None,
    profile: str = profiles.DEFAULT,
    pp_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> CreateReport:
    """Make a host and leave it running.

    Args:
        path: its folder, which is new or empty.
        disks: the disks; rootvg is on the first, mirrored on the second with `mirror`.
        trees: (source, destination) pairs; what lies below a mount point goes into that file system.
        lv_sizes: bytes of logical volumes by name; by default they hold their tree with room to spare.
        mirror: two copies of every logical volume, on the first two disks.
        seed: makes clock and identities reproducible.
        lvm_version: version in the LVM records.
        machine_id: 12 hex digits; by default from the seed, or random.
        profile: release whose formats are printed.
        pp_size: bytes of a physical partition; by default the smallest from 16 MiB on that suits the disks.
        progress: told how many more bytes are copied.

    Raises:
        OperationRefused: the request breaks a rule, or does not fit the disks; nothing is left behind.
    """
    sizes = dict(lv_sizes or {})
    _check(disks, sizes, mirror)
    release = profiles.profile(profile)
    origin: Origin = SystemOrigin() if seed is None else SeededOrigin(seed)
    machine_id = machine_id or f"00{origin.entropy('machine id', 3).hex()}4c00".upper()
    whole, problems = scan_trees(list(trees), now=origin.now())
    parts, parted = _split(whole)
    problems += parted
    existed = Path(path).exists()
    folder = Folder.create(path)
    maker = _Maker(folder, origin, machine_id, parts, problems)
    try:
        with ExitStack() as stack:
            images = [stack.enter_context(ImageFile.create(folder.disks / f"{d.name}.img", d.size)) for d in disks]
            for image, disk in zip(images, disks, strict=True):
                if disk.pvid:
                    write_pvid(image, disk.pvid.lower())
            members = images[: 2 if mirror else 1]
            maker.make_group(members, sizes, pp_size=pp_size, version=lvm_version)
            copied = maker.fill(progress)
            blocks = maker.finish(disks, release.oslevel)
            for image in images:
                image.flush()
        folder.write_settings(Settings(machine_id, profile, seed))
        ticks = origin.ticks if isinstance(origin, SeededOrigin) else 0
        bootable = tuple(d.name for d in disks[: len(members)])
        folder.write_nvram(Nvram(normal=bootable, service=bootable, ticks=ticks))
        with Machine(folder, writable=True) as machine:
            machine.boot(problems.append)
    except BaseException:
        _undo(folder.path, existed)
        raise
    volumes = maker.group.logical_volumes
    return CreateReport(
        folder.path,
        {point: len(part.inodes) for point, part in parts.items()},
        copied,
        {name: volume.size for name, volume in volumes.items()},
        blocks,
        problems,
    )


def _check(disks: Sequence[DiskSpec], sizes: Mapping[str, int], mirror: bool) -> None:
    names = [d.name for d in disks]
    pvids = [d.pvid.lower() for d in disks if d.pvid]
    if not disks or (mirror and len(disks) < 2):
        raise OperationRefused("a host needs a disk, and two for a mirror")
    for name in names:
        if not _SLOT.fullmatch(name):
            raise OperationRefused(f"not a name for a disk: {name!r}", hint="1 to 15 letters and digits, as in hdisk0")
    if len(set(names)) != len(names) or len(set(pvids)) != len(pvids):
        raise OperationRefused("two disks have the same name or PVID")
    if any(not re.fullmatch("[0-9a-f]{16}", pvid) or pvid == "0" * 16 for pvid in pvids):
        raise OperationRefused("a PVID is 16 hexadecimal digits, not all zero")
    for name, size in sizes.items():
        if name not in {v.name for v in VOLUMES}:
            raise OperationRefused(
                f"rootvg has no logical volume {name}", hint=f"there are {' '.join(v.name for v in VOLUMES)}"
            )
        if size <= 0:
            raise OperationRefused(f"logical volume {name} needs a size above 0")


def _split(whole: Inventory) -> tuple[dict[str, Inventory], list[str]]:
    whole = whole.with_directory("/tmp", mode=stat.S_ISVTX | 0o777)
    parts, problems = whole.split([v.mount_point for v in VOLUMES if v.mount_point])
    for point, directories in SKELETON.items():
        for directory in directories:
            parts[point] = parts[point].with_directory(directory)
    return parts, problems


def _undo(path: Path, existed: bool) -> None:
    for item in path.iterdir():
        shutil.rmtree(item) if item.is_dir() else item.unlink()
    if not existed:
        path.rmdir()


class _Maker:
    """The steps of `create` after its checks."""

    def __init__(
        self, folder: Folder, origin: Origin, machine_id: str, parts: dict[str, Inventory], problems: list[str]
    ) -> None:
        self.folder = folder
        self.origin = origin
        self.machine_id = machine_id
        self.parts = parts
        self.problems = problems

    def make_group(
        self, members: Sequence[BlockDevice], sizes: Mapping[str, int], *, pp_size: int | None, version: int
    ) -> None:
        """Make rootvg and its logical volumes."""
        self.group = VolumeGroup.create(
            members, origin=self.origin, machine_id=self.machine_id, pp_size=pp_size, version=version
        )
        pp = self.group.pp_size
        lps = {v.name: ceil_div(sizes.get(v.name) or self._default_size(v), pp) for v in VOLUMES}
        self._check_room(lps, len(members))
        with self.group.change(self.origin, machine_id=self.machine_id) as change:
            if len(members) > 1:
                change.set_options(quorum=False)
            for spec in VOLUMES:
                entry = self._entry(spec)
                options = {"label": spec.mount_point or "", **spec.options}
                fs = filesystems.control_block_text(entry) if entry else ""
                change.add_lv(spec.name, spec.type, lps[spec.name], len(members), intra=spec.intra, fs=fs, **options)  # type: ignore[arg-type]

    def _default_size(self, spec: VolumeSpec) -> int:
        if spec.name == BOOT_VOLUME:
            return max(spec.minimum, boot.volume_size(self._boot_content()))
        if spec.mount_point is None:
            return spec.minimum
        tree = self.parts[spec.mount_point]
        log = ExternalLog(0)
        exact = size_for(tree, dialect=AIX, log=log)
        return max(spec.minimum, exact + _MIN_FREE, size_for(tree, dialect=AIX, log=log, spare=_SPARE))

    def _boot_content(self) -> int:
        """Bytes of the files that the default list of boot files names, and room for the base ODM."""
        total = _BASE_ODM
        for path in boot.proto_paths(boot.DEFAULT_PROTO):
            point = max((p for p in self.parts if p == "/" or path.startswith(p + "/")), key=len)
            try:
                row = self.parts[point].resolve(path.removeprefix(point))
            except NotFound:
                continue
            total += int(self.parts[point].inodes[row]["size"]) + 1024
        return total

    def _check_room(self, lps: Mapping[str, int], copies: int) -> None:
        room = min(pv.pp_count for pv in self.group.physical_volumes.values())
        if sum(lps.values()) > room:
            pp = self.group.pp_size
            raise OperationRefused(
                f"rootvg needs {format_size(sum(lps.values()) * pp)} on each of its {copies} disks, "
                f"there are {format_size(room * pp)}",
                hint="make the disks larger",
            )

    @property
    def _log_device(self) -> int:
        return devices.FIRST_GROUP_MAJOR << 32 | self.group.logical_volumes[LOG_VOLUME].minor

    def _entry(self, spec: VolumeSpec) -> Entry | None:
        if spec.mount_point is None:
            return None
        attributes = {"vfs": "jfs2", "log": f"/dev/{LOG_VOLUME}", **spec.attributes}
        return Entry(spec.mount_point, f"/dev/{spec.name}", attributes)

    def fill(self, progress: Callable[[int], None] | None) -> int:
        """Make the log and the file systems; returns the bytes of file data copied."""
        volumes = self.group.logical_volumes
        format_log(volumes[LOG_VOLUME].device, AIX)
        copied = 0
        for spec in VOLUMES:
            if spec.mount_point is not None:
                report = build(
                    volumes[spec.name].device,
                    self.parts[spec.mount_point],
                    dialect=AIX,
                    now=self.origin.now(),
                    log=ExternalLog(self._log_device),
                    identity=identity(spec.mount_point, spec.name),
                    progress=progress,
                )
                copied += report.bytes_copied
        return copied

    def finish(self, disks: Sequence[DiskSpec], oslevel: str) -> int:
        """Write ODM, /etc/filesystems, filesets of a release and boot image; returns the blocks of the image."""
        files = {
            spec.mount_point: open_file_system(self.group, spec.name, writable=True)
            for spec in VOLUMES
            if spec.mount_point is not None
        }

        def locate(path: str) -> tuple[FileSystem, str]:
            point = max((p for p in files if p == "/" or path.startswith(p + "/")), key=len)
            return files[point], "/" + path.removeprefix(point).lstrip("/")

        def write(path: str, data: bytes) -> None:
            where, inside = locate(path)
            if where.exists(inside):
                self.problems.append(f"{path}: from a tree, replaced by the host's own")
            where.write_file(inside, data, now=self.origin.now())

        odm = self._odm(disks)
        for path, data in odm.files().items():
            write(path, data)
        write(filesystems.PATH, filesystems.build(self._entries()))
        if read_file(locate, boot.PROTO) is None:
            write(boot.PROTO, boot.DEFAULT_PROTO)
        if read_file(locate, filesets.PATH) is None:
            write(filesets.PATH, filesets.build(filesets.usual(oslevel)))
        image = boot.compose(lambda path: read_file(locate, path), odm.files(), self.origin)
        return boot.install(self.group.logical_volumes[BOOT_VOLUME], image)

    def _entries(self) -> list[Entry]:
        entries = {e.mount_point: e for spec in VOLUMES if (e := self._entry(spec))} | {PROC.mount_point: PROC}
        return [entries[point] for point in STANZA_ORDER]

    def _odm(self, disks: Sequence[DiskSpec]) -> Odm:
        odm = Odm()
        devices.define_machine(odm)
        members = list(self.group.physical_volumes)
        for index, disk in enumerate(disks):
            pvid = members[index] if index < len(members) else disk.pvid
            devices.define_disk(odm, disk.name, disk.name, pvid.lower() if pvid else None)
        devices.define_group(odm, ROOTVG, self.group.vgid, members, auto_on=True)
        for volume in self.group.logical_volumes.values():
            devices.define_volume(odm, ROOTVG, volume)
        return odm
