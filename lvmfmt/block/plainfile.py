"""Reading a plain file of this machine as a whole: never a FIFO that waits or a device that does not end."""

from __future__ import annotations

import errno
import os
import stat

from ..arguments import expect_path
from ..errors import ImageIOError, NotFound, OperationRefused
from ..units import format_size


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
    where = os.fspath(expect_path(path))
    try:
        # O_NONBLOCK: opening a FIFO must not wait for its other end
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OperationRefused("not a plain file", where=where)
            if most is not None and status.st_size > most:
                raise OperationRefused(f"larger than {format_size(most)}", where=where)
            return file.read(status.st_size)  # a larger number would be set aside whole
    except FileNotFoundError:
        raise NotFound("no such file", where=where) from None
    except IsADirectoryError:
        raise OperationRefused("is a directory", where=where) from None
    except OSError as error:
        if isinstance(error, ImageIOError):
            raise
        raise ImageIOError(f"cannot read: {error.strerror}", where=where, errno=error.errno or errno.EIO) from None
