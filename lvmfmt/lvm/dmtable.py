"""Device-mapper tables: how the kernel of Linux can map a logical volume from the disks it lies on.

A run of LPs with one copy is a `linear` target. With several copies it is a `mirror` target with a log in memory
(`core`) that takes the copies to be in sync (`nosync`): the only mirroring target that needs no metadata of its own on
the disks (`raid1` keeps superblocks). Stale copies are left out. What no disk has is an `error` target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..block import BlockDevice, Mirror, Piece, PieceList
from ..errors import UnsupportedFeature
from ..units import KIB, SECTOR
from .volume import LogicalVolume, Unreachable

_REGION = 512 * KIB // SECTOR
"""Sectors of a region of a mirror: what one bit of its log stands for."""


class Target(NamedTuple):
    """A line of a table; numbers are sectors of 512 bytes."""

    start: int
    length: int
    kind: str
    """linear, mirror or error."""
    places: tuple[tuple[str, int], ...]
    """Path and sector of each copy."""

    def __str__(self) -> str:
        places = [f"{path} {sector}" for path, sector in self.places]
        words = ["core 2", str(_REGION), "nosync", str(len(places)), *places] if self.kind == "mirror" else places
        return " ".join([str(self.start), str(self.length), self.kind, *words])


def dm_table(lv: LogicalVolume, paths: Mapping[str, str]) -> list[Target]:
    """The table of an LV, its control block in its first sector as on AIX.

    Args:
        lv: the volume.
        paths: the path of the block device that stands for each disk, by the name of the disk's `BlockDevice`.

    Raises:
        UnsupportedFeature: the LV is striped.
    """
    device = lv.device
    if not isinstance(device, PieceList):
        raise UnsupportedFeature("a logical volume that is not a list of pieces", where=lv.name)
    return [
        Target(start // SECTOR, piece.length // SECTOR, *_target(piece, paths))
        for piece, start in zip(device.pieces, device.starts, strict=True)
    ]


def _target(piece: Piece, paths: Mapping[str, str]) -> tuple[str, tuple[tuple[str, int], ...]]:
    if isinstance(piece.device, Unreachable):
        return "error", ()
    places = tuple((paths[disk.name], offset // SECTOR) for disk, offset in _copies(piece))
    return ("mirror" if len(places) > 1 else "linear"), places


def _copies(piece: Piece) -> list[tuple[BlockDevice, int]]:
    if not isinstance(piece.device, Mirror):
        return [(piece.device, piece.offset)]
    copies = [copy.pieces[0] for copy in piece.device.copies if isinstance(copy, PieceList)]
    return [(copy.device, copy.offset + piece.offset) for copy in copies]
