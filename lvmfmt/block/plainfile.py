"""Reading a plain file of this machine as a whole: never a FIFO that waits or a device that does not end."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..arguments import expect_path
from ..errors import ImageIOError, LvmfmtError, NotFound, OperationRefused
from ..units import format_size


@contextmanager
def open_plain(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a plain file, open for reading.

    Args:
        path: of the file; a symlink is followed.

    Raises:
        NotFound: there is no such file.
        OperationRefused: it is not a plain file.
        ImageIOError: the system refused, in the block too.
    """
    where = os.fspath(expect_path(path))
    try:
        # O_NONBLOCK: opening a FIFO must not wait for its other end
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OperationRefused("not a plain file", where=where)
            yield file
    except LvmfmtError:
        raise
    except FileNotFoundError:
        raise NotFound("no such file", where=where) from None
    except IsADirectoryError:
        raise OperationRefused("is a directory", where=where) from None
    except OSError as error:
        raise ImageIOError(f"cannot read: {error.strerror}", where=where, errno=error.errno or errno.EIO) from None


def read_plain(path: str | os.PathLike[str], *, most: int | None = None) -> bytes:
    """The content of a plain file.

    Args:
        path: of the file; a symlink is followed.
        most: bytes that it may have; None for any number.

    Raises:
        NotFound: there is no such file.
        OperationRefused: it is not a plain file, or larger.
        ImageIOError: the system refused.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise OperationRefused(f"larger than {format_size(most)}", where=os.fspath(path))
        return file.read(size)  # a larger number would be set aside whole
