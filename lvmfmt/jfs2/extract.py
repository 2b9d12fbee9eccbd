"""Bringing a whole tree out: an inventory as directories and files of the running machine.

Nothing is ever followed: every step down is taken from the descriptor of the directory above, by a name without a
slash, so neither a hostile name nor a symlink leads out of the destination. Files are written by several
processes, since making a file costs the system more than its bytes.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import AlreadyExists, ImageIOError, printable
from .filedata import iter_extent_data
from .folders import Folders
from .inventory import Inventory

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
_COST_OF_A_FILE = 1 << 15
"""What making a file costs, in bytes of data, when work is shared out."""
_TOLD = 32 << 20
"""Bytes after which a process says how far it is."""

Progress = Callable[[int], None]


@dataclass
class Extraction:
    """What was brought out."""

    paths: int = 0
    bytes_copied: int = 0
    problems: list[str] = field(default_factory=list)
    """A line for each thing that could not be brought out as it is."""


def extract(
    inventory: Inventory,
    destination: str | os.PathLike[str],
    *,
    devices: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Extraction:
    """Make the tree of an inventory in a directory of this machine.

    Permissions, mtime and atime are kept, links, holes and (where the machine takes them) `user.` attributes too;
    owners, and the set-id bits that go with them, only for the superuser.

    Args:
        inventory: the tree.
        destination: a directory that is empty or does not exist; its parent does.
        devices: make device nodes; otherwise they are left out.
        workers: processes that write files.
        progress: told how many more bytes are written.

    Raises:
        AlreadyExists: there is something at the destination.
        OperationRefused: the inventory holds a name that no directory can hold.
        ImageIOError: the image cannot be read, or the machine has no room.
    """
    inventory.check_names()
    top = Path(destination)
    if top.is_symlink() or (top.exists() and not (top.is_dir() and not any(top.iterdir()))):
        raise AlreadyExists("is not an empty directory", where=str(destination))
    top.mkdir(exist_ok=True)
    mask = os.umask(0)
    try:
        plan = _Plan(inventory, str(top), devices)
        plan.make_folders()
        copied = _run(plan, plan.shares(workers), progress)
        plan.make_others()
        plan.finish_folders()
    finally:
        os.umask(mask)
    return Extraction(len(inventory.entries), copied, plan.problems)


def _run(plan: _Plan, shares: list[NDArray[np.int64]], progress: Progress | None) -> int:
    """Write each share of the files in a process of its own; returns the bytes written."""
    context = multiprocessing.get_context("fork")  # the tree is shared as it is, nothing is sent to the children
    children = {}
    for share in shares:
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_work, args=(plan, share, sender), daemon=True)
        child.start()
        sender.close()
        children[receiver] = child
    total = 0
    pending = list(children)
    while pending:
        for pipe in wait(pending):
            assert isinstance(pipe, Connection)
            try:
                said = pipe.recv()
            except EOFError:
                children[pipe].join()
                if children[pipe].exitcode:
                    status = children[pipe].exitcode
                    raise ImageIOError(f"a process that wrote files ended with status {status}") from None
                pending.remove(pipe)
                continue
            if isinstance(said, Exception):
                raise said
            if isinstance(said, int):
                total += said
                if progress is not None:
                    progress(said)
            else:
                plan.problems += said
    return total


def _work(plan: _Plan, share: NDArray[np.int64], pipe: Connection) -> None:
    """One process: tells how many more bytes are written, then the problems, or the error that ended it."""
    try:
        plan.write_files(share, pipe.send)
        pipe.send(plan.problems)
    except Exception as error:
        pipe.send(_portable(error))


def _portable(error: Exception) -> Exception:
    """An error that can be sent to another process."""
    return ImageIOError(str(error), errno=error.errno or errno.EIO) if isinstance(error, OSError) else error


class _Plan:
    """The tree as lists by inode row, and the steps that make it."""

    def __init__(self, inventory: Inventory, top: str, devices: bool) -> None:
        self.problems: list[str] = []
        self._inventory = inventory
        self._top = top
        self._devices = devices
        self._superuser = os.geteuid() == 0
        self._owner = os.geteuid(), os.getegid()
        entries, inodes = inventory.entries, inventory.inodes
        rows = np.arange(len(entries))
        first = np.full(len(inodes), -1, np.int64)
        first[entries["child"][::-1]] = rows[::-1]
        self._first = first
        self._later = np.flatnonzero(first[entries["child"]] != rows)
        names = inventory.entry_names()
        self._entry_names = names
        self._name = [names[i] if i >= 0 else b"" for i in first.tolist()]
        self._parent = np.where(first >= 0, np.append(entries["parent"], 0)[first], 0).tolist()
        self._kind = inodes["mode"] & 0o170000
        self._mode = (inodes["mode"] & (0o7777 if self._superuser else 0o1777)).tolist()
        self._who = list(zip(inodes["uid"].tolist(), inodes["gid"].tolist(), strict=True))
        self._size = inodes["size"].tolist()
        self._times = list(zip(inodes["atime"].tolist(), inodes["mtime"].tolist(), strict=True))
        self._folder_rows = [0, *entries["child"][inventory.is_directory()[entries["child"]]].tolist()]

    def shares(self, count: int) -> list[NDArray[np.int64]]:
        """Rows of regular files in `count` parts of about the same work, neighbours in the tree together."""
        files = np.flatnonzero(self._kind == stat.S_IFREG)
        work = np.cumsum(np.minimum(self._inventory.inodes["size"][files], 1 << 40) + _COST_OF_A_FILE)
        cuts = np.searchsorted(work, work[-1] * (np.arange(1, count) / count)) if len(files) else []
        return [share for share in np.split(files, cuts) if len(share)]

    def make_folders(self) -> None:
        """Make all directories, closed to others until they are finished."""
        with self._folders() as folders:
            for row in self._folder_rows[1:]:
                try:
                    os.mkdir(self._name[row], 0o700, dir_fd=folders.fd(self._parent[row]))
                except OSError as error:
                    self._failed(self._name[row], error)

    def write_files(self, files: NDArray[np.int64], progress: Progress) -> None:
        """Write regular files."""
        missing = set(files.tolist())
        untold = 0
        with self._folders() as folders:
            row, fd, end = -1, -1, 0
            for this, offset, chunk in iter_extent_data(self._inventory, files):
                if this != row:
                    self._finish(row, fd, end)
                    missing.discard(this)
                    row, fd = this, self._create(this, folders)
                if fd >= 0:
                    fd = self._write(row, fd, offset, chunk)
                    end = offset + len(chunk)
                    untold += len(chunk)
                    if untold >= _TOLD:
                        progress(untold)
                        untold = 0
            self._finish(row, fd, end)
            for row in sorted(missing):
                self._finish(row, self._create(row, folders))
        progress(untold)

    def make_others(self) -> None:
        """Make symlinks, device nodes and FIFOs, then the second and further names of everything."""
        special = np.flatnonzero((self._kind != stat.S_IFREG) & (self._kind != stat.S_IFDIR) & (self._first >= 0))
        with self._folders() as folders:
            for row in special.tolist():
                try:
                    self._make_special(row, folders)
                except (OSError, ValueError) as error:  # ValueError: a NUL in the target of a symlink
                    self._failed(self._name[row], error)
            entries = self._inventory.entries
            for entry in self._later.tolist():
                child, name = int(entries["child"][entry]), self._entry_names[entry]
                try:
                    source = folders.fd(self._parent[child])
                    target = folders.fd(int(entries["parent"][entry]), keep=source)
                    os.link(self._name[child], name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                except OSError as error:
                    self._failed(name, error)

    def finish_folders(self) -> None:
        """Give directories their owners, permissions and times, those inside others first."""
        with self._folders() as folders:
            for row in reversed(self._folder_rows):
                try:
                    self._dress(row, folders.fd(row), created=0o700)
                except OSError as error:
                    self._failed(self._name[row], error)

    def _folders(self) -> Folders:
        return Folders(self._top, self._parent, self._name)

    def _create(self, row: int, folders: Folders) -> int:
        """A new file, open for writing; -1 when it cannot be made."""
        try:
            return os.open(self._name[row], _NEW, self._mode[row] & 0o777, dir_fd=folders.fd(self._parent[row]))
        except OSError as error:
            return self._failed(self._name[row], error)

    def _write(self, row: int, fd: int, offset: int, chunk: memoryview) -> int:
        """Write a chunk; returns the descriptor, -1 once it is of no use."""
        try:
            done = 0
            while done < len(chunk):
                done += os.pwrite(fd, chunk[done:], offset + done)
        except OSError as error:
            os.close(fd)
            return self._failed(self._name[row], error)
        return fd

    def _finish(self, row: int, fd: int, end: int = 0) -> None:
        """Give a file its size, owner, permissions and times, and close it."""
        if fd < 0:
            return
        try:
            if end < self._size[row]:
                os.ftruncate(fd, self._size[row])
            self._dress(row, fd, created=self._mode[row] & 0o777)
        except OSError as error:
            self._failed(self._name[row], error)
        finally:
            os.close(fd)

    def _dress(self, row: int, fd: int, *, created: int) -> None:
        if self._superuser and self._who[row] != self._owner:
            os.fchown(fd, *self._who[row])
        if self._mode[row] != created:
            os.fchmod(fd, self._mode[row])
        for name, value in self._inventory.attributes.get(row, {}).items():
            if name.startswith(b"user."):
                os.setxattr(fd, name, value)
        os.utime(fd, ns=self._times[row])

    def _make_special(self, row: int, folders: Folders) -> None:
        kind, name, parent = int(self._kind[row]), self._name[row], folders.fd(self._parent[row])
        mode = self._mode[row]
        if kind == stat.S_IFLNK:
            os.symlink(self._inventory.links[row], name, dir_fd=parent)
        elif kind == stat.S_IFIFO:
            os.mkfifo(name, mode, dir_fd=parent)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK) and self._devices:
            rdev = int(self._inventory.inodes["rdev"][row])
            os.mknod(name, kind | mode, os.makedev(rdev >> 32, rdev & 0xFFFFFFFF), dir_fd=parent)
        else:
            self.problems.append(f"{printable(name)}: {'socket' if kind == stat.S_IFSOCK else 'device node'}, left out")
            return
        if self._superuser and self._who[row] != self._owner:
            os.chown(name, *self._who[row], dir_fd=parent, follow_symlinks=False)
        if kind != stat.S_IFLNK and mode & 0o7000:
            os.chmod(name, mode, dir_fd=parent)
        os.utime(name, ns=self._times[row], dir_fd=parent, follow_symlinks=False)

    def _failed(self, name: bytes, error: OSError | ValueError) -> int:
        """Note what went wrong with one name; what would go wrong with all others too ends the work."""
        number = getattr(error, "errno", None)
        if number in _FATAL:
            raise ImageIOError(f"cannot write: {os.strerror(number)}", where=self._top, errno=number) from None
        text = os.strerror(number) if number else str(error)
        self.problems.append(f"{printable(name)}: cannot be made as it is ({text})")
        return -1
