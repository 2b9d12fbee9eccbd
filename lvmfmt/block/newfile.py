"""A new image file that appears under its name whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..arguments import expect_path
from ..errors import AlreadyExists
from .imagefile import ImageFile
from .wholefile import expect_replaceable, part_of


@contextmanager
def new_image(
    path: str | os.PathLike[str], size: int, *, replace: bool = False, flush: bool = True
) -> Iterator[ImageFile]:
    """Yield a sparse file of `size` zero bytes that takes the name `path` when the block ends without an error.

    Until then it is a file beside `path`, and what was at `path` stays. Leaving the block closes it.

    Args:
        path: where the image goes; a symlink to a file is followed.
        size: in bytes.
        replace: a plain file that is there is replaced.
        flush: wait until all of it is on stable storage before it takes its name.

    Raises:
        AlreadyExists: there is a file and `replace` is false.
        OperationRefused: what is there is not to be replaced, see `expect_replaceable`, or a process uses it.
        ImageIOError: the system refused.
    """
    target = replaceable(path, replace=replace)
    part = part_of(target)
    try:
        image = ImageFile.create(part, size)
        with image:
            yield image
            if flush:
                image.flush()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def replaceable(path: str | os.PathLike[str], *, replace: bool = True) -> Path:
    """The place of a file that a new image may take; that of a symlink is where it leads to.

    Args:
        path: where the image goes.
        replace: a plain file that is there is no hindrance.

    Raises:
        AlreadyExists: there is a file and `replace` is false.
        OperationRefused: what is there is not to be replaced, see `expect_replaceable`, or a process uses it.
        ImageIOError: the system refused.
    """
    target = Path(expect_path(path))
    target = target.resolve() if target.is_symlink() else target
    if target.exists() and not replace:
        raise AlreadyExists("the file exists", where=str(path))
    expect_replaceable(target, str(path), writable=True)
    return target
