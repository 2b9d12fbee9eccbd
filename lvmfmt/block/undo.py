"""The undo file: what a repair is about to overwrite, so that the bytes can be put back exactly.

A text file of JSON lines. The first says what it is and names the images with their sizes and the CRCs of sectors that
tell each from the others, as those with its PVID and its number in the group; each of the others is a
block: image, offset, the old bytes (base64), their CRC and for each sector the CRCs of all that will be written there,
one after the other: a repair that was stopped leaves one of them. The last line counts the blocks, so a file that was
cut is noticed. CRCs are CRC-32C.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import crcmod.predefined
import numpy as np

from ..errors import AlreadyExists, CorruptImage, ImageIOError, OperationRefused
from ..units import GIB, KIB, SECTOR
from .device import BlockDevice
from .overlay import Overlay
from .plainfile import read_plain
from .trace import Event, Write

FORMAT, VERSION = "lvmfmt-undo", 2
_BLOCK = 64 * KIB
_MOST = GIB
"""Bytes of a file that is read as an undo file."""
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
        new: for each sector the CRCs of what was written there.
    """

    image: int
    offset: int
    old: bytes
    new: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class UndoFile:
    """A checked undo file.

    Attributes:
        images: path and size of each image.
        blocks: what to put back; no two of them overlap.
        marks: of each image, byte offset and CRC of the sectors that tell it from others and that no block has.
    """

    images: list[tuple[str, int]]
    blocks: list[Block]
    marks: list[list[tuple[int, int]]]

    def restore(self, devices: Sequence[BlockDevice]) -> int:
        """Put the old bytes back.

        Args:
            devices: the images, in the order of `images`, open for writing.

        Returns:
            Sectors that were put back; those that hold the old bytes already are left alone.

        Raises:
            OperationRefused: an image has another size, is another one, or holds what is neither the old nor the
                repaired bytes; nothing was written.
        """
        for device, (path, size), marks in zip(devices, self.images, self.marks, strict=True):
            device.check_writable()
            if device.size != size:
                raise OperationRefused(f"{device.size} bytes, but {path} had {size}", where=device.name)
            for at, crc in marks:
                if _crc(device.read(at, SECTOR).tobytes()) != crc:
                    text = f"another image than {path}, or changed since: sector {at // SECTOR} is not the same"
                    raise OperationRefused(text, where=device.name, hint="nothing was put back")
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
        for sector, crcs in enumerate(block.new):
            part = slice(sector * SECTOR, (sector + 1) * SECTOR)
            if now[part] == block.old[part]:
                continue
            if _crc(now[part]) not in crcs:
                raise OperationRefused(
                    f"sector {block.offset // SECTOR + sector} was changed since the repair",
                    where=device.name,
                    hint="nothing was put back",
                )
            found.append(sector)
        return found


def traced(device: BlockDevice, events: Sequence[Event]) -> Iterator[Rewrite]:
    """What a device would hold after each write of a trace that began with it as it is: a rewrite for each.

    Args:
        device: unchanged since.
        events: of the trace.
    """
    state = Overlay(device)
    for event in events:
        if isinstance(event, Write):
            if event.data is None:
                state.punch(event.offset, event.length)
            else:
                state.write(event.offset, event.data)
            start, end = event.sectors.start * SECTOR, event.sectors.stop * SECTOR
            yield Rewrite(device, start, state.read(start, end - start).tobytes())


def save(
    path: str | os.PathLike[str],
    rewrites: Sequence[Rewrite],
    *,
    marks: Sequence[int] = (),
    order: Sequence[BlockDevice] = (),
) -> int:
    """Write the undo file of rewrites that are about to be executed, and wait until it is on stable storage.

    Args:
        path: a file that does not exist.
        rewrites: what will be written, in this order; a sector may be written several times.
        marks: bytes at which the sectors begin that tell an image from others.
        order: devices as a person names them; the images of the file come in this order, others behind them.

    Returns:
        The number of blocks: runs of sectors that will change.

    Raises:
        AlreadyExists: there is such a file.
        ImageIOError: the system refused; no file is left.
    """
    written = {id(rewrite.device): rewrite.device for rewrite in rewrites}
    devices = list({**{id(d): d for d in order if id(d) in written}, **written}.values())
    index = {id(device): i for i, device in enumerate(devices)}
    images: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = [{"format": FORMAT, "version": VERSION, "crc": "crc-32c", "images": images}]
    for device in devices:
        own = [rewrite for rewrite in rewrites if rewrite.device is device]
        changed = _changed(device, own)
        lines += [{"image": index[id(device)], **block} for block in changed]
        taken = {b["offset"] + i * SECTOR for b in changed for i in range(len(b["new_crcs"]))}
        known = [[at, _crc(device.read(at, SECTOR).tobytes())] for at in marks if at not in taken]
        path_now = os.path.abspath(device.name)  # noqa: PTH100
        images.append({"path": path_now, "size": device.size, "marks": known})
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


def _changed(device: BlockDevice, rewrites: Sequence[Rewrite]) -> list[dict[str, Any]]:
    """The runs of sectors of a device that will hold something else at some time, as lines."""
    states: dict[int, list[int]] = {}
    olds: dict[int, bytes] = {}
    for rewrite in rewrites:
        new = np.frombuffer(rewrite.data, np.uint8).reshape(-1, SECTOR)
        old = device.read(rewrite.offset, len(rewrite.data)).reshape(-1, SECTOR)
        first = rewrite.offset // SECTOR
        for row in np.flatnonzero((old != new).any(axis=1)).tolist():
            states.setdefault(first + row, []).append(_crc(new[row].tobytes()))
            olds[first + row] = old[row].tobytes()
    changed = np.array(sorted(states), np.int64)
    lines = []
    for run in np.split(changed, np.flatnonzero(np.diff(changed) > 1) + 1):
        for part in (run[at : at + _BLOCK // SECTOR].tolist() for at in range(0, len(run), _BLOCK // SECTOR)):
            data = b"".join(olds[sector] for sector in part)
            lines.append(
                {
                    "offset": part[0] * SECTOR,
                    "old": base64.b64encode(data).decode(),
                    "old_crc": _crc(data),
                    "new_crcs": [states[sector] for sector in part],
                }
            )
    return lines


def load(path: str | os.PathLike[str]) -> UndoFile:
    """Read and check an undo file.

    Raises:
        CorruptImage: it is none, was cut, or a CRC is wrong.
        NotFound: there is no such file.
        OperationRefused: it is no plain file, or far larger than what a repair rewrites.
        ImageIOError: the system refused.
    """

    def wrong(line: int, expected: str, found: object = "something else") -> CorruptImage:
        return CorruptImage("undo_file", f"line {line}", expected=expected, found=found, where=str(path))

    raw = read_plain(path, most=_MOST).splitlines()
    number = 0
    try:
        lines = []
        for text in raw:
            number += 1
            lines.append(json.loads(text))
        if not lines or (lines[0]["format"], lines[0]["version"]) != (FORMAT, VERSION):
            raise wrong(1, f"{FORMAT} version {VERSION}")
        images = [(str(image["path"]), int(image["size"])) for image in lines[0]["images"]]
        marks = [[(int(at), int(crc)) for at, crc in image.get("marks", [])] for image in lines[0]["images"]]
        if any(not 0 <= at <= size - SECTOR for (_, size), of in zip(images, marks, strict=True) for at, _ in of):
            raise wrong(1, "marks inside their images")
        number = len(lines)
        if lines[-1] != {"blocks": len(lines) - 2}:
            raise wrong(number, f"the count of {len(lines) - 2} blocks: the file was cut")
        blocks = []
        for number, line in enumerate(lines[1:-1], 2):
            old = base64.b64decode(line["old"], validate=True)
            new = tuple(tuple(int(crc) for crc in crcs) for crcs in line["new_crcs"])
            block = Block(int(line["image"]), int(line["offset"]), old, new)
            if _crc(old) != line["old_crc"]:
                raise wrong(number, f"CRC {_crc(old):#010x}", line["old_crc"])
            if not (0 <= block.image < len(images) and len(old) == SECTOR * len(block.new)):
                raise wrong(number, "a block of whole sectors in one of the images")
            if not 0 <= block.offset <= images[block.image][1] - len(old):
                raise wrong(number, "a block inside its image", block.offset)
            blocks.append(block)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError, binascii.Error):
        raise wrong(number or 1, "a line of an undo file") from None
    return UndoFile(images, blocks, marks)
