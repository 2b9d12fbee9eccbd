"""The Record kit: one declaration per structure gives parsing, building, a numpy dtype and the field list.

A record is declared from `field(...)` lines around construct types. Small headers go through construct
(`parse`, `build`); anything that repeats goes through the derived `dtype`. Both describe the same bytes,
which is a property test over every record of the catalogue.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from struct import Struct
from typing import Any, Literal, NamedTuple

import construct as c
import numpy as np

from ..errors import CorruptImage, OperationRefused

Buffer = bytes | bytearray | memoryview | np.ndarray[Any, Any]


class Grade(enum.StrEnum):
    """How well a field is known."""

    A = "A"
    """Seen in bytes that AIX wrote (for `JFS1`: that Linux wrote)."""
    B = "B"
    """Published layout: shipped headers, GPL drivers, vendor documents."""
    C = "C"
    """Our own choice, because nothing is published."""


A, B, C = Grade


class Ints(NamedTuple):
    """The integer types of one byte order."""

    u8: c.FormatField
    s8: c.FormatField
    u16: c.FormatField
    s16: c.FormatField
    u32: c.FormatField
    s32: c.FormatField
    u64: c.FormatField
    s64: c.FormatField
    u24: c.BytesInteger
    order: str
    """The numpy byte-order mark, ">" or "<"."""


BIG = Ints(
    c.Int8ub, c.Int8sb, c.Int16ub, c.Int16sb, c.Int32ub, c.Int32sb, c.Int64ub, c.Int64sb, c.BytesInteger(3), ">"
)  # fmt: skip
LITTLE = Ints(
    c.Int8ul, c.Int8sl, c.Int16ul, c.Int16sl, c.Int32ul, c.Int32sl, c.Int64ul, c.Int64sl,
    c.BytesInteger(3, swapped=True), "<",
)  # fmt: skip


class Text(c.Bytes):  # type: ignore[misc]
    """A NUL-padded byte string; numpy sees `S<size>`, and both drop the NULs at the end."""

    def _parse(self, stream: Any, context: Any, path: str) -> bytes:
        return bytes(super()._parse(stream, context, path)).rstrip(b"\0")

    def _build(self, obj: bytes, stream: Any, context: Any, path: str) -> Any:
        return super()._build(obj.ljust(self.length, b"\0"), stream, context, path)


def text(size: int) -> Text:
    """A NUL-padded byte string of `size` bytes."""
    return Text(size)


class Field(NamedTuple):
    """One named field of a record: its construct type and what is known about it."""

    name: str
    type: Any
    meaning: str
    grade: Grade
    source: str


def field(name: str, type: Any, meaning: str, grade: Grade, source: str) -> Field:
    """Declare a field.

    Args:
        name: the published name where there is one.
        type: a construct type of fixed size, or another `Record`.
        meaning: what the value says, with its unit.
        grade: how well it is known.
        source: tags of the documents or dumps it comes from, see `sources.LEGEND`.
    """
    return Field(name, type, meaning, grade, source)


_NO_MEANING = "no known meaning"


def reserved(name: str, size: int, grade: Grade, source: str) -> Field:
    """Declare bytes without a known meaning; they are kept as read."""
    return Field(name, c.Bytes(size), _NO_MEANING, grade, source)


class FieldInfo(NamedTuple):
    """One row of `Record.fields()`."""

    name: str
    offset: int
    size: int
    type: str
    meaning: str
    grade: Grade
    source: str


class Record:
    """A structure of fixed size: a construct `Struct` with offsets, grades and a numpy dtype.

    Args:
        name: name in the catalogue, for example `vgda_header`.
        title: one line that says what the structure is.
        size: bytes of the structure; the declaration is refused if the fields do not add up to it.
        place: where on the disk or in the file system it lives, in words.
        fields: the fields in order; they must fill `size` without holes.
    """

    def __init__(self, name: str, title: str, size: int, place: str, *fields: Field) -> None:
        self.name = name
        self.title = title
        self.place = place
        self.size = size
        self._fields = fields
        total = sum(_size(f.type) for f in self._fields)
        if total != size:
            raise ValueError(f"{name}: fields add up to {total} bytes, not {size}")

    def __repr__(self) -> str:
        return f"Record({self.name!r}, {self.size} bytes)"

    @cached_property
    def struct(self) -> c.Struct:
        """The construct declaration; made when it is asked for, since a command needs few of all structures."""
        return c.Struct(*(f.name / _construct(f.type) for f in self._fields))

    def parse(self, buffer: Buffer, *, offset: int = 0, where: str = "") -> Any:
        """The fields of the structure at the start of `buffer`, as a construct `Container`.

        Args:
            buffer: at least `size` bytes.
            offset: where `buffer` lies in the image, for the error message.
            where: name of the image, for the error message.

        Raises:
            CorruptImage: the buffer is too short.
        """
        view = memoryview(buffer)
        data = bytes(view.cast("B")[: self.size]) if view.nbytes else b""  # Python does not cast an empty view
        if len(data) < self.size:
            raise CorruptImage(
                self.name, offset=offset, expected=f"{self.size} bytes", found=f"{len(data)} bytes", where=where
            )
        return self._read(data)

    @cached_property
    def _reader(self) -> tuple[Struct, list[str], list[tuple[str, Callable[[bytes], Any]]]]:
        """All fields at once, their names, and what makes a value of the bytes of some."""
        order = next((f.type.fmtstr[0] for f in self._fields if isinstance(f.type, c.FormatField)), ">")
        plain = [isinstance(f.type, c.FormatField) and f.type.fmtstr[0] == order for f in self._fields]
        letters = (
            f.type.fmtstr[1] if is_plain else f"{_size(f.type)}s"
            for f, is_plain in zip(self._fields, plain, strict=True)
        )
        others = [
            (f.name, _value(f.type))
            for f, is_plain in zip(self._fields, plain, strict=True)
            if not is_plain and type(f.type) is not c.Bytes
        ]
        return Struct(order + "".join(letters)), [f.name for f in self._fields], others

    def _read(self, data: bytes) -> c.Container:
        """What `struct` parses, in a tenth of the time: the types of fields are few and simple."""
        struct, names, others = self._reader
        values = c.Container(zip(names, struct.unpack(data), strict=True))
        for name, value in others:
            values[name] = value(values[name])
        return values

    def build(self, value: Mapping[str, Any]) -> bytes:
        """The bytes of the structure; fields that are not given are zero.

        Raises:
            OperationRefused: a field cannot hold its value.
        """
        try:
            return bytes(self.struct.build({**self.zero(), **value}))
        except c.ConstructError as error:
            raise OperationRefused(f"{self.name}: {str(error).splitlines()[-1]}") from None

    def zero(self) -> dict[str, Any]:
        """The value of every field in a structure of zero bytes."""
        return dict(self._read(bytes(self.size)))

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the same bytes, byte order and names included."""
        return np.dtype(
            {
                "names": [f.name for f in self._fields],
                "formats": [_dtype(f.type) for f in self._fields],
                "offsets": [o for o, _ in self._places()],
                "itemsize": self.size,
            }
        )

    def table(self, buffer: Buffer, count: int | None = None, offset: int = 0) -> np.ndarray[Any, Any]:
        """A view of `buffer` as an array of this structure, shape (count,), dtype `self.dtype`; no copy.

        Raises:
            CorruptImage: the buffer does not hold `count` of them from `offset` on.
        """
        room = max(memoryview(buffer).nbytes - offset, 0)
        count = room // self.size if count is None else count
        if count * self.size > room:
            raise CorruptImage(self.name, expected=f"{count} x {self.size} bytes", found=f"{room} bytes")
        return np.frombuffer(buffer, self.dtype, count, offset) if count else self.empty_table(0)

    def empty_table(self, count: int) -> np.ndarray[Any, Any]:
        """A zeroed array of this structure, shape (count,), dtype `self.dtype`."""
        return np.zeros(count, self.dtype)

    def fields(self) -> list[FieldInfo]:
        """Every field with its place, type, meaning, grade and source."""
        return [
            FieldInfo(f.name, offset, size, _type_name(f.type), f.meaning, f.grade, f.source)
            for f, (offset, size) in zip(self._fields, self._places(), strict=True)
        ]

    @cached_property
    def grades(self) -> dict[str, Grade]:
        """How well each field is known, by its name."""
        return {f.name: f.grade for f in self._fields}

    @cached_property
    def nameless(self) -> tuple[str, ...]:
        """The fields whose bytes have no known meaning."""
        return tuple(f.name for f in self._fields if f.meaning == _NO_MEANING)

    def offset_of(self, name: str) -> int:
        """Byte offset of the field called `name`."""
        return self._offsets[name]

    @cached_property
    def _offsets(self) -> dict[str, int]:
        return {f.name: o for f, (o, _) in zip(self._fields, self._places(), strict=True)}

    def _places(self) -> Iterable[tuple[int, int]]:
        offset = 0
        for f in self._fields:
            size = _size(f.type)
            yield offset, size
            offset += size


def array(count: int, type: Any) -> c.Array:
    """`count` values of a construct type or record, one after the other."""
    result = c.Array(count, _construct(type))
    result.element = type  # keeps the Record, which the dtype and the type's name come from
    return result


def _construct(type: Any) -> Any:
    return type.struct if isinstance(type, Record) else type


_PLAIN = (c.FormatField, c.Bytes, c.BytesInteger)
"""Types that know their length, which `sizeof` takes longer to say."""


def _size(type: Any) -> int:
    """Bytes of a field."""
    if isinstance(type, Record):
        return type.size
    if isinstance(type, c.Array):
        return int(type.count * _size(getattr(type, "element", type.subcon)))
    return int(type.length if isinstance(type, _PLAIN) else type.sizeof())


def _value(type: Any) -> Callable[[bytes], Any]:
    """What makes the value of a field of its bytes."""
    if isinstance(type, Record):
        return type._read
    if isinstance(type, c.Array):
        element = getattr(type, "element", type.subcon)
        if isinstance(element, c.FormatField):
            order, letter = element.fmtstr
            numbers = Struct(f"{order}{type.count}{letter}").unpack
            return lambda data: c.ListContainer(numbers(data))
        one, step, end = _value(element), _size(element), _size(type)
        return lambda data: c.ListContainer(one(data[at : at + step]) for at in range(0, end, step))
    if isinstance(type, c.BytesInteger):
        significance: Literal["little", "big"] = "little" if type.swapped else "big"
        return lambda data: int.from_bytes(data, significance)
    if isinstance(type, Text):
        return lambda data: data.rstrip(b"\0")
    if isinstance(type, c.Bytes):
        return bytes
    unpack = Struct(type.fmtstr).unpack
    return lambda data: unpack(data)[0]


def _dtype(type: Any) -> Any:
    if isinstance(type, Record):
        return type.dtype
    if isinstance(type, c.Array):
        return (_dtype(getattr(type, "element", type.subcon)), (type.count,))
    if isinstance(type, c.BytesInteger):
        return ("u1", (type.length,))  # numpy has no integers of 3 bytes
    if isinstance(type, Text):
        return f"S{type.length}"
    if isinstance(type, c.Bytes):
        return ("u1", (type.length,))
    if isinstance(type, c.FormatField):
        return f"{type.fmtstr[0]}{'u' if type.fmtstr[1].isupper() else 'i'}{type.length}"
    raise TypeError(f"no numpy type for {type!r}")


def _type_name(type: Any) -> str:
    if isinstance(type, Record):
        return type.name
    if isinstance(type, c.Array):
        return f"{_type_name(getattr(type, 'element', type.subcon))}[{type.count}]"
    if isinstance(type, c.BytesInteger):
        return f"u{8 * type.length}{'le' if type.swapped else 'be'}"
    if isinstance(type, c.Bytes):
        return f"{'text' if isinstance(type, Text) else 'bytes'}[{type.length}]"
    dtype = np.dtype(_dtype(type))
    order = "" if dtype.itemsize == 1 else ("be" if type.fmtstr[0] == ">" else "le")
    return f"{'u' if dtype.kind == 'u' else 's'}{8 * dtype.itemsize}{order}"
