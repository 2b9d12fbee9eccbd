"""Open files of a mounted file system: a handle keeps the content until its last close, whatever happens to the names.

The commit that takes the last name of an open file frees its blocks in the log, but not in the working map: nobody gets
them before the last close. What goes home never knows such a file, so that after a crash, as after an unmount, nothing
of it is left. Source: [jfs2 3.4] (the last paragraph on truncate) and 3.10, step 10.
"""

from __future__ import annotations

import stat

from ...block import Buffer
from ...block.device import byte_view
from ...errors import OperationRefused
from ...units import ceil_div
from ..geometry import MAX_FILE_SIZE
from ..inodes.inode import Inode
from ..nodes.extent_node import NO_END
from ..paths.stat import Stat
from .core import Journal
from .file_content import FileContent
from .file_extents import FileExtents
from .images import InodeImage, block_runs
from .lifetimes import Lifetimes
from .transaction import Transaction


class File:
    """A regular file that is open; `OpenFiles.open` makes one. `now` is as in `Operations`.

    Args:
        files: the file system.
        number: its inode.
        path: what to call it in a message.
    """

    def __init__(self, files: OpenFiles, number: int, path: str) -> None:
        self._files, self.number, self.path = files, number, path
        self._is_open = True

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stat(self) -> Stat:
        """Its attributes; `nlink` is 0 once its last name is gone."""
        return Stat.of(self._files.inode_of(self._checked()), self._files.dialect)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of it; fewer than asked for at its end."""
        return self._files.read_inode(self._files.inode_of(self._checked()), self.path, offset, length)

    def write(self, offset: int, data: Buffer, *, now: int | None = None) -> None:
        """As `Operations.write`."""
        self._files.write_inode(self._checked(), offset, data, now)

    def append(self, data: Buffer, *, now: int | None = None) -> None:
        """Write at the end."""
        self._files.write_inode(self._checked(), None, data, now)

    def truncate(self, size: int, *, now: int | None = None) -> None:
        """As `Operations.truncate`."""
        self._files.truncate_inode(self._checked(), size, now)

    def fsync(self) -> None:
        """Make everything durable that was done to it; all earlier changes are durable with it."""
        self._checked()
        self._files.force()

    def close(self) -> None:
        """Give it back; closing twice is harmless."""
        if self._is_open:
            self._is_open = False
            self._files.closed(self.number)

    def _checked(self) -> int:
        if not self._is_open:
            raise OperationRefused(f"{self.path}: the file was closed", where=self._files.volume.where)
        return self.number


class OpenFiles(Lifetimes):
    """Files by handle."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._handles: dict[int, int] = {}  # how many there are, by inode number

    def open(self, path: str) -> File:
        """Open a regular file for reading and writing.

        Raises:
            NotFound: there is no such path.
            OperationRefused: it is not a regular file.
        """
        inode = self._regular_file(path)
        self._handles[inode.number] = self._handles.get(inode.number, 0) + 1
        return File(self, inode.number, path)

    def inode_of(self, number: int) -> Inode:
        """The inode of an open file, with or without a name."""
        image = self._inode(self._journal.view(), number)
        return Inode(number, image.at, image.row.copy())

    def write_inode(self, number: int, offset: int | None, data: Buffer, now: int | None = None) -> None:
        """Write into an open file, at its end where no offset is given."""
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._inode(txn, number)
            self._write(txn, inode, inode.size if offset is None else offset, data, now)

    def truncate_inode(self, number: int, size: int, now: int | None = None) -> None:
        """Give an open file another size."""
        now = self._moment(now)
        self._shrink(number, size, now)
        with self._journal.transaction() as txn:
            self._truncate(txn, self._inode(txn, number), size, now)

    def force(self) -> None:
        """Make all changes durable."""
        self._journal.force()

    def closed(self, number: int) -> None:
        """A handle was given back; with the last one goes a file that has no name."""
        if number not in self._handles:
            raise OperationRefused(f"inode {number} is not open", where=self._volume.where)
        self._handles[number] -= 1
        if self._handles[number]:
            return
        del self._handles[number]
        if number in self._journal.hidden and not self._journal.closed:
            self._shrink(number, 0, self._moment(None))
            with self._journal.transaction() as txn:  # it may begin with a sync point, which must not know the file
                FileExtents(txn, self._inode(txn, number)).drop()
                self._journal.inodes.release(txn, number)
            self._journal.hidden.remove(number)

    def _lose_content(self, txn: Transaction, inode: InodeImage) -> None:
        """An open file without a name keeps its content, and the log is told that it has gone."""
        number = inode.number
        if number not in self._handles:
            super()._lose_content(txn, inode)
            return
        for address, length in FileExtents(txn, inode).blocks():
            txn.announce_free(address, length)
        self._journal.hidden.add(number)
        txn.undo.append(lambda: self._journal.hidden.remove(number))

    def _shrink(self, number: int, size: int, now: int) -> None:
        """Cut a file that is about to lose more runs of blocks than the log takes at once, in steps, until it is not.

        A crash between two of them leaves the file, shorter.
        """
        inode, most = self._inode(self._journal.view(), number), self._journal.most_freed
        if inode.kind != stat.S_IFREG or inode.blocks <= most or size >= inode.size:
            return
        block = self._volume.block_size
        pieces = FileExtents(self._journal.view(), inode).parts(ceil_div(size, block), NO_END)
        while len(pieces) > most and len(block_runs([(address, length) for _, length, address, _ in pieces])) > most:
            step = pieces[-most][0] * block
            del pieces[-most:]
            if step < inode.size:
                with self._journal.transaction() as txn:
                    self._truncate(txn, self._inode(txn, number), step, now)

    def _write(self, txn: Transaction, inode: InodeImage, offset: int, data: Buffer, now: int) -> None:
        if offset < 0 or offset + len(byte_view(data)) > MAX_FILE_SIZE:
            raise OperationRefused(f"a file has at most {MAX_FILE_SIZE} bytes", where=self._volume.where)
        FileContent(self._journal, txn, inode).write(offset, data)
        self._touch(inode, now, "di_mtime", "di_ctime")

    def _truncate(self, txn: Transaction, inode: InodeImage, size: int, now: int) -> None:
        if not 0 <= size <= MAX_FILE_SIZE:
            raise OperationRefused(f"a file has 0 to {MAX_FILE_SIZE} bytes", where=self._volume.where)
        FileContent(self._journal, txn, inode).truncate(size)
        self._touch(inode, now, "di_mtime", "di_ctime")
