"""Building a whole file system from an inventory, in one pass over its data.

Inode numbers, trees and addresses are computed from the inventory's arrays; then metadata is written in large
sequential runs, inode extents IAG by IAG, and file data by a copy plan. The superblocks come last, so that a file
system that was not finished has no valid magic [jfs2 1.4].
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...arguments import expect
from ...block import BlockDevice, DeviceLike, opened
from ...escaping import escaped
from ...origin import FixedOrigin, Origin, origin_or_system
from ...units import MIB, align_up
from ..dialect import AIX, Dialect
from ..geometry import MIN_VOLUME, PAGE, SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET, Geometry
from ..inventory.arrays import Inventory
from ..inventory.builder import InventoryBuilder
from ..inventory.left_out import LeftOut
from ..log.format import format_log
from ..maps.block_map import BlockMapWriter
from ..maps.map_file import MapFile
from ..superblock.format_options import ExternalLog, Features, Identity, InlineLog, Log, log_bytes, superblock_flag
from ..volume import Volume
from .aggregate import build_superblock, write_aggregate, write_superblocks
from .placement import TreePlacement
from .tree_writer import TreeWriter

VOLUME_MANAGER_BYTES = 512
"""Start of the volume that belongs to the volume manager (LVCB); never written by a file system."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class BuildReport:
    """What was built."""

    inodes: int
    bytes_copied: int
    blocks: int
    free_blocks: int
    problems: tuple[str, ...] = ()
    """What of the inventory or its source could not be kept, a line each."""


def build(
    device: DeviceLike,
    inventory: Inventory,
    *,
    dialect: Dialect = AIX,
    origin: Origin | None = None,
    block_size: int = PAGE,
    log: Log | None = None,
    identity: Identity | None = None,
    features: Features | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Make a file system on `device` that holds the tree of `inventory`.

    Whatever the device held is gone, except its first 512 bytes, which belong to the volume manager.

    Args:
        device: the volume.
        inventory: the tree; a single empty root directory makes an empty file system.
        dialect: AIX (`J2FS`) or LINUX (`JFS1`, block size 4096 only).
        origin: time of creation and identity; by default those of the system.
        block_size: 512, 1024, 2048 or 4096.
        log: where the log is; by default inline with the dialect's default size.
        identity: names in the superblock; by default none, and a UUID made by `origin` where the dialect has one.
        features: what it may have beyond the oldest form.
        progress: told how many more bytes of file data are copied.

    Returns:
        What was built; `Inventory`'s problems of sources that changed are told by who scanned them.

    Raises:
        NoSpace: the volume is too small; the message says how much is needed.
        OperationRefused: the inventory is not a tree, or a value cannot be represented.
    """
    origin = origin_or_system(origin)
    now, identity = origin.now(), _identity(identity, dialect, origin)
    with opened(device, writable=True) as target:
        return _build(target, inventory, dialect, now, block_size, log, identity, features, progress)


def _identity(identity: Identity | None, dialect: Dialect, origin: Origin) -> Identity:
    if identity is not None:
        return expect(identity, Identity, "the identity of a file system")
    fields = expect(dialect, Dialect, "a dialect, AIX or LINUX").superblock_form.identity_fields
    return Identity(uuid=origin.entropy("uuid", 16)) if "uuid" in fields else Identity()


def _named_once(inventory: Inventory) -> tuple[Inventory, list[str]]:
    """The tree without entries that have the name of another one, as a damaged source may, and what that leaves out."""
    twice = inventory.named_twice()
    if not twice.any():
        return inventory, []
    paths = inventory.entry_paths()
    named = (escaped(paths[row]) for row in np.flatnonzero(twice).tolist())
    return inventory.select(~twice), [LeftOut(f"{name}: an entry has this name, left out") for name in named]


def _build(
    device: BlockDevice,
    inventory: Inventory,
    dialect: Dialect,
    now: int,
    block_size: int,
    log: Log | None,
    identity: Identity,
    features: Features | None,
    progress: Progress | None,
) -> BuildReport:
    log = expect(InlineLog() if log is None else log, (InlineLog, ExternalLog), "a log, InlineLog() or ExternalLog()")
    features = expect(Features() if features is None else features, Features, "features of a file system")
    inventory, problems = _named_once(inventory)
    plan = TreePlacement(inventory, dialect, block_size, now, indexed=features.directory_index)
    geometry = Geometry.of(
        device.size, block_size, log_bytes=log_bytes(dialect, log, device.size), has_aim2=dialect.has_aim2
    )
    plan.place(geometry)
    device.write(SUPERBLOCK_OFFSET, bytes(PAGE))
    device.write(SUPERBLOCK2_OFFSET, bytes(PAGE))
    device.flush()
    device.write(VOLUME_MANAGER_BYTES, bytes(SUPERBLOCK_OFFSET - VOLUME_MANAGER_BYTES))
    writer = TreeWriter(plan)
    writer.write_trees(device)
    writer.write_inodes(device)
    volume = Volume(device, dialect, block_size, geometry.blocks)
    map_file = MapFile.of_pieces(volume, [(geometry.map_address, geometry.map_end - geometry.map_address)])
    totals = BlockMapWriter(map_file, geometry, plan.used_blocks(), anew=True).write()
    write_aggregate(
        device,
        geometry,
        dialect,
        now=now,
        imap=plan.imap_file(),
        next_generation=(plan.generation + len(plan.numbering.order)) & 0xFFFFFFFF,
        features=features,
    )
    if isinstance(log, InlineLog):
        format_log(
            device,
            dialect,
            offset=geometry.log_address * block_size,
            length=geometry.log_blocks * block_size,
            flag=superblock_flag(dialect, log, features),
            block_size=block_size,
        )
    copied = plan.copy_plan().execute(device, progress=progress)
    page = build_superblock(
        geometry, dialect, now=now, log=log, identity=identity, features=features
    )  # fmt: skip
    write_superblocks(device, page)
    problems = [*inventory.problems, *problems, *plan.attributes.problems]
    return BuildReport(len(plan.inventory.inodes), copied.bytes_copied, geometry.blocks, totals.free, tuple(problems))


def mkfs(
    device: DeviceLike,
    *,
    dialect: Dialect = AIX,
    origin: Origin | None = None,
    block_size: int = PAGE,
    log: Log | None = None,
    identity: Identity | None = None,
    features: Features | None = None,
) -> BuildReport:
    """Make an empty file system: a build with nothing in it. AIX: with `lost+found`, as it has it from the start.

    Both superblocks go first and come last: a stop leaves what was there before, which a repair finds by the second
    superblock, or no file system, or the new one; made again, it is the new one.

    In the Linux dialect, with `directory_index`, the bytes are those of `jfs_mkfs` at the same instant with the same
    identity, but for bytes that it does not set: of empty log pages, and `s_loguuid` of an inline log.
    Arguments and errors as `build`.
    """
    origin = origin_or_system(origin)
    now, identity = origin.now(), _identity(identity, dialect, origin)
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755, atime=now, mtime=now, ctime=now, otime=now)
    return build(
        device, tree.finish(), dialect=dialect, origin=FixedOrigin(now), block_size=block_size, log=log,
        identity=identity, features=features,
    )  # fmt: skip


def size_for(
    inventory: Inventory, *, dialect: Dialect = AIX, block_size: int = PAGE, log: Log | None = None, spare: float = 0.0
) -> int:
    """Bytes of the smallest volume, in whole MiB, that holds the tree with a share `spare` of it free."""
    log = log if log is not None else InlineLog()
    plan = TreePlacement(inventory, dialect, block_size, 0)
    need = plan.blocks_needed
    size = MIN_VOLUME
    while True:
        geometry = Geometry.of(size, block_size, log_bytes=log_bytes(dialect, log, size), has_aim2=dialect.has_aim2)
        missing = plan.end(geometry) + int(need * spare) - geometry.blocks
        if missing <= 0:
            return size
        size = align_up(size + missing * block_size, MIB)
