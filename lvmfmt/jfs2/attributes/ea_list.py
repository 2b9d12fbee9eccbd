"""The list of extended attributes: its bytes, in both byte orders.

JFS1 has it in the inode or in an extent. What AIX has in the extent of its format 1 is not published; what we write
there is the same list in its byte order (grade C). Source: [jfs2 2.10, invariant 50, item 12].
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from ...errors import CorruptImage, OperationRefused
from ..volume import Volume

MAX_LIST = 65_535
"""Bytes of the longest list; those of the longest value, too, by the width of its length."""
MAX_ATTRIBUTE_NAME = 255
NEEDED_FLAG = 0x80
"""The one flag that an attribute can have: of OS/2, a file is of no use without it."""

_HEAD = 4  # of the list, and of an entry


def encode_list(values: Mapping[bytes, bytes], order: str) -> bytes:
    """The list of attributes; nothing for none.

    Args:
        values: values by name.
        order: byte order of the dialect, ">" or "<".

    Raises:
        OperationRefused: a name or value, or all together, are too long.
    """
    parts = [b""]
    for name, value in values.items():
        if not 1 <= len(name) <= MAX_ATTRIBUTE_NAME or b"\0" in name:
            raise OperationRefused(f"the name of an attribute has 1 to {MAX_ATTRIBUTE_NAME} bytes and no NUL")
        parts.append(struct.pack(f"{order}BBH", 0, len(name), min(len(value), MAX_LIST)) + name + b"\0" + value)
    size = _HEAD + sum(map(len, parts))
    if size > MAX_LIST:
        raise OperationRefused(f"the attributes of an inode have at most {MAX_LIST} bytes, with names and lengths")
    parts[0] = struct.pack(f"{order}I", size)
    return b"".join(parts) if values else b""


def parse_list(volume: Volume, data: bytes, size: int | None, at: int) -> dict[bytes, bytes]:
    """The attributes of a list, by name.

    Args:
        volume: the file system.
        data: the list, or the whole place that it starts in.
        size: bytes that the inode gives it; None where it does not say.
        at: byte offset of the list in the device, for messages.

    Raises:
        CorruptImage: its size is not what the inode says or its place has, or its entries do not fill it exactly.
    """
    order = volume.dialect.order
    if len(data) < _HEAD:
        raise volume.corrupt("ea_list", "size", at, f"a list in {len(data)} bytes", size)
    (stored,) = struct.unpack_from(f"{order}I", data)
    most = min(len(data), MAX_LIST) if size is None else size
    if not _HEAD <= stored <= min(most, len(data)) or (size is not None and stored != size):
        raise volume.corrupt("ea_list", "size", at, f"{_HEAD} to {most}" if size is None else size, stored)
    return _parse_entries(data[:stored], order, lambda place, text: _loose(volume, at + place, text))


def _parse_entries(data: bytes, order: str, wrong: Callable[[int, str], CorruptImage]) -> dict[bytes, bytes]:
    values: dict[bytes, bytes] = {}
    head, place = struct.Struct(f"{order}BBH"), _HEAD
    while place < len(data):
        if place + _HEAD > len(data):
            raise wrong(place, f"{len(data) - place} loose bytes")
        flag, name_length, value_length = head.unpack_from(data, place)
        start = place + _HEAD
        end = start + name_length + 1
        if end + value_length > len(data):
            raise wrong(place, f"an attribute of {_HEAD + name_length + 1 + value_length} bytes")
        if flag & ~NEEDED_FLAG:
            raise wrong(place, f"an attribute with the flag {flag:#x}")
        name = data[start : end - 1]
        if not name or b"\0" in name or data[end - 1]:
            raise wrong(place, "a name that does not end with its length")
        if name in values:
            raise wrong(place, "a second attribute of one name")
        values[name] = data[end : end + value_length]
        place = end + value_length
    return values


def _loose(volume: Volume, at: int, found: str) -> CorruptImage:
    return volume.corrupt("ea_head", "", at, "attributes that fill their list", found)
