"""Changing a mounted file system: every operation is one transaction.

Source: [jfs2 3.3.5, 3.5] and the table of operations in 3.6.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping

import numpy as np

from ...block import Buffer
from ...block.device import byte_view
from ...errors import OperationRefused
from ...units import ceil_div
from ..inodes.inode_table import fill_special
from ..inventory.arrays import MAX_LINK
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT, FIRST_INDEX
from ..paths.stat import PERMISSIONS, permissions
from .attributes import AttributeOperations
from .dtree_change import DirectoryTree
from .file_content import FileContent
from .handles import OpenFiles
from .images import InodeImage
from .special import SpecialFiles
from .transaction import Transaction


class Operations(AttributeOperations, SpecialFiles, OpenFiles):
    """Operations on files and names. `now` dates a change: nanoseconds since the epoch, by default those of the clock.

    What an operation changed is durable after the next `sync` or `fsync`; a crash before leaves all or nothing of it.
    """

    def create(self, path: str, *, now: int | None = None, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Make an empty regular file.

        Raises:
            AlreadyExists: there is such a path.
        """
        now = self._moment(now)
        with self._journal.transaction(creates=True) as txn:
            self._new(txn, self._parent(txn, path), stat.S_IFREG | permissions(mode), now, uid, gid)

    def mkdir(self, path: str, *, now: int | None = None, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Make a directory.

        Raises:
            AlreadyExists: there is such a path.
        """
        now = self._moment(now)
        with self._journal.transaction(creates=True) as txn:
            child, directory = self._new(txn, self._parent(txn, path), stat.S_IFDIR | permissions(mode), now, uid, gid)
            child.set_root(txn.form.empty_root(directory.number))
            child.links, child.size = 2, DIRECTORY_SIZE_OF_ROOT
            if txn.form.index_at:
                child.next_index, child.size = FIRST_INDEX, 1
            directory.links += 1

    def symlink(self, target: str, path: str, *, now: int | None = None, uid: int = 0, gid: int = 0) -> None:
        """Make a symlink to `target`.

        Raises:
            AlreadyExists: there is such a path.
            OperationRefused: the target is empty or longer than 4096 bytes.
        """
        now = self._moment(now)
        raw = target.encode("utf-8", "surrogateescape")
        if not 0 < len(raw) <= MAX_LINK:
            raise OperationRefused("a symlink has 1 to 4096 bytes", where=self._volume.where)
        with self._journal.transaction(creates=True) as txn:
            child, _ = self._new(txn, self._parent(txn, path), stat.S_IFLNK | 0o777, now, uid, gid)
            child.size = len(raw)
            if len(raw) < self._dialect.symlink_inline_limit:
                kinds = np.array([stat.S_IFLNK])
                fill_special(self._dialect, child.row, kinds, np.zeros(1, np.uint64), {0: raw})
            else:
                FileContent(self._journal, txn, child).replace(raw)

    def link(self, path: str, new: str, *, now: int | None = None) -> None:
        """Give a file that is not a directory one more name.

        Raises:
            AlreadyExists: there is such a path.
        """
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._resolve(txn, path)
            if inode.kind == stat.S_IFDIR:
                raise OperationRefused(f"{path}: is a directory", where=self._volume.where)
            directory, entries, key = self._parent(txn, new)
            entries.insert(key, inode.number)
            inode.links += 1
            self._touch(inode, now, "di_ctime")
            self._touch(directory, now, "di_mtime", "di_ctime")

    def unlink(self, path: str, *, now: int | None = None) -> None:
        """Take a name away; what it belongs to goes with its last name.

        A file in more runs of blocks than the log takes at once becomes shorter first.

        Raises:
            NotFound: there is no such path.
            OperationRefused: it is a directory.
        """
        now = self._moment(now)
        self._shrink_last(self._existing(self._journal.view(), path)[3], now)
        with self._journal.transaction() as txn:
            directory, entries, key, inode = self._existing(txn, path)
            if inode.kind == stat.S_IFDIR:
                raise OperationRefused(f"{path}: is a directory", where=self._volume.where)
            entries.remove(key)
            self._touch(directory, now, "di_mtime", "di_ctime")
            self._lose_link(txn, inode, now)

    def rmdir(self, path: str, *, now: int | None = None) -> None:
        """Remove an empty directory.

        Raises:
            NotFound: there is no such path.
            OperationRefused: it is not an empty directory.
        """
        now = self._moment(now)
        with self._journal.transaction() as txn:
            directory, entries, key, inode = self._existing(txn, path)
            self._check_empty(txn, inode, directory, path)
            entries.remove(key)
            self._lose_directory(txn, directory, inode, now)

    def rename(self, old: str, new: str, *, now: int | None = None) -> None:
        """Give a file another name; one that has the name is replaced.

        Raises:
            NotFound: there is no such path.
            OperationRefused: a directory would come to lie in itself, replace something that is not an empty
                directory, or be replaced by something that is not a directory.
        """
        now = self._moment(now)
        self._prepare_replaced(old, new, now)
        with self._journal.transaction() as txn:
            source, old_entries, old_key, inode = self._existing(txn, old)
            target, new_entries, new_key = self._parent(txn, new)
            existing = new_entries.lookup(new_key)
            is_directory = inode.kind == stat.S_IFDIR
            if existing == inode.number:
                return
            if is_directory:
                DirectoryTree(txn, inode, source.number).prove_parent()
                if self._lies_in(txn, target, inode.number):
                    raise OperationRefused(f"{old}: a directory cannot lie in itself", where=self._volume.where)
            if existing is None:
                old_entries.remove(old_key)  # what it leaves is room for the new name
                new_entries.insert(new_key, inode.number)
            else:
                victim = self._inode(txn, existing)
                if is_directory:
                    self._check_empty(txn, victim, target, new)
                elif victim.kind == stat.S_IFDIR:
                    raise OperationRefused(f"{new}: is a directory", where=self._volume.where)
                new_entries.replace(new_key, inode.number)
                if is_directory:
                    self._lose_directory(txn, target, victim, now)
                else:
                    self._lose_link(txn, victim, now)
                old_entries.remove(old_key)
            if is_directory and source is not target:
                DirectoryTree(txn, inode, source.number).parent = target.number
                source.links -= 1
                target.links += 1
            for changed in (source, target):
                self._touch(changed, now, "di_mtime", "di_ctime")
            self._touch(inode, now, "di_ctime")

    def write(self, path: str, offset: int, data: Buffer, *, now: int | None = None) -> None:
        """Write into a regular file; behind its end it grows, and a gap reads as zeros.

        Bytes that the file had already are written in place: a crash may leave some of them new and some old.

        Raises:
            NoSpace: it does not fit.
            OperationRefused: it is not a regular file, or would become too large.
        """
        now = self._moment(now)
        with self._journal.transaction() as txn:
            self._write(txn, self._regular(txn, path), offset, data, now)

    def append(self, path: str, data: Buffer, *, now: int | None = None) -> None:
        """Write at the end of a regular file."""
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._regular(txn, path)
            self._write(txn, inode, inode.size, data, now)

    def truncate(self, path: str, size: int, *, now: int | None = None) -> None:
        """Give a regular file another size; what it gains reads as zeros."""
        now = self._moment(now)
        self._shrink(self._regular(self._journal.view(), path).number, size, now)
        with self._journal.transaction() as txn:
            self._truncate(txn, self._regular(txn, path), size, now)

    def write_file(
        self,
        path: str,
        data: Buffer,
        *,
        now: int | None = None,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Make a regular file with this content, or give an existing one this content: all of it or nothing.

        One that lies in more runs of blocks than the log takes at once becomes shorter first.

        Args:
            path: the file; its directory must exist.
            data: all of its content.
            now: instant of the change.
            mode: permissions; None keeps those of an existing file and gives a new one 0644.
            uid: owner; None keeps it, or 0.
            gid: group; None keeps it, or 0.

        Raises:
            NotFound: there is no such directory.
            NoSpace: it does not fit.
            OperationRefused: the path is not that of a regular file, or the name cannot be stored.
        """
        now = self._moment(now)
        if self._journal.free_blocks >= ceil_div(len(byte_view(data)), self._volume.block_size):
            txn = self._journal.view()
            _, entries, key = self._parent(txn, path)
            if (number := entries.lookup(key)) is not None:
                self._shrink(number, 0, now)
        with self._journal.transaction(creates=True) as txn:
            place = self._parent(txn, path)
            number = place[1].lookup(place[2])
            if number is None:
                new = stat.S_IFREG | (0o644 if mode is None else permissions(mode))
                inode, _ = self._new(txn, place, new, now, uid or 0, gid or 0)
            else:
                inode = self._check_regular(self._inode(txn, number), path)
                if mode is not None:
                    inode.mode_word = inode.mode_word & ~PERMISSIONS | permissions(mode)
                inode.uid = inode.uid if uid is None else uid
                inode.gid = inode.gid if gid is None else gid
                self._touch(inode, now, "di_mtime", "di_ctime")
            FileContent(self._journal, txn, inode).replace(data)

    def replace_files(self, contents: Mapping[str, Buffer], *, now: int | None = None) -> None:
        """Give several regular files new content: all of them or none, unless one is longer than the log takes at once.

        Raises:
            NotFound: there is no such path.
            NoSpace: they do not fit beside what they have now.
            OperationRefused: a path is not that of a regular file.
        """
        now = self._moment(now)
        for path in contents:
            self._shrink(self._regular(self._journal.view(), path).number, 0, now)
        with self._journal.transaction() as txn:
            for path, data in contents.items():
                inode = self._regular(txn, path)
                self._touch(inode, now, "di_mtime", "di_ctime")
                FileContent(self._journal, txn, inode).replace(data)

    def chmod(self, path: str, mode: int, *, now: int | None = None) -> None:
        """Change permissions; the type and attributes beyond POSIX stay."""
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._resolve(txn, path)
            inode.mode_word = inode.mode_word & ~PERMISSIONS | permissions(mode)
            self._touch(inode, now, "di_ctime")

    def chown(self, path: str, uid: int, gid: int, *, now: int | None = None) -> None:
        """Change owner and group."""
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._resolve(txn, path)
            inode.uid, inode.gid = uid, gid
            self._touch(inode, now, "di_ctime")

    def utime(self, path: str, atime: int, mtime: int, *, now: int | None = None) -> None:
        """Set the times of last access and of the last change of content, in nanoseconds."""
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._resolve(txn, path)
            self._touch(inode, atime, "di_atime")
            self._touch(inode, mtime, "di_mtime")
            self._touch(inode, now, "di_ctime")

    def _prepare_replaced(self, old: str, new: str, now: int) -> None:
        """The same for the file that another one is going to replace."""
        txn = self._journal.view()
        inode = self._existing(txn, old)[3]
        _, entries, key = self._parent(txn, new)
        existing = entries.lookup(key)
        if existing is not None and existing != inode.number and inode.kind != stat.S_IFDIR:
            self._shrink_last(self._inode(txn, existing), now)

    def _shrink_last(self, inode: InodeImage, now: int) -> None:
        """Prepare a file for the loss of a name, if it is the last and nobody has the file open."""
        if inode.links == 1 and inode.number not in self._handles:
            self._shrink(inode.number, 0, now)

    def _regular(self, txn: Transaction, path: str) -> InodeImage:
        return self._check_regular(self._resolve(txn, path), path)

    def _check_regular(self, inode: InodeImage, path: str) -> InodeImage:
        if inode.kind != stat.S_IFREG:
            raise OperationRefused(f"{path}: not a regular file", where=self._volume.where)
        return inode

    def _check_empty(self, txn: Transaction, inode: InodeImage, above: InodeImage, path: str) -> None:
        if inode.kind != stat.S_IFDIR or not (tree := DirectoryTree(txn, inode, above.number)).is_empty:
            raise OperationRefused(f"{path}: not an empty directory", where=self._volume.where)
        tree.prove_parent()

    def _lies_in(self, txn: Transaction, directory: InodeImage, ancestor: int) -> bool:
        """Whether a directory is `ancestor` or lies in it."""
        seen: set[int] = set()
        while directory.number not in seen:
            if directory.number == ancestor:
                return True
            seen.add(directory.number)
            directory = self._inode(txn, DirectoryTree(txn, directory).parent)
        return False
