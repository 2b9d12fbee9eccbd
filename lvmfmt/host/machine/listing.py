"""What `lvmfmt host ls` shows of a directory."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import NamedTuple

from ...jfs2 import FileSystem
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


def listing(machine: Machine, path: str, problems: list[str]) -> list[FileRow]:
    """The files in a directory by name, or the one file that the path names.

    Args:
        machine: the running machine.
        path: of the directory or file.
        problems: receives what makes no sense, a line each.

    Raises:
        NotFound: there is no such path.
    """
    top = "/" + path.strip("/")
    files, inside = machine.locate(top)
    (here, found), *below = files.walk(inside, depth=1, problems=problems)
    if not found.is_directory:
        return [_row(files, inside, path, found, problems)]
    rows = []
    for at, status in below:
        name = at.removeprefix(here.rstrip("/") + "/")
        where, inner = machine.locate(f"{top.rstrip('/')}/{name}")
        rows.append(_row(where, inner, name, status if where is files else where.stat(inner), problems))
    return sorted(rows, key=lambda row: row.name)


def _row(files: FileSystem, path: str, name: str, found: Stat, problems: list[str]) -> FileRow:
    target = files.target(path, found, problems)
    changed = datetime.fromtimestamp(found.mtime // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return FileRow(stat.filemode(found.mode), found.uid, found.gid, found.size, changed, name, target)
