"""Reading a tar archive into an inventory: its members stay where they are until the data is copied.

Python's `tarfile` reads the format; what an archive may say and a file system must not believe is judged here.
"""

from __future__ import annotations

import os
import stat
import tarfile
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Lock
from typing import IO, cast

from ...block import Buffer
from ...block.device import byte_view
from ...errors import CorruptImage, ImageIOError, NotFound, UnsupportedFeature
from ...escaping import escaped
from ...origin import Origin, origin_or_system
from ..inventory.arrays import MAX_DEPTH, MAX_NAME, Inventory
from ..inventory.left_out import DEVICE_NODE, LeftOut
from .member_tree import MemberTree

_ZSTD = b"\x28\xb5\x2f\xfd"
_XATTR = "SCHILY.xattr."
_KEPT = ("user.", "system.posix_acl_access", "system.posix_acl_default")
_KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO,
    tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK,
}  # fmt: skip


class TarData:
    """The content of an archive, decompressed, as a source of a copy plan; read in ascending order it is read once."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream, self._where = stream, where
        self._lock = Lock()

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with the bytes at `offset`.

        Raises:
            ImageIOError: the archive ends before that, or cannot be read.
        """
        view = byte_view(buffer, fill=True)
        done = 0
        with self._lock:
            try:
                self._stream.seek(offset)
                while done < len(view):
                    part = self._stream.read(len(view) - done)
                    if not part:
                        raise ImageIOError(
                            f"the archive ends at byte {offset + done} of its content", where=self._where
                        )
                    view[done : done + len(part)] = part
                    done += len(part)
            except (OSError, EOFError) as error:
                if isinstance(error, ImageIOError):
                    raise
                raise ImageIOError(f"cannot read the archive: {error}", where=self._where) from None


def is_tar(path: str | os.PathLike[str]) -> bool:
    """Whether a plain file is a tar archive, as it is or compressed with gzip, bzip2 or xz."""
    try:
        if not Path(path).is_file():
            return False
        with tarfile.open(path, "r:*") as archive:
            return archive.next() is not None  # zeros alone are an empty archive, and the start of many images
    except (OSError, EOFError, tarfile.TarError):
        return False


def read_tar(
    path: str | os.PathLike[str], *, origin: Origin | None = None, devices: bool = False
) -> tuple[Inventory, list[str]]:
    """The inventory of a tar archive: ustar, GNU or pax, plain or compressed with gzip, bzip2 or xz.

    Members come below the root whatever their names say: a leading slash goes, a member with `..` in its name is left
    out, and nothing is put "through" a symlink. Of two members of one name the later one counts. Owners are the
    numbers in the archive; mtime (and atime, where the archive has it) are kept.

    Args:
        path: the archive.
        origin: clock of ctime and creation time, and of directories that are only implied; default the system's.
        devices: take device nodes; otherwise they are left out.

    Returns:
        The inventory, whose source is the open archive, and a line for each thing that could not be taken over.

    Raises:
        NotFound: there is no such file.
        UnsupportedFeature: it is compressed in a way that Python's library does not know.
        CorruptImage: it is not a tar archive, or ends too early.
    """
    where, now = str(path), origin_or_system(origin).now()
    try:
        with Path(path).open("rb") as stream:
            if stream.read(4) == _ZSTD:
                raise UnsupportedFeature(
                    "archives compressed with zstd", where=where, hint="decompress it with zstd -d"
                )
        archive = tarfile.open(path, "r:*", errors="surrogateescape")  # noqa: SIM115 - stays open as the source
    except FileNotFoundError:
        raise NotFound("no such archive", where=where) from None
    except (tarfile.TarError, EOFError) as error:
        raise CorruptImage("tar", expected="a tar archive", found=error, where=where) from None
    data = TarData(cast("IO[bytes]", archive.fileobj), where)
    reader = _TarReader(now, devices, data)
    try:
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # tarfile would keep them all
            reader.add(member)
        reader.check_end(data, archive.offset)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise CorruptImage("tar", offset=archive.offset, expected="a member", found=error, where=where) from None
    return reader.finish(), reader.problems


class _TarReader:
    def __init__(self, now: int, devices: bool, source: TarData) -> None:
        self.problems: list[str] = []
        self._tree = MemberTree(now)
        self._builder = self._tree.builder
        self._builder.add_source(source)
        self._now, self._devices = now, devices

    def add(self, member: tarfile.TarInfo) -> None:
        """Take over a member, or say why not."""
        names = [n for n in _bytes(member.name).split(b"/") if n not in (b"", b".")]
        refusal = _refusal(member, names)
        if refusal is None and not self._devices and (member.ischr() or member.isblk()):
            refusal = DEVICE_NODE
        parent = None if refusal else self._tree.parent(names[:-1])
        if refusal is None and parent is None:
            refusal = "lies below something that is not a directory"
        if refusal is None and parent is not None:
            refusal = self._place(member, parent, names[-1] if names else None)
        if refusal is not None:
            text = f"{escaped(member.name)}: {refusal}, left out"
            self.problems.append(text if refusal == DEVICE_NODE else LeftOut(text))

    def check_end(self, stream: TarData, offset: int) -> None:
        """Note when the archive does not end with zeros: `tarfile` stops there without a word."""
        block = bytearray(tarfile.BLOCKSIZE)
        try:
            stream.read_into(offset, block)
        except ImageIOError:
            return
        if any(block):
            self.problems.append(LeftOut(f"byte {offset} of the archive: what follows is no member, left out"))

    def finish(self) -> Inventory:
        """The tree."""
        return self._tree.finish()

    def _place(self, member: tarfile.TarInfo, parent: int, name: bytes | None) -> str | None:
        """Give a member its name; returns why that is not possible."""
        tree = self._tree
        if member.isdir():
            there = tree.folder(parent, name)
            self._builder.inodes[there] = self._columns(member, stat.S_IFDIR)
            self._keep_attributes(there, member)
            return None
        if name is None or tree.get(parent, name) in tree.folders:
            return "a directory has this name"
        if member.islnk():
            target = self._find(_bytes(member.linkname))
            if target is None or target in tree.folders:
                return "hard link to something that is not in the archive before it"
            tree.link(parent, name, target)
            return None
        kind = stat.S_IFREG if member.isreg() or member.issparse() else _KINDS[member.type]
        self._builder.inodes.append(self._columns(member, kind))
        row = len(self._builder.inodes) - 1
        if kind == stat.S_IFLNK:
            self._builder.links[row] = _bytes(member.linkname)
        elif kind == stat.S_IFREG:
            self._add_data(row, member)
        self._keep_attributes(row, member)
        tree.link(parent, name, row)
        return None

    def _add_data(self, row: int, member: tarfile.TarInfo) -> None:
        at = member.offset_data
        # typeshed takes the map of a sparse member for a number
        pieces = cast("list[tuple[int, int]]", member.sparse) if member.issparse() else [(0, member.size)]
        end = 0
        for offset, size in pieces:
            if size == 0:  # GNU fills its maps up with these
                continue
            if offset < end or size < 0:
                raise ValueError(f"a map of {escaped(member.name)} that goes backwards")
            self._builder.add_extent(row, offset, size, 0, at)
            at += size
            end = offset + size

    def _find(self, path: bytes) -> int | None:
        row = self._tree.root
        for name in path.split(b"/"):
            if name not in (b"", b"."):
                found = self._tree.get(row, name) if row in self._tree.folders else None
                if found is None:
                    return None
                row = found
        return row

    def _keep_attributes(self, row: int, member: tarfile.TarInfo) -> None:
        values = {
            _bytes(key.removeprefix(_XATTR)): _bytes(value)
            for key, value in sorted(member.pax_headers.items())
            if key.startswith(tuple(_XATTR + name for name in _KEPT))
        }
        if values and not member.issym():
            self._builder.attributes[row] = values

    def _columns(self, member: tarfile.TarInfo, kind: int) -> tuple[int, ...]:
        mtime = _time(member.pax_headers.get("mtime", member.mtime), self._now)
        atime = _time(member.pax_headers["atime"], mtime) if "atime" in member.pax_headers else mtime
        size = len(_bytes(member.linkname)) if kind == stat.S_IFLNK else member.size
        rdev = member.devmajor << 32 | member.devminor if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0
        owner = [number if 0 <= number < 1 << 32 else 0xFFFFFFFE for number in (member.uid, member.gid)]
        size = size if kind in (stat.S_IFREG, stat.S_IFLNK) else 0
        return kind | member.mode & 0o7777, *owner, size, atime, mtime, self._now, self._now, rdev, 0


def _refusal(member: tarfile.TarInfo, names: list[bytes]) -> str | None:
    """Why a member cannot be taken over, whatever else is in the archive."""
    if b".." in names:
        return "its name leads out of the archive"
    if len(names) > MAX_DEPTH:
        return f"more than {MAX_DEPTH} directories deep"
    if any(len(name) > MAX_NAME or b"\0" in name for name in names):
        return f"a name longer than {MAX_NAME} bytes or with a NUL"
    if member.issym() and not member.linkname:
        return "a symlink without a target"
    if not (member.isreg() or member.issparse() or member.islnk() or member.type in _KINDS):
        return f"a member of the unknown type {member.type!r}"
    if (member.ischr() or member.isblk()) and not (0 <= member.devmajor < 1 << 12 and 0 <= member.devminor < 1 << 20):
        return "a device number that nobody has"
    return None


def _time(seconds: str | float, otherwise: int) -> int:
    """Nanoseconds of a time of an archive."""
    try:
        ns = int(Decimal(str(seconds)) * 10**9)
    except (InvalidOperation, ValueError, OverflowError):
        return otherwise
    return ns if -(1 << 62) < ns < 1 << 62 else otherwise


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
