"""A body file of The Sleuth Kit, version 3: a line a file with its four times, for `mactime` and other tools.

Fields: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime, times in seconds. Deleted files are marked as the
Sleuth Kit marks them. Names are spelled as `escaping.escaped` spells them, `|` included.
"""

from __future__ import annotations

import stat as modes
from collections.abc import Iterator
from functools import cache

from ...escaping import escaped, escaped_link, spelled
from ...units import NS_PER_S
from ..access.filesystem import FileSystem
from ..paths.listing import shown_targets
from ..paths.stat import Stat
from .deleted import Deleted

_TYPES = {
    modes.S_IFREG: "r", modes.S_IFDIR: "d", modes.S_IFLNK: "l", modes.S_IFBLK: "b", modes.S_IFCHR: "c",
    modes.S_IFIFO: "p", modes.S_IFSOCK: "h",
}  # fmt: skip
_DELETED = " (deleted)"


def body_lines(fs: FileSystem, gone: Deleted | None = None, problems: list[str] | None = None) -> Iterator[str]:
    """A line for each name of each file, then for each deleted inode.

    Args:
        fs: the file system.
        gone: what it still has of deleted files; None leaves them out.
        problems: receives what makes no sense, a line each, and the walk goes on.
    """
    problems = [] if problems is None else problems
    for run in fs.runs(problems=problems):
        names = [
            escaped_link(run.prefix + name, target, also="|")
            for name, target in zip(run.names, shown_targets(run, problems), strict=True)
        ]
        for name, found in zip(names, run.stats, strict=True):
            if name.endswith(_DELETED):  # a file that is there, called so
                name = name.removesuffix(_DELETED) + _DELETED.replace("(", spelled("("))
            yield _line(name, found, deleted=False)
    if gone is None:
        return
    known = {e.number: e for e in gone.entries if e.number is not None}
    for inode in gone.inodes:
        entry = known.get(inode.number)
        name = f"$OrphanFiles/{inode.number}"
        if entry is not None:
            name = escaped(f"{entry.directory.rstrip('/')}/{entry.name.decode('utf-8', 'surrogateescape')}", also="|")
        yield _line(f"{name}{_DELETED}", inode.stat, deleted=True)


def _line(name: str, found: Stat, *, deleted: bool) -> str:
    number, mode, _, _, uid, gid, size, _, accessed, modified, changed, made, _, _ = found
    times = f"{accessed // NS_PER_S}|{modified // NS_PER_S}|{changed // NS_PER_S}|{made // NS_PER_S}"
    return f"0|{name}|{number}|{_mode(mode, deleted)}|{uid}|{gid}|{size}|{times}"


@cache
def _mode(mode: int, deleted: bool) -> str:  # one of few
    kind = _TYPES.get(modes.S_IFMT(mode), "-")
    return f"{'-' if deleted else kind}/{kind}{modes.filemode(mode)[1:]}"
