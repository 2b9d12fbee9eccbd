"""A JFS2 file system for fsspec, and so for everything that reads through it (pandas, pyarrow, dask, ...).

`fsspec.filesystem("jfs2", image="root.img")`, or `fsspec.open("jfs2://etc/motd", image="root.img")`.
"""

from __future__ import annotations

import stat
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from ...block import BlockDevice
from ...block import open as open_device
from ...errors import OperationRefused
from ..paths.stat import Stat
from .filesystem import FileSystem
from .recovery import open_recovered

_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


class Jfs2FileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files of a JFS2 file system, for reading. Symlinks are shown as such and not followed.

    Paths are as fsspec has them: without a leading slash, "" is the root.

    Args:
        fs: a file system that is open; or
        device: the device it is on; or
        image: path of an image of it, which `close` closes. One that was not unmounted is read as a replay of its
            log leaves it.
        storage_options: what fsspec itself takes, such as `skip_instance_cache`.

    Attributes:
        problems: what made no sense in the directories that were listed, a line each; listings go on behind it.

    Raises:
        CorruptImage: there is no file system that makes sense.
        OperationRefused: not exactly one of `fs`, `device` and `image` was given.
    """

    protocol = "jfs2"
    root_marker = ""
    cachable = False  # two images at one path are two file systems

    def __init__(
        self,
        fs: FileSystem | None = None,
        *,
        device: BlockDevice | None = None,
        image: str | None = None,
        **storage_options: Any,
    ) -> None:
        super().__init__(**storage_options)
        if sum(given is not None for given in (fs, device, image)) != 1:
            raise OperationRefused("give one of a file system, a device and an image")
        self.problems: list[str] = []
        self._stack = ExitStack()
        if image is not None:
            device = self._stack.enter_context(open_device(image))
        if fs is None:
            assert device is not None
            try:
                fs = FileSystem.open(open_recovered(device)[0])
            except BaseException:
                self._stack.close()
                raise
        self.fs = fs

    def close(self) -> None:
        """Close the image that was opened for this file system."""
        self._stack.close()

    @property
    def fsid(self) -> str:
        """A name for this file system: the device that it is on."""
        return f"jfs2:{self.fs.device.name}"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """A path without `jfs2://` and without slashes around it."""
        if isinstance(path, list):
            return [cls._strip_protocol(p) for p in path]
        return super()._strip_protocol(path).strip("/")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size, type, mode, owner, times and inode number of a path.

        Raises:
            NotFound: there is no such path.
        """
        name = self._strip_protocol(path)
        return self._described(name, self.fs.stat(name))

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[dict[str, Any]] | list[str]:
        """What is in a directory, by name; a file gives itself."""
        name = self._strip_protocol(path)
        walk = self.fs.walk(name, depth=1, problems=self.problems)
        found = [(self._strip_protocol(at), status) for at, status in walk]
        if found[0][1].is_directory:
            found = found[1:]
        found.sort()
        return [self._described(at, status) for at, status in found] if detail else [at for at, _ in found]

    def created(self, path: str) -> datetime:
        """When a file was made, in UTC."""
        return _instant(self.fs.stat(self._strip_protocol(path)).otime)

    def modified(self, path: str) -> datetime:
        """When the content of a file was changed, in UTC."""
        return _instant(self.fs.stat(self._strip_protocol(path)).mtime)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Bytes of a file; negative positions count from its end."""
        device = self.fs.file_device(self._strip_protocol(path))
        first, last, _step = slice(start, end).indices(device.size)
        return device.read(first, max(last - first, 0)).tobytes()

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> BinaryIO:
        if mode != "rb":
            raise OperationRefused(f"opened for reading; mode {mode!r} is not possible", where=self.fsid)
        file: BinaryIO = _File(self, path, mode, block_size or "default", cache_options=cache_options, **options)
        return file

    def _described(self, name: str, status: Stat) -> dict[str, Any]:
        entry = {
            "name": name, "size": status.size if status.is_file else 0,
            "type": _TYPES.get(stat.S_IFMT(status.mode), "other"), "mode": status.mode, "uid": status.uid,
            "gid": status.gid, "nlink": status.nlink, "ino": status.number, "islink": status.is_symlink,
            "created": status.otime / 1e9, "mtime": status.mtime / 1e9,
        }  # fmt: skip
        if status.is_symlink:
            entry["destination"] = self.fs.target(name, status, self.problems)
        return entry


class _File(AbstractBufferedFile):  # type: ignore[misc]
    """A file open for reading, with fsspec's caches before it."""

    def __init__(self, fs: Jfs2FileSystem, path: str, *args: Any, **options: Any) -> None:
        self._device = fs.fs.file_device(path)
        super().__init__(fs, path, *args, size=self._device.size, **options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        end = min(end, self._device.size)
        return self._device.read(start, max(end - start, 0)).tobytes()


def _instant(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
