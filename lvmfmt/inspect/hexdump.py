"""One structure, field by field: where each lies, its bytes, what they say, how well that is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from types import NoneType

from ..arguments import expect
from ..block import DeviceLike, opened
from ..errors import CorruptImage
from ..escaping import printable
from ..layout.catalog import CATALOG, structure
from ..layout.record import FieldInfo, Record
from ..oneline import one_line
from .structure_places import place

_ARRAY = re.compile(r"(\w+)\[(\d+)\]")
_INTEGER = re.compile(r"([us])(\d+)(be|le)?")
_SHORT = 8
"""Arrays of integers up to this long are one line."""


@dataclass(frozen=True, repr=False)
class FieldDump:
    """One field, or a run of equal elements of an array."""

    offset: int
    """Byte of the image."""
    name: str
    """Path within the structure: `pp[3].lp_num`; `pp[3..9]` is a run of elements with equal bytes."""
    bytes: bytes
    """The bytes of the field, or of one element of the run."""
    value: str
    meaning: str
    grade: str
    source: str

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class Dump:
    """An annotated structure."""

    structure: str
    title: str
    image: str
    offset: int
    size: int
    fields: list[FieldDump]

    __repr__ = one_line


def dump(device: DeviceLike, record: Record | str, *, offset: int | None = None, copy: int = 1) -> Dump:
    """Annotate one structure of a device.

    Args:
        device: a disk, or the volume that holds a file system.
        record: the structure, or its name.
        offset: byte where it begins; by default the place that the disk's map gives it.
        copy: which copy, from 1, where the place is looked up.

    Raises:
        CorruptImage: the device ends before the structure does.
    """
    if isinstance(record, str):
        record = structure(record)
    expect(offset, (int, NoneType), "an offset in bytes")
    expect(copy, int, "the number of a copy")
    with opened(device) as disk:
        at = place(disk, record, copy) if offset is None else offset
        if at + record.size > disk.size:
            found = f"{max(disk.size - at, 0)} bytes"
            raise CorruptImage(record.name, offset=at, expected=f"{record.size} bytes", found=found, where=disk.name)
        data = bytes(disk.read(at, record.size))
    return Dump(record.name, record.title, disk.name, at, record.size, list(annotate(record, data, at)))


def annotate(record: Record, data: bytes, at: int, prefix: str = "") -> Iterator[FieldDump]:
    """The fields of a structure and of the structures in it, in order of place."""
    for info in record.fields():
        raw = data[info.offset : info.offset + info.size]
        yield from _field(info, info.type, raw, at + info.offset, prefix + info.name)


def _field(info: FieldInfo, type: str, data: bytes, at: int, name: str) -> Iterator[FieldDump]:
    array = _ARRAY.fullmatch(type)
    if type in CATALOG:
        yield from annotate(CATALOG[type], data, at, f"{name}.")
    elif array and array[1] not in ("bytes", "text") and (array[1] in CATALOG or int(array[2]) > _SHORT):
        size = len(data) // int(array[2])
        elements = [data[i : i + size] for i in range(0, len(data), size)]
        index = 0
        for raw, run in groupby(elements):
            count = len(list(run))
            label = f"{name}[{index}]" if count == 1 else f"{name}[{index}..{index + count - 1}]"
            yield from _field(info, array[1], raw, at + index * size, label)
            index += count
    else:
        yield FieldDump(at, name, data, decode(type, data), info.meaning, info.grade.value, info.source)


def decode(type: str, data: bytes) -> str:
    """What the bytes of a field say, by the name of its type."""
    if integer := _INTEGER.fullmatch(type):
        value = int.from_bytes(data, "little" if integer[3] == "le" else "big", signed=integer[1] == "s")
        return str(value) if -10 < value < 10 else f"{value} ({value:#x})"
    if type.startswith("text"):
        return f'"{printable(data.rstrip(bytes(1)))}"'
    array = _ARRAY.fullmatch(type)
    if array and array[1] != "bytes":
        size = len(data) // int(array[2])
        return ", ".join(decode(array[1], data[i : i + size]) for i in range(0, len(data), size))
    text = data.rstrip(b"\0")
    return f'"{text.decode()}"' if text and text.isascii() and text.decode().isprintable() else ""
