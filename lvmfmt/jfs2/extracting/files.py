"""Writing the regular files of an inventory on this machine, in the order in which their data lies in the image."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ...errors import LvmfmtError
from ..inventory.arrays import Inventory
from .data_order import DataOrder
from .facts import Facts, Owner, Times, Trouble, dress
from .folders import Folders

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_COST_OF_A_FILE = 1 << 15
"""What making a file costs, in bytes of data, when work is shared out."""
_PARCEL = 32 << 20
"""Work in one parcel, in bytes."""
MOST_PARCELS = 256

Progress = Callable[[int], None]
_Job = tuple[int, tuple[bytes, int, int, Owner | None, Times], bool]
"""A file: its row, what to make of it, and whether that is more than permissions, data and times."""


class FileWriter:
    """Writes regular files, in parcels that several processes can share.

    Args:
        inventory: the tree.
        facts: what to make of its inodes.
    """

    def __init__(self, inventory: Inventory, facts: Facts) -> None:
        self._inventory, self._facts = inventory, facts
        files = np.flatnonzero((inventory.inodes["mode"] & 0o170000 == stat.S_IFREG) & (facts.first >= 0))
        self._order = DataOrder.of(inventory, files)
        has_data = np.zeros(len(inventory.inodes), bool)
        has_data[self._order.rows] = True
        self._bare = files[~has_data[files]]  # they come last
        self._cuts = self._parcels()

    def _parcels(self) -> list[int]:
        """Where parcels of about the same work begin."""
        extents = self._inventory.extents
        length = np.bincount(extents["inode"], extents["length"], minlength=len(self._inventory.inodes))
        work = np.cumsum(np.append(length[self._order.rows], np.zeros(len(self._bare))) + _COST_OF_A_FILE)
        if not len(work):
            return [0]
        count = min(int(work[-1] // _PARCEL) + 1, MOST_PARCELS)
        cuts = np.searchsorted(work, work[-1] * np.arange(1, count) / count)
        return sorted({0, *cuts.tolist(), len(work)})

    @property
    def parcels(self) -> int:
        """How many parcels there are, at most 256."""
        return len(self._cuts) - 1

    def write(self, parcel: int, folders: Folders, trouble: Trouble, progress: Progress) -> None:
        """Write the files of a parcel into directories that exist; `trouble` takes what goes wrong."""
        start, stop = self._cuts[parcel : parcel + 2]
        order = self._order.part(start, stop)
        begins, ends, offsets = (column.tolist() for column in order.places())
        jobs = self._jobs(order.rows, order.ends())
        for first, last, data in order.runs():
            if data is None:
                self._make(next(jobs), folders, trouble, _counted(order.chunks(first), progress))
                continue
            base = begins[first]
            for i, job in enumerate(islice(jobs, last - first), first):
                self._make(job, folders, trouble, ((offsets[i], data[begins[i] - base : ends[i] - base]),))
            progress(len(data))
        with_data = len(self._order.rows)
        bare = self._bare[max(start - with_data, 0) : max(stop - with_data, 0)]
        for job in self._jobs(bare, np.zeros(len(bare), np.int64)):
            self._make(job, folders, trouble, ())

    def _jobs(self, rows: NDArray[np.int64], ends: NDArray[np.integer]) -> Iterator[_Job]:
        """What to do for each of some files whose data ends at `ends`."""
        facts = self._facts.columns(rows)
        more = facts.special | (ends != self._inventory.inodes["size"][rows])
        return zip(rows.tolist(), facts.each(), more.tolist(), strict=True)

    def _make(self, job: _Job, folders: Folders, trouble: Trouble, pieces: Iterable[tuple[int, memoryview]]) -> None:
        """Make a file with its data, (offset, bytes) piece by piece."""
        row, (name, parent, mode, owner, times), more = job
        try:
            fd = os.open(name, _NEW, mode & 0o777, dir_fd=folders.fd(parent))
        except OSError as error:
            trouble.failed(name, error)
            return
        try:
            for offset, data in pieces:
                done = os.pwrite(fd, data, offset)
                while done < len(data):
                    done += os.pwrite(fd, data[done:], offset + done)
            if more:
                os.ftruncate(fd, int(self._inventory.inodes["size"][row]))
                dress(fd, mode, mode & 0o777, owner, self._facts.attributes(row))
            os.utime(fd, ns=times)
        except LvmfmtError:  # of the image
            raise
        except OSError as error:
            trouble.failed(name, error)
        finally:
            os.close(fd)


def _counted(chunks: Iterable[tuple[int, memoryview]], progress: Progress) -> Iterator[tuple[int, memoryview]]:
    """Tell about each chunk once it is done with."""
    for offset, chunk in chunks:
        yield offset, chunk
        progress(len(chunk))
