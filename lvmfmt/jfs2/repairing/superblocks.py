"""Both superblocks: the copy that makes sense, with every field that follows from others as it follows.

Source: [jfs2 1.1 to 1.3, invariants 1 to 13, 87, 88].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...block import BlockDevice
from ...block.overlay import Overlay
from ...errors import CorruptImage, LvmfmtError, UnsupportedFeature
from ...layout.jfs2.j2 import QUOTA_HEAD, QUOTA_MARK
from ...units import SECTOR, ceil_div
from ..access.filesystem import FileSystem
from ..checking.superblock_checks import MAY_DIFFER
from ..dialect import Dialect, dialect_of_magic
from ..geometry import (
    BLOCKS_PER_DMAP,
    FSCK_LOG_PAGES,
    PAGE,
    SUPERBLOCK2_OFFSET,
    SUPERBLOCK_OFFSET,
)
from ..log.format import MIN_PAGES, is_log
from ..superblock import (
    GROUP_COMMIT,
    INLINE_LOG,
    Superblock,
    read_superblock,
)
from .fixes import Plan

_PLACES = (SUPERBLOCK_OFFSET, SUPERBLOCK2_OFFSET)


def usable_superblock(device: Overlay) -> Superblock:
    """A superblock that makes sense, if need be after its sizes were derived from one another.

    Raises:
        CorruptImage: neither copy makes sense: there is nothing to repair from.
        UnsupportedFeature: the file system uses a feature that nobody may ignore.
    """
    try:
        return read_superblock(device)
    except CorruptImage:
        for place in _PLACES:
            if place + PAGE > device.size:
                break
            trial = Overlay(device)
            page = device.read(place, PAGE)
            dialect = dialect_of_magic(page[:4].tobytes())
            if dialect is None:
                continue
            _derive_sizes(dialect.structures.superblock.table(page, 1), dialect)
            trial.write(place, page)
            try:
                found = read_superblock(trial)
            except CorruptImage:
                continue
            device.write(place, page)
            return found
        raise


def _derive_sizes(row: Any, dialect: Dialect) -> None:
    """Sizes that say the same as the block size and the number of blocks."""
    sizes, size = dialect.superblock_form.block_sizes, int(row["s_bsize"][0])
    if len(sizes) == 1:
        [size] = sizes
    elif size not in sizes and 9 <= int(row["s_l2bsize"][0]) <= 12:
        size = 1 << int(row["s_l2bsize"][0])
    if size not in sizes:
        return
    log2 = size.bit_length() - 1
    blocks = max(int(row["s_size"][0]), 0) * SECTOR // size
    row["s_bsize"], row["s_l2bsize"], row["s_pbsize"], row["s_l2pbsize"], row["s_l2bfactor"] = (
        size,
        log2,
        512,
        9,
        log2 - 9,
    )
    row["s_agsize"] = 1 << min(13 if blocks < BLOCKS_PER_DMAP * 128 else (blocks - 1).bit_length() - 7, 31)
    if int(row["s_version"][0]) not in (1, 2):
        row["s_version"] = 1


def mend_superblocks(device: Overlay, superblock: Superblock, plan: Plan) -> Superblock:
    """Put both copies right in the overlay, all but the state; returns the primary one.

    Raises:
        UnsupportedFeature: it has snapshots, which a writer must know about.
    """
    return _Mender(device, superblock, plan).mend()


class _Mender:
    def __init__(self, device: Overlay, superblock: Superblock, plan: Plan) -> None:
        self.device, self.superblock, self.plan = device, superblock, plan
        self.dialect, self.geometry = superblock.dialect, superblock.geometry
        self.form = self.dialect.superblock_form
        self.record = self.dialect.structures.superblock
        self.page = device.read(superblock.offset, PAGE)
        self.row = self.record.table(self.page, 1)
        self.titles = {SUPERBLOCK_OFFSET: "primary superblock", SUPERBLOCK2_OFFSET: "secondary superblock"}

    def mend(self) -> Superblock:
        g, title = self.geometry, self.titles[self.superblock.offset]
        if self.superblock.offset != SUPERBLOCK_OFFSET:
            self.plan.add("superblock", "the primary superblock is taken from the secondary one")
            self._keep_what_only_the_primary_has()
        pages = FSCK_LOG_PAGES * g.blocks_per_page
        derived: list[tuple[str, int]] = [("s_fsckloglen", pages)]
        if not self.row["s_flag"][0] & GROUP_COMMIT:
            derived.append(("s_flag", int(self.row["s_flag"][0]) | GROUP_COMMIT))
        if int(self.row["s_fscklog"][0]) not in (0, 1, 2):
            derived.append(("s_fscklog", 0))
        for field, value in derived:
            self._set(field, value, "superblock", title)
        if self.form.feature_words:
            self._features(title)
        self._work_space(title)
        self._log_place(title)
        self._tables(title)
        self.device.write(SUPERBLOCK_OFFSET, self.page)
        self._secondary()
        result = read_superblock(self.device)
        return self._quota(result, title)

    def _keep_what_only_the_primary_has(self) -> None:
        """What a mount writes into the primary superblock only, where that can still be told."""
        old = self.record.table(self.device.read(SUPERBLOCK_OFFSET, PAGE), 1)
        if old["s_magic"][0] == self.dialect.magic:
            for field in MAY_DIFFER:
                if field in (self.record.dtype.names or ()):
                    self.row[field] = old[field]

    def _set(self, field: str, value: Any, kind: str, title: str) -> None:
        if self.row[field][0] != value:
            self.plan.add(kind, f"{title}: {field} is {self.row[field][0]}, becomes {value}")
            self.row[field] = value

    def _place(self, field: str, address: int, length: int, title: str) -> None:
        old_length, old_address = (int(value[0]) for value in self.dialect.get_pxd(self.row[field]))
        if (old_address, old_length) != (address, length):
            text = f"{title}: {field} is {old_length}@{old_address}, becomes {length}@{address}"
            self.plan.add("superblock", text)
            self.dialect.put_pxd(self.row[field], slice(None), address, length)

    def _features(self, title: str) -> None:
        for field, known in self.form.feature_words.items():
            value = int(self.row[field][0])
            if not (unknown := value & ~known):
                continue
            if field == "s_feature_rdonly":
                raise UnsupportedFeature(
                    f"writing with unknown features {unknown:#x} (s_feature_rdonly)", where=self.device.name
                )
            self._set(field, value & known, "superblock-features", title)
        self._snapshots(title)
        used = any(int(self.row[field][0]) for field in self.form.feature_words)
        self._set("s_version", 2 if used else 1, "superblock", title)

    def _snapshots(self, title: str) -> None:
        """A count of snapshots without a generation that describes one is none."""
        series = self.row["s_snapshotSeries"][0]
        if not int(self.row["s_feature_rdonly"][0]) & 1 or series["nSnapshot"] == 0:
            return
        if series["generation"].tobytes().strip(b"\0"):
            raise UnsupportedFeature("repairing a file system with snapshots", where=self.device.name)
        text = f"{title}: {series['nSnapshot']} snapshots are counted, none is described; becomes 0"
        self.plan.add("superblock-features", text)
        series["nSnapshot"] = 0

    def _work_space(self, title: str) -> None:
        g, bpp, length = self.geometry, self.geometry.blocks_per_page, 0
        for _ in range(4):  # its own bits are counted too, which settles at once
            length = bpp * (ceil_div(g.blocks + length, 8 * PAGE) + 1 + FSCK_LOG_PAGES)
        self._place("s_fsckpxd", g.blocks, length, title)

    def _log_place(self, title: str) -> None:
        g, size = self.geometry, self.geometry.block_size
        length, address = (int(value[0]) for value in self.dialect.get_pxd(self.row["s_logpxd"]))
        work = int(self.dialect.get_pxd(self.row["s_fsckpxd"])[0][0])
        start, room = g.blocks + work, self.device.size // size
        flag = int(self.row["s_flag"][0])
        if not flag & INLINE_LOG:
            if not (address or length):
                return
            if not is_log(self.device, self.dialect, start * size):
                self._place("s_logpxd", 0, 0, title)
                return
            self._set("s_flag", flag | INLINE_LOG, "superblock", title)
        if address == start and 0 < length <= room - start:
            return
        if not 0 < length <= room - start:
            length = room - start
        if length * size < MIN_PAGES * PAGE:
            raise CorruptImage(
                self.record.name, "s_logpxd", offset=self.superblock.offset, expected="room for the inline log",
                found=f"{length} blocks", where=self.device.name,
            )  # fmt: skip
        self._place("s_logpxd", start, length, title)

    def _tables(self, title: str) -> None:
        """The second tables lie behind the block map; a place that cannot be becomes the one that mkfs computes."""
        g, size = self.geometry, self.geometry.block_size
        for field in self.form.table_places:
            address, length = g.table_places[field]
            if field == "s_ait":
                self._place(field, address, length, title)
                continue
            found, at = (int(value[0]) for value in self.dialect.get_pxd(self.row[field]))
            if found != length or not SUPERBLOCK2_OFFSET + PAGE < at * size <= (g.blocks - length) * size:
                inside = SUPERBLOCK2_OFFSET + PAGE < at * size <= (g.blocks - length) * size
                self._place(field, at if inside else address, length, title)

    def _secondary(self) -> None:
        page = self.device.read(SUPERBLOCK2_OFFSET, PAGE)
        other, names = self.record.table(page, 1), self.record.dtype.names or ()
        sound = other["s_magic"][0] == self.dialect.magic
        different = [f for f in names if not (sound and f in MAY_DIFFER) and not np.array_equal(self.row[f], other[f])]
        if not different:
            return
        self.plan.add("superblock", f"the secondary superblock gets {', '.join(different)} of the primary one")
        for field in different:
            other[field] = self.row[field]
        self.device.write(SUPERBLOCK2_OFFSET, page)

    def _quota(self, superblock: Superblock, title: str) -> Superblock:
        flag = int(self.row["s_flag"][0])
        for bit, path in self.form.quota_files.items():
            if flag & bit and not _is_quota_file(self.device, path):
                text = f"{title}: quotas are marked, but {path} is no quota file; the mark is removed"
                self.plan.add("superblock-features", text)
                flag &= ~bit
        if flag == int(self.row["s_flag"][0]):
            return superblock
        for place in _PLACES:
            page = self.device.read(place, PAGE)
            self.record.table(page, 1)["s_flag"] = flag
            self.device.write(place, page)
        return read_superblock(self.device)


def _is_quota_file(device: BlockDevice, path: str) -> bool:
    try:
        head = QUOTA_HEAD.parse(FileSystem.open(device).read(path, 0, QUOTA_HEAD.size))
    except LvmfmtError:
        return False
    return (head.magic, head.version) == QUOTA_MARK


def set_state(device: BlockDevice, superblock: Superblock, state: int) -> None:
    """Write `s_state` of the primary superblock."""
    at = SUPERBLOCK_OFFSET + superblock.dialect.structures.superblock.offset_of("s_state")
    device.write(at, np.array([state], f"{superblock.dialect.order}u4"))
