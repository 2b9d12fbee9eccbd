"""The content of one file of a file system, to a stream."""

from __future__ import annotations

from typing import BinaryIO

from ...errors import OperationRefused
from ..paths.view import View

_PART = 8 << 20
"""Bytes of a file that are in memory at a time."""


def copy_content(view: View, path: str, stream: BinaryIO) -> None:
    """Write the content of a regular file to a stream.

    Raises:
        OperationRefused: it is not a regular file.
        CorruptImage: its content cannot be read.
    """
    found = view.stat(path)
    if not found.is_file:
        raise OperationRefused("not a regular file", where=path)
    for at in range(0, found.size, _PART):
        stream.write(view.read(path, at, min(_PART, found.size - at)))
