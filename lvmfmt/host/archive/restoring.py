"""Restoring members of an archive into the file systems of a running machine, one after the other."""

from __future__ import annotations

import itertools
import stat
from contextlib import suppress

import numpy as np

from ... import jfs2
from ...backup import Member
from ...block import Buffer
from ...block.device import byte_view
from ...errors import LvmfmtError, NotFound, OperationRefused
from ...escaping import printable
from ...jfs2 import Stat
from ...jfs2.geometry import PAGE
from ...jfs2.sources.backup import parts
from ...units import NS_PER_S
from ..machine.paths import MAX_SYMLINKS
from ..machine.running import Machine


class Restorer:
    """Makes files of members, below one directory whatever their names say.

    Symlinks that were there before are followed on the way to a file, those that came from the archive never. Files
    with several names are linked; runs of zeros become holes.

    Args:
        machine: the running machine.
        own_times: give files the times of the archive, not the present.
        holes: leave out pages of zeros.
        root: the directory, which exists; what is absolute starts there.
    """

    def __init__(self, machine: Machine, *, own_times: bool = True, holes: bool = True, root: str = "/") -> None:
        self._machine = machine
        self._root = root
        self._own_times, self._holes = own_times, holes
        self._symlinks: set[str] = set()  # that were made here
        self._linked: dict[tuple[int, int], str] = {}
        self._directories: list[tuple[Member, str]] = []

    def restore(self, member: Member) -> None:
        """Make the file of a member, replacing what is not a directory.

        Raises:
            NoSpace: it does not fit.
            OperationRefused: its name leads out of the archive, or something else is in its place.
            CorruptImage: its data cannot be unpacked.
        """
        names = parts(member.name)
        if b".." in names:
            raise OperationRefused("its name leads out of the archive")
        texts = [name.decode("utf-8", "surrogateescape") for name in names]
        path = self._parent(texts[:-1]).rstrip("/") + f"/{texts[-1]}" if texts else self._root
        there = self._status(path)
        if there is not None and there.is_directory and member.kind != stat.S_IFDIR:
            raise OperationRefused("a directory has this name")
        make = {stat.S_IFDIR: self._directory, stat.S_IFREG: self._file, stat.S_IFLNK: self._symlink}
        make.get(member.kind, self._special)(member, path, there)

    def _directory(self, member: Member, path: str, there: Stat | None) -> None:
        mount, inside = self._place(path)
        if there is not None and not there.is_directory:
            mount.unlink(inside, now=self._now)
            there = None
        if there is None:
            mount.mkdir(inside, now=self._now)
        self._dress(member, mount, inside)
        self._directories.append((member, path))

    def finish(self) -> None:
        """Give directories their times, which what was made in them has changed."""
        if self._own_times:
            for member, path in reversed(self._directories):
                mount, inside = self._place(path)
                mount.utime(inside, member.atime * NS_PER_S, member.mtime * NS_PER_S, now=self._now)

    def _file(self, member: Member, path: str, there: Stat | None) -> None:
        mount, inside = self._place(path)
        first = self._linked.get(member.link) if member.link else None
        other = self._place(first) if first else None
        if other is not None and other[0] is mount and first != path:
            if there is not None:
                mount.unlink(inside, now=self._now)
            mount.link(other[1], inside, now=self._now)
            return
        if there is None:
            self._fill(member, mount, inside)
        else:  # what is there goes when all of the new one is there
            beside = _free_name(mount, inside.rpartition("/")[0])
            try:
                self._fill(member, mount, beside)
            except LvmfmtError:
                with suppress(LvmfmtError):
                    mount.unlink(beside, now=self._now)
                raise
            mount.rename(beside, inside, now=self._now)
        if member.link:
            self._linked[member.link] = path

    def _fill(self, member: Member, mount: jfs2.Mount, path: str) -> None:
        mount.create(path, now=self._now)
        offset = 0
        for piece in member.content():
            self._write(mount, path, offset, piece)
            offset += byte_view(piece).nbytes
        mount.truncate(path, member.size, now=self._now)
        self._dress(member, mount, path)

    def _write(self, mount: jfs2.Mount, path: str, offset: int, piece: Buffer) -> None:
        data = np.frombuffer(byte_view(piece), np.uint8)
        if not self._holes:
            mount.write(path, offset, data, now=self._now)
            return
        used = np.add.reduceat(data != 0, np.arange(0, len(data), PAGE), dtype=np.int64) > 0 if len(data) else data
        edges = np.flatnonzero(np.diff(np.concatenate(([False], used, [False])).astype(np.int8)))
        for start, end in (edges.reshape(-1, 2) * PAGE).tolist():
            mount.write(path, offset + start, data[start:end], now=self._now)

    def _symlink(self, member: Member, path: str, there: Stat | None) -> None:
        mount, inside = self._place(path)
        if there is not None:
            mount.unlink(inside, now=self._now)
        target = member.target.decode("utf-8", "surrogateescape")
        mount.symlink(target, inside, now=self._now, uid=member.uid, gid=member.gid)
        self._symlinks.add(path)

    def _special(self, member: Member, path: str, there: Stat | None) -> None:
        mount, inside = self._place(path)
        if there is not None:
            mount.unlink(inside, now=self._now)
        mount.mknod(inside, member.mode & 0xFFFF, member.rdev, now=self._now)
        self._dress(member, mount, inside)

    def _dress(self, member: Member, mount: jfs2.Mount, path: str) -> None:
        now = self._now
        mount.chown(path, member.uid, member.gid, now=now)
        mount.chmod(path, member.mode & 0o7777, now=now)
        if self._own_times:
            mount.utime(path, member.atime * NS_PER_S, member.mtime * NS_PER_S, now=now)

    def _parent(self, names: list[str]) -> str:
        """The directory with these names, made where it is missing.

        Raises:
            OperationRefused: something on the way is not a directory.
        """
        path, left, followed = self._root, names[::-1], 0
        while left:
            here = f"{path.rstrip('/')}/{left.pop()}"
            there = self._status(here)
            if there is None:
                mount, inside = self._place(here)
                mount.mkdir(inside, now=self._now)
            elif there.is_symlink and here not in self._symlinks and followed < MAX_SYMLINKS:
                files, inside = self._machine.locate(here)
                target = files.readlink(inside)
                followed += 1
                if ".." in target.split("/"):
                    raise OperationRefused(f"{printable(here)} is a symlink with .. in its target")
                left.extend(part for part in reversed(target.split("/")) if part not in ("", "."))
                path = self._root if target.startswith("/") else path
                continue
            elif not there.is_directory:
                raise OperationRefused(f"{printable(here)} is not a directory")
            path = here
        return path

    def _status(self, path: str) -> Stat | None:
        files, inside = self._machine.locate(path)
        try:
            return files.stat(inside)
        except NotFound:
            return None

    def _place(self, path: str) -> tuple[jfs2.Mount, str]:
        files, inside = self._machine.locate(path)
        return files.mount, inside

    @property
    def _now(self) -> int:
        return self._machine.origin.now()


def _free_name(mount: jfs2.Mount, folder: str) -> str:
    """A path in a directory that nothing has, for a file that is to replace one."""
    for number in itertools.count():
        path = f"{folder}/.restore.{number}"
        try:
            mount.stat(path)
        except NotFound:
            return path
    raise AssertionError("numbers do not end")
