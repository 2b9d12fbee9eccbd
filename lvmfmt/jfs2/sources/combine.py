"""Several inventories as one tree; where two of them hold the same directory, they merge."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Source
from ...errors import OperationRefused
from ...escaping import escaped
from ...origin import Origin, origin_or_system
from ..inventory.arrays import ENTRY_ROW, INODE_ROW, Inventory


@dataclass(frozen=True)
class Part:
    """An inventory and the directory of the new tree that its root becomes.

    Attributes:
        inventory: the tree.
        destination: an absolute path, such as "/" or "/opt/app".
        made_root: the root is not the source's own, so it changes nothing of a directory that is there.
    """

    inventory: Inventory
    destination: str = "/"
    made_root: bool = False


def combine(parts: Sequence[Part], *, origin: Origin | None = None) -> Inventory:
    """One tree of several.

    Directories that no part has but that lie on the way to a destination belong to root with mode 0755.

    Args:
        parts: in order; of two that give attributes to one directory the later one decides.
        origin: clock of directories made on the way; by default that of the system.

    Raises:
        OperationRefused: two parts hold one name and not both are directories.
    """
    if len(parts) == 1 and not parts[0].destination.strip("/"):
        return parts[0].inventory
    merger = _Merger(origin_or_system(origin).now())
    for part in parts:
        merger.add(part)
    return merger.finish()


class _Merger:
    def __init__(self, now: int) -> None:
        self._made = np.zeros(1, INODE_ROW)
        self._made["mode"] = stat.S_IFDIR | 0o755
        for name in ("atime", "mtime", "ctime", "otime"):
            self._made[name] = now
        self._inodes: list[NDArray[Any]] = [self._made.copy()]
        self._entries: list[tuple[int, int, int, int]] = []
        self._extents: list[NDArray[Any]] = []
        self._names: list[bytes] = []
        self._sources: list[Source] = []
        self._links: dict[int, bytes] = {}
        self._attributes: dict[int, dict[bytes, bytes]] = {}
        self._problems: list[str] = []
        self._children: dict[tuple[int, bytes], int] = {}
        self._folders = {0}
        self._rows = 1
        self._name_bytes = 0
        self._overridden: list[tuple[int, int]] = []  # (row, row that gives it its attributes)

    def add(self, part: Part) -> None:
        """Take over a part."""
        target = 0
        for name in part.destination.encode("utf-8", "surrogateescape").split(b"/"):
            if name:
                target = self._folder(target, name)
        inventory, base = part.inventory, self._rows
        if not part.made_root:
            self._overridden.append((target, base))
        row = np.arange(base, base + len(inventory.inodes)).tolist()
        row[0] = target
        folders = inventory.is_directory().tolist()
        rows = zip(inventory.entries["parent"].tolist(), inventory.entries["child"].tolist(), strict=True)
        for (parent, child), name in zip(rows, inventory.entry_names(), strict=True):
            there = self._children.get((row[parent], name))
            if there is None:
                self._link(row[parent], row[child], name)
                if folders[child]:
                    self._folders.add(row[child])
            elif there in self._folders and folders[child]:
                self._overridden.append((there, row[child]))
                row[child] = there
            else:
                raise OperationRefused(f"{escaped(name)}: two sources hold this name and not both are directories")
        extents = inventory.extents.copy()
        extents["inode"] += base
        extents["source"] += len(self._sources)
        self._extents.append(extents)
        self._sources += inventory.sources
        self._links |= {base + i: link for i, link in inventory.links.items()}
        self._attributes |= {base + i: values for i, values in inventory.attributes.items()}
        self._problems += inventory.problems
        self._inodes.append(inventory.inodes)
        self._rows += len(inventory.inodes)

    def finish(self) -> Inventory:
        """The tree."""
        inodes = np.concatenate(self._inodes)
        for row, decides in self._overridden:
            inodes[row] = inodes[decides]
            if decides in self._attributes:
                self._attributes[row] = self._attributes.pop(decides)
        whole = Inventory(
            inodes=inodes,
            entries=np.array(self._entries, ENTRY_ROW),
            names=b"".join(self._names),
            extents=np.concatenate(self._extents),
            sources=self._sources,
            links=self._links,
            attributes=self._attributes,
            problems=tuple(self._problems),
        )
        return whole.select(np.ones(len(whole.entries), bool))  # drops the rows that were merged into others

    def _folder(self, parent: int, name: bytes) -> int:
        there = self._children.get((parent, name))
        if there is None:
            there = self._rows
            self._rows += 1
            self._inodes.append(self._made.copy())
            self._folders.add(there)
            self._link(parent, there, name)
        elif there not in self._folders:
            raise OperationRefused(f"{escaped(name)}: a part of the destination is not a directory")
        return there

    def _link(self, parent: int, child: int, name: bytes) -> None:
        self._children[parent, name] = child
        self._entries.append((parent, child, self._name_bytes, len(name)))
        self._names.append(name)
        self._name_bytes += len(name)
