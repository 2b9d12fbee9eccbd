"""Changing files of a cleanly unmounted file system, without a journal.

A change is worked out in memory first, so that a refusal (no space, no such path) touches nothing. Then the
superblock is marked dirty, new data goes to blocks that were free, metadata follows, and the superblock is marked
clean again: an interruption in between is seen, and said, by the next open. Source: reference sections 3.2 to 3.5.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Buffer, Piece, PieceList
from ..block.device import byte_view
from ..errors import NotFound, OperationRefused, UnsupportedFeature
from ..units import ceil_div
from .dialect import MAX_NAME_UNITS, Dialect
from .dtree import DirectoryReader, Entry
from .dtree_build import Directories
from .geometry import MAX_FILE_SIZE, SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET
from .inode_alloc import InodeSpace
from .inode_table import FILESET, INLINE_EA, blank_inodes, mode_attributes, shorten_roots
from .inodes import Inode, InodeMap
from .space import Extents, FreeSpace
from .superblock import CLEAN, FSERROR, Superblock
from .volume import Volume
from .xtree import read_extents
from .xtree_build import ExtentTrees, FileRuns

INLINE_ATTRIBUTES = 160
"""Where, in the root area, inline extended attributes lie."""
_DXD_INLINE, _DXD_EXTENT = 0x40, 0x20


class Writer:
    """Makes changes to a file system; one change at a time.

    Args:
        volume: the file system.
        superblock: of it; clean, and without features that a writer must know.
        inodes: its inode map; reads it again after each change.
        directories: reader of its directories.

    Raises:
        UnsupportedFeature: directories with an index, inode extents of several lengths.
    """

    def __init__(self, volume: Volume, superblock: Superblock, inodes: InodeMap, directories: DirectoryReader) -> None:
        if superblock.indexed_directories:
            raise UnsupportedFeature(
                "writing to directories with an index (s_flag 0x200000)",
                where=volume.where,
                hint="it can be opened for reading",
            )
        if superblock.variable_inode_extents:
            raise UnsupportedFeature(
                "writing with inode extents of several lengths (s_feature_incompat bit 2)",
                where=volume.where,
                hint="it can be opened for reading",
            )
        self._volume = volume
        self._superblock = superblock
        self._inodes = inodes
        self._directories = directories
        self._where = volume.where
        self._depth = 0
        block_map = inodes.aggregate_inode(2)
        extents = read_extents(volume, block_map.root, at=block_map.root_at)
        block = volume.block_size
        self._map_file = PieceList(
            [Piece(volume.device, a * block, n * block) for _, n, a, _ in extents.tolist()], name=volume.where
        )

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Mark the file system dirty for the time of the block; an error leaves the mark. Blocks may nest."""
        if self._depth == 0:
            self._set_state(FSERROR)
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth = -1  # no block that is still open may mark it clean
            raise
        self._depth -= 1
        if self._depth == 0:
            self._volume.device.flush()
            self._set_state(CLEAN)

    def write_file(
        self,
        directory: Inode,
        name: bytes,
        data: Buffer,
        *,
        now: int,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Make a regular file, or give an existing one other content.

        Args:
            directory: the directory it is in.
            name: its name there.
            data: all of its content.
            now: instant in nanoseconds.
            mode: permissions; None keeps those of an existing file and gives a new one 0644.
            uid: owner; None keeps it, or 0.
            gid: group; None keeps it, or 0.

        Raises:
            NoSpace: it does not fit.
            OperationRefused: the name cannot be stored, or belongs to something that is not a regular file.
        """
        change = _Change(self)
        entries, pages = self._read_directory(directory)
        number = dict(entries).get(name)
        if number is None:
            row, at = change.new_inode(directory, stat.S_IFREG | (0o644 if mode is None else mode & 0o7777), now)
            row["di_uid"], row["di_gid"] = uid or 0, gid or 0
            change.put_data(row, data, near=change.near(row))
            change.write(at, row)
            change.put_entries(directory, [*entries, (name, int(row["di_number"][0]))], pages, now)
        else:
            inode = self._inodes.read(number)
            if inode.kind != stat.S_IFREG:
                raise OperationRefused("the name belongs to something that is not a regular file", where=self._where)
            row = inode.row.copy()
            if mode is not None:
                row["di_mode"] = row["di_mode"] & ~np.uint32(0o7777) | np.uint32(mode & 0o7777)
            row["di_uid"] = row["di_uid"] if uid is None else uid
            row["di_gid"] = row["di_gid"] if gid is None else gid
            change.touch(row, now, "di_mtime", "di_ctime")
            change.put_data(row, data, near=change.near(row))
            change.take_data(inode, row)
            change.write(inode.at, row)
        self._apply(change)

    def remove(self, directory: Inode, name: bytes, *, now: int) -> None:
        """Take a name away; what it belongs to goes with its last name.

        Raises:
            NotFound: there is no such name.
            OperationRefused: it is a directory.
            UnsupportedFeature: it has extended attributes in a form that cannot be taken back.
        """
        change = _Change(self)
        entries, pages = self._read_directory(directory)
        number = dict(entries).get(name)
        if number is None:
            raise NotFound("no such name in the directory", where=self._where)
        inode = self._inodes.read(number)
        if inode.kind == stat.S_IFDIR:
            raise OperationRefused("it is a directory", where=self._where)
        row = inode.row.copy()
        links = int(row["di_nlink"][0]) - 1
        if links == 0:  # size, blocks and times stay in the freed inode, as AIX leaves them (6.4)
            change.take_data(inode, row.copy())
            change.take_attributes(inode)
            change.inodes.release(inode.number)
        row["di_nlink"] = links
        change.touch(row, now, "di_ctime")
        change.write(inode.at, row)
        change.put_entries(directory, [entry for entry in entries if entry.name != name], pages, now)
        self._apply(change)

    def set_identity(self, names: dict[str, str | None], logdev: int | None) -> None:
        """Change names and log device in both superblocks, the second one first.

        Args:
            names: new values by field; None leaves a field alone.
            logdev: new `s_logdev`, or None.
        """
        record = self._volume.dialect.structures.superblock
        sizes = {info.name: info.size for info in record.fields()}
        values: dict[str, bytes] = {}
        for field, value in names.items():
            if value is None:
                continue
            if field not in sizes:
                raise OperationRefused(f"this dialect has no {field}", where=self._where)
            values[field] = value.encode("utf-8", "surrogateescape")[: sizes[field]].ljust(sizes[field], b"\0")
        if logdev is not None:
            if self._volume.dialect.name != "aix":
                raise OperationRefused("the Linux dialect finds its log by identity, not by device", where=self._where)
            values["s_logdev"] = logdev.to_bytes(8, "big")
        for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET):
            page = self._volume.device.read(offset, record.size)
            for field, raw in values.items():
                at = record.offset_of(field)
                page[at : at + len(raw)] = np.frombuffer(raw, np.uint8)
            self._volume.device.write(offset, page)
            self._volume.device.flush()

    def _apply(self, change: _Change) -> None:
        with self.changing():
            for at, data in (*change.inodes.writes(), *change.writes):  # new inode extents before inodes in them
                self._volume.device.write(at, data)
            change.space.write()
        self._inodes.reload()

    def _set_state(self, state: int) -> None:
        record = self._volume.dialect.structures.superblock
        at = self._superblock.offset + record.offset_of("s_state")
        self._volume.device.write(at, np.array([state], f"{self._volume.dialect.order}u4"))
        self._volume.device.flush()

    def _read_directory(self, directory: Inode) -> tuple[list[Entry], Extents]:
        """Entries of a directory, and the pages of its tree."""
        pages: Extents = []
        entries = self._directories.entries(directory.root.tobytes(), at=directory.root_at, pages=pages)
        return entries, pages


class _Change:
    """One change, worked out in memory."""

    def __init__(self, writer: Writer) -> None:
        self._volume = writer._volume
        self._geometry = writer._superblock.geometry
        self.space = FreeSpace(self._volume, self._geometry, writer._map_file)
        self.inodes = InodeSpace(writer._inodes, self._geometry, self.space)
        self.writes: list[tuple[int, Buffer]] = []

    def write(self, at: int, data: Buffer) -> None:
        """Write `data` at a byte offset of the device when the change is applied."""
        self.writes.append((at, data))

    def near(self, row: NDArray[Any]) -> int:
        """Where to look for blocks for the file with the inode `row`: at its inode."""
        return int(self._volume.dialect.get_pxd(row["di_ixpxd"])[1][0])

    def touch(self, row: NDArray[Any], now: int, *fields: str) -> None:
        """Set time stamps of an inode."""
        for field in fields:
            self._volume.dialect.put_time(row[field], now)

    def new_inode(self, directory: Inode, mode: int, now: int) -> tuple[NDArray[Any], int]:
        """An inode with one link and no content: its row, and its byte offset in the device (3.3.5)."""
        dialect = self._volume.dialect
        number = self.inodes.allocate(directory.number)
        extent, at = self.inodes.place(number)
        row = blank_inodes(
            dialect,
            np.array([number]),
            fileset=FILESET,
            stamp=int(directory.row["di_inostamp"][0]),
            generation=self.inodes.next_generation(),
        )
        dialect.put_pxd(row["di_ixpxd"], slice(None), extent, self._geometry.blocks_per_extent)
        row["di_nlink"] = 1
        modes = np.array([mode], np.uint32)
        row["di_mode"] = modes | mode_attributes(dialect, modes)
        self.touch(row, now, "di_atime", "di_mtime", "di_ctime", "di_otime")
        return row, at

    def put_data(self, row: NDArray[Any], data: Buffer, *, near: int) -> None:
        """Point the inode `row` to blocks with the bytes of `data`, and count them."""
        dialect, volume = self._volume.dialect, self._volume
        view = byte_view(data)
        if len(view) > MAX_FILE_SIZE:
            raise OperationRefused(f"{len(view)} bytes are more than a file may have", where=volume.where)
        extents, trees, first = self._allocate_file(ceil_div(len(view), volume.block_size), near)
        at = 0
        for address, length in extents:
            part = view[at * volume.block_size : (at + length) * volume.block_size]
            self.write(address * volume.block_size, part)
            if padding := length * volume.block_size - len(part):
                self.write(address * volume.block_size + len(part), bytes(padding))
            at += length
        pages, bpp = int(trees.page_counts[0]), volume.blocks_per_page
        if pages:
            self.write(first * volume.block_size, trees.pages(0, first, bpp))
        root = trees.roots(0, 1, np.array([first]), bpp)
        if _has_inline_attributes(dialect, row):
            if root[0, INLINE_ATTRIBUTES:].any():
                raise OperationRefused(
                    "free space is in too many pieces for a file with attributes in its inode", where=volume.where
                )
            root[0, INLINE_ATTRIBUTES:] = row["root"][0, INLINE_ATTRIBUTES:]
        elif dialect.name == "linux":
            row["di_mode"] |= np.uint32(INLINE_EA)
        row["root"] = root
        shorten_roots(dialect, row, np.array([len(extents)]))
        row["di_size"] = len(view)
        row["di_nblocks"] += at + pages * bpp

    def _allocate_file(self, blocks: int, near: int) -> tuple[Extents, ExtentTrees, int]:
        """Extents for a file, its tree, and the first of the tree's pages (they follow each other; 0 for none).

        Where free space is in pieces the pages are taken first, since the data can go anywhere.
        """
        bpp, first, reserved = self._volume.blocks_per_page, 0, 0
        while True:
            extents = self.space.allocate(blocks, near=near)
            table = np.array(extents, np.int64).reshape(-1, 2)
            offsets = np.cumsum(table[:, 1]) - table[:, 1]
            runs = FileRuns(np.zeros(len(table), np.int64), offsets, table[:, 1], table[:, 0])
            trees = ExtentTrees(self._volume.dialect, runs, 1)
            pages = int(trees.page_counts[0])
            if pages <= reserved:
                break
            for address, length in extents:
                self.space.release(address, length)
            if reserved:
                self.space.release(first, reserved * bpp)
            [(first, _)] = self.space.allocate(pages * bpp, near=near, contiguous=True)
            reserved = pages
        if reserved > pages:
            self.space.release(first + pages * bpp, (reserved - pages) * bpp)
        return extents, trees, first

    def take_data(self, inode: Inode, row: NDArray[Any]) -> None:
        """Free data and tree of a file as `inode` has them; `row` counts these blocks no longer."""
        inline_link = inode.kind == stat.S_IFLNK and inode.size < self._volume.dialect.symlink_inline_limit
        if inline_link or inode.kind not in (stat.S_IFREG, stat.S_IFLNK):
            return
        pages: list[int] = []
        extents = read_extents(self._volume, inode.root, at=inode.root_at, pages=pages)
        freed = list(zip(extents["address"].tolist(), extents["length"].tolist(), strict=True))
        freed += [(page, self._volume.blocks_per_page) for page in pages]
        for address, length in freed:
            self.space.release(address, length)
        row["di_nblocks"] -= sum(length for _, length in freed)

    def take_attributes(self, inode: Inode) -> None:
        """Free the extents of extended attributes and access control lists of a file."""
        volume, row = self._volume, inode.row
        if volume.dialect.name == "aix":
            # what AIX keeps there, and how, is not published (reference 5, items 12 and 13)
            if row["ea"].any() and not _has_inline_attributes(volume.dialect, row):
                raise UnsupportedFeature("removing a file with extended attributes of AIX", where=volume.where)
            return
        for field in ("di_acl", "di_ea"):
            if row[field]["flag"][0] & _DXD_EXTENT:
                length, address = (int(value[0]) for value in volume.dialect.get_pxd(row[field]["xd"]))
                volume.check_extent(address, length, "inode", field, inode.at)
                self.space.release(address, length)

    def put_entries(self, directory: Inode, entries: Sequence[tuple[bytes, int]], old: Extents, now: int) -> None:
        """Make `entries` the content of a directory: its tree is built anew beside the one in the pages `old`."""
        volume, dialect = self._volume, self._volume.dialect
        name, _ = entries[-1] if entries else (b"", 0)
        units = len(dialect.encode_name(name)) // dialect.name_unit
        if entries and (not 0 < units <= MAX_NAME_UNITS or name in (b".", b"..") or b"\0" in name):
            raise OperationRefused("a name has 1 to 255 characters, and is not . or ..", where=volume.where)
        header = dialect.structures.dtree_root.table(directory.root, 1)
        tree = Directories(
            dialect,
            np.array([directory.number]),
            np.array([header["idotdot"][0]]),
            np.zeros(len(entries), np.int64),
            np.array([number for _, number in entries], np.uint64),
            [name for name, _ in entries],
        )
        bpp = volume.blocks_per_page
        near = self.near(directory.row)
        addresses = [self.space.allocate(bpp, near=near, contiguous=True)[0][0] for _ in range(tree.page_total)]
        roots, pages = tree.render(np.array(addresses, np.int64), bpp)
        for address, page in zip(addresses, pages, strict=True):
            self.write(address * volume.block_size, page)
        row = directory.row.copy()
        row["root"] = roots
        row["di_size"] = tree.sizes()
        row["di_nblocks"] += len(addresses) * bpp - sum(length for _, length in old)
        self.touch(row, now, "di_mtime", "di_ctime")
        self.write(directory.at, row)
        for address, length in old:
            self.space.release(address, length)


def _has_inline_attributes(dialect: Dialect, row: NDArray[Any]) -> bool:
    """Whether the end of the root area holds extended attributes."""
    flag = row["ea"][0, 0] if dialect.name == "aix" else row["di_ea"]["flag"][0]
    return bool(flag & _DXD_INLINE)
