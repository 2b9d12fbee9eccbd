"""Making rootvg of a new host: group and logical volumes, file systems with their files, ODM and boot image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...block import BlockDevice
from ...errors import NotFound, OperationRefused
from ...jfs2 import AIX, ExternalLog, FileSystem, Inventory, build, format_log, size_for
from ...lvm import VolumeGroup
from ...origin import Origin
from ...system.place import place_in
from ...units import MIB, ceil_div, format_size
from ..boot import content
from ..boot import volume as boot_volume
from ..machine.paths import holder, read_file
from ..odm import devices, filesets, filesystems
from ..odm.database import Odm
from ..odm.filesystems import FileSystemStanza
from ..rootvg import BOOT_VOLUME, LOG_VOLUME, PROC, ROOTVG, STANZA_ORDER, VOLUMES, VolumeSpec, identity

_MIN_FREE = 4 * MIB
_SPARE = 0.15
_BASE_ODM = 256 << 10


@dataclass(frozen=True)
class DiskSpec:
    """A disk to make: name of the slot and of the hdisk, size in bytes, and a PVID if it has one."""

    name: str
    size: int
    pvid: str | None = None


class Maker:
    """The steps of `create` after its checks; `group` is there after the first one.

    Args:
        origin: clock and identities.
        machine_id: 12 hex digits.
        parts: what goes into each file system, by mount point.
        problems: receives a line for what is not taken over as it was.
    """

    def __init__(self, origin: Origin, machine_id: str, parts: dict[str, Inventory], problems: list[str]) -> None:
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
                fs = filesystems.control_block_text(entry) if entry else ""
                change.add_lv(
                    spec.name, spec.type, lps[spec.name], len(members), policy=spec.policy,
                    label=spec.label or spec.mount_point or "", fs=fs,
                )  # fmt: skip

    def _default_size(self, spec: VolumeSpec) -> int:
        if spec.name == BOOT_VOLUME:
            return max(spec.minimum, boot_volume.volume_size(self._boot_content()))
        if spec.mount_point is None:
            return spec.minimum
        tree = self.parts[spec.mount_point]
        log = ExternalLog(0)
        exact = size_for(tree, dialect=AIX, log=log)
        return max(spec.minimum, exact + _MIN_FREE, size_for(tree, dialect=AIX, log=log, spare=_SPARE))

    def _boot_content(self) -> int:
        """Bytes of the files that the default list of boot files names, and room for the base ODM."""
        total = _BASE_ODM
        for path in content.proto_paths(content.DEFAULT_PROTO):
            point, inside = holder(self.parts, path)
            try:
                row = self.parts[point].resolve(inside)
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

    def _entry(self, spec: VolumeSpec) -> FileSystemStanza | None:
        if spec.mount_point is None:
            return None
        attributes = {"vfs": "jfs2", "log": f"/dev/{LOG_VOLUME}", **spec.attributes}
        return FileSystemStanza(spec.mount_point, f"/dev/{spec.name}", attributes)

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
                    origin=self.origin,
                    log=ExternalLog(self._log_device),
                    identity=identity(spec.mount_point, spec.name),
                    progress=progress,
                )
                copied += report.bytes_copied
        return copied

    def finish(self, disks: Sequence[DiskSpec], oslevel: str) -> int:
        """Write ODM, /etc/filesystems, filesets of a release and boot image; returns the blocks of the image."""
        files = {
            spec.mount_point: place_in(self.group, spec.name).open(writable=True)
            for spec in VOLUMES
            if spec.mount_point is not None
        }

        def locate(path: str) -> tuple[FileSystem, str]:
            point, inside = holder(files, path)
            return files[point], inside

        def write(path: str, data: bytes) -> None:
            where, inside = locate(path)
            if where.exists(inside):
                self.problems.append(f"{path}: from a tree, replaced by the host's own")
            where.write_file(inside, data, now=self.origin.now())

        odm = self._odm(disks)
        for path, data in odm.files().items():
            write(path, data)
        write(filesystems.PATH, filesystems.build(self._entries()))
        if read_file(locate, content.PROTO) is None:
            write(content.PROTO, content.DEFAULT_PROTO)
        if read_file(locate, filesets.PATH) is None:
            write(filesets.PATH, filesets.build(filesets.usual(oslevel)))
        image = content.compose(lambda path: read_file(locate, path), odm.files(), self.origin)
        return boot_volume.install(self.group.logical_volumes[BOOT_VOLUME], image)

    def _entries(self) -> list[FileSystemStanza]:
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
