"""Mutations of disk images that know what lies on them.

What is mutated is what a check of the sound image reads: its metadata. Fields are set to values at which something
ends (0, 1, the largest, neighbours) or that the image uses itself, so that addresses point at other structures, at
themselves and beyond the end; sectors are wiped, swapped and copied over others. A change can be made to all equal
copies of a sector at once, on all disks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

SECTOR = 512
PAGE = 4096


class Patch(NamedTuple):
    """Bytes that one disk gets at an offset."""

    disk: int
    offset: int
    data: bytes


class Material:
    """The metadata of some disks, and the numbers that it uses.

    Args:
        disks: the bytes of each disk.
        ranges: (disk, offset, length) of what a check of them reads.
        order: byte order of most of it.
    """

    def __init__(self, disks: Sequence[bytes], ranges: Sequence[tuple[int, int, int]], order: str) -> None:
        self.disks, self.order = disks, order
        sectors = {
            (disk, at)
            for disk, offset, length in ranges
            for at in range(offset // SECTOR * SECTOR, min(offset + length, len(disks[disk])), SECTOR)
        }
        full = [place for place in sorted(sectors) if any(self.sector(*place))]
        self.sectors = full or sorted(sectors)
        self._equal: dict[bytes, list[tuple[int, int]]] = {}
        for place in full:
            self._equal.setdefault(self.sector(*place), []).append(place)
        self.numbers = sorted({n for place in full[:4000] for n in self._numbers(self.sector(*place))})

    def sector(self, disk: int, offset: int) -> bytes:
        """The sound bytes of a sector."""
        return bytes(self.disks[disk][offset : offset + SECTOR])

    def copies(self, place: tuple[int, int]) -> list[tuple[int, int]]:
        """All places that hold the same bytes as a sector, itself among them."""
        return self._equal.get(self.sector(*place), [place])

    def _numbers(self, sector: bytes) -> set[int]:
        return {
            n
            for at in range(0, SECTOR, 4)
            if 0 < (n := int.from_bytes(sector[at : at + 4], self.order)) < 1 << 28  # type: ignore[arg-type]
        }


def mutate(material: Material, rng: random.Random) -> list[Patch]:
    """One to four changes."""
    patches: list[Patch] = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        patches += rng.choice(_KINDS)(material, rng)
    return patches


def _place(material: Material, rng: random.Random) -> tuple[int, int]:
    return rng.choice(material.sectors)


def _flip(material: Material, rng: random.Random) -> list[Patch]:
    """Turn one bit over."""
    disk, at = _place(material, rng)
    offset = at + rng.randrange(SECTOR)
    return [Patch(disk, offset, bytes([material.disks[disk][offset] ^ 1 << rng.randrange(8)]))]


def _field(material: Material, rng: random.Random) -> list[Patch]:
    """Set an aligned field to a value at which something ends, or that the image uses."""
    disk, at = _place(material, rng)
    width = rng.choice((1, 2, 4, 4, 4, 8))
    offset = at + rng.randrange(SECTOR // width) * width
    old = int.from_bytes(material.disks[disk][offset : offset + width], material.order)  # type: ignore[arg-type]
    top = (1 << 8 * width) - 1
    value = rng.choice((
        0, 1, top, top >> 1, (top >> 1) + 1, old + 1, old - 1, old << 1, old >> 1, 1 << rng.randrange(8 * width),
        rng.choice(material.numbers or [2]), at // PAGE, at // SECTOR, len(material.disks[disk]) // PAGE,
        rng.getrandbits(8 * width),
    ))  # fmt: skip
    data = (value & top).to_bytes(width, material.order)  # type: ignore[arg-type]
    places = material.copies((disk, at)) if rng.random() < 0.4 else [(disk, at)]
    return [Patch(other, where + offset - at, data) for other, where in places]


def _wipe(material: Material, rng: random.Random) -> list[Patch]:
    """Fill a sector or a page with zeros, ones or noise."""
    disk, at = _place(material, rng)
    size = rng.choice((SECTOR, PAGE))
    start = at // size * size
    length = min(size, len(material.disks[disk]) - start)
    fill = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return [Patch(disk, start, fill)]


def _splice(material: Material, rng: random.Random) -> list[Patch]:
    """Put another sector or page of the metadata in the place of one."""
    (disk, at), (other, source) = _place(material, rng), _place(material, rng)
    size = rng.choice((SECTOR, PAGE))
    start, begin = at // size * size, source // size * size
    data = bytes(material.disks[other][begin : begin + size])
    return [Patch(disk, start, data[: len(material.disks[disk]) - start])]


def _swap(material: Material, rng: random.Random) -> list[Patch]:
    """Exchange two runs of bytes within a sector: entries change places."""
    disk, at = _place(material, rng)
    size = rng.choice((8, 16, 32))
    one, two = (at + rng.randrange(SECTOR // size) * size for _ in range(2))
    whole = material.disks[disk]
    return [Patch(disk, one, bytes(whole[two : two + size])), Patch(disk, two, bytes(whole[one : one + size]))]


_KINDS = (_flip, _field, _field, _field, _field, _wipe, _splice, _swap)
