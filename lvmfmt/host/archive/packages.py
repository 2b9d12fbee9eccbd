"""installp packages in a directory of the host, and which of them are to be installed.

A package is taken as a whole, with all filesets that it holds. Source: [backup 13.1].
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...backup import Archive
from ...backup.package import Package, package_of
from ...errors import LvmfmtError
from ..machine.running import Machine
from ..messages import refusal
from ..odm.filesets import InstalledFileset
from .archives import absolute

ALL, UPDATE_ALL = "all", "update_all"
INSTALL = "I"
"""Type of a package that needs no other one to be there: all other types are updates."""
_LEVEL = re.compile(r"\d{1,4}(?:\.\d{1,4}){3}")


@dataclass(frozen=True)
class Image:
    """A package in a file of the host.

    Attributes:
        path: of the file.
        package: what it says of itself.
    """

    path: str
    package: Package

    @property
    def levels(self) -> dict[str, tuple[int, ...]]:
        """The levels of its filesets by their names."""
        return {one.name: level_of(one.level) for one in self.package.filesets}

    def is_newer(self, installed: Mapping[str, InstalledFileset]) -> bool:
        """Whether one of its filesets is not there, or at a lower level."""
        return any(name not in installed or installed[name].level < level for name, level in self.levels.items())


def level_of(text: str) -> tuple[int, ...]:
    """A level such as 5.3.0.1."""
    return tuple(map(int, text.split(".")))


def images(machine: Machine, program: str, directory: str) -> list[Image]:
    """The packages in a directory, each with the levels that `product` can hold; other files are passed over.

    Raises:
        CommandFailed: there is no such directory, or no package in it.
    """
    found = []
    try:
        path = absolute(directory)
        files, inside = machine.locate(path)
        names = sorted(files.listdir(inside))
    except LvmfmtError as error:
        raise refusal("installp-directory", program=program, directory=directory) from error
    for name in names:
        where = f"{path.rstrip('/')}/{name}"
        package = _package(machine, where)
        if package is not None and package.filesets and all(_LEVEL.fullmatch(f.level) for f in package.filesets):
            found.append(Image(where, package))
    if not found:
        raise refusal("installp-no-packages", program=program, directory=directory)
    return found


def _package(machine: Machine, path: str) -> Package | None:
    try:
        files, inside = machine.locate(path)
        if not files.stat(inside).is_file:
            return None
        with Archive(files.file_device(inside)) as archive:
            return package_of(archive)
    except LvmfmtError:
        return None


def choose(
    program: str, found: Sequence[Image], wanted: Iterable[str], installed: Mapping[str, InstalledFileset]
) -> list[Image]:
    """The packages to install, in an order in which each finds what it needs.

    Args:
        program: the command that speaks.
        found: the packages that there are.
        wanted: names of filesets or packages, patterns of them, `all`, or `update_all` for those that are installed
            at a lower level.
        installed: the filesets that are installed, by name.

    Raises:
        CommandFailed: nothing has such a name, nothing is newer than what is installed, or an update has nothing that
            it could update.
    """
    chosen: list[Image] = []
    for pattern in wanted:
        named = [image for image in found if _has(image, pattern, installed)]
        if not named and pattern != UPDATE_ALL:
            raise refusal("installp-not-found", program=program, fileset=pattern)
        chosen += [image for image in named if image not in chosen]
    chosen = [image for image in chosen if image.is_newer(installed)]
    if not chosen:
        raise refusal("installp-nothing", program=program)
    chosen.sort(key=lambda image: (image.package.type != INSTALL, max(image.levels.values()), image.path))
    known = set(installed)
    for image in chosen:
        missing = next((name for name in image.levels if name not in known), None)
        if image.package.type != INSTALL and missing is not None:
            raise refusal("installp-requisite", program=program, fileset=missing, path=image.path)
        known |= set(image.levels)
    return chosen


def _has(image: Image, pattern: str, installed: Mapping[str, InstalledFileset]) -> bool:
    if pattern == UPDATE_ALL:
        return any(name in installed and installed[name].level < level for name, level in image.levels.items())
    names = (image.package.name, *image.levels)
    return pattern == ALL or any(fnmatch.fnmatchcase(name, pattern) for name in names)
