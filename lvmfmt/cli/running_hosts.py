"""Disks of a host that runs are its own: nothing else writes to them, unless a person insists."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..block import BlockDevice
from ..block.ownermark import owner_of
from ..block.registry import OPENERS
from ..errors import NotFound, OperationRefused


@contextmanager
def spared(args: argparse.Namespace) -> Iterator[None]:
    """In this block a disk of a host that runs is not opened for writing, unless it is insisted on.

    `mkfs` and `logform` have a `--force` of their own, which says that and more.
    """
    if getattr(args, "on_running_host", getattr(args, "force", False)):
        yield
        return
    OPENERS.register(_refuse)
    try:
        yield
    finally:
        OPENERS.unregister(_refuse)


def _refuse(path: Path, writable: bool) -> BlockDevice | None:
    """An opener that opens nothing.

    Raises:
        OperationRefused: the image is to be written, and is a disk of a host that runs, whatever name leads to it.
    """
    if not writable:
        return None
    from ..host.folder.host_folder import Folder  # what reads needs it not

    # by its name in the folder, which may be a symlink, by where that leads, and by the file itself
    homes = (path.absolute().parent.parent, path.resolve().parent.parent, owner_of(path))
    for home in dict.fromkeys(home for home in homes if home is not None):
        with suppress(NotFound, OSError):
            folder = Folder(home)
            if folder.is_on and any(disk.exists() and disk.samefile(path) for disk in folder.slots().values()):
                hint = f"shut {folder.path} down first, or insist with --force"
                raise OperationRefused("a host runs on this disk", where=str(path), hint=hint)
    return None
