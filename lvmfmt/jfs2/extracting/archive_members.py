"""What a file system holds as members of a backup archive: a whole tree from its inventory, or one file by its path."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...backup.member import Member, no_content
from ...block import BlockDevice, Buffer
from ...units import MIB, NS_PER_S
from ..inventory.arrays import Inventory
from ..paths.view import View, name_bytes


def members(
    inventory: Inventory, prefix: bytes = b".", *, device: int = 0, keep: Callable[[bytes], bool] | None = None
) -> Iterator[Member]:
    """The tree as members, a directory before what is in it, the root first.

    Args:
        inventory: the tree.
        prefix: the name of the root, such as b"." or b"./usr".
        device: number of the file system's device: major << 32 | minor.
        keep: whether a name is to be a member.
    """
    rows = _Rows(inventory, device)
    if keep is None or keep(prefix):
        yield rows.member(0, prefix + b"/" if prefix == b"." else prefix)
    for path, child in zip(inventory.entry_paths(), inventory.entries["child"].tolist(), strict=True):
        name = prefix + path
        if keep is None or keep(name):
            yield rows.member(child, name)


class _Rows:
    """The inodes of an inventory, by row."""

    def __init__(self, inventory: Inventory, device: int) -> None:
        self._inventory, self._device = inventory, device
        count = len(inventory.inodes)
        entries, folders = inventory.entries, inventory.is_directory()
        below = np.bincount(entries["parent"][folders[entries["child"]]], minlength=count)
        names = np.bincount(entries["child"], minlength=count)
        self._links = np.where(folders, 2 + below, names).tolist()
        self._columns = inventory.inodes.tolist()
        self._first = np.searchsorted(inventory.extents["inode"], np.arange(count + 1)).tolist()

    def member(self, row: int, name: bytes) -> Member:
        """The inode in a row under a name."""
        mode, uid, gid, size, atime, mtime, ctime, _, rdev, _ = self._columns[row]
        kind, links = stat.S_IFMT(mode), self._links[row]
        target = self._inventory.links.get(row, b"")
        is_file = kind == stat.S_IFREG
        return Member(
            name,
            mode,
            nlink=links,
            key=row + 1 if links > 1 else 0,
            uid=uid,
            gid=gid,
            size=size if is_file else len(target),
            atime=atime // NS_PER_S,
            mtime=mtime // NS_PER_S,
            ctime=ctime // NS_PER_S,
            device=self._device,
            rdev=rdev,
            target=target,
            content=partial(self._content, row, size) if is_file else no_content,
        )

    def _content(self, row: int, size: int) -> Iterator[Buffer]:
        extents = self._inventory.extents[self._first[row] : self._first[row + 1]]
        at = 0
        for _, offset, length, source, place in extents.tolist():
            yield from _zeros(offset - at)
            for start in range(0, length, MIB):
                piece: NDArray[np.uint8] = np.empty(min(MIB, length - start), np.uint8)
                self._inventory.sources[source].read_into(place + start, piece)
                yield piece
            at = offset + length
        yield from _zeros(size - at)


def member(view: View, path: str, name: bytes, *, device: int = 0) -> Member:
    """One file as a member.

    Args:
        view: the file system.
        path: of the file in it.
        name: the member's name.
        device: number of the file system's device: major << 32 | minor.

    Raises:
        NotFound: there is no such path.
    """
    found = view.stat(path)
    target = name_bytes(view.readlink(path)) if found.is_symlink else b""
    return Member(
        name,
        found.mode,
        nlink=found.nlink,
        key=found.number if found.nlink > 1 else 0,
        uid=found.uid,
        gid=found.gid,
        size=found.size if found.is_file else len(target),
        atime=found.atime // NS_PER_S,
        mtime=found.mtime // NS_PER_S,
        ctime=found.ctime // NS_PER_S,
        device=device,
        rdev=found.rdev,
        target=target,
        content=partial(_device_content, view.file_device(path)) if found.is_file else no_content,
    )


def _device_content(device: BlockDevice) -> Iterator[Buffer]:
    for at in range(0, device.size, MIB):
        yield device.read(at, min(MIB, device.size - at))


def _zeros(length: int) -> Iterator[Buffer]:
    for at in range(0, length, MIB):
        yield bytes(min(MIB, length - at))
