"""Writing an archive: volume record, members, end, and zeros to the end of the last block.

Source: [backup 12].
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..arguments import expect
from ..block import Buffer
from ..block.device import byte_view
from ..errors import OperationRefused
from ..escaping import printable
from ..layout.backup import BFF_END, BFF_NAME_LF, BFF_NAME_X, BFF_VOLUME
from ..origin import Origin, origin_or_system
from ..units import GIB
from . import packing
from .member import JOURNALLED, Content, Member
from .permissions import canonical_block
from .reader import BY_NAME
from .record import END, MAX_SMALL, NAME_LF, NAME_X, PACKED, PLAIN, VOLUME, build, padded

BLOCK, INSTALL_BLOCK = 100 * 512, 512
"""Bytes of an output block: what `backup` takes by itself, and that of installp packages."""
DIRECTORY_SIZE = 256
"""What directories are said to have had on their disk."""
DEVICE = 10 << 32 | 7
"""Device that files are said to come from where it is not known."""

_HIGHEST_KEY = 0xFFFFFFFF
_ZEROS = bytes(1 << 16)

Write = Callable[[Buffer], object]


@dataclass
class Written:
    """What an archive holds: its members, its bytes, and what could not be taken, a line each."""

    members: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


def write_archive(
    write: Write,
    members: Iterable[Member],
    *,
    origin: Origin | None = None,
    user: str = "root",
    pack: bool = False,
    block_size: int = BLOCK,
    told: Callable[[Member], None] | None = None,
) -> Written:
    """Write members as an archive, in order; nothing of them is kept but the keys of linked files.

    Args:
        write: takes the bytes of the archive one after the other.
        members: what it holds; a parent before its children.
        origin: clock for the date of the archive; by default that of the system.
        user: who writes it.
        pack: store the data of a file packed where that is smaller.
        block_size: the archive is filled with zeros to a multiple of it.
        told: called after each member.

    Raises:
        OperationRefused: a name or a value cannot be represented.
    """
    if not 0 < block_size <= GIB:
        raise OperationRefused(f"a block size of {block_size} bytes: 1 byte to 1 GiB")
    writer = _Writer(write, pack)
    writer.put(volume_record(origin_or_system(origin).now() // 10**9, user))
    for member in members:
        writer.add(expect(member, Member, "a member of an archive"))
        if told is not None:
            told(member)
    writer.put(build(BFF_END, END, {"left_over": 1}))
    writer.fill(-writer.done.bytes % block_size)
    return writer.done


def volume_record(date: int, user: str = "root") -> bytes:
    """The first record of an archive that was written at `date`, seconds since 1970."""
    values: dict[str, object] = {"volnum": 1, "date": date, "dumpdate": date, "numwds": MAX_SMALL, "incno": BY_NAME}
    values |= {"disk": b"by name", "fsname": b"by name", "user": user.encode()[:15]}
    return build(BFF_VOLUME, VOLUME, values)


class _Writer:
    def __init__(self, write: Write, pack: bool) -> None:
        self.done = Written()
        self._write, self._pack = write, pack
        self._keys: dict[tuple[int, int], int] = {}
        self._last_key = _HIGHEST_KEY + 1

    def put(self, data: Buffer) -> None:
        """Write bytes."""
        self._write(data)
        self.done.bytes += byte_view(data).nbytes

    def fill(self, length: int) -> None:
        """Write zeros."""
        for at in range(0, length, len(_ZEROS)):
            self.put(_ZEROS[: min(len(_ZEROS), length - at)])

    def add(self, member: Member) -> None:
        """Write a member: record, permissions, data, filler."""
        tree = self._tree(member)
        stored = member.size if tree is None else tree[1]
        mode = member.mode | (JOURNALLED if member.kind == stat.S_IFDIR else 0)
        self.put(file_record(member, mode=mode, key=self._key(member), stored=stored, packed=tree is not None))
        if member.kind == stat.S_IFLNK:
            self.put(member.target.ljust(padded(member.size), b"\0"))
        else:
            self.put(member.permissions.build() if member.permissions else canonical_block(mode))
        if member.kind == stat.S_IFREG:
            data = _exactly(member.content, member.size, member.name, self.done.problems)
            self._data(data if tree is None else packing.pack(tree[0], data), stored)
        self.done.members += 1

    def _data(self, pieces: Iterable[Buffer], stored: int) -> None:
        for piece in pieces:
            self.put(piece)
        self.fill(padded(stored) - stored)

    def _tree(self, member: Member) -> tuple[packing.Tree, int] | None:
        """The tree that a member's data is packed with and the packed size, None to store it as it is [backup 8.3]."""
        if not self._pack or member.kind != stat.S_IFREG or member.size > MAX_SMALL:
            return None
        counts = packing.count_bytes(_exactly(member.content, member.size, member.name, []))
        tree = packing.make_tree(counts)
        if tree is None:
            return None
        size = packing.packed_size(tree, counts)
        return (tree, size) if padded(size) < padded(member.size) else None

    def _key(self, member: Member) -> int:
        """0, or a key counting down for each file with several names or directory with some in it [backup 7.3]."""
        if member.nlink <= 1:
            return 0
        if member.link is not None and member.link in self._keys:
            return self._keys[member.link]
        self._last_key -= 1
        if member.link is not None:
            self._keys[member.link] = self._last_key
        return self._last_key


def file_record(member: Member, *, mode: int, key: int, stored: int, packed: bool) -> bytes:
    """The record in front of a member: that for large files where a size needs it."""
    device = member.device or DEVICE
    values = {
        "magic": PACKED if packed else PLAIN, "nlink": min(member.nlink, 0x7FFF), "ino": key, "mode": mode,
        "uid": member.uid, "gid": member.gid, "size": member.size,
        "atime": _seconds(member.atime), "mtime": _seconds(member.mtime), "ctime": _seconds(member.ctime),
        "devmaj": device >> 32, "devmin": device & 0xFFFFFFFF,
        "rdevmaj": member.rdev >> 32, "rdevmin": member.rdev & 0xFFFFFFFF,
        "dsize": DIRECTORY_SIZE if member.kind == stat.S_IFDIR else stored,
    }  # fmt: skip
    large = max(member.size, stored) > MAX_SMALL
    record, type = (BFF_NAME_LF, NAME_LF) if large else (BFF_NAME_X, NAME_X)
    return build(record, type, values, name=member.name)


def _seconds(time: int) -> int:
    return min(max(time, -MAX_SMALL - 1), MAX_SMALL)


def _exactly(content: Content, size: int, name: bytes, problems: list[str]) -> Iterator[Buffer]:
    """The bytes of a file, as many as its record says whatever has become of the file since."""
    left = size
    for piece in content():
        view = byte_view(piece)[:left]
        left -= len(view)
        yield view
        if not left:
            return
    if left:
        problems.append(f"{printable(name)}: has become shorter, filled with zeros")
    while left:
        part = min(left, len(_ZEROS))
        left -= part
        yield _ZEROS[:part]
