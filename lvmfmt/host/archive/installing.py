"""Installing packages: their files below a root directory, their filesets in its class `product`.

What a package has for the root file system lies in its `inst_root` and is copied from there (recalled, [backup 13.1]).
Programs of a package are not run, and symlinks that only its inventory knows are not made: both are in `liblpp.a`.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace

from ...backup import Archive, Member
from ...backup.package import NAME
from ...errors import LvmfmtError
from ...jfs2.sources.backup import parts
from ..machine.running import Machine
from ..odm import filesets
from ..odm.filesets import InstalledFileset
from .packages import INSTALL, Image, level_of
from .restoring import Restorer

_ROOT_PART = b"inst_root"


def install(machine: Machine, image: Image, *, root: str = "/", commit: bool = True) -> list[str]:
    """Install a package.

    Args:
        machine: the running machine.
        image: the package.
        root: the directory that is / for it, `/alt_inst` for a clone that is awake.
        commit: an update is to stay; otherwise it is applied only.

    Returns:
        What could not be made of it, a line each; its filesets are broken then.
    """
    restorer = Restorer(machine, root=root)
    problems: list[str] = []
    files, inside = machine.locate(image.path)
    with Archive(files.file_device(inside)) as archive:
        try:
            for member in _members(machine, archive, image, root):
                restorer.restore(member)
        except LvmfmtError as error:
            problems.append(str(error))
        restorer.finish()
        problems += archive.problems
    state = filesets.COMMITTED if commit or image.package.type == INSTALL else filesets.APPLIED
    after = filesets.installed(machine.read_file, root)
    for one in image.package.filesets:
        number = filesets.BROKEN if problems else state
        after[one.name] = InstalledFileset(one.name, level_of(one.level), number, one.description)
    machine.write_file(_under(root, filesets.PATH), filesets.build(after.values()))
    return problems


def _members(machine: Machine, archive: Archive, image: Image, root: str) -> Iterator[Member]:
    """What is to be restored: not the directories that are there, the root part also where it belongs."""
    part = [b"usr", b"lpp", image.package.name.encode("utf-8", "surrogateescape"), _ROOT_PART]
    for member in archive:
        names = parts(member.name)
        if names in ([], [NAME]):
            continue
        if not _is_there(machine, member, names, root):
            yield member
        rest = names[len(part) :]
        if names[: len(part)] == part and rest and not _is_there(machine, member, rest, root):
            yield replace(member, name=b"./" + b"/".join(rest))


def _is_there(machine: Machine, member: Member, names: list[bytes], root: str) -> bool:
    if member.kind != stat.S_IFDIR:
        return False
    files, inside = machine.locate(_under(root, "/" + b"/".join(names).decode("utf-8", "surrogateescape")))
    return bool(files.exists(inside))


def _under(root: str, path: str) -> str:
    return root.rstrip("/") + path
