"""Making all that a tree has beside regular files on this machine: directories, symlinks, nodes and further names."""

from __future__ import annotations

import os
import stat

import numpy as np

from ..inventory.arrays import Inventory
from .facts import Facts, Owner, Times, Trouble, dress
from .folders import Folders

_TOGETHER = 1 << 14
"""Inodes whose facts are in memory at a time."""


class TreeMaker:
    """Makes directories, and what is no regular file.

    Args:
        inventory: the tree.
        facts: what to make of its inodes.
        trouble: takes what goes wrong.
        top: the destination.
        devices: make device nodes; otherwise they are left out.
    """

    def __init__(self, inventory: Inventory, facts: Facts, trouble: Trouble, top: str, *, devices: bool) -> None:
        self._inventory, self._facts, self._trouble = inventory, facts, trouble
        self._top, self._devices = top, devices
        self._kind = inventory.inodes["mode"] & 0o170000
        children = inventory.entries["child"]
        rows = np.append(0, children[inventory.is_directory()[children]])  # the outer ones first
        self._rows = rows.tolist()
        self._columns = facts.columns(rows)
        self._parent = dict(zip(self._rows, self._columns.parents, strict=True))
        self._name = dict(zip(self._rows, self._columns.names, strict=True))

    def folders(self) -> Folders:
        """The directories, once they are made."""
        return Folders(self._top, self._parent, self._name)

    def make_folders(self) -> None:
        """Make all directories, closed to others until they are finished."""
        with self.folders() as folders:
            for name, parent in zip(self._columns.names[1:], self._columns.parents[1:], strict=True):
                try:
                    os.mkdir(name, 0o700, dir_fd=folders.fd(parent))
                except OSError as error:
                    self._trouble.failed(name, error)

    def finish_folders(self) -> None:
        """Give directories their owners, permissions and times, those inside others first."""
        with self.folders() as folders:
            for row, (name, _, mode, owner, times) in reversed([*zip(self._rows, self._columns.each(), strict=True)]):
                try:
                    fd = folders.fd(row)
                    dress(fd, mode, 0o700, owner, self._facts.attributes(row))
                    os.utime(fd, ns=times)
                except OSError as error:
                    self._trouble.failed(name, error)

    def make_special(self) -> None:
        """Make symlinks, device nodes and FIFOs."""
        special = (self._kind != stat.S_IFREG) & (self._kind != stat.S_IFDIR) & (self._facts.first >= 0)
        rows = np.flatnonzero(special)
        with self.folders() as folders:
            for at in range(0, len(rows), _TOGETHER):
                part = rows[at : at + _TOGETHER]
                for row, (name, parent, mode, owner, times) in zip(
                    part.tolist(), self._facts.columns(part).each(), strict=True
                ):
                    try:
                        if self._make_node(row, name, mode, folders.fd(parent)):
                            _dress_closed(
                                name, mode, owner, times, folders.fd(parent), link=row in self._inventory.links
                            )
                    except (OSError, ValueError) as error:  # ValueError: a NUL in the target of a symlink
                        self._trouble.failed(name, error)

    def _make_node(self, row: int, name: bytes, mode: int, parent: int) -> bool:
        """Make one; returns whether it is there."""
        kind = int(self._kind[row])
        if kind == stat.S_IFLNK:
            os.symlink(self._inventory.links[row], name, dir_fd=parent)
        elif kind == stat.S_IFIFO:
            os.mkfifo(name, mode, dir_fd=parent)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK) and self._devices:
            rdev = int(self._inventory.inodes["rdev"][row])
            os.mknod(name, kind | mode, os.makedev(rdev >> 32, rdev & 0xFFFFFFFF), dir_fd=parent)
        else:
            self._trouble.left_out(name, "socket" if kind == stat.S_IFSOCK else "device node")
            return False
        return True

    def make_further_names(self) -> None:
        """Make the second and further names of everything."""
        later = self._facts.later
        entries = self._inventory.entries[later]
        old = self._facts.columns(entries["child"])
        jobs = zip(later.tolist(), entries["parent"].tolist(), old.names, old.parents, strict=True)
        with self.folders() as folders:
            for entry, parent, old_name, old_parent in jobs:
                name = self._inventory.name(entry)
                try:
                    source = folders.fd(old_parent)
                    target = folders.fd(parent, keep=source)
                    os.link(old_name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                except OSError as error:
                    self._trouble.failed(name, error)


def _dress_closed(name: bytes, mode: int, owner: Owner | None, times: Times, parent: int, *, link: bool) -> None:
    """Give what is not open its owner, the permissions that it was not made with, and its times."""
    if owner is not None:
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
    if not link and mode & 0o7000:
        os.chmod(name, mode, dir_fd=parent)
    os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
