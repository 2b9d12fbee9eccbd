"""Exclude lists: which names of the running system a clone leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ...escaping import escaped, printable
from ...jfs2 import Inventory

Matcher = Callable[[bytes], object]
"""Answers something true for a name such as b"./home/reps/a" that is to be left out."""

MAX_LIST = 1 << 20
"""Bytes of an exclude list; each line is compiled."""
_MEMORY = 64 << 20
"""Bytes that the compiled list may take."""
_TOKEN = re.compile(rb"(\[\^?\]?(?:\[:[a-z]*:\]|[^]])*\])|(\\.)|(\{,)|.", re.DOTALL)
"""A bracket expression, an escaped character, a count without a lower end, or any other character."""


def parse(data: bytes) -> Matcher:
    """The matcher of an exclude list: one extended regular expression a line, searched in each `./path` name.

    Expressions mean what they mean to `grep -E`, and a name takes time as it is long, whatever the list says (RE2).
    As with grep, an empty line matches every name.

    Raises:
        OperationRefused: a line is not a regular expression, or the list is too long.
    """
    import re2  # type: ignore[import-untyped]  # a clone without a list needs none

    if len(data) > MAX_LIST:
        raise OperationRefused(f"an exclude list of {len(data)} bytes", hint=f"at most {MAX_LIST}")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # names are bytes
    options.posix_syntax, options.log_errors, options.max_mem = True, False, _MEMORY
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    patterns = []
    for line in lines:
        try:
            patterns.append(_TOKEN.sub(_translated, line))
            re2.compile(patterns[-1], options)
        except (re2.error, ValueError) as error:
            reason = b"".join(error.args).decode("latin-1") if isinstance(error, re2.error) else str(error)
            raise OperationRefused(f"{escaped(line)} is not a pattern: {printable(reason)}") from None
    if not lines:
        return lambda _: None
    try:
        search: Matcher = re2.compile(b"|".join(b"(" + pattern + b")" for pattern in patterns), options).search
    except re2.error as error:
        raise OperationRefused(f"an exclude list of {len(lines)} lines is too large: {error}") from None
    return search


def _translated(found: re.Match[bytes]) -> bytes:
    """A token of an extended regular expression as RE2 writes it."""
    bracket, character, count = found.groups()
    if bracket:
        return bracket.replace(b"\\", b"\\\\")  # a backslash is one of the characters
    if count:
        return b"{0,"
    if character and (character[1:].isalnum() or character[1:] in b"<>`'_"):
        raise ValueError(f"{character.decode('latin-1')} is not part of an extended regular expression")
    return found[0]


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
