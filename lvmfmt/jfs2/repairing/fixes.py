"""The typed fixes of a repair: what each does, and whether it only restores what follows from something sound.

Source: [jfs2 3.11] ("repair choices").
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ...escaping import printable

MOST_LISTED = 1000


class FixKind(NamedTuple):
    """A kind of fix."""

    name: str
    meaning: str
    derived: bool
    """Whether the new content follows from sound content, so that nothing is decided and nothing is lost."""


_ALL = (
    FixKind("replay", "the log was replayed, or closed where there was nothing to replay", True),
    FixKind("superblock", "a field of a superblock that follows from others, or from the other copy", True),
    FixKind("superblock-features", "feature bits, or marks of quotas and snapshots, that nothing stands behind", False),
    FixKind("log", "the log of a clean file system, or one that was replayed, was formatted", True),
    FixKind("log-lost", "a log that could not be replayed was formatted: what only it held is lost", False),
    FixKind("aggregate", "inodes of the aggregate, from their other copy and from what they describe", True),
    FixKind("inode-map", "pages of an inode map, from the inodes", True),
    FixKind("block-map", "pages of the block map, from the blocks that have an owner", True),
    FixKind("inode-extent", "an inode extent that holds other inodes, or none, was taken out of the map", False),
    FixKind("inode", "fields of an inode that follow from its place and its content", True),
    FixKind("inode-type", "the file type of an inode, from what its tree looks like", False),
    FixKind("inode-free", "an inode that nothing names and that has no links was freed", True),
    FixKind("inode-cleared", "an inode of which nothing can be read was cleared", False),
    FixKind("inode-made", "an inode that every file system has was made", False),
    FixKind("tree", "the extent tree of a file was built anew from its extents", True),
    FixKind("tree-cut", "extents of a file that cannot be were dropped: that part reads as zeros", False),
    FixKind("size", "the size of a file or symlink, from its extents or its target", False),
    FixKind("attributes", "extended attributes that cannot be were dropped, the others kept", False),
    FixKind("duplicate", "blocks that belonged to two were copied for the second", False),
    FixKind("directory", "the tree of a directory was built anew from its names", True),
    FixKind("directory-salvaged", "the names that could still be read in a damaged directory were kept", False),
    FixKind("name-removed", "a name that stands for nothing, or cannot be a name, was removed", False),
    FixKind("lost-and-found", "/lost+found was made", False),
    FixKind("reconnected", "a file without a name got one in /lost+found", False),
)
KINDS: dict[str, FixKind] = {kind.name: kind for kind in _ALL}
"""Every kind of fix by its name."""


@dataclass(frozen=True)
class Fix:
    """One fix.

    Attributes:
        kind: name of its kind, see `KINDS`.
        inode: the inode of the fileset that it is about, or None.
        text: what is done, in one printable line.
    """

    kind: str
    inode: int | None
    text: str

    @property
    def derived(self) -> bool:
        """Whether a preen may do it."""
        return KINDS[self.kind].derived


@dataclass
class Plan:
    """The fixes of a repair.

    Attributes:
        fixes: the first ones, at most `MOST_LISTED`.
        counts: how many there are of each kind.
    """

    fixes: list[Fix] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, text: str, inode: int | None = None) -> None:
        """Add a fix; one that was added before is not counted twice."""
        fix = Fix(KINDS[kind].name, inode, printable(text))
        if fix in self.fixes[-64:]:
            return
        self.counts[kind] += 1
        if len(self.fixes) < MOST_LISTED:
            self.fixes.append(fix)

    @property
    def decisions(self) -> int:
        """How many fixes a preen may not make."""
        return sum(count for kind, count in self.counts.items() if not KINDS[kind].derived)
