"""Files that refuse: sectors that cannot be read, calls that are short, an error or a signal at some call."""

import errno
import fcntl
import os
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512


@contextmanager
def bad_sectors(path: Path, bad: Collection[int]) -> Iterator[list[tuple[int, int]]]:
    """Refuse to read sectors of a file; yields what was refused."""
    which = path.stat().st_ino
    refused: list[tuple[int, int]] = []
    preadv, ranged = os.preadv, os.copy_file_range

    def hit(fd: int, at: int, length: int) -> bool:
        first, last = at // SECTOR, (at + length - 1) // SECTOR
        if os.fstat(fd).st_ino == which and any(first <= sector <= last for sector in bad):
            refused.append((at, length))
            return True
        return False

    def read(fd: int, views: list[memoryview], at: int) -> int:
        if hit(fd, at, sum(view.nbytes for view in views)):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return preadv(fd, views, at)

    def copy(a: int, b: int, length: int, at: int, to: int) -> int:
        if hit(a, at, length):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return ranged(a, b, length, at, to)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "preadv", read)
        patch.setattr(os, "copy_file_range", copy)
        yield refused


@contextmanager
def failing(seed: int, after: int, error: BaseException | None) -> Iterator[None]:
    """Let reads and writes be short by chance, and raise an error at each write after so many calls."""
    chance, calls = random.Random(seed), 0
    preadv, pwritev, ranged = os.preadv, os.pwritev, os.copy_file_range

    def count() -> None:
        nonlocal calls
        calls += 1
        if error is not None and calls > after:
            raise error

    def short(views: list[memoryview], fd: int) -> list[memoryview]:
        whole = sum(view.nbytes for view in views)
        around = os.O_DIRECT & fcntl.fcntl(fd, fcntl.F_GETFL)
        return [views[0] if around else views[0][: chance.randint(1, whole)]]

    def copy(*args: Any) -> int:
        count()
        a, b, length, at, to = args
        return ranged(a, b, chance.randint(0, length), at, to)

    def write(fd: int, views: list[memoryview], at: int) -> int:
        count()
        return pwritev(fd, short(views, fd), at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "preadv", lambda fd, views, at: preadv(fd, short(views, fd), at))
        patch.setattr(os, "pwritev", write)
        patch.setattr(os, "copy_file_range", copy)
        yield


def full_from(monkeypatch: pytest.MonkeyPatch, byte: int) -> None:
    """From here on no file takes anything at or behind a byte: the disk is full."""
    refusing_from(monkeypatch, byte, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def refusing_from(monkeypatch: pytest.MonkeyPatch, byte: int, error: BaseException) -> None:
    """From here on every write at or behind a byte raises an error."""
    pwritev, ranged = os.pwritev, os.copy_file_range

    def write(fd: int, views: list[memoryview], at: int) -> int:
        if at >= byte:
            raise error
        return pwritev(fd, views, at)

    def copy(a: int, b: int, length: int, at: int, to: int) -> int:
        if to >= byte:
            raise error
        return ranged(a, b, length, at, to)

    monkeypatch.setattr(os, "pwritev", write)
    monkeypatch.setattr(os, "copy_file_range", copy)
