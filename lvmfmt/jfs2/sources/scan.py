"""Reading directory trees of the running machine into an inventory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...arguments import expect, expect_path
from ...block import Buffer
from ...block.device import byte_view
from ...errors import ImageIOError, OperationRefused
from ...escaping import escaped
from ...origin import Origin, origin_or_system
from ..attributes.host import HostAttributes
from ..inventory.arrays import MAX_DEPTH, MAX_NAME, Inventory
from ..inventory.builder import InventoryBuilder
from ..inventory.left_out import DEVICE_NODE, LeftOut


class HostFile:
    """A regular file of the running machine as a source of a copy plan.

    Its size was taken when the tree was listed. What has become shorter since, or has gone, reads as zeros for
    what is missing and is noted in `problems`.
    """

    __slots__ = ("_problems", "path")

    def __init__(self, path: str, problems: list[str]) -> None:
        self.path = path
        self._problems = problems

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` from the file."""
        view = byte_view(buffer, fill=True)
        done = 0
        try:
            fd = _open_quietly(self.path)
            try:
                while done < len(view):
                    got = os.preadv(fd, [view[done:]], offset + done)
                    if got == 0:
                        break
                    done += got
            finally:
                os.close(fd)
        except OSError as error:
            self._problems.append(
                LeftOut(f"{escaped(self.path)}: cannot be read any more ({error.strerror}); holds zeros")
            )
        else:
            if done < len(view):
                self._problems.append(
                    LeftOut(f"{escaped(self.path)}: became shorter while it was copied; the rest is zeros")
                )
        view[done:] = bytes(len(view) - done)


def scan_trees(
    trees: str | os.PathLike[str] | Sequence[tuple[str | os.PathLike[str], str]],
    *,
    origin: Origin | None = None,
    devices: bool = False,
) -> tuple[Inventory, list[str]]:
    """The inventory of directory trees of this machine, each placed at a path of the new file system.

    Symlinks are taken as they are, never followed. Owners, permissions, mtime, atime, access control lists and the
    attributes of user programs are the source's; ctime and creation time come from `origin`. Directories made on the
    way to a destination belong to root with mode 0755. Where two trees hold the same directory, they merge.

    Args:
        trees: (source directory or file, destination path) pairs; a single directory is the whole tree.
        origin: clock; by default that of the system.
        devices: take device nodes; otherwise they are left out.

    Returns:
        The inventory, and one line for each thing that could not be taken over. The list also receives, while
        the data is copied later, the files that changed or went away in the meantime.

    Raises:
        OperationRefused: a source does not exist, or two trees hold one name and not both are directories.
    """
    scanner = _Scanner(origin_or_system(origin).now(), devices)
    for pair in [(trees, "/")] if isinstance(trees, str | os.PathLike) else expect(trees, Iterable, "trees"):
        source, destination = expect(pair, tuple, "a pair of source and destination")
        scanner.add(Path(expect_path(source)), expect(destination, str, "a path in a file system"))
    return scanner.builder.finish(), scanner.problems


class _Scanner:
    def __init__(self, now: int, devices: bool) -> None:
        self.builder = InventoryBuilder()
        self.problems: list[str] = []
        self._now = now
        self._devices = devices
        self._hard_links: dict[tuple[int, int], int] = {}
        self._children: dict[tuple[int, bytes], int] = {}
        self._shared: set[int] = set()  # directories that a later tree may merge into
        self._root = os.geteuid() == 0
        self._attributes = HostAttributes(self.problems)
        self._own_directory()

    def _own_directory(self) -> int:
        now = self._now
        row = self.builder.add_inode(stat.S_IFDIR | 0o755, atime=now, mtime=now, ctime=now, otime=now)
        self._shared.add(row)
        return row

    def add(self, source: Path, destination: str) -> None:
        try:
            status = source.lstat()
        except OSError as error:
            raise OperationRefused(f"cannot read the tree: {error.strerror}", where=str(source)) from None
        names = [os.fsencode(n) for n in destination.split("/") if n]
        parent = 0
        for name in names[:-1]:
            row = self._children.get((parent, name))
            if row is None:
                row = self._own_directory()
                self._link(parent, row, name)
            parent = row
        if stat.S_ISDIR(status.st_mode):
            self._add_tree(source, status, parent, names[-1] if names else None)
        elif not names:
            raise OperationRefused("a single file needs a destination path", where=str(source))
        else:
            self._add_file(str(source), status, parent, names[-1])

    def _add_tree(self, source: Path, status: os.stat_result, parent: int, name: bytes | None) -> None:
        row = 0 if name is None else self._children.get((parent, name))
        if row is None:
            row = self._inode(status)
            self._link(parent, row, name or b"")
        else:
            self.builder.inodes[row] = self._columns(status)
        self._keep_attributes(row, str(source), status)
        self._shared.add(row)
        pending = [(str(source), row, 0)]
        while pending:
            path, row, depth = pending.pop()
            if depth > MAX_DEPTH:
                self.problems.append(LeftOut(f"{escaped(path)}: more than {MAX_DEPTH} directories deep, left out"))
                continue
            pending.extend(reversed(self._add_entries(path, row, depth)))

    def _add_entries(self, path: str, row: int, depth: int) -> list[tuple[str, int, int]]:
        below = []
        try:
            fd = _open_quietly(path, os.O_DIRECTORY)
            try:
                with os.scandir(fd) as listing:
                    found = sorted((os.fsencode(e.name), e) for e in listing)
                    stats = [e.stat(follow_symlinks=False) for _, e in found]
            finally:
                os.close(fd)
        except OSError as error:
            self.problems.append(LeftOut(f"{escaped(path)}: cannot be listed ({error.strerror}), left empty"))
            return []
        prefix = path if path.endswith("/") else path + "/"
        for (name, entry), status in zip(found, stats, strict=True):
            full = prefix + entry.name
            if not stat.S_ISDIR(status.st_mode):
                self._add_file(full, status, row, name)
                continue
            child = self._children.get((row, name)) if row in self._shared else None
            if child is None:
                child = self._inode(status)
                self._link(row, child, name)
            else:
                self.builder.inodes[child] = self._columns(status)
            self._keep_attributes(child, full, status)
            if row in self._shared:
                self._shared.add(child)
            below.append((full, child, depth + 1))
        return below

    def _add_file(self, path: str, status: os.stat_result, parent: int, name: bytes) -> None:
        kind = stat.S_IFMT(status.st_mode)
        if len(name) > MAX_NAME:
            self.problems.append(LeftOut(f"{escaped(path)}: name longer than {MAX_NAME} bytes, left out"))
            return
        if kind == stat.S_IFSOCK or (kind in (stat.S_IFCHR, stat.S_IFBLK) and not self._devices):
            what = "socket" if kind == stat.S_IFSOCK else DEVICE_NODE
            self.problems.append(f"{escaped(path)}: {what}, left out")
            return
        if kind == stat.S_IFREG and not self._root and not os.access(path, os.R_OK):
            self.problems.append(LeftOut(f"{escaped(path)}: not readable, left out"))
            return
        identity = (status.st_dev, status.st_ino)
        row = self._hard_links.get(identity) if status.st_nlink > 1 else None
        if row is None:
            row = self._inode(status)
            if kind != stat.S_IFLNK:
                self._keep_attributes(row, path, status)
            if status.st_nlink > 1:
                self._hard_links[identity] = row
            if kind == stat.S_IFREG:
                self._add_data(path, status, row)
            elif kind == stat.S_IFLNK:
                self.builder.links[row] = os.fsencode(Path(path).readlink())
        self._link(parent, row, name)

    def _add_data(self, path: str, status: os.stat_result, row: int) -> None:
        if status.st_size == 0:
            return
        source = self.builder.add_source(HostFile(path, self.problems))
        if status.st_blocks * 512 >= status.st_size:
            self.builder.add_extent(row, 0, status.st_size, source, 0)
            return
        for start, end in _data_ranges(path, status.st_size):
            self.builder.add_extent(row, start, end - start, source, start)

    def _link(self, parent: int, child: int, name: bytes) -> None:
        if parent in self._shared:
            if (parent, name) in self._children:
                raise OperationRefused(f"{escaped(name)}: two trees hold this name and not both are directories")
            self._children[parent, name] = child
        self.builder.add_entry(parent, child, name)

    def _inode(self, status: os.stat_result) -> int:
        self.builder.inodes.append(self._columns(status))
        return len(self.builder.inodes) - 1

    def _keep_attributes(self, row: int, path: str, status: os.stat_result) -> None:
        if found := self._attributes.of(path, status.st_dev):
            self.builder.attributes[row] = found

    def _columns(self, s: os.stat_result) -> tuple[int, ...]:
        rdev = os.major(s.st_rdev) << 32 | os.minor(s.st_rdev) if s.st_rdev else 0
        size = s.st_size if not stat.S_ISDIR(s.st_mode) else 0
        return s.st_mode, s.st_uid, s.st_gid, size, s.st_atime_ns, s.st_mtime_ns, self._now, self._now, rdev, s.st_ino


def _open_quietly(path: str, flags: int = 0) -> int:
    """Open for reading without touching the access time where we may."""
    flags |= os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)


def _data_ranges(path: str, size: int) -> list[tuple[int, int]]:
    ranges = []
    try:
        fd = _open_quietly(path)
    except OSError as error:
        raise ImageIOError(f"cannot open: {error.strerror}", where=path, errno=error.errno or errno.EIO) from None
    try:
        at = 0
        while at < size:
            try:
                start = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:  # no data from here on
                break
            at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
            ranges.append((start, at))
    finally:
        os.close(fd)
    return ranges
