"""Backup archives of a running machine: they lie in its file systems, and hold files of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np

from ...backup import Archive, Member, Written, write_archive
from ...errors import CorruptImage, NotFound, OperationRefused, UnsupportedFeature
from ...jfs2.extracting.archive_members import member, members
from ...origin import FixedOrigin
from ..machine.mounted_file_system import MountedFileSystem
from ..machine.paths import holder
from ..machine.running import Machine
from ..messages import refusal
from ..odm import devices

FIRST = ("/bosinst.data", "/image.data")
"""What stands in front of everything else in an image of rootvg [backup 13.2]."""


def absolute(name: str) -> str:
    """The path of a name that is given on a command line or in a list; the working directory is /."""
    if ".." in PurePosixPath(name).parts:
        raise OperationRefused("a name with .. is not looked up", where=name)
    return "/" + "/".join(parts_of(name))


def parts_of(name: str) -> list[str]:
    """What a name consists of, without the parts that say nothing."""
    return [part for part in name.split("/") if part not in ("", ".")]


def read(machine: Machine, program: str, path: str) -> Archive:
    """The archive in a file of the host.

    Raises:
        CommandFailed: there is no such file, or it is not an archive by name.
    """
    files, inside = _place(machine, program, path)
    if not files.exists(inside) or not files.stat(inside).size:
        raise refusal("archive-missing" if program != "restore" else "backup-cannot-open", program=program, device=path)
    try:
        return Archive(files.file_device(inside))
    except NotFound:
        raise refusal("backup-cannot-open", program=program, device=path) from None
    except (CorruptImage, UnsupportedFeature, OperationRefused) as error:
        raise refusal("backup-no-archive", program=program, device=path, reason=error) from None


def _place(machine: Machine, program: str, path: str) -> tuple[MountedFileSystem, str]:
    try:
        place = absolute(path)
    except OperationRefused as error:
        raise refusal("backup-no-archive", program=program, device=path, reason=error) from None
    return machine.locate(place)


def write(
    machine: Machine,
    path: str,
    what: Iterable[Member],
    *,
    pack: bool = False,
    block_size: int,
    told: Callable[[Member], None] | None = None,
) -> Written:
    """Write an archive to a file of the host, which appears whole or not at all.

    Args:
        machine: the running machine.
        path: of the file; one that is there is replaced.
        what: the members.
        pack: store data packed where that is smaller.
        block_size: bytes of an output block.
        told: called after each member.

    Raises:
        NoSpace: it does not fit; nothing was changed.
        NotFound: there is no such directory.
    """
    now = machine.origin.now()
    files, inside = machine.locate(absolute(path))
    with tempfile.TemporaryFile() as spool:  # the size is known only at the end, and it may be more than memory holds
        written = write_archive(spool.write, what, origin=FixedOrigin(now), pack=pack, block_size=block_size, told=told)
        spool.flush()
        files.write_file(inside, np.memmap(spool, np.uint8, "r"), now=now, mode=0o644)
    return written


def named(machine: Machine, names: Iterable[str], missing: Callable[[str], None]) -> Iterator[Member]:
    """Files as members, under the names that are given.

    Args:
        machine: the running machine.
        names: relative to / or absolute.
        missing: told of names that nothing has.
    """
    numbers = device_numbers(machine)
    for name in names:
        try:
            path = absolute(name)
            files, inside = machine.locate(path)
            raw = name.encode("utf-8", "surrogateescape")
            found = member(files, inside, raw, device=numbers.get(mount_point_of(machine, path), 0))
        except OperationRefused:
            missing(name)
            continue
        yield found


def trees(machine: Machine, points: Iterable[str], leave_out: Callable[[bytes], object]) -> Iterator[Member]:
    """All files of mounted file systems as members, called `./path`, the roots of others where they are mounted.

    Args:
        machine: the running machine.
        points: mount points.
        leave_out: answers something true for a name that is to be left out.
    """
    numbers = device_numbers(machine)
    chosen = sorted(points)
    covered = {name_of(point) for point in chosen}  # as directories of others; their own roots count
    for point in chosen:
        root = name_of(point)

        def keep(name: bytes, root: bytes = root) -> bool:
            return (name == root or name not in covered) and not leave_out(name)

        yield from members(machine.mounted(point).inventory(), root, device=numbers.get(point, 0), keep=keep)


def name_of(path: str) -> bytes:
    """The member's name of an absolute path."""
    return b"." + path.rstrip("/").encode("utf-8", "surrogateescape")


def mount_point_of(machine: Machine, path: str) -> str:
    """Where the file system with a path is mounted."""
    return holder(machine.running.volumes.values(), path)[0]


def device_numbers(machine: Machine) -> dict[str, int]:
    """Device number, major << 32 | minor, of each mounted file system by its mount point."""
    minors = {}
    for group in machine.groups():
        if machine.is_varied_on(group):
            major = devices.major_of(machine.odm, group.name)
            for name, volume in machine.group(group.name).logical_volumes.items():
                minors[name] = major << 32 | volume.minor
    return {point: minors[name] for name, point in machine.running.volumes.items() if name in minors}


def mounted_of(machine: Machine, group: str) -> list[tuple[str, str]]:
    """(mount point, logical volume) of the mounted file systems of a group, sorted by mount point."""
    volumes = machine.group(group).logical_volumes
    return sorted((point, volume) for volume, point in machine.running.volumes.items() if volume in volumes)
