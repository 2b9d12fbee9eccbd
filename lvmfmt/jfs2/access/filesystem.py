"""`FileSystem`: a JFS2 file system on any block device, read by path and changed in short sessions."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ...block import BlockDevice, Buffer, DeviceLike, opened
from ...block.device import byte_view
from ...block.held import Hold
from ...errors import AlreadyExists, ImageIOError, LvmfmtError, NoSpace, NotFound, OperationRefused
from ...oneline import short_name
from ...origin import FixedOrigin, Origin, SystemOrigin, origin_or_system
from ...units import ceil_div, format_size
from ..paths.view import StatFs, View, check_name, name_bytes, parts_of
from ..reading.inodes import InodeMap
from ..superblock import Superblock, describe_state, read_superblock

if TYPE_CHECKING:
    from ..journal.mount import Mount
    from ..journal.unlogged import UnloggedMount

__all__ = ["FileSystem", "StatFs"]


class FileSystem(View):
    """A file system that is open. Paths are absolute in it, and symlinks are never followed.

    Each change mounts it, commits and unmounts it again; `changing` makes several with one mount. For many changes
    over a longer time, `journal.mount` is the way.

    Attributes:
        device: where it lies.
        block_size: bytes of a block.
        writable: whether changes are possible.
        problems: what is wrong with it as far as opening it has shown, a line each.
        origin: the clock of changes that are not dated otherwise.
    """

    def __init__(
        self,
        device: BlockDevice,
        superblock: Superblock,
        *,
        writable: bool,
        log_device: BlockDevice | None = None,
        aggregate: int | None = None,
    ) -> None:
        volume = superblock.volume(device)
        super().__init__(superblock, volume, InodeMap(volume, superblock))
        self.device, self.writable = device, writable
        self.block_size = superblock.geometry.block_size
        self.problems = [*superblock.problems, *describe_state(superblock.state), *self.inodes.problems]
        self._log_device, self._aggregate = log_device, aggregate
        self.origin: Origin = SystemOrigin()
        self._opened = ExitStack()
        self._depth = 0
        self._mount: Mount | UnloggedMount | None = None
        self._hold = Hold()

    @classmethod
    def open(
        cls,
        device: DeviceLike,
        *,
        writable: bool = False,
        log_device: DeviceLike | None = None,
        aggregate: int | None = None,
        origin: Origin | None = None,
    ) -> FileSystem:
        """Open the file system on a device. What is opened here `close` closes.

        Args:
            device: where it lies.
            writable: for changes, too.
            log_device: the log volume of a file system with an external log, writable. Without it such a file system
                is marked dirty while it is changed, and nothing is logged.
            aggregate: AIX, with an external log: number of the file system's device (major << 32 | minor).
            origin: clock of changes that are not dated otherwise; by default that of the system.

        Raises:
            CorruptImage: there is no file system that makes sense.
            UnsupportedFeature: it uses a feature that this program does not know.
            OperationRefused: writing was asked for, and the file system is not in order.
        """
        origin = origin_or_system(origin)
        with ExitStack() as stack:
            device = stack.enter_context(opened(device, writable=writable))
            log = None if log_device is None else stack.enter_context(opened(log_device, writable=writable))
            superblock = read_superblock(device)
            fs = cls(device, superblock, writable=writable, log_device=log, aggregate=aggregate)
            if writable and (fs.problems or not superblock.writable_features):
                raise OperationRefused(
                    fs.problems[0] if fs.problems else "it has snapshots, which a writer must know about",
                    where=device.name,
                    hint="it can be opened for reading",
                )
            fs.origin, fs._opened = origin, stack.pop_all()
        return fs

    def __repr__(self) -> str:
        what = "to be written to" if self.writable else "for reading"
        return (
            f"<FileSystem {short_name(self.device.name)}: {self.dialect.name}, {format_size(self.device.size)}, {what}>"
        )

    def close(self) -> None:
        """Close what was opened for it; a device that was given stays open."""
        self._opened.close()

    def __enter__(self) -> FileSystem:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_file(
        self,
        path: str,
        data: Buffer,
        *,
        now: int | None = None,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Make a regular file, or give an existing one other content; see `Operations.write_file`.

        Instants (`now`) are nanoseconds since the epoch, here and below; by default the clock's.

        Raises:
            NotFound: there is no such directory.
            NoSpace: it does not fit; nothing was changed.
            OperationRefused: not open for writing, or the path is not that of a regular file.
        """
        self._check_writable()
        old = self._check_change(path)
        blocks = ceil_div(len(byte_view(data)), self.block_size)
        if blocks > self.statfs().free_blocks:
            raise NoSpace(f"no room for {blocks} more blocks", where=self.device.name)
        if old not in (0, stat.S_IFREG):
            raise OperationRefused(f"{path}: not a regular file", where=self.device.name)
        with self.changing():
            self._mounted(now).write_file(path, data, now=now, mode=mode, uid=uid, gid=gid)

    def replace_files(self, contents: Mapping[str, Buffer], *, now: int | None = None) -> None:
        """Give several regular files new content, all or none; see `Operations.replace_files`."""
        self._check_writable()
        with self.changing():
            self._mounted(now).replace_files(contents, now=now)

    def remove(self, path: str, *, now: int | None = None) -> None:
        """Take a name away that is not a directory; what it belongs to goes with its last name.

        Raises:
            NotFound: there is no such path.
            OperationRefused: not open for writing, or it is a directory.
        """
        self._check_writable()
        old = self._check_change(path)
        if not old:
            raise NotFound(f"no such path: {path}", where=self.device.name)
        if old == stat.S_IFDIR:
            raise OperationRefused(f"{path}: is a directory", where=self.device.name)
        with self.changing():
            self._mounted(now).unlink(path, now=now)

    def mkdir(self, path: str, *, now: int | None = None, mode: int = 0o755) -> None:
        """Make a directory.

        Raises:
            AlreadyExists: there is such a path.
            NotFound: there is no directory to make it in.
            OperationRefused: not open for writing.
        """
        self._check_writable()
        if self._check_change(path):
            raise AlreadyExists(f"{path}: exists", where=self.device.name)
        with self.changing():
            self._mounted(now).mkdir(path, now=now, mode=mode)

    def rmdir(self, path: str, *, now: int | None = None) -> None:
        """Remove an empty directory.

        Raises:
            NotFound: there is no such path.
            OperationRefused: not open for writing, or it is no directory, or not empty.
        """
        self._check_writable()
        if self._check_change(path) != stat.S_IFDIR:
            raise NotFound(f"no such directory: {path}", where=self.device.name)
        if len(self.listdir(path)):
            raise OperationRefused(f"{path}: is not empty", where=self.device.name)
        with self.changing():
            self._mounted(now).rmdir(path, now=now)

    def set_identity(
        self, *, fname: str | None = None, fpack: str | None = None, label: str | None = None, logdev: int | None = None
    ) -> None:
        """Change names in both superblocks; what is None stays, and what is too long is cut.

        Args:
            fname: AIX: name of the file system, 6 characters of it are kept.
            fpack: AIX: name of the volume, 6 characters; Linux: label, 11.
            label: Linux: label, 16 characters.
            logdev: AIX: device of the log, major << 32 | minor.

        Raises:
            OperationRefused: not open for writing, or in the middle of `changing`.
            UnsupportedFeature: the dialect has no such name.
        """
        self._check_writable()
        if self._mount is not None:
            raise OperationRefused("the file system is being changed", where=self.device.name)
        from ..superblock.identity import IdentityChange, reidentify

        reidentify(self.device, IdentityChange(fname, fpack, label, log_device=logdev), cut=True)
        self.superblock = read_superblock(self.device)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make several changes with one mount, from the first change to the end of the block. Blocks may nest.

        A refused change ends nothing; an error of the device leaves the file system as a crash would. Until the first
        change has succeeded nothing is written, so that one that is refused alone changes no byte.

        Raises:
            OperationRefused: not open for writing.
        """
        self._check_writable()
        self._depth += 1
        try:
            yield
        except BaseException as error:
            self._depth -= 1
            if isinstance(error, LvmfmtError) and not isinstance(error, ImageIOError):
                self._unmount()
            raise
        self._depth -= 1
        if self._depth:
            self._hold.release()
        else:
            self._unmount(done=True)

    def _mounted(self, now: int | None) -> Mount | UnloggedMount:
        """The mount that changes go through; reading goes through it, too, as long as it lasts."""
        if self._mount is None:
            from ..journal.mount import mount
            from ..journal.unlogged import unlogged_mount

            self._hold = Hold()
            device = self._hold.over(self.device)
            if self.superblock.geometry.log_blocks or self._log_device is not None:
                origin = self.origin if now is None else FixedOrigin(now)
                log = None if self._log_device is None else self._hold.over(self._log_device)
                self._mount = mount(device, origin=origin, log_device=log, aggregate=self._aggregate)
            else:
                self._mount = unlogged_mount(device)
            self._mount.origin = self.origin
            self._read_from(self._mount)
        return self._mount

    def _unmount(self, *, done: bool = False) -> None:
        """At the end of the outermost block: bring everything home, and read from the device again.

        Args:
            done: what has been held back so far is to be written; else it is forgotten.
        """
        if self._depth == 0 and self._mount is not None:
            mounted, self._mount = self._mount, None
            try:
                if done or self._hold.released:
                    mounted.unmount()
                    self._hold.release()
            finally:
                self.superblock = read_superblock(self.device)
                volume = self.superblock.volume(self.device)
                self._read_from(View(self.superblock, volume, InodeMap(volume, self.superblock)))

    def _free_blocks(self) -> int:
        return super()._free_blocks() if self._mount is None else self._mount.statfs().free_blocks

    def _read_from(self, view: View) -> None:
        self.volume, self.inodes, self.directories = view.volume, view.inodes, view.directories

    def _check_writable(self) -> None:
        if not self.writable:
            raise OperationRefused("the file system was opened for reading", where=self.device.name)

    def _check_change(self, path: str) -> int:
        """The file type of what is at a path, 0 for nothing: what is refused is refused before the mount."""
        parts = parts_of(path)
        if not parts:
            raise OperationRefused("the root directory is not a file", where=self.device.name)
        directory = self._directory("/".join(parts[:-1]))
        name = name_bytes(parts[-1])
        check_name(self.dialect, name, self.device.name)
        number = self.directories.lookup(directory.root.tobytes(), name, at=directory.root_at)
        return 0 if number is None else self.inodes.read(number).kind
