"""The aggregate's own metadata: aggregate inode table and map, and both superblocks.

Source: [jfs2 1.2, 2.2, 2.6, 3.1].
"""

from __future__ import annotations

import stat
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ..dialect import Dialect
from ..dialect.inode_form import JOURNAL, SPARSE
from ..geometry import (
    AIM_OFFSET,
    AIT_OFFSET,
    FSCK_LOG_PAGES,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    PAGE,
    SUPERBLOCK2_OFFSET,
    SUPERBLOCK_OFFSET,
    Geometry,
)
from ..inodes.inode_table import AGGREGATE, FILESET, set_extent, set_generator, system_inodes
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT
from ..nodes.inode_group import group_pages, link_groups
from ..superblock import CLEAN
from ..superblock.format_options import ExternalLog, Features, Identity, Log, superblock_flag
from ..superblock.identity import IdentityChange
from .dtree_build import Directories

AGGREGATE_INODES = (1, 2, 3, 4, FILESET)
"""Inode map, block map, log, bad blocks, fileset map."""
SECOND_COPY = 32
"""AIX: the copies of the aggregate inodes have these numbers plus 32, in the second extent of the table."""
ZOMBIES = 5
"""AIX with EAv2: the directory where attribute objects wait to be deleted."""
COMPAT_VIX, INCOMPAT_EAV2 = 1, 2


@dataclass(frozen=True)
class ImapFile:
    """The fileset inode map as a file: root area of its extent tree, bytes, and blocks with its tree pages."""

    root: NDArray[np.uint8]
    size: int
    blocks: int


def write_aggregate(
    device: BlockDevice,
    geometry: Geometry,
    dialect: Dialect,
    *,
    now: int,
    imap: ImapFile,
    next_generation: int,
    features: Features,
) -> None:
    """Write the aggregate inode table and its map, with their second copies.

    Args:
        device: the volume.
        geometry: of the file system.
        dialect: structures.
        now: instant in nanoseconds.
        imap: the fileset inode map as a file.
        next_generation: what the fileset's generation generator stands at.
        features: extended attributes of version 2 bring the directory of zombies.
    """
    zombies = features.ea == 2 and bool(dialect.superblock_form.feature_words)
    extents = np.zeros(128, np.int64)
    used = np.zeros(INODES_PER_IAG, bool)
    extents[0] = AIT_OFFSET // geometry.block_size
    used[[0, *AGGREGATE_INODES]] = True
    used[ZOMBIES] = zombies
    if not geometry.has_aim2:
        extents[1] = geometry.ait2
        used[SECOND_COPY : 2 * SECOND_COPY] = used[:SECOND_COPY]
    for copy in (0, 1):
        table = _aggregate_inodes(geometry, dialect, now, imap, next_generation, copy)
        if zombies:
            _add_zombies(geometry, dialect, table, now, copy)
        place = geometry.ait2 * geometry.block_size if copy else AIT_OFFSET
        device.write(place, table)
        if copy and not geometry.has_aim2:
            continue  # one map describes both extents
        if copy:
            extents[0] = geometry.ait2
        iag = group_pages(dialect, geometry, used, extents)
        # the map of the aggregate itself is in allocation group 0 with no lists: its links and heads stay as formatted
        control = link_groups(dialect, geometry, iag)
        for link in ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback"):
            iag[link] = -1
        iag["agstart"] = 0
        at = geometry.aim2 * geometry.block_size if copy else AIM_OFFSET
        device.write(at, control)
        device.write(at + PAGE, iag)


def _aggregate_inodes(
    geometry: Geometry, dialect: Dialect, now: int, imap: ImapFile, next_generation: int, copy: int
) -> Any:
    table = dialect.structures.inode.empty_table(INODES_PER_EXTENT)
    shift = SECOND_COPY if copy and not geometry.has_aim2 else 0
    numbers = [n + shift for n in AGGREGATE_INODES]
    table[list(AGGREGATE_INODES)] = system_inodes(dialect, numbers, fileset=AGGREGATE, now=now)
    bpp = geometry.blocks_per_page
    aim = geometry.aim2 if copy and geometry.has_aim2 else AIM_OFFSET // geometry.block_size
    for number, address, pages in (
        (1, aim, 2),
        (2, geometry.map_address, geometry.map_pages),
    ):
        table["di_size"][number] = pages * PAGE
        table["di_nblocks"][number] = pages * bpp
        set_extent(dialect, table["root"][number], address, pages * bpp)
    table["di_size"][FILESET], table["di_nblocks"][FILESET] = imap.size, imap.blocks
    table["root"][FILESET] = imap.root
    table["di_mode"][4] |= SPARSE
    table["di_mode"][[1, 2, 3, FILESET]] |= dialect.inode_form.map_mode
    table["di_nlink"][0] = dialect.inode_form.links_of_inode_0
    place = geometry.ait2 if copy else AIT_OFFSET // geometry.block_size
    rows = list(AGGREGATE_INODES)
    dialect.put_pxd(table["di_ixpxd"], rows, place, geometry.blocks_per_extent)
    set_generator(dialect, table[1], 1)
    set_generator(dialect, table[FILESET], next_generation)
    return table


def _add_zombies(geometry: Geometry, dialect: Dialect, table: Any, now: int, copy: int) -> None:
    """The empty directory of zombies, and its copy. Its number is published, its content is ours (grade C)."""
    number = ZOMBIES + (SECOND_COPY if copy else 0)
    [row] = system_inodes(dialect, [number], fileset=AGGREGATE, now=now)
    row["di_mode"] = stat.S_IFDIR | JOURNAL | 0o700
    row["di_nlink"] = 2
    row["di_size"] = DIRECTORY_SIZE_OF_ROOT
    none, itself = np.zeros(0, np.int64), np.array([number])
    [row["root"]], _ = Directories(dialect, itself, itself, none, none, []).render(none, geometry.blocks_per_page)
    table[ZOMBIES] = row
    place = geometry.ait2 if copy else AIT_OFFSET // geometry.block_size
    dialect.put_pxd(table["di_ixpxd"], ZOMBIES, place, geometry.blocks_per_extent)


def build_superblock(
    geometry: Geometry, dialect: Dialect, *, now: int, log: Log, identity: Identity, features: Features
) -> bytes:
    """The superblock page of a clean file system, 4096 bytes."""
    d = dialect
    record = d.structures.superblock
    table = record.empty_table(1)
    row = table[0]
    l2 = geometry.block_size.bit_length() - 1
    values: dict[str, Any] = {
        "s_magic": d.magic,
        "s_version": 1,
        "s_size": geometry.blocks << (l2 - 9),
        "s_bsize": geometry.block_size,
        "s_l2bsize": l2,
        "s_pbsize": 512,
        "s_l2pbsize": 9,
        "s_l2bfactor": l2 - 9,
        "s_agsize": geometry.ag_size,
        "s_flag": superblock_flag(d, log, features),
        "s_state": CLEAN,
        "s_fsckloglen": FSCK_LOG_PAGES * geometry.blocks_per_page,
    }
    places = {field: geometry.table_places[field] for field in d.superblock_form.table_places} | {
        "s_fsckpxd": (geometry.fsck_address, geometry.fsck_blocks),
        "s_logpxd": (geometry.log_address, geometry.log_blocks),
    }
    d.put_time(table["s_time"], now)
    if d.superblock_form.feature_words and features.version == 2:
        values |= {"s_version": 2, "s_feature_compat": COMPAT_VIX}
        values["s_feature_incompat"] = INCOMPAT_EAV2 if features.ea == 2 else 0
    external = log if isinstance(log, ExternalLog) else None
    if external:
        values["s_version"] = max(values["s_version"], d.superblock_form.external_log_version)
    names = asdict(identity) | {"log_device": log.device, "log_uuid": external.uuid if external else None}
    values |= IdentityChange(**names).stored(d)
    for name, value in values.items():
        row[name] = value
    for name, (address, length) in places.items():
        d.put_pxd(table[name], slice(None), address, length)
    return table.tobytes().ljust(PAGE, b"\0")


def write_superblocks(device: BlockDevice, page: bytes) -> None:
    """Write the secondary superblock, then the primary, with a barrier before each."""
    for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET):
        device.flush()
        device.write(offset, page)
    device.flush()
