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

from ...arguments import checked, expect
from ...block import ImageFile
from ...errors import OperationRefused
from ...jfs2 import Inventory, scan_trees
from ...lvm import write_pvid
from ...origin import SeededOrigin, seeded_or_system
from .. import profiles
from ..folder.host_folder import Folder
from ..folder.nvram import Nvram
from ..folder.settings import Settings
from ..machine.running import Machine
from ..rootvg import SKELETON, VOLUMES
from ..session import Session
from .making import DiskSpec, Maker

_SLOT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,14}")


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


@checked
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
    origin = seeded_or_system(seed)
    machine_id = machine_id or f"00{origin.entropy('machine id', 3).hex()}4c00".upper()
    whole, problems = scan_trees(list(trees), origin=origin)
    parts, parted = _split(whole)
    problems += parted
    existed = Path(path).exists()
    folder = Folder.create(path)
    maker = Maker(origin, machine_id, parts, problems)
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
            Session(machine, problems.append).boot()
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
    names = [expect(disk, DiskSpec, "a DiskSpec").name for disk in disks]
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
