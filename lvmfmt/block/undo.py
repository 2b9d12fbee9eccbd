"""The undo file: what a repair is about to overwrite, so that the bytes can be put back exactly.

A text file of JSON lines. The first says what it is and names the images with their sizes; each of the others is a
block: image, offset, the old bytes (base64), their CRC and the CRC of each sector that will be written. The last line
counts the blocks, so a file that was cut is noticed. CRCs are CRC-32C.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import crcmod.predefined
import numpy as np

from ..errors import AlreadyExists, CorruptImage, ImageIOError, OperationRefused
from ..units import KIB, SECTOR
from .device import BlockDevice

FORMAT, VERSION = "lvmfmt-undo", 1
_BLOCK = 64 * KIB
_crc = crcmod.predefined.mkCrcFun("crc-32c")


class Rewrite(NamedTuple):
    """Bytes that are to be written to a device; whole sectors."""

    device: BlockDevice
    offset: int
    data: bytes

    @property
    def changes(self) -> bool:
        """Whether the device holds something else there."""
        return self.device.read(self.offset, len(self.data)).tobytes() != self.data

    def execute(self) -> None:
        """Write, and wait until it is on stable storage."""
        self.device.write(self.offset, self.data)
        self.device.flush()


@dataclass(frozen=True)
class Block:
    """A run of sectors that a repair changed.

    Attributes:
        image: index in `UndoFile.images`.
        offset: byte offset in the image.
        old: what was there.
        new: CRC of each sector that was written.
    """

    image: int
    offset: int
    old: bytes
    new: tuple[int, ...]


@dataclass(frozen=True)
class UndoFile:
    """A checked undo file.

    Attributes:
        images: path and size of each image.
        blocks: what to put back; no two of them overlap.
    """

    images: list[tuple[str, int]]
    blocks: list[Block]

    def restore(self, devices: Sequence[BlockDevice]) -> int:
        """Put the old bytes back.

        Args:
            devices: the images, in the order of `images`, open for writing.

        Returns:
            Sectors that were put back; those that hold the old bytes already are left alone.

        Raises:
            OperationRefused: an image has another size, or holds what is neither the old nor the repaired bytes;
                nothing was written.
        """
        for device, (path, size) in zip(devices, self.images, strict=True):
            device.check_writable()
            if device.size != size:
                raise OperationRefused(f"{device.size} bytes, but {path} had {size}", where=device.name)
        repaired = [(block, self._repaired(block, devices[block.image])) for block in self.blocks]
        for block, sectors in repaired:
            for sector in sectors:
                at = sector * SECTOR
                devices[block.image].write(block.offset + at, block.old[at : at + SECTOR])
        for device in devices:
            device.flush()
        return sum(len(sectors) for _, sectors in repaired)

    def _repaired(self, block: Block, device: BlockDevice) -> list[int]:
        """The sectors of a block that hold what the repair wrote; the others must hold the old bytes."""
        now = device.read(block.offset, len(block.old)).tobytes()
        found = []
        for sector, crc in enumerate(block.new):
            part = slice(sector * SECTOR, (sector + 1) * SECTOR)
            if now[part] == block.old[part]:
                continue
            if _crc(now[part]) != crc:
                raise OperationRefused(
                    f"sector {block.offset // SECTOR + sector} was changed since the repair",
                    where=device.name,
                    hint="nothing was put back",
                )
            found.append(sector)
        return found


def save(path: str | os.PathLike[str], rewrites: Sequence[Rewrite]) -> int:
    """Write the undo file of rewrites that are about to be executed, and wait until it is on stable storage.

    Args:
        path: a file that does not exist.
        rewrites: what will be written.

    Returns:
        The number of blocks: runs of sectors that will change.

    Raises:
        AlreadyExists: there is such a file.
        OperationRefused: two rewrites overlap, so that no order of putting back would be right.
        ImageIOError: the system refused; no file is left.
    """
    _check_disjoint(rewrites)
    devices = list({id(rewrite.device): rewrite.device for rewrite in rewrites}.values())
    index = {id(device): i for i, device in enumerate(devices)}
    images = [{"path": os.path.abspath(device.name), "size": device.size} for device in devices]  # noqa: PTH100
    lines: list[dict[str, Any]] = [{"format": FORMAT, "version": VERSION, "crc": "crc-32c", "images": images}]
    for rewrite in rewrites:
        lines += [{"image": index[id(rewrite.device)], **block} for block in _changed(rewrite)]
    blocks = len(lines) - 1
    lines.append({"blocks": blocks})
    target = Path(path)
    try:
        with target.open("x") as stream:
            try:
                stream.writelines(json.dumps(line) + "\n" for line in lines)
                stream.flush()
                os.fsync(stream.fileno())
            except OSError:
                target.unlink()
                raise
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)  # the name, too, must survive
        os.close(folder)
    except FileExistsError:
        raise AlreadyExists("the file exists", where=str(path)) from None
    except OSError as error:
        raise ImageIOError(f"cannot write the undo file: {error.strerror}", where=str(path)) from None
    return blocks


def _check_disjoint(rewrites: Sequence[Rewrite]) -> None:
    ends: dict[int, int] = {}
    for rewrite in sorted(rewrites, key=lambda r: r.offset):
        if rewrite.offset < ends.get(id(rewrite.device), 0):
            raise OperationRefused(f"byte {rewrite.offset:#x} would be written twice", where=rewrite.device.name)
        ends[id(rewrite.device)] = rewrite.offset + len(rewrite.data)


def _changed(rewrite: Rewrite) -> list[dict[str, Any]]:
    """The runs of sectors that change, as lines."""
    new = np.frombuffer(rewrite.data, np.uint8).reshape(-1, SECTOR)
    old = rewrite.device.read(rewrite.offset, len(rewrite.data)).reshape(-1, SECTOR)
    changed = np.flatnonzero((old != new).any(axis=1))
    lines = []
    for run in np.split(changed, np.flatnonzero(np.diff(changed) > 1) + 1):
        for part in (run[at : at + _BLOCK // SECTOR] for at in range(0, len(run), _BLOCK // SECTOR)):
            data = old[part].tobytes()
            lines.append(
                {
                    "offset": rewrite.offset + int(part[0]) * SECTOR,
                    "old": base64.b64encode(data).decode(),
                    "old_crc": _crc(data),
                    "new_crcs": [_crc(new[sector].tobytes()) for sector in part.tolist()],
                }
            )
    return lines


def load(path: str | os.PathLike[str]) -> UndoFile:
    """Read and check an undo file.

    Raises:
        CorruptImage: it is none, was cut, or a CRC is wrong.
        ImageIOError: the system refused.
    """

    def wrong(line: int, expected: str, found: object = "something else") -> CorruptImage:
        return CorruptImage("undo_file", f"line {line}", expected=expected, found=found, where=str(path))

    try:
        raw = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise ImageIOError(f"cannot read: {error.strerror}", where=str(path)) from None
    number = 0
    try:
        lines = []
        for text in raw:
            number += 1
            lines.append(json.loads(text))
        if not lines or (lines[0]["format"], lines[0]["version"]) != (FORMAT, VERSION):
            raise wrong(1, f"{FORMAT} version {VERSION}")
        images = [(str(image["path"]), int(image["size"])) for image in lines[0]["images"]]
        number = len(lines)
        if lines[-1] != {"blocks": len(lines) - 2}:
            raise wrong(number, f"the count of {len(lines) - 2} blocks: the file was cut")
        blocks = []
        for number, line in enumerate(lines[1:-1], 2):
            old = base64.b64decode(line["old"], validate=True)
            block = Block(int(line["image"]), int(line["offset"]), old, tuple(int(crc) for crc in line["new_crcs"]))
            if _crc(old) != line["old_crc"]:
                raise wrong(number, f"CRC {_crc(old):#010x}", line["old_crc"])
            if not (0 <= block.image < len(images) and len(old) == SECTOR * len(block.new)):
                raise wrong(number, "a block of whole sectors in one of the images")
            if not 0 <= block.offset <= images[block.image][1] - len(old):
                raise wrong(number, "a block inside its image", block.offset)
            blocks.append(block)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, binascii.Error):
        raise wrong(number or 1, "a line of an undo file") from None
    return UndoFile(images, blocks)
