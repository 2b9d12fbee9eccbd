"""Device-mapper tables: how the kernel of Linux can map a logical volume from the disks it lies on.

A run of LPs with one copy is a `linear` target. With several copies it is a `mirror` target with a log in memory
(`core`) that takes the copies to be in sync (`nosync`): the only mirroring target that needs no metadata of its own on
the disks (`raid1` keeps superblocks). A group of LPs of a striped LV is a `striped` target, whose strips lie as AIX's
do [lvm 15]. Stale copies are left out. What no disk has is an `error` target.

Targets cannot be nested in one table. So a striped LV with several copies takes one device for each copy, and a device
that mirrors them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..block import BlockDevice, Mirror, Piece, Window
from ..errors import NotFound
from ..units import KIB, SECTOR
from .unreachable import Unreachable
from .volume import LogicalVolume

_REGION = 512 * KIB // SECTOR
"""Sectors of a region of a mirror: what one bit of its log stands for."""
_MAPPER = "/dev/mapper/"


class Target(NamedTuple):
    """A line of a table; numbers are sectors of 512 bytes."""

    start: int
    length: int
    kind: str
    """linear, mirror, striped or error."""
    places: tuple[tuple[str, int], ...]
    """Path and sector of each copy, or of each column of a stripe."""
    strip: int = 0
    """Sectors of a strip."""

    def __str__(self) -> str:
        places = [f"{path} {sector}" for path, sector in self.places]
        before = {
            "mirror": ["core 2", str(_REGION), "nosync", str(len(places))],
            "striped": [str(len(places)), str(self.strip)],
        }
        return " ".join([str(self.start), str(self.length), self.kind, *before.get(self.kind, []), *places])


def dm_table(lv: LogicalVolume, paths: Mapping[str, str], *, name: str = "") -> list[Target]:
    """The table of an LV, its control block in its first sector as on AIX.

    Args:
        lv: the volume.
        paths: the path of the block device that stands for each disk, by the name of the disk's `BlockDevice`.
        name: of the device; that of the LV by default. The devices that `dm_parts` tells of are named after it.

    Raises:
        CorruptImage: the LV is striped in a way that [lvm 15] does not describe.
    """
    parts = dm_parts(lv, paths, name=name)
    if parts:
        size = lv.size // SECTOR
        whole = [part for part, targets in parts.items() if all(t.kind != "error" for t in targets)]
        places = tuple((_MAPPER + part, 0) for part in whole or list(parts)[:1])
        return [Target(0, size, "mirror" if len(places) > 1 else "linear", places)]
    lv.check_stripes()
    if lv.policy.width:
        return _striped(lv, paths)
    device = lv.partitions
    return [
        Target(start // SECTOR, piece.length // SECTOR, *_target(piece, paths))
        for piece, start in zip(device.pieces, device.starts, strict=True)
    ]


def dm_parts(lv: LogicalVolume, paths: Mapping[str, str], *, name: str = "") -> dict[str, list[Target]]:
    """The tables of the devices that have to be there first, by name; none but for a striped LV with several copies."""
    good = [copy for copy in range(lv.copies) if (lv.map.held & ~lv.stale)[copy].all()]
    behind = {number for number, pv in lv.pvs.items() if pv.behind}
    good = [copy for copy in good if behind.isdisjoint(lv.map.pv[copy].tolist())] or good
    if not lv.policy.width or len(good) < 2:
        return {}
    lv.check_stripes()
    return {f"{name or lv.name}_copy{copy + 1}": _striped(_one_copy(lv, copy), paths) for copy in good}


def _one_copy(lv: LogicalVolume, copy: int) -> LogicalVolume:
    only = np.zeros_like(lv.stale)
    only[copy] = True
    return replace(lv, map=lv.map.where(only))


def _striped(lv: LogicalVolume, paths: Mapping[str, str]) -> list[Target]:
    """One target for each run of groups that go on in all columns, where the first good copy of each LP lies."""
    width, pp = lv.policy.width, lv.pp_size // SECTOR
    good = lv.newest
    first = good.argmax(axis=0)
    lps = np.arange(lv.lps)
    pv = np.where(good.any(axis=0), lv.map.pv[first, lps], 0).reshape(-1, width)
    pps = lv.map.pp[first, lps].astype(np.int64).reshape(-1, width)
    there = (pv != 0).all(axis=1)
    follows = (pv[1:] == pv[:-1]).all(axis=1) & (pps[1:] == pps[:-1] + 1).all(axis=1) & there[1:] & there[:-1]
    follows |= ~there[1:] & ~there[:-1]
    cuts = [0, *(np.flatnonzero(~follows) + 1).tolist(), len(pv)]
    targets = []
    for start, end in pairwise(cuts):
        at, length = start * width * pp, (end - start) * width * pp
        if not there[start]:
            targets.append(Target(at, length, "error", ()))
            continue
        columns = [(lv.pvs[n], p) for n, p in zip(pv[start].tolist(), pps[start].tolist(), strict=True)]
        places = tuple((_path(c.device, paths), c.offset(p) // SECTOR) for c, p in columns if c.device is not None)
        targets.append(Target(at, length, "striped", places, lv.policy.strip_size // SECTOR))
    return targets


def _target(piece: Piece, paths: Mapping[str, str]) -> tuple[str, tuple[tuple[str, int], ...]]:
    if isinstance(piece.device, Unreachable):
        return "error", ()
    places = tuple((_path(disk, paths), offset // SECTOR) for disk, offset in _copies(piece))
    return ("mirror" if len(places) > 1 else "linear"), places


def _path(disk: BlockDevice, paths: Mapping[str, str]) -> str:
    if disk.name not in paths:
        raise NotFound("no path stands for this disk", where=disk.name)
    return paths[disk.name]


def _copies(piece: Piece) -> list[tuple[BlockDevice, int]]:
    if not isinstance(piece.device, Mirror):
        return [(piece.device, piece.offset)]
    copies = [copy.pieces[0] for copy in piece.device.copies if isinstance(copy, Window)]
    return [(copy.device, copy.offset + piece.offset) for copy in copies]
