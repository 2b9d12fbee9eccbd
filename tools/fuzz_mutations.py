"""Mutations of disk images that know what lies on them.

What is mutated is what a check of the sound image reads: its metadata. Fields are set to values at which something
ends (0, 1, the largest, neighbours) or that the image uses itself, so that addresses point at other structures, at
themselves and beyond the end; a node is made to point at itself or at its ancestor; sectors and pages are wiped,
swapped and copied over others, from another image too. A change can be made to all equal copies of a sector at once,
or to both copies of a structure on all disks alike; check sums are made right again.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

SECTOR = 512
PAGE = 4096
_WORD = re.compile(rb"[0-9]+|[A-Za-z_/]{3,}")
_COPIES = 4
"""Distances between two copies of a structure on one disk that are tried."""


class Patch(NamedTuple):
    """Bytes that one disk gets at an offset."""

    disk: int
    offset: int
    data: bytes


class Seal(NamedTuple):
    """A structure with a check sum: where it lies, and what makes its check sum right."""

    disk: int
    offset: int
    length: int
    sealed: Callable[[bytes], bytes]


class Material:
    """The metadata of some disks, and the numbers that it uses.

    Args:
        disks: the bytes of each disk.
        ranges: (disk, offset, length) of what a check of them reads.
        order: byte order of most of it.
        unit: bytes that an address counts.
        seals: structures with check sums.

    Attributes:
        strangers: other images, whose pages may turn up here.
    """

    def __init__(
        self,
        disks: Sequence[bytes | memoryview],
        ranges: Sequence[tuple[int, int, int]],
        order: Literal["big", "little"],
        *,
        unit: int = PAGE,
        seals: Sequence[Seal] = (),
    ) -> None:
        self.disks, self.order, self.unit, self.seals = disks, order, unit, seals
        self.strangers: list[Material] = []
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
        numbers = {place: self._numbers(self.sector(*place)) for place in full[:4000]}
        self.numbers = sorted({n for found in numbers.values() for n in found.values()})
        units = {at // unit for _, at in full}
        self.pointers = [
            (disk, at + inside, n)
            for (disk, at), found in numbers.items()
            for inside, n in found.items()
            if n in units and n > 0
        ]
        """Disk and byte of fields that hold the address of a place in the metadata, and that address."""
        apart: Counter[int] = Counter()
        for places in self._equal.values():
            own = sorted(at for disk, at in places if disk == places[0][0])[:8]
            apart.update(two - one for one in own for two in own if two > one)
        self.apart = [distance for distance, _ in apart.most_common(_COPIES)]
        """How far the copies of a structure lie apart on a disk, as it seems."""

    def sector(self, disk: int, offset: int) -> bytes:
        """The sound bytes of a sector."""
        return bytes(self.disks[disk][offset : offset + SECTOR])

    def copies(self, place: tuple[int, int]) -> list[tuple[int, int]]:
        """All places that hold the same bytes as a sector, itself among them."""
        return self._equal.get(self.sector(*place), [place])

    def _numbers(self, sector: bytes) -> dict[int, int]:
        return {
            at: n
            for at in range(0, len(sector) - 3, 4)
            if 0 < (n := int.from_bytes(sector[at : at + 4], self.order)) < 1 << 28
        }


def mutate(material: Material, rng: random.Random) -> list[Patch]:
    """One to four changes; check sums over them are right in half of the cases."""
    patches: list[Patch] = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        patches += rng.choice(_KINDS)(material, rng)
    if material.seals and rng.random() < 0.5:
        patches += _sealed(material, patches)
    return patches


def _sealed(material: Material, patches: Sequence[Patch]) -> list[Patch]:
    """The structures that the patches touch, with their check sums."""
    result = []
    for disk, offset, length, sealed in material.seals:
        end = offset + length
        touching = [p for p in patches if p.disk == disk and p.offset < end and offset < p.offset + len(p.data)]
        if touching:
            data = bytearray(material.disks[disk][offset:end])
            for patch in touching:
                low, high = max(patch.offset, offset), min(patch.offset + len(patch.data), end)
                data[low - offset : high - offset] = patch.data[low - patch.offset : high - patch.offset]
            result.append(Patch(disk, offset, sealed(bytes(data))))
    return result


def _place(material: Material, rng: random.Random) -> tuple[int, int]:
    return rng.choice(material.sectors)


def _flip(material: Material, rng: random.Random) -> list[Patch]:
    """Turn one bit over."""
    disk, at = _place(material, rng)
    offset = min(at + rng.randrange(SECTOR), len(material.disks[disk]) - 1)
    return [Patch(disk, offset, bytes([material.disks[disk][offset] ^ 1 << rng.randrange(8)]))]


def _value(material: Material, rng: random.Random, disk: int, at: int) -> tuple[int, bytes]:
    """An aligned field of a sector, and a value at which something ends or that the image uses."""
    whole = material.disks[disk]
    width = rng.choice((1, 2, 4, 4, 4, 8))
    offset = at + rng.randrange(max(min(SECTOR, len(whole) - at) // width, 1)) * width
    old = int.from_bytes(whole[offset : offset + width], material.order)
    top = (1 << 8 * width) - 1
    value = rng.choice((
        0, 1, top, top >> 1, (top >> 1) + 1, old + 1, old - 1, old << 1, old >> 1, 1 << rng.randrange(8 * width),
        rng.choice(material.numbers or [2]), at // material.unit, at // SECTOR, len(whole) // material.unit,
        rng.getrandbits(8 * width),
    ))  # fmt: skip
    return offset, (value & top).to_bytes(width, material.order)


def _field(material: Material, rng: random.Random) -> list[Patch]:
    """Set an aligned field, in all equal sectors perhaps."""
    disk, at = _place(material, rng)
    offset, data = _value(material, rng, disk, at)
    places = material.copies((disk, at)) if rng.random() < 0.4 else [(disk, at)]
    return [_within(material, other, where + offset - at, data) for other, where in places]


def _alike(material: Material, rng: random.Random) -> list[Patch]:
    """Set the same field of both copies of a structure, on all disks alike."""
    disk, at = _place(material, rng)
    offset, data = _value(material, rng, disk, at)
    distance = rng.choice([0, *material.apart])
    known = set(material.sectors)
    return [
        _within(material, other, where + offset - at, data)
        for other in range(len(material.disks))
        for where in {at, at + distance, at - distance}
        if (other, where) in known
    ]


def _cycle(material: Material, rng: random.Random) -> list[Patch]:
    """Let a node point at itself, at one that points at it, or at another's child."""
    if not material.pointers:
        return _field(material, rng)
    disk, offset, target = rng.choice(material.pointers)
    own = offset // material.unit
    above = [at // material.unit for other, at, to in material.pointers if to == own and other == disk]
    value = rng.choice([own, *above[:4], rng.choice(material.pointers)[2], target])
    return [_within(material, disk, offset, value.to_bytes(4, material.order))]


def _wipe(material: Material, rng: random.Random) -> list[Patch]:
    """Fill a sector or a page with zeros, ones or noise."""
    disk, at = _place(material, rng)
    size = rng.choice((SECTOR, PAGE))
    start = at // size * size
    length = min(size, len(material.disks[disk]) - start)
    fill = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return [Patch(disk, start, fill)]


def _splice(material: Material, rng: random.Random) -> list[Patch]:
    """Put another sector or page of the metadata, or of another image, in the place of one."""
    giver = rng.choice([material, material, *material.strangers])
    (disk, at), (other, source) = _place(material, rng), _place(giver, rng)
    size = rng.choice((SECTOR, PAGE))
    start, begin = at // size * size, source // size * size
    return [_within(material, disk, start, bytes(giver.disks[other][begin : begin + size]))]


def _exchange(material: Material, rng: random.Random) -> list[Patch]:
    """Take a sector or page from the same place of another image: valid, and of another time or state."""
    giver = rng.choice(material.strangers or [material])
    disk, at = _place(material, rng)
    other = min(disk, len(giver.disks) - 1)
    size = rng.choice((SECTOR, PAGE))
    start = at // size * size
    return [_within(material, disk, start, bytes(giver.disks[other][start : start + size]))]


def _swap(material: Material, rng: random.Random) -> list[Patch]:
    """Exchange two runs of bytes within a sector: entries change places."""
    disk, at = _place(material, rng)
    size = rng.choice((8, 16, 32))
    one, two = (at + rng.randrange(SECTOR // size) * size for _ in range(2))
    whole = material.disks[disk]
    parts = ((one, bytes(whole[two : two + size])), (two, bytes(whole[one : one + size])))
    return [_within(material, disk, offset, data) for offset, data in parts]


def _text(material: Material, rng: random.Random) -> list[Patch]:
    """Set a number or a word of text: fields of an ODM, of stanzas, of JSON."""
    disk, at = _place(material, rng)
    words = list(_WORD.finditer(material.sector(disk, at)))
    if not words:
        return _field(material, rng)
    word = rng.choice(words)
    size = len(word[0])
    other = rng.choice((
        b"0" * size, b"9" * size, b"-" + b"1" * (size - 1), b"f" * size, b" " * size, b"%" * size, bytes(size),
        rng.choice(words)[0][:size].ljust(size), rng.choice(b"\"'\\\n:{},=").to_bytes(1, "big") * size,
    ))  # fmt: skip
    return [Patch(disk, at + word.start(), other)]


def _within(material: Material, disk: int, offset: int, data: bytes) -> Patch:
    """A patch that ends where the disk ends."""
    offset = min(offset, len(material.disks[disk]))
    return Patch(disk, offset, data[: len(material.disks[disk]) - offset])


_KINDS = (_flip, _field, _field, _field, _alike, _cycle, _wipe, _splice, _exchange, _swap, _text)
