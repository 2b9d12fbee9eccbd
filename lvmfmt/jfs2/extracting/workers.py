"""Sharing numbered parcels of work out between processes: each takes the next one when it is done with its last."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from typing import IO

from ...errors import ImageIOError

Progress = Callable[[int], None]
Work = Callable[[Iterator[int], Progress], list[str]]
"""Does the parcels that it is given, tells how many more bytes are done, and returns problems."""
_TOLD = 32 << 20
"""Bytes after which a process says how far it is."""


def share_out(parcels: int, workers: int, work: Work, meanwhile: Callable[[], None], progress: Progress) -> list[str]:
    """Do all parcels in several processes, this one among them; the others begin at once.

    Args:
        parcels: how many, at most 256.
        workers: processes.
        work: called once in each process.
        meanwhile: done in this process before it begins to work.
        progress: told how many more bytes are done.

    Returns:
        The problems of all.

    Raises:
        ImageIOError: a process ended early, or the system refused something that all need.
    """
    numbers, fill = os.pipe()
    apart = -(-parcels // workers)  # neighbours are in the same directories, which one process at a time can change
    os.write(fill, bytes(number for first in range(apart) for number in range(first, parcels, apart)))
    os.close(fill)
    waiting = (number[0] for number in iter(lambda: os.read(numbers, 1), b""))
    children: list[tuple[int, IO[bytes]]] = []
    try:
        for _ in range(min(workers, parcels) - 1):
            children.append(_begin(work, waiting))
        meanwhile()
        problems = work(waiting, progress)
        for _, words in children:
            problems += _result(words, progress)
    finally:
        os.close(numbers)
        for process, words in children:
            words.close()
            os.kill(process, signal.SIGTERM)  # until it is waited for, the number is its own
            os.waitpid(process, 0)
    return problems


def _begin(work: Work, waiting: Iterator[int]) -> tuple[int, IO[bytes]]:
    """A new process that works, and what it says. The tree is shared with it as it is, nothing has to be sent."""
    here, there = os.pipe()
    process = os.fork()
    if process:
        os.close(there)
        return process, open(here, "rb")  # noqa: PTH123 - a pipe, closed by the caller
    try:
        os.close(here)
        with open(there, "wb") as words:  # noqa: PTH123 - a pipe
            _child(work, waiting, words)
    finally:
        os._exit(0)  # what the parent is in the middle of is the parent's


def _child(work: Work, waiting: Iterator[int], words: IO[bytes]) -> None:
    """Tell how many more bytes are done, then the problems, or the error that ended it."""
    gc.disable()  # a collection would touch, and so copy, all that is shared with the parent
    untold = 0

    def told(count: int) -> None:
        nonlocal untold
        untold += count
        if untold >= _TOLD:
            pickle.dump(untold, words)
            words.flush()
            untold = 0

    try:
        problems = work(waiting, told)
        pickle.dump(untold, words)
        pickle.dump(problems, words)
    except Exception as error:
        pickle.dump(_portable(error), words)


def _portable(error: Exception) -> Exception:
    """An error that can be sent to another process."""
    return ImageIOError(str(error), errno=error.errno or errno.EIO) if isinstance(error, OSError) else error


def _result(words: IO[bytes], progress: Progress) -> list[str]:
    """Listen to a child to its end; its problems."""
    while True:
        try:
            said = pickle.load(words)
        except (EOFError, pickle.UnpicklingError):
            raise ImageIOError("a process that wrote files was ended from outside") from None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, list):
            return said
        progress(said)
