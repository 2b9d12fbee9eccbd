"""What is taken wherever a device is: a path, a binary file object, or a device; and who closes it.

Whoever opens a device closes it: a path is opened here and closed at the end of the block; a file object and a device
stay the caller's.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from ..arguments import expect_path
from ..errors import OperationRefused
from .device import BlockDevice
from .filedevice import BinaryFile, FileDevice
from .registry import OPENERS

DeviceLike: TypeAlias = BlockDevice | str | os.PathLike[str] | BinaryFile
"""A device, the path of an image, or a binary file object that can seek."""

D = TypeVar("D", bound=DeviceLike)
"""Those of one kind, where they are given back as they were given."""


@contextmanager
def opened(what: DeviceLike, *, writable: bool = False) -> Iterator[BlockDevice]:
    """Yield the device that is meant.

    Args:
        what: a device, the path of an image, or a binary file object.
        writable: for writing, too.

    Raises:
        NotFound: there is no such image.
        ImageInUse: another process is using it.
        OperationRefused: it is none of these, or was opened for reading only.
        ImageIOError: the system refused.
    """
    if isinstance(what, BlockDevice):
        if writable:
            what.check_writable()
        yield what
    elif isinstance(what, str | os.PathLike):
        path = os.fspath(what)
        if not isinstance(path, str):
            raise OperationRefused(f"a path is text, not {path!r}")
        with OPENERS.open(path, writable=writable) as device:
            yield device
    elif all(hasattr(what, name) for name in ("read", "seek", "tell")):
        yield FileDevice(what, writable=writable)
    else:
        raise OperationRefused(
            f"not a device: {type(what).__name__} {what!r:.40}", hint="a path, a binary file object or a block device"
        )


@contextmanager
def opened_all(
    what: DeviceLike | Iterable[DeviceLike], *, writable: bool = False, held: Collection[BlockDevice] = ()
) -> Iterator[list[BlockDevice]]:
    """Yield the devices that are meant, in their order; a single one is a list of one.

    Args:
        what: one, or several.
        writable: for writing, too.
        held: open already: the path of one of them means it.

    Raises:
        OperationRefused: one is given twice; or as `opened`, as is all else.
    """
    given: dict[object, DeviceLike] = {}
    for one in several(what):
        if (which := identity(one)) in given:
            raise OperationRefused("the same image is given twice", where="" if isinstance(which, int) else str(one))
        given[which] = one
    known: dict[object, BlockDevice] = {identity(device.name): device for device in held}
    with ExitStack() as stack:
        yield [stack.enter_context(opened(known.get(which, one), writable=writable)) for which, one in given.items()]


def several(what: D | Iterable[D]) -> list[D]:
    """What is given, in its order; a single one is a list of one."""
    single = isinstance(what, BlockDevice | str | os.PathLike) or hasattr(what, "seek")  # a file object is iterable too
    return list(cast(Iterable[D], [what] if single or not isinstance(what, Iterable) else what))


def identity(one: DeviceLike) -> object:
    """What two ways to give the same image have in common: hard links, too."""
    if not isinstance(one, str | os.PathLike):
        return id(one)
    path = expect_path(one)
    with suppress(OSError):
        found = Path(path).stat()
        return found.st_dev, found.st_ino
    return os.path.realpath(path)
