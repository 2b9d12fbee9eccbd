"""What `lvmfmt host ls` shows of a directory."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import NamedTuple

from ...jfs2.paths.stat import Stat
from ...units import NS_PER_S
from .running import Machine


class FileRow(NamedTuple):
    """A file: permissions as `ls -l` shows them, owner, group, bytes, last change in UTC, name and link target."""

    mode: str
    uid: int
    gid: int
    size: int
    changed: str
    name: str
    target: str | None


def listing(machine: Machine, path: str) -> list[FileRow]:
    """The files in a directory by name, or the one file that the path names.

    Raises:
        NotFound: there is no such path.
    """
    top = "/" + path.strip("/")
    files, inside = machine.locate(top)
    found = files.stat(inside)
    if not found.is_directory:
        return [_row(machine, top, path, found)]
    rows = []
    for name in sorted(files.listdir(inside)):
        child = f"{top.rstrip('/')}/{name}"
        where, at = machine.locate(child)
        rows.append(_row(machine, child, name, where.stat(at)))
    return rows


def _row(machine: Machine, path: str, name: str, found: Stat) -> FileRow:
    files, inside = machine.locate(path)
    target = files.readlink(inside) if found.is_symlink else None
    changed = datetime.fromtimestamp(found.mtime // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return FileRow(stat.filemode(found.mode), found.uid, found.gid, found.size, changed, name, target)
