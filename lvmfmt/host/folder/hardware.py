"""The disks that are plugged into a host: what a person or a SAN does, beside the running system.

An image file is a slot. A disk that was added is unknown to the running system until `cfgmgr` or a boot; one that was
removed or has failed answers no command any more. A failed disk is marked by an empty file beside its image.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...block import ImageFile, copy_image
from ...block.newfile import new_image
from ...errors import AlreadyExists, NotFound, OperationRefused
from .host_folder import Folder, expect_no_host

_SLOT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")


@dataclass(frozen=True)
class Slot:
    """A slot: its name, its image file, the size of the disk in bytes, and whether the disk has failed."""

    name: str
    image: Path
    size: int
    failed: bool


def slots(folder: Folder) -> list[Slot]:
    """All disks, in the order of their names."""
    failed = folder.failed()
    return [Slot(name, path, path.stat().st_size, name in failed) for name, path in folder.slots().items()]


def add(folder: Folder, name: str, *, size: int | None = None, image: str | os.PathLike[str] | None = None) -> Path:
    """Plug in a disk: a new one of `size` bytes, or an image that exists, which moves into the host's folder.

    Raises:
        OperationRefused: not a name for a slot, or not exactly one of `size` and `image`, or the image is in use, or is
            a disk of a host that runs.
        AlreadyExists: the slot is taken.
        NotFound: there is no such image.
    """
    if not _SLOT.fullmatch(name):
        raise OperationRefused(
            f"not a name for a disk: {name!r}", hint="a letter, then up to 14 letters, digits, _ or -"
        )
    target = folder.image(name)
    if target.exists():
        raise AlreadyExists("the slot has a disk", where=str(target))
    if (size is None) == (image is None):
        raise OperationRefused("a new disk needs a size, one that exists an image", hint="give one of the two")
    if size is not None:
        if size <= 0 or size % 512:
            raise OperationRefused(f"a disk has whole sectors of 512 bytes, not {size} bytes")
        with new_image(target, size):
            pass
    else:
        assert image is not None
        expect_no_host(Path(image), instead=", or pull the disk out: lvmfmt host disk remove")
        _move(Path(image), target)
    return target


def remove(folder: Folder, name: str, *, to: str | os.PathLike[str]) -> Path:
    """Pull a disk out; its image moves to `to`, a file that does not exist yet.

    Raises:
        NotFound: there is no such disk.
        AlreadyExists: there is a file at `to`.
    """
    target = Path(to)
    _move(_image(folder, name), target)
    folder.set_failed(name, False)
    return target


def fail(folder: Folder, name: str) -> None:
    """Make a disk fail: from now on it answers nothing. Its image stays as it is."""
    _image(folder, name)
    folder.set_failed(name, True)


def restore(folder: Folder, name: str) -> None:
    """Make a failed disk answer again, with the bytes it had when it failed.

    Raises:
        OperationRefused: it has not failed.
    """
    _image(folder, name)
    if name not in folder.failed():
        raise OperationRefused("the disk has not failed", where=name)
    folder.set_failed(name, False)


def _image(folder: Folder, name: str) -> Path:
    path = folder.slots().get(name)
    if path is None:
        raise NotFound("no such disk", where=str(folder.image(name)), hint="lvmfmt host disk list shows the disks")
    return path


def _move(source: Path, target: Path) -> None:
    if not source.is_file():
        raise NotFound("there is no such image file", where=str(source))
    if target.exists():
        raise AlreadyExists("the file exists", where=str(target))
    with ImageFile(source, writable=True):  # takes the lock: nobody else is using it
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy_image(source, target)  # to another file system, holes and all
            shutil.copystat(source, target)
            source.unlink()
