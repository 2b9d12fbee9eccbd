"""Reading an archive: one stream of records, walked with bounds, and resumed where a record is of no known form.

Source: [backup 1, 7, 10, 11].
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from .. import block
from ..arguments import Checked
from ..block import Buffer, DeviceLike
from ..errors import CorruptImage, UnsupportedFeature
from ..escaping import printable
from ..layout.backup import BFF_SECURITY, BFF_VOLUME, DUMP_RECORD
from ..units import MIB
from . import packing
from .member import Member, no_content
from .permissions import MAX_WORDS, Permissions
from .record import (
    END,
    FILES,
    FIRST_MAGIC,
    LAST_MAGIC,
    LAST_TYPE,
    MAX_HEADER,
    NAME,
    ONAME,
    TYPE_NAMES,
    VOLUME,
    VOLUME_END,
    WORD,
    Head,
    fields,
    padded,
    read_head,
)  # fmt: skip

BY_NAME, BY_INODE = 100, 101
_DUMP_MAGICS = (60011, 60012, 60017)
_PIECE = MIB
_WINDOW = 64 << 10
_MAX_TARGET = 4096


@dataclass(frozen=True)
class ArchiveVolume:
    """The first record: when and by whom the archive was written, and its number among several."""

    date: int
    user: bytes
    number: int


class _Place(NamedTuple):
    """Where the parts of a member lie."""

    permissions: bool
    data: int
    end: int


class Archive(Checked):
    """An archive by name. Iterating walks it from the start and yields a `Member` for each name.

    The walk ends with `CorruptImage` where the archive is cut off, and with `UnsupportedFeature` where it goes on on
    another volume. What is skipped on the way is told in `problems`.

    Args:
        device: the archive. What is opened here is closed by leaving the block.

    Attributes:
        volume: its first record.
        problems: what of it could not be read, a line each; complete after a walk.

    Raises:
        CorruptImage: it is not an archive.
        UnsupportedFeature: it is a backup by inode.
    """

    def __init__(self, device: DeviceLike) -> None:
        with ExitStack() as stack:
            self.device = stack.enter_context(block.opened(device))
            self._begin()
            self._opened = stack.pop_all()

    def _begin(self) -> None:
        self.problems: list[str] = []
        self._window = b""
        self._window_at = 0
        self._last: tuple[int, Head | None] | None = None  # asked for again when the walk comes to it
        first = self._read(0, MAX_HEADER)
        head = read_head(first)
        if head is None or head.type != VOLUME or head.length < BFF_VOLUME.size:
            self._refuse_dump()
            raise self._corrupt("bff_volume", "", 0, "the first record of an archive", "none")
        values = BFF_VOLUME.parse(first)
        if values.incno != BY_NAME:
            if values.incno == BY_INODE:
                raise UnsupportedFeature("backups by inode", where=self.device.name)
            raise self._corrupt("bff_volume", "incno", 68, BY_NAME, values.incno)
        self.volume = ArchiveVolume(values.date, values.user, values.volnum)
        self._start = head.length

    def _refuse_dump(self) -> None:
        """A dump of a file system starts with other records (9)."""
        start = self._read(0, DUMP_RECORD.size)
        if len(start) == DUMP_RECORD.size and DUMP_RECORD.parse(start).magic in _DUMP_MAGICS:
            raise UnsupportedFeature("backups by inode", where=self.device.name, hint="only backups by name are read")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[Member]:
        self.problems.clear()
        at = self._start
        while True:
            head = self._head(at)
            if head is None or head.type not in FILES:
                if head is not None and head.type == END:
                    return
                if head is not None and head.type == VOLUME_END:
                    raise UnsupportedFeature("archives of several volumes", where=self.device.name)
                at = self._resume(at, head)
                continue
            member, at = self._member(at, head)
            if member is not None:
                yield member

    def _head(self, at: int) -> Head | None:
        if self._last is None or self._last[0] != at:
            self._last = at, read_head(self._read(at, MAX_HEADER))
        return self._last[1]

    def _member(self, at: int, head: Head) -> tuple[Member | None, int]:
        """The member at an offset, None if it makes no sense, and where the next record begins."""
        data, record = self._read(at, head.length), FILES[head.type]
        if head.length <= record.size:
            self.problems.append(f"byte {at}: a record of {head.length} bytes without a name, left out")
            return None, at + head.length
        values = fields(record, data)
        name = data[record.size :].split(b"\0", 1)[0]
        kind = stat.S_IFMT(values["mode"] & 0xFFFF)
        size = values["size"] if kind in (stat.S_IFREG, stat.S_IFLNK) else 0
        packed = head.packed and kind == stat.S_IFREG
        stored = values["dsize"] if head.packed and size else size
        if min(size, stored) < 0 or (packed and size > 8 * stored):  # a symbol takes one bit or more
            told = f"is said to have {size} bytes in {stored}"
            self.problems.append(f"byte {at}: {printable(name)} {told}, left out")
            return None, at + head.length
        place = self._place(kind, stored, head, at)
        content = partial(self._content, place.data, stored, size if packed else None, name)
        member = Member(
            name,
            values["mode"],
            nlink=values["nlink"],
            key=values["ino"],
            uid=values["uid"],
            gid=values["gid"],
            size=size,
            atime=values["atime"],
            mtime=values["mtime"],
            ctime=values["ctime"],
            device=values["devmaj"] << 32 | values["devmin"] if "devmaj" in values else values["dev"],
            rdev=_rdev(values) if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
            target=self._target(at, name, place.data, stored) if kind == stat.S_IFLNK else b"",
            content=content if kind == stat.S_IFREG else no_content,
            permissions=self._permissions(at + head.length) if place.permissions else None,
            offset=at,
            data_offset=place.data,
            stored=stored,
            packed=packed,
        )
        return member, place.end

    def _place(self, kind: int, stored: int, head: Head, at: int) -> _Place:
        """Where permissions and data of a member are: the first way to read it that leads to another record."""
        after, stored = at + head.length, padded(stored)
        lists = self._lists(after)
        # what is known comes first; symlinks and old records are said to have no lists [backup 5.3, 7.5]
        ways = [(True, True), (False, True), (True, False), (False, False)]
        if kind == stat.S_IFLNK or head.type in (NAME, ONAME):
            ways[:2] = ways[1::-1]
        places = [
            _Place(with_lists, start, start + (stored if with_data else 0))
            for with_lists, with_data in ways
            if not with_lists or lists
            for start in (after + (lists if with_lists else 0),)
        ]
        if kind == stat.S_IFLNK:
            target_end = after + padded(len(self._read(after, _MAX_TARGET).split(b"\0", 1)[0]) + 1) + 40
            places.append(_Place(False, after, target_end))
        for place in places:
            if self._head(place.end) is not None:
                return place
        if places[0].end > self.device.size:
            raise self._corrupt("bff_name_x", "size", at, f"{stored} bytes of data", "the end of the archive")
        return places[0]

    def _lists(self, at: int) -> int:
        """Bytes of the block of permissions at an offset, 0 if there is none."""
        data = self._read(at, BFF_SECURITY.size)
        if len(data) < BFF_SECURITY.size:
            return 0
        sizes = fields(BFF_SECURITY, data)
        if max(sizes.values()) > MAX_WORDS:
            return 0
        return BFF_SECURITY.size + sum(sizes.values()) * WORD

    def _permissions(self, at: int) -> Permissions:
        block = self._read(at, self._lists(at))
        cut = BFF_SECURITY.size + fields(BFF_SECURITY, block)["aclsize"] * WORD
        return Permissions(block[BFF_SECURITY.size : cut], block[cut:])

    def _target(self, at: int, name: bytes, start: int, stored: int) -> bytes:
        if stored > _MAX_TARGET:
            self.problems.append(f"byte {at}: {printable(name)} has a target of {stored} bytes, left out")
            return b""
        return self._read(start, stored).split(b"\0", 1)[0]

    def _content(self, start: int, stored: int, unpacked: int | None, name: bytes) -> Iterator[Buffer]:
        pieces = self._stored(start, stored)
        if unpacked is None:
            return pieces
        return iter(packing.unpack(pieces, unpacked, f"{self.device.name}: {printable(name)}"))

    def _stored(self, start: int, length: int) -> Iterator[Buffer]:
        for at in range(start, start + length, _PIECE):
            yield self.device.read(at, min(_PIECE, start + length - at))

    def _resume(self, at: int, head: Head | None) -> int:
        """The next record behind one that is of no use."""
        start = at + (head.length if head else WORD)
        found = self._search(start)
        what = f"a record {TYPE_NAMES[head.type]}" if head else "no record"
        if found is None:
            raise self._corrupt("bff_end", "", at, "the end of the archive", what)
        self.problems.append(f"byte {at}: {what}, {found - at} bytes left out")
        return found

    def _search(self, start: int) -> int | None:
        """Offset of the first record from `start` on."""
        for at in range(start, self.device.size, _PIECE):
            words = np.frombuffer(self._read(at, _PIECE)[: _PIECE // WORD * WORD].ljust(WORD, b"\0"), np.uint8)
            words = words[: len(words) // WORD * WORD].reshape(-1, WORD)
            magic = words[:, 2].astype(np.uint16) | words[:, 3].astype(np.uint16) << 8
            likely = (words[:, 0] > 0) & (words[:, 1] <= LAST_TYPE) & (magic >= FIRST_MAGIC) & (magic <= LAST_MAGIC)
            for word in np.flatnonzero(likely).tolist():
                if self._head(at + word * WORD) is not None:
                    return at + word * WORD
        return None

    def _read(self, at: int, length: int) -> bytes:
        """Bytes at an offset, fewer at the end; small reads come from a window that moves forward."""
        length = min(length, self.device.size - at)
        if length <= 0:
            return b""
        start = at - self._window_at
        if start < 0 or start + length > len(self._window):
            if length > _WINDOW:
                return self.device.read(at, length).tobytes()
            self._window = self.device.read(at, min(_WINDOW, self.device.size - at)).tobytes()
            self._window_at, start = at, 0
        return self._window[start : start + length]

    def _corrupt(self, structure: str, field: str, at: int, expected: object, found: object) -> CorruptImage:
        return CorruptImage(structure, field, offset=at, expected=expected, found=found, where=self.device.name)


def _rdev(values: dict[str, int]) -> int:
    return values["rdevmaj"] << 32 | values["rdevmin"] if "rdevmaj" in values else values["rdev"]
