"""The superblock: found, checked field by field, and what its state says about the file system.

Source: [jfs2 1.1 to 1.3, 2.2, invariants 1 to 12].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused, UnsupportedFeature
from ...oneline import one_line
from ...units import SECTOR, ceil_div
from ..dialect import Dialect, dialect_of_magic
from ..geometry import (
    BLOCK_MAP_OFFSET,
    BLOCKS_PER_DMAP,
    EXTENT_BYTES,
    FSCK_LOG_PAGES,
    MAX_BLOCKS,
    PAGE,
    SUPERBLOCK2_OFFSET,
    SUPERBLOCK_OFFSET,
    Geometry,
)
from ..volume import Volume

CLEAN, MOUNT, FSERROR, LOGREDO_ERROR, EXTENDFS, SHRINKFS = 0, 0x1, 0x2, 0x4, 0x8, 0x20
CLEAN_QUIESCED, QUIESCED = 0x1000, 0x2000

STATES = {
    MOUNT: "not cleanly unmounted; shown as it stands, before any replay of the log",
    FSERROR: "marked dirty: a change was interrupted or a metadata error was seen; fsck is due",
    LOGREDO_ERROR: "marked: replay of the log failed; fsck is due",
    EXTENDFS: "marked: an extension of the file system was interrupted",
    0x10: "marked: moving the inline log was interrupted",
    0x20: "marked: shrinking the file system was interrupted",
    0x40: "marked: an I/O error of the log",
    0x80: "marked: the log is unusable",
    CLEAN_QUIESCED: "taken while frozen; consistent",
    QUIESCED: "taken while frozen with deleted files still open; its maps are due for a rebuild",
}
"""What the bits of `s_state` mean."""

GROUP_COMMIT, INLINE_LOG = 0x100, 0x800
"""Bits of `s_flag` that both dialects have."""

SNAPSHOT_STORAGE_OFFSET, SNAPSHOT_STORAGE_MAGIC = 0x1000, b"J2SS"
FEATURE_VIX, FEATURE_LOCK = 1 << 2, 1 << 61


class Superblock(NamedTuple):
    """A superblock that makes sense.

    Attributes:
        dialect: the dialect that its magic says.
        offset: byte offset of the copy that was used.
        values: all fields, by published name.
        geometry: places and sizes that follow from it.
        problems: what is wrong with fields that reading files does not need.
    """

    dialect: Dialect
    offset: int
    values: Any
    geometry: Geometry
    problems: tuple[str, ...]

    def __repr__(self) -> str:
        return one_line(self)

    @property
    def state(self) -> int:
        """`s_state`; 0 is clean."""
        return int(self.values["s_state"])

    @property
    def flag(self) -> int:
        """`s_flag`."""
        return int(self.values["s_flag"])

    @property
    def is_clean(self) -> bool:
        """Unmounted or frozen with right maps: nothing has to be replayed."""
        return self.state in (CLEAN, CLEAN_QUIESCED)

    def feature(self, word: str) -> int:
        """A word of feature bits; 0 where the dialect has none."""
        return _feature(self.dialect, self.values, word)

    @property
    def indexed_directories(self) -> bool:
        """Whether directory entries carry an index (Linux dialect)."""
        return bool(self.flag & self.dialect.superblock_form.directory_index_flag)

    @property
    def variable_inode_extents(self) -> bool:
        """Whether inode extents may be shorter than 16 KiB (AIX dialect)."""
        return bool(self.feature("s_feature_incompat") & FEATURE_VIX)

    @property
    def writable_features(self) -> bool:
        """Whether it has no feature that forbids writing to those who do not know it."""
        return self.feature("s_feature_rdonly") == 0

    def volume(self, device: BlockDevice) -> Volume:
        """The blocks of the file system on `device`."""
        return Volume(device, self.dialect, self.geometry.block_size, self.geometry.blocks)


def check_unused(device: BlockDevice, *, hint: str) -> None:
    """Raise `OperationRefused`, with this hint, if there is a file system, also one that this program does not know."""
    try:
        read_superblock(device)
    except CorruptImage:
        return
    except UnsupportedFeature:
        pass
    raise OperationRefused("there is a file system", where=device.name, hint=hint)


def read_superblock(device: BlockDevice) -> Superblock:
    """The primary superblock of a device, or the secondary one where the primary makes no sense.

    Raises:
        CorruptImage: neither makes sense; the error is about the primary.
        UnsupportedFeature: the file system uses a feature that nobody may ignore.
    """
    try:
        return _read(device, SUPERBLOCK_OFFSET)
    except CorruptImage as error:
        try:
            second = _read(device, SUPERBLOCK2_OFFSET)
        except CorruptImage:
            _refuse_snapshot_storage(device)
            raise error from None
        note = f"primary superblock: {error.what}; the secondary one is used"
        return Superblock(second.dialect, second.offset, second.values, second.geometry, (note, *second.problems))


def _refuse_snapshot_storage(device: BlockDevice) -> None:
    """Name a volume that stores the snapshots of another one [jfs2 2.12]."""
    at = SNAPSHOT_STORAGE_OFFSET
    if device.size >= at + SECTOR and device.read(at, 4).tobytes() == SNAPSHOT_STORAGE_MAGIC:
        raise UnsupportedFeature(
            f"stores the snapshots of another file system ({SNAPSHOT_STORAGE_MAGIC.decode()} at byte {at:#x}), "
            "and is no file system itself",
            where=device.name,
        )


def _read(device: BlockDevice, offset: int) -> Superblock:
    if device.size < offset + PAGE:
        raise CorruptImage(
            "j2_superblock",
            offset=offset,
            expected="a file system of at least 16 MiB",
            found=f"a device of {device.size} bytes",
            where=device.name,
        )
    raw = device.read(offset, PAGE)
    magic = raw[:4].tobytes()
    dialect = dialect_of_magic(magic)
    if dialect is None:
        raise CorruptImage(
            "j2_superblock", "s_magic", offset=offset, expected="J2FS or JFS1", found=repr(magic)[1:], where=device.name
        )
    record = dialect.structures.superblock
    values = record.parse(raw, offset=offset, where=device.name)

    def error(field: str, expected: object, found: object) -> CorruptImage:
        return CorruptImage(
            record.name,
            field,
            offset=offset + record.offset_of(field),
            expected=expected,
            found=found,
            where=device.name,
        )

    for field, valid, expected in _sizes(dialect, values, device.size):
        if not valid:
            raise error(field, expected, values[field])
    geometry = _geometry(dialect, values, device.size)
    if not geometry.first_free < geometry.blocks <= MAX_BLOCKS:
        raise error("s_size", "room for the maps, at most 2^40 blocks", values["s_size"])
    if values["s_agsize"] != geometry.ag_size:
        raise error("s_agsize", geometry.ag_size, values["s_agsize"])
    _check_features(dialect, values, device.name)
    problems = [
        error(field, expected, found).what for field, valid, expected, found in _others(dialect, values, geometry)
        if not valid
    ]  # fmt: skip
    return Superblock(dialect, offset, values, geometry, tuple(problems))


def _sizes(dialect: Dialect, v: Any, device_size: int) -> Iterator[tuple[str, bool, object]]:
    """(field, whether it is right, what was expected) of the fields that everything else rests on."""
    yield "s_version", v["s_version"] in (1, 2), "1 or 2"
    form, bsize, flag = dialect.superblock_form, v["s_bsize"], v["s_flag"]
    yield "s_bsize", bsize in form.block_sizes, " or ".join(map(str, form.block_sizes))
    yield "s_l2bsize", 1 << (v["s_l2bsize"] & 63) == bsize, f"log2 of {bsize}"
    yield "s_pbsize", v["s_pbsize"] == SECTOR, SECTOR
    yield "s_l2pbsize", v["s_l2pbsize"] == 9, 9
    yield "s_l2bfactor", SECTOR << (v["s_l2bfactor"] & 63) == bsize, f"log2 of {bsize // SECTOR}"
    yield "s_size", 0 < v["s_size"] <= device_size // SECTOR, f"at most the device, {device_size // SECTOR} sectors"
    yield "s_size", v["s_size"] % (bsize // SECTOR) == 0, f"a multiple of {bsize // SECTOR}"
    if form.platform_flags:
        yield "s_flag", bool(flag & form.platform_flags), "the Linux or OS/2 bit"
        yield "s_flag", not flag & ~form.known_flags, f"no bits outside {form.known_flags:#x}"


def _geometry(dialect: Dialect, v: Any, device_size: int) -> Geometry:
    blocks = v["s_size"] * SECTOR // v["s_bsize"]
    # a resize leaves the second tables where they are, and s_xsize set [jfs2 3.13]
    second = [
        _address(v[name]) if v["s_xsize"] and name in v and _address(v[name]) * v["s_bsize"] > BLOCK_MAP_OFFSET else 0
        for name in ("s_ait2", "s_aim2")
    ]
    if any(at + EXTENT_BYTES // v["s_bsize"] > blocks for at in second):
        second = [0, 0]
    return Geometry(
        volume=device_size,
        block_size=v["s_bsize"],
        log_blocks=v["s_logpxd"]["len"],
        has_aim2=dialect.has_aim2,
        blocks=blocks,
        fsck_blocks=v["s_fsckpxd"]["len"],
        log_address=_address(v["s_logpxd"]),
        ag_log2=13 if blocks < BLOCKS_PER_DMAP * 128 else (blocks - 1).bit_length() - 7,
        second_table=second[0],
        second_map=second[1],
    )


def _check_features(dialect: Dialect, v: Any, where: str) -> None:
    for bit, what in dialect.superblock_form.refused_flags.items():
        if v["s_flag"] & bit:
            raise UnsupportedFeature(what, where=where)
    incompat = _feature(dialect, v, "s_feature_incompat")
    if incompat & FEATURE_LOCK:
        name = v["s_feature_lock"]
        raise UnsupportedFeature(f"feature lock held by {name!r} (s_feature_incompat bit 61)", where=where)
    if unknown := incompat & ~dialect.superblock_form.feature_words.get("s_feature_incompat", 0):
        raise UnsupportedFeature(
            f"unknown incompatible features {unknown:#x} (s_feature_incompat)", where=where,
            hint="what AIX added after the published headers, as encryption (EFS), is marked by bits like this",
        )  # fmt: skip


def _others(dialect: Dialect, v: Any, g: Geometry) -> Iterator[tuple[str, bool, object, object]]:
    """(field, whether it is right, expected, found) of what reading files does not need."""
    bpp, bsize = g.blocks_per_page, g.block_size
    form, flag = dialect.superblock_form, v["s_flag"]
    commits = bool(flag & GROUP_COMMIT) and not flag & ~form.known_flags
    yield "s_flag", commits, "group commit and no unknown bits", f"{flag:#x}"
    fsck = v["s_fsckpxd"]
    expected = bpp * (ceil_div(g.blocks + fsck["len"], 8 * PAGE) + 1 + FSCK_LOG_PAGES)
    right = _address(fsck) == g.blocks and fsck["len"] == expected
    yield "s_fsckpxd", right, f"{expected}@{g.blocks}", _pxd(fsck)
    log = v["s_logpxd"]
    if flag & INLINE_LOG:
        start, room = g.blocks + fsck["len"], g.volume // bsize
        right = _address(log) == start and 0 < log["len"] <= room - start
        yield "s_logpxd", right, f"an inline log at block {start}, inside the device", _pxd(log)
    else:
        yield "s_logpxd", _pxd(log) == "0@0", "0@0, since the log is external", _pxd(log)
    yield "s_fscklog", v["s_fscklog"] in (0, 1, 2), "0, 1 or 2", v["s_fscklog"]
    yield "s_fsckloglen", v["s_fsckloglen"] == FSCK_LOG_PAGES * bpp, FSCK_LOG_PAGES * bpp, v["s_fsckloglen"]
    for field in form.table_places:
        address, length = g.table_places[field]
        yield field, _pxd(v[field]) == f"{length}@{address}", f"{length}@{address}", _pxd(v[field])
    if not form.feature_words:
        return
    used = any(v[field] for field in form.feature_words)
    yield "s_version", (v["s_version"] == 2) == used, "2 with features, else 1", v["s_version"]
    for field, known in form.feature_words.items():
        text = "known bits; only reading is possible" if field == "s_feature_rdonly" else "known bits"
        yield field, not v[field] & ~known, text, f"{v[field]:#x}"


def _feature(dialect: Dialect, values: Any, word: str) -> int:
    return int(values[word]) if word in dialect.superblock_form.feature_words else 0


def _address(pxd: Any) -> int:
    return int(pxd["addr_hi"]) << 32 | int(pxd["addr_lo"])


def _pxd(pxd: Any) -> str:
    return f"{pxd['len']}@{_address(pxd)}"


def describe_state(state: int) -> list[str]:
    """What the bits of `s_state` say, a line each; nothing for a clean file system."""
    lines = [text for bit, text in STATES.items() if state & bit]
    if unknown := state & ~sum(STATES):
        lines.append(f"s_state has unknown bits {unknown:#x}")
    return lines
