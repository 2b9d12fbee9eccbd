"""Reading a backup archive into an inventory: plain data stays where it is, packed data is unpacked as it is copied."""

from __future__ import annotations

import stat
from bisect import bisect_right
from collections.abc import Iterator
from threading import Lock

from ...backup import Archive, Member
from ...block import Buffer
from ...block.device import byte_view
from ...errors import CorruptImage, ImageIOError, UnsupportedFeature
from ...escaping import escaped
from ...origin import Origin, origin_or_system
from ...units import NS_PER_S
from ..inventory.arrays import MAX_DEPTH, MAX_NAME, Inventory
from ..inventory.left_out import DEVICE_NODE, LeftOut
from .member_tree import MemberTree

_SPECIAL = (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_PLAIN, _UNPACKED = 0, 1


class UnpackedData:
    """The content of packed members, one after the other, as a source of a copy plan; in ascending order each is
    unpacked once."""

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._starts: list[int] = []
        self._end = 0
        self._lock = Lock()
        self._open = -1  # the member that is being unpacked: its pieces, the one at hand, and where that begins
        self._pieces: Iterator[Buffer] = iter(())
        self._piece: memoryview = memoryview(b"")
        self._at = 0

    def add(self, member: Member) -> int:
        """Take in a member; returns where its content begins."""
        self._members.append(member)
        self._starts.append(self._end)
        self._end += member.size
        return self._starts[-1]

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with the bytes at `offset`.

        Raises:
            CorruptImage: they cannot be unpacked.
        """
        view = byte_view(buffer, fill=True)
        if offset + len(view) > self._end:
            raise ImageIOError(f"the packed content ends at byte {self._end}", where="backup archive")
        with self._lock:
            while len(view):
                which = bisect_right(self._starts, offset) - 1
                done = self._copy(which, offset - self._starts[which], view)
                offset, view = offset + done, view[done:]

    def _copy(self, which: int, offset: int, view: memoryview) -> int:
        if which != self._open or offset < self._at:
            self._open, self._at, self._piece = which, 0, memoryview(b"")
            self._pieces = self._members[which].content()
        while offset >= self._at + len(self._piece):
            self._at += len(self._piece)
            self._piece = byte_view(next(self._pieces))
        start = offset - self._at
        done = min(len(view), len(self._piece) - start)
        view[:done] = self._piece[start : start + done]
        return done


def read_backup(
    archive: Archive, *, origin: Origin | None = None, devices: bool = False
) -> tuple[Inventory, list[str]]:
    """The inventory of a backup archive by name.

    Members come below the root whatever their names say: `./` and a leading slash go, a member with `..` in its name
    is left out, and nothing is put "through" a symlink. Of two members of one name the later one counts. Files that
    the archive says are one are linked. The high bits of modes and access control lists beyond them are dropped.

    Args:
        archive: it is the inventory's source and stays open.
        origin: clock of ctime and creation time, and of directories that are only implied; default the system's.
        devices: take device nodes; otherwise they are left out.

    Returns:
        The inventory, and a line for each thing that could not be taken over; the end of a damaged archive is one.
    """
    reader = _Reader(archive, origin_or_system(origin).now(), devices)
    try:
        for member in archive:
            reader.add(member)
    except (CorruptImage, UnsupportedFeature) as error:
        reader.problems.append(LeftOut(f"{error}; nothing is taken from there on"))
    return reader.finish(), [*archive.problems, *reader.problems]


class _Reader:
    def __init__(self, archive: Archive, now: int, devices: bool) -> None:
        self.problems: list[str] = []
        self._now, self._devices = now, devices
        self._tree = MemberTree(now)
        self._builder = self._tree.builder
        self._builder.add_source(archive.device)
        self._unpacked = UnpackedData()
        self._builder.add_source(self._unpacked)
        self._linked: dict[tuple[int, int], int] = {}

    def add(self, member: Member) -> None:
        """Take over a member, or say why not."""
        names = parts(member.name)
        refusal = self._refusal(member, names) or self._place(member, names)
        if refusal:
            text = f"{escaped(member.name)}: {refusal}, left out"
            self.problems.append(text if refusal == DEVICE_NODE else LeftOut(text))

    def finish(self) -> Inventory:
        """The tree."""
        return self._tree.finish()

    def _refusal(self, member: Member, names: list[bytes]) -> str:
        if b".." in names:
            return "its name leads out of the archive"
        if len(names) > MAX_DEPTH or any(len(name) > MAX_NAME for name in names):
            return f"more than {MAX_DEPTH} directories deep, or a name longer than {MAX_NAME} bytes"
        if member.kind == stat.S_IFLNK and not member.target:
            return "a symlink without a target"
        if member.kind in (stat.S_IFCHR, stat.S_IFBLK) and not self._devices:
            return DEVICE_NODE
        if member.kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, *_SPECIAL):
            return f"of the unknown type {member.kind:#o}"
        return ""

    def _place(self, member: Member, names: list[bytes]) -> str:
        """Give a member its name; returns why that is not possible."""
        tree = self._tree
        parent = tree.parent(names[:-1])
        if parent is None:
            return "lies below something that is not a directory"
        name = names[-1] if names else None
        if member.kind == stat.S_IFDIR:
            self._builder.inodes[tree.folder(parent, name)] = self._columns(member)
            return ""
        if name is None or tree.get(parent, name) in tree.folders:
            return "a directory has this name"
        linked = self._linked.get(member.link) if member.link else None
        if linked is None:
            self._builder.inodes.append(self._columns(member))
            linked = len(self._builder.inodes) - 1
            self._fill(linked, member)
            if member.link:
                self._linked[member.link] = linked
        tree.link(parent, name, linked)
        return ""

    def _fill(self, row: int, member: Member) -> None:
        if member.kind == stat.S_IFLNK:
            self._builder.links[row] = member.target
        elif member.kind == stat.S_IFREG and member.size:
            if member.packed:
                self._builder.add_extent(row, 0, member.size, _UNPACKED, self._unpacked.add(member))
            else:
                self._builder.add_extent(row, 0, member.size, _PLAIN, member.data_offset)

    def _columns(self, member: Member) -> tuple[int, ...]:
        kind, now = member.kind, self._now
        size = len(member.target) if kind == stat.S_IFLNK else member.size
        return (kind | member.mode & 0o7777, member.uid, member.gid, size, member.atime * NS_PER_S,
                member.mtime * NS_PER_S, now, now, member.rdev, 0)  # fmt: skip


def parts(name: bytes) -> list[bytes]:
    """The names in a member's name, without those that say nothing."""
    return [part for part in name.split(b"/") if part not in (b"", b".")]
