"""The manifest of an image: a CRC-32C of each piece of its data and digests of the whole, in JSON lines.

The first line says what it is, and how large the image is; each of the others is a piece: offset, length, CRC. What no
piece covers is zeros. The last line has the digests and counts the pieces, so a manifest that was cut is noticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from ...errors import CorruptImage, OperationRefused
from ...units import KIB
from ..device import BlockDevice
from ..plainfile import open_plain
from .around import Reread, directly
from .digests import crc32c, digest
from .mover import BUFFER

FORMAT, VERSION = "lvmfmt-manifest", 1
_PIECE = 64 * KIB
"""Bytes of a piece at most: so closely is it said what has changed."""


class ManifestWriter:
    """Writes the lines of a manifest.

    Args:
        stream: where they go.
        size: of the image.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._pieces = 0
        self._line({"format": FORMAT, "version": VERSION, "crc": "crc-32c", "size": size})

    def add(self, offset: int, data: memoryview) -> None:
        """Add data, behind what was added before."""
        for at in range(0, len(data), _PIECE):
            part = data[at : at + _PIECE]
            self._line({"offset": offset + at, "length": len(part), "crc": f"{crc32c(part):08x}"})
            self._pieces += 1

    def finish(self, digests: dict[str, str]) -> None:
        """Add the last line."""
        self._line({"pieces": self._pieces, "digests": digests})

    def _line(self, line: dict[str, Any]) -> None:
        self._stream.write(json.dumps(line).encode() + b"\n")


@dataclass(frozen=True)
class Verification:
    """What an image is, compared with its manifest.

    Attributes:
        size: bytes of the image.
        changed: ranges, (offset, length), that hold other bytes than they did.
        digests: name of each digest, and whether it is the same.
        from_device: all of it came from the device and nothing from the system's cache.
    """

    size: int
    changed: list[tuple[int, int]]
    digests: dict[str, bool]
    from_device: bool

    @property
    def same(self) -> bool:
        """Whether the image is what the manifest says."""
        return not self.changed and all(self.digests.values())


def verify_manifest(image: BlockDevice, manifest: str | os.PathLike[str]) -> Verification:
    """Read an image, from its device where that is possible, and compare it with its manifest.

    Raises:
        NotFound: there is no such manifest.
        CorruptImage: it is none, or was cut.
        OperationRefused: it is not a plain file, or the image has another size.
        ImageIOError: the system refused.
    """
    with open_plain(manifest) as stream:
        lines = _lines(stream, str(manifest))
        size = next(lines)["size"]
        if size != image.size:
            raise OperationRefused(f"{image.size} bytes, but the manifest is of {size}", where=image.name)
        return _verify(image, lines)


def _lines(stream: BinaryIO, where: str) -> Iterator[dict[str, Any]]:
    """The lines of a manifest, each of its kind; the last one has the digests."""
    number = pieces = at = 0
    line: dict[str, Any] = {}
    while "digests" not in line:
        number += 1
        try:
            line = json.loads(stream.readline(1 << 16))
            if number == 1:
                good = (line["format"], line["version"], line["crc"]) == (FORMAT, VERSION, "crc-32c")
                size = line["size"]
                good = good and isinstance(size, int) and size >= 0
            elif "digests" in line:
                good = line["pieces"] == pieces and isinstance(line["digests"], dict) and not stream.read(1)
            else:
                offset, length = line["offset"], line["length"]
                good = type(offset) is type(length) is int and at <= offset < offset + length <= size
                good = good and length <= BUFFER and isinstance(line["crc"], str)
                at, pieces = offset + length, pieces + 1
        except (ValueError, KeyError, TypeError, RecursionError):
            good = False
        if not good:
            raise CorruptImage("manifest", f"line {number}", expected="a line of a manifest", found="none", where=where)
        yield line


def _verify(image: BlockDevice, lines: Iterator[dict[str, Any]]) -> Verification:
    changed: list[tuple[int, int]] = []
    at = 0
    with directly(image, os.O_RDONLY) as fd:
        reread = Reread(image, fd)
        for line in lines:
            if "digests" in line:
                break
            _zeros(image, reread, at, line["offset"] - at, changed)
            at = line["offset"] + line["length"]
            if f"{crc32c(reread.read(line['offset'], line['length'])):08x}" != line["crc"]:
                changed.append((line["offset"], line["length"]))
        _zeros(image, reread, at, image.size - at, changed)
        wanted: dict[str, str] = line["digests"]
        found = _digests(image, reread, list(wanted)) if not changed else {}
        return Verification(
            image.size, changed, {name: found.get(name) == wanted[name] for name in wanted}, reread.from_device
        )


def _zeros(image: BlockDevice, reread: Reread, start: int, length: int, changed: list[tuple[int, int]]) -> None:
    """Note what is not zeros in a range that was a hole."""
    for offset, extent, is_data in image.extents(start, length):
        for at in range(offset, offset + extent, _PIECE) if is_data else ():
            size = min(_PIECE, offset + extent - at)
            if reread.read(at, size).count(0) != size:
                changed.append((at, size))


def _digests(image: BlockDevice, reread: Reread, names: Sequence[str]) -> dict[str, str]:
    made = {name: digest(name) for name in names}
    for offset, length, is_data in image.extents() if made else ():
        for at in range(offset, offset + length, BUFFER):
            size = min(BUFFER, offset + length - at)
            data = reread.read(at, size) if is_data else bytes(size)
            for one in made.values():
                one.update(data)
    return {name: one.hexdigest() for name, one in made.items()}
