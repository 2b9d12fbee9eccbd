"""Files of a host by absolute path, across its file systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import NotFound
from ...jfs2 import FileSystem

MAX_SYMLINKS = 8


def holder(points: Iterable[str], path: str) -> tuple[str, str]:
    """The mount point that an absolute path lies below, and the path inside its file system.

    Args:
        points: mount points; / need not be among them.
        path: an absolute path; nothing need exist there.
    """
    point = max((p for p in points if p == "/" or path == p or path.startswith(p + "/")), key=len, default="/")
    return point, "/" + path.removeprefix(point).lstrip("/")


def read_file(locate: Callable[[str], tuple[FileSystem, str]], path: str) -> bytes | None:
    """Content of the regular file at an absolute path, or None if there is none.

    Args:
        locate: answers the file system that holds a path, and the path inside it.
        path: the path; where it names a symlink, that is followed, a few times at most.
    """
    for _ in range(MAX_SYMLINKS):
        files, inside = locate(path)
        try:
            kind = files.stat(inside)
        except NotFound:
            return None
        if kind.is_file:
            return files.read(inside)
        if not kind.is_symlink:
            return None
        target = files.readlink(inside)
        path = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    return None
