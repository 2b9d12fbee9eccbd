"""What an installp package says of itself: the text `lpp_name` in its archive.

Source: [backup 13.1] for its place and its first line; the lines about filesets are those of IBM's published
packaging documents, as remembered, so what is no such line is passed over.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from .member import Member

NAME = b"lpp_name"
MAX_SIZE = 1 << 20
"""Bytes of the largest `lpp_name` that is read."""

KINDS = {"I": "install", "S": "single update", "SR": "single update", "ML": "maintenance level"}
"""Types of packages whose meaning is published."""

_HEAD = re.compile(r"(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*\{")
_FILESET = re.compile(r"(\S+)\s+(\d+(?:\.\d+){3}\S*)\s+(\d+)\s+([NYb])\s+(\S)\s+(\S+)(?:\s+(.*))?")


@dataclass(frozen=True)
class Fileset:
    """A fileset of a package: name, level such as 1.0.0.0, whether it needs `bosboot`, and its description."""

    name: str
    level: str
    bosboot: bool
    description: str


@dataclass(frozen=True)
class Package:
    """The head of `lpp_name`.

    Attributes:
        format: of the file, such as 4.
        platform: R for POWER.
        type: I an installation, S an update, ...
        name: of the package.
        filesets: that it holds.
    """

    format: str
    platform: str
    type: str
    name: str
    filesets: tuple[Fileset, ...]


def parse(text: str) -> Package | None:
    """The package that an `lpp_name` describes, None if it is not one."""
    lines = text.splitlines()
    head = _HEAD.match(lines[0]) if lines else None
    if head is None:
        return None
    filesets, inside = [], False
    for line in lines[1:]:
        if line.strip() == "[":
            inside = True
        elif line.strip() == "]":
            inside = False
        elif not inside and (found := _FILESET.match(line)):
            filesets.append(Fileset(found[1], found[2], found[4] in "Yb", found[7] or ""))
    return Package(head[1], head[2], head[3], head[4], tuple(filesets))


def package_of(members: Iterable[Member]) -> Package | None:
    """The package that an archive is, None if it has no `lpp_name` that can be read."""
    for member in members:
        is_file = member.kind == stat.S_IFREG and member.size <= MAX_SIZE
        if is_file and member.name.removeprefix(b"./").removeprefix(b"/") == NAME:
            return parse(member.read().decode("utf-8", "surrogateescape"))
    return None
