"""Bringing a whole tree out: an inventory as directories and files of the running machine.

Nothing is ever followed: every step down is taken from the descriptor of the directory above, by a name without a
slash, so neither a hostile name nor a symlink leads out of the destination. Files are written by several
processes, this one among them, since making a file costs the system more than its bytes.
"""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
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
        copied = _run(plan, plan.shares(workers), progress or (lambda _: None))
        plan.make_further_names()
        plan.finish_folders()
    finally:
        os.umask(mask)
    return Extraction(len(inventory.entries), copied, plan.problems)


_Facts = tuple[bytes, int, int, tuple[int, int] | None, int, tuple[int, int]]
"""What to make of an inode: name, row of the directory, permissions, whom to give it to, size, atime and mtime."""


def _run(plan: _Plan, shares: list[NDArray[np.int64]], progress: Progress) -> int:
    """Write each share of the files in a process of its own, the last one in this; returns the bytes written."""
    context = multiprocessing.get_context("fork")  # the tree is shared as it is, nothing is sent to the children
    children: list[tuple[ForkProcess, Connection]] = []
    total = 0

    def told(count: int) -> None:
        nonlocal total
        total += count
        progress(count)

    try:
        for share in shares[:-1]:
            receiver, sender = context.Pipe(duplex=False)
            child = context.Process(target=_work, args=(plan, share, sender), daemon=True)
            child.start()
            sender.close()
            children.append((child, receiver))
        plan.make_special()
        for share in shares[-1:]:
            plan.write_files(share, told)
        for child, pipe in children:
            plan.problems += _result(child, pipe, told)
    finally:
        for child, pipe in children:
            child.terminate()
            child.join()
            pipe.close()
    return total


def _result(child: ForkProcess, pipe: Connection, told: Progress) -> list[str]:
    """Wait for a child; its problems."""
    while True:
        try:
            said = pipe.recv()
        except EOFError:
            child.join()
            raise ImageIOError(f"a process that wrote files ended with status {child.exitcode}") from None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, list):
            return said
        told(said)


def _work(plan: _Plan, share: NDArray[np.int64], pipe: Connection) -> None:
    """One process: tells how many more bytes are written, then the problems, or the error that ended it."""
    gc.disable()  # a collection would touch, and so copy, all that is shared with the parent
    plan.problems = []
    try:
        plan.write_files(share, pipe.send)
        pipe.send(plan.problems)
    except Exception as error:
        pipe.send(_portable(error))


def _portable(error: Exception) -> Exception:
    """An error that can be sent to another process."""
    return ImageIOError(str(error), errno=error.errno or errno.EIO) if isinstance(error, OSError) else error


class _Plan:
    """The tree by inode row, and the steps that make it."""

    def __init__(self, inventory: Inventory, top: str, devices: bool) -> None:
        self.problems: list[str] = []
        self._inventory = inventory
        self._top = top
        self._devices = devices
        self._superuser = os.geteuid() == 0
        self._maker = os.geteuid(), os.getegid()
        self._mask = 0o7777 if self._superuser else 0o1777
        entries, inodes = inventory.entries, inventory.inodes
        self._first = np.full(len(inodes), -1, np.int64)  # entry that an inode is made by
        self._first[entries["child"][::-1]] = np.arange(len(entries))[::-1]
        self._later = np.flatnonzero(self._first[entries["child"]] != np.arange(len(entries)))
        self._kind = inodes["mode"] & 0o170000
        rows = entries["child"][inventory.is_directory()[entries["child"]]]
        self._directories = self._facts(np.append(0, rows))  # the outer ones first
        self._parents = {row: parent for row, (_, parent, *_) in self._directories.items()}
        self._names = {row: name for row, (name, *_) in self._directories.items()}

    def _facts(self, rows: NDArray[np.integer]) -> dict[int, _Facts]:
        """What to make of inodes, by row."""
        entries, inodes = self._inventory.entries, self._inventory.inodes[rows]
        first = self._first[rows]
        made_by = np.append(entries, np.zeros(1, entries.dtype))[first]  # the top has no entry: the one of no name
        start = made_by["name_start"]
        text = self._inventory.names
        names = [text[a:b] for a, b in zip(start.tolist(), (start + made_by["name_length"]).tolist(), strict=True)]
        owners: list[tuple[int, int] | None] = [None] * len(names)
        if self._superuser:
            pairs = zip(inodes["uid"].tolist(), inodes["gid"].tolist(), strict=True)
            owners = [None if pair == self._maker else pair for pair in pairs]
        times = zip(inodes["atime"].tolist(), inodes["mtime"].tolist(), strict=True)
        modes = (inodes["mode"] & self._mask).tolist()
        parents, sizes = made_by["parent"].tolist(), inodes["size"].tolist()
        return dict(zip(rows.tolist(), zip(names, parents, modes, owners, sizes, times, strict=True), strict=True))

    def shares(self, count: int) -> list[NDArray[np.int64]]:
        """Rows of regular files in `count` parts of about the same work, neighbours in the tree together."""
        files = np.flatnonzero((self._kind == stat.S_IFREG) & (self._first >= 0))
        if not len(files):
            return []
        work = np.cumsum(np.minimum(self._inventory.inodes["size"][files], 1 << 40) + _COST_OF_A_FILE)
        cuts = np.searchsorted(work, work[-1] * (np.arange(1, count) / count))
        return [share for share in np.split(files, cuts) if len(share)]

    def make_folders(self) -> None:
        """Make all directories, closed to others until they are finished."""
        with self._folders() as folders:
            for row, (name, parent, *_) in self._directories.items():
                try:
                    if row:
                        os.mkdir(name, 0o700, dir_fd=folders.fd(parent))
                except OSError as error:
                    self._failed(name, error)

    def write_files(self, files: NDArray[np.int64], progress: Progress) -> None:
        """Write regular files."""
        facts = self._facts(files)
        untold = 0
        with self._folders() as folders:
            row, fd, end = -1, -1, 0
            for this, offset, chunk in iter_extent_data(self._inventory, files):
                if this != row:
                    if fd >= 0:
                        self._finish(row, facts.pop(row), fd, end)
                    elif row >= 0:
                        del facts[row]
                    row = this
                    fd = self._create(facts[row], folders)
                if fd >= 0:
                    fd = self._write(facts[row], fd, offset, chunk)
                    end = offset + len(chunk)
                    untold += len(chunk)
                    if untold >= _TOLD:
                        progress(untold)
                        untold = 0
            if fd >= 0:
                self._finish(row, facts[row], fd, end)
            facts.pop(row, None)
            for row, fact in facts.items():
                fd = self._create(fact, folders)
                if fd >= 0:
                    self._finish(row, fact, fd, 0)
        progress(untold)

    def make_special(self) -> None:
        """Make symlinks, device nodes and FIFOs."""
        special = (self._kind != stat.S_IFREG) & (self._kind != stat.S_IFDIR) & (self._first >= 0)
        with self._folders() as folders:
            for row, fact in self._facts(np.flatnonzero(special)).items():
                try:
                    self._make_special(row, fact, folders)
                except (OSError, ValueError) as error:  # ValueError: a NUL in the target of a symlink
                    self._failed(fact[0], error)

    def make_further_names(self) -> None:
        """Make the second and further names of everything."""
        entries = self._inventory.entries[self._later]
        made = self._facts(entries["child"])
        rows = zip(self._later.tolist(), entries["child"].tolist(), entries["parent"].tolist(), strict=True)
        with self._folders() as folders:
            for entry, child, parent in rows:
                name, (old_name, old_parent, *_) = self._inventory.name(entry), made[child]
                try:
                    source = folders.fd(old_parent)
                    target = folders.fd(parent, keep=source)
                    os.link(old_name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                except OSError as error:
                    self._failed(name, error)

    def finish_folders(self) -> None:
        """Give directories their owners, permissions and times, those inside others first."""
        with self._folders() as folders:
            for row, fact in reversed(self._directories.items()):
                try:
                    self._dress(row, fact, folders.fd(row), created=0o700)
                except OSError as error:
                    self._failed(fact[0], error)

    def _folders(self) -> Folders:
        return Folders(self._top, self._parents, self._names)

    def _create(self, fact: _Facts, folders: Folders) -> int:
        """A new file, open for writing; -1 when it cannot be made."""
        name, parent, mode, *_ = fact
        try:
            return os.open(name, _NEW, mode & 0o777, dir_fd=folders.fd(parent))
        except OSError as error:
            return self._failed(name, error)

    def _write(self, fact: _Facts, fd: int, offset: int, chunk: memoryview) -> int:
        """Write a chunk; returns the descriptor, -1 once it is of no use."""
        try:
            done = os.pwrite(fd, chunk, offset)
            while done < len(chunk):
                done += os.pwrite(fd, chunk[done:], offset + done)
        except OSError as error:
            os.close(fd)
            return self._failed(fact[0], error)
        return fd

    def _finish(self, row: int, fact: _Facts, fd: int, end: int) -> None:
        """Give a file its size, owner, permissions and times, and close it."""
        name, _, mode, _, size, _ = fact
        try:
            if end < size:
                os.ftruncate(fd, size)
            self._dress(row, fact, fd, created=mode & 0o777)
        except OSError as error:
            self._failed(name, error)
        finally:
            os.close(fd)

    def _dress(self, row: int, fact: _Facts, fd: int, *, created: int) -> None:
        """Give what is open its owner, permissions, attributes and times."""
        _, _, mode, owner, _, times = fact
        if owner is not None:
            os.fchown(fd, *owner)
        if mode != created:
            os.fchmod(fd, mode)
        if row in self._inventory.attributes:
            for name, value in self._inventory.attributes[row].items():
                if name.startswith(b"user."):
                    os.setxattr(fd, name, value)
        os.utime(fd, ns=times)

    def _make_special(self, row: int, fact: _Facts, folders: Folders) -> None:
        name, above, mode, owner, _, times = fact
        kind, parent = int(self._kind[row]), folders.fd(above)
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
        if owner is not None:
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        if kind != stat.S_IFLNK and mode & 0o7000:
            os.chmod(name, mode, dir_fd=parent)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _failed(self, name: bytes, error: OSError | ValueError) -> int:
        """Note what went wrong with one name; what would go wrong with all others too ends the work."""
        number = getattr(error, "errno", None)
        if number in _FATAL:
            raise ImageIOError(f"cannot write: {os.strerror(number)}", where=self._top, errno=number) from None
        text = os.strerror(number) if number else str(error)
        self.problems.append(f"{printable(name)}: cannot be made as it is ({text})")
        return -1
