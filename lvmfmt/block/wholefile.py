"""A file of this machine that appears under its name whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..arguments import expect_path
from ..errors import ImageInUse, ImageIOError, LvmfmtError, OperationRefused

Guard = Callable[[Path], None]
"""Takes a plain file that is about to be replaced; raises an error if it must not be."""
GUARDS: list[Guard] = []
"""Those of this process, which an upper floor has put here."""


@contextmanager
def whole_file(path: str | os.PathLike[str], *, flush: bool = False) -> Iterator[BinaryIO]:
    """Yield a new file to write to, which takes the name `path` when the block ends without an error.

    Until then it lies beside `path`, and what was at `path` stays. A symlink to a file is replaced, not followed.

    Args:
        path: where the file goes.
        flush: wait until the bytes are on stable storage before the name is taken.

    Raises:
        OperationRefused: what is there is not to be replaced, see `expect_replaceable`.
        ImageIOError: the system refused.
    """
    target = Path(expect_path(path))
    expect_replaceable(target, str(path))
    part = part_of(target)
    try:
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with open(fd, "wb") as stream:  # noqa: PTH123 - a descriptor
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield stream
                stream.flush()
                if flush:
                    os.fsync(fd)
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except LvmfmtError:
        raise
    except OSError as error:
        number = error.errno or errno.EIO
        raise ImageIOError(f"cannot write: {os.strerror(number)}", where=str(path), errno=number) from None


def expect_replaceable(target: Path, where: str, *, writable: bool = False) -> None:
    """Refuse what a new file must not replace; where nothing is, or a symlink that leads nowhere, all is well.

    Args:
        target: where the file goes.
        where: how a person named it.
        writable: who may not write to the old file may not replace it either.

    Raises:
        OperationRefused: it is not a plain file, is managed by an opener, or a guard refuses.
        ImageInUse: another process is writing to it.
        ImageIOError: the system refused.
    """
    from .imagefile import ImageFile  # a new file needs neither
    from .registry import OPENERS

    if not target.exists():
        return
    if not target.is_file():
        raise OperationRefused("not a plain file; only plain files are replaced", where=where)
    for guard in GUARDS:
        guard(target)
    with OPENERS.open(target, writable=writable) as old:  # takes the lock: nobody else is using it
        if not isinstance(old, ImageFile):
            raise OperationRefused("the image is managed and cannot be replaced by a file", where=where)
        if old.in_use:
            raise ImageInUse("another process is writing to the file", where=where, hint="wait until it has finished")


def part_of(target: Path) -> Path:
    """The name of what is to become `target`, beside it; what a process that was killed has left there is removed.

    Whoever makes the file makes it anew (`O_EXCL`) and holds a `flock` on it while at work.
    """
    if not target.name:
        raise OperationRefused("not the name of a file", where=str(target))
    for old in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with suppress(OSError):
            fd = os.open(old, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                old.unlink()
            finally:
                os.close(fd)
    return target.with_name(f".{target.name}.{os.getpid()}.part")
