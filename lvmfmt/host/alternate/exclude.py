"""Exclude lists: which names of the running system a clone leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ...jfs2 import Inventory

Matcher = Callable[[bytes], object]
"""Answers something true for a name such as b"./home/reps/a" that is to be left out."""


_CLASSES = {
    b"alpha": b"A-Za-z", b"digit": b"0-9", b"alnum": b"A-Za-z0-9", b"upper": b"A-Z", b"lower": b"a-z",
    b"blank": rb" \t", b"space": rb"\s", b"xdigit": b"0-9A-Fa-f", b"punct": rb"!-/:-@\[-`{-~", b"graph": b"!-~",
    b"print": b" -~", b"cntrl": rb"\x00-\x1f\x7f",
}  # fmt: skip
"""Character classes of grep, inside brackets: `[[:digit:]]`."""

_CLASS = re.compile(rb"\[:([a-z]+):\]")


def parse(data: bytes) -> Matcher:
    """The matcher of an exclude list: one extended regular expression a line, searched in each `./path` name.

    As with grep, an empty line matches every name.

    Raises:
        OperationRefused: a line is not a regular expression.
    """
    lines = [_CLASS.sub(lambda m: _CLASSES.get(m[1], m[0]), line) for line in data.split(b"\n")]
    if not lines[-1]:
        lines.pop()
    for line in lines:
        try:
            re.compile(line)
        except (re.error, RecursionError, OverflowError) as error:
            raise OperationRefused(f"{line.decode('utf-8', 'replace')!r} is not a pattern: {error}") from None
    if not lines:
        return lambda _: None
    return re.compile(b"|".join(b"(?:" + line + b")" for line in lines)).search


def keep(inventory: Inventory, mount_point: str, matches: Matcher, mount_points: set[str]) -> NDArray[np.bool_]:
    """Which entries of a file system stay, shape (entries,).

    A directory stays when something in it stays, and where a file system is to be mounted on it.

    Args:
        inventory: the file system's tree.
        mount_point: where it is mounted.
        matches: of the exclude list.
        mount_points: all mount points that the clone needs.
    """
    prefix = b"." + mount_point.rstrip("/").encode("utf-8", "surrogateescape")
    needed = {b"." + p.encode("utf-8", "surrogateescape") for p in mount_points}
    paths = [prefix + path for path in inventory.entry_paths()]
    kept = np.fromiter((path in needed or not matches(path) for path in paths), bool, len(paths))
    parents, children = inventory.entries["parent"].tolist(), inventory.entries["child"].tolist()
    row_of = dict(zip(children, range(len(paths)), strict=True))  # unique for directories
    for row in range(len(paths) - 1, -1, -1):  # what is in a directory comes after its own entry
        if kept[row] and parents[row]:
            kept[row_of[parents[row]]] = True
    return kept
