"""A wrong argument is refused where it is given, with what was expected and what it is."""

from __future__ import annotations

import os
from typing import TypeVar

from .errors import OperationRefused

T = TypeVar("T")


def expect(value: T, kind: type | tuple[type, ...], what: str) -> T:
    """`value`, which is `kind`.

    Args:
        value: the argument.
        kind: its class, or several that it may have. A truth value is no number.
        what: what to call it, with its article: "a path".

    Raises:
        OperationRefused: it is something else.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise OperationRefused(f"not {what}: {type(value).__name__} {value!r:.40}")
    return value


def expect_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """`path`, which is that of a file or folder of this machine.

    Raises:
        OperationRefused: it is something else.
    """
    expect(path, (str, os.PathLike), "a path")
    if "\0" in str(path):
        raise OperationRefused(f"not a path: it holds a NUL: {str(path)!r:.40}")
    return path
