"""Files and trees between the outside and a running host, through the journals of its mounted file systems."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...block import read_plain, whole_file
from ...errors import ImageIOError, LvmfmtError, NotFound, OperationRefused
from ...escaping import escaped
from ...jfs2 import Inventory
from ...jfs2.extracting.content import copy_content
from ...jfs2.paths.stat import Stat
from ...jfs2.sources.combine import Part, combine
from .running import Machine


def walk(machine: Machine, top: str) -> Iterator[tuple[str, Stat]]:
    """Every path of the host from `top` down with its attributes, a directory first, across mount points.

    Raises:
        NotFound: there is no such path.
    """
    pending = ["/" + top.strip("/")]
    while pending:
        path = pending.pop()
        files, inside = machine.locate(path)
        status = files.stat(inside)
        yield path, status
        if status.is_directory:
            pending += [f"{path.rstrip('/')}/{name}" for name in sorted(files.listdir(inside), reverse=True)]


def get(machine: Machine, source: str, target: Path) -> None:
    """Copy a file of the host to the outside, where it appears whole or not at all.

    Args:
        machine: the running machine.
        source: path of the file.
        target: what it becomes, or a directory to put it in.

    Raises:
        NotFound: there is no such path.
        OperationRefused: it is not a regular file.
        ImageIOError: the system refused.
    """
    files, inside = machine.locate(source)
    if files.stat(inside).is_directory:
        raise OperationRefused(f"{source} is a directory", hint="-r copies trees")
    place = target / source.rpartition("/")[2] if target.is_dir() else target
    if place.exists() and any(place.samefile(disk) for disk in machine.folder.slots().values() if disk.exists()):
        raise OperationRefused("is a disk of the host", where=str(place))
    with whole_file(place) as stream:
        copy_content(files, inside, stream)
    status = files.stat(inside)
    with _outside(place):
        os.utime(place, ns=(status.atime, status.mtime))
        place.chmod(status.mode & 0o777)


def inventory(machine: Machine, top: str) -> Inventory:
    """A directory of the host with all below it, across mount points, as one tree; `problems` has what is left out.

    Raises:
        NotFound: there is no such path.
        OperationRefused: it is not a directory.
    """
    files, inside = machine.locate(top)
    parts = [Part(files.inventory(inside, salvage=True))]
    below = top.rstrip("/") + "/"
    for point in sorted(machine.running.volumes.values()):
        if point.startswith(below) and point != top:
            parts.append(Part(machine.mounted(point).inventory(salvage=True), "/" + point.removeprefix(below)))
    return combine(parts, origin=machine.origin)


def put(
    machine: Machine, source: Path, target: str, *, recursive: bool = False, problems: list[str] | None = None
) -> int:
    """Copy a file from outside into the host, or a tree; returns how many files, directories and links.

    A directory as the target takes the file by its name. Existing files get the new content, directories stay. New
    ones belong to root; permissions are those outside. Devices, FIFOs and sockets are left out.

    Args:
        machine: the running machine.
        source: what is put.
        target: what it becomes, or a directory to put it in.
        recursive: put a directory with all that is below it.
        problems: takes a line for each thing that is left out.

    Raises:
        NotFound: there is no such file, or no directory to put it in.
        OperationRefused: it is a directory, and `recursive` was not asked for, or a device, FIFO or socket itself; or a
            file is in the way of a directory.
        ImageIOError: the system refused to read something.
        NoSpace: it does not fit.
    """
    top = "/" + target.strip("/")
    if not recursive and _kind(machine, top) == stat.S_IFDIR:
        top = f"{top.rstrip('/')}/{source.name}"
    if not source.exists() and not source.is_symlink():
        raise NotFound("no such file", where=str(source))
    if source.is_dir() and not recursive:
        raise OperationRefused(f"{source} is a directory", hint="-r copies trees")
    count = 0
    for path in [source, *_below(source)]:
        inside = "" if path == source else f"/{path.relative_to(source)}"
        if _put_one(machine, path, top.rstrip("/") + inside or "/"):
            count += 1
        elif path == source:
            raise OperationRefused("not a plain file", where=str(source))
        elif problems is not None:
            problems.append(f"{escaped(str(path))}: no file, directory or symlink, left out")
    return count


def _below(source: Path) -> Iterator[Path]:
    if source.is_dir() and not source.is_symlink():
        for folder, names, files in os.walk(source, onerror=_raise):
            for name in sorted((*names, *files)):
                yield Path(folder, name)


def _raise(error: OSError) -> None:
    """A directory that cannot be listed is not an empty one."""
    raise ImageIOError(error.strerror or "refused", where=str(error.filename), errno=error.errno or errno.EIO)


def _put_one(machine: Machine, source: Path, path: str) -> bool:
    files, inside = machine.locate(path)
    mounted, now = files.mount, machine.origin.now()
    with _outside(source):
        mode = source.lstat().st_mode
        there = _kind(machine, path)
        if stat.S_ISDIR(mode):
            if there not in (0, stat.S_IFDIR):
                raise OperationRefused("a file is in the way", where=path)
            if not there:
                mounted.mkdir(inside, now=now, mode=mode & 0o777)
        elif stat.S_ISLNK(mode):
            if there:
                mounted.unlink(inside, now=now)
            mounted.symlink(str(source.readlink()), inside, now=now)
        elif stat.S_ISREG(mode):
            files.write_file(inside, read_plain(source), now=now, mode=mode & 0o777)
        else:
            return False
    return True


@contextmanager
def _outside(place: Path) -> Iterator[None]:
    """What the system says of a file outside is an error of ours."""
    try:
        yield
    except LvmfmtError:
        raise
    except OSError as error:
        raise ImageIOError(error.strerror or "refused", where=str(place), errno=error.errno or errno.EIO) from None


def _kind(machine: Machine, path: str) -> int:
    """File type of what is at a path, 0 for nothing."""
    files, inside = machine.locate(path)
    try:
        return stat.S_IFMT(files.stat(inside).mode)
    except NotFound:
        return 0
