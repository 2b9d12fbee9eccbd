"""Names in the 32-byte slots of directories, whether an entry is there or was there.

A slot that is given back keeps its bytes but for the first two, which become the link of the free list [jfs2 2.5].
So an entry that was removed keeps its name as far as it lies in that slot; its inode number keeps all but its first two
bytes, which are the highest of J2 (and 0 there) and the lowest of JFS1 (and lost).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..nodes.directory_node import CONTINUED, END, FREE_LIST_AT, NUMBERS, SLOT, DirectoryCodec, NodeHeader, follow

_LINK = 2


class FoundName(NamedTuple):
    """A name in a slot.

    Attributes:
        slot: its number in the node.
        name: the name, or the beginning of it.
        complete: whether it is the whole name.
        number: inode number; None where it was overwritten.
    """

    slot: int
    name: bytes
    complete: bool
    number: int | None


def free_slots(raw: bytes) -> list[int]:
    """The slots on the free list of a root or page, in its order, as far as the list makes sense."""
    header = NodeHeader(raw, False, False, len(raw) // SLOT, b"", 1)
    return follow(header, raw[FREE_LIST_AT], header.reserved)[0]


def names(raw: bytes, slots: Iterable[int], codec: DirectoryCodec, *, freed: bool) -> Iterator[FoundName]:
    """What looks like the head of an entry in some slots of a node.

    Args:
        raw: the bytes of the node.
        slots: which slots to look at.
        codec: of the file system.
        freed: the slots are on the free list.
    """
    for slot in slots:
        found = _head(raw, slot, codec, freed)
        if found is not None:
            yield found


def _head(raw: bytes, slot: int, codec: DirectoryCodec, freed: bool) -> FoundName | None:
    base, head, unit = slot * SLOT, codec.leaf, codec.dialect.name_unit
    length = raw[base + head.length] * unit
    following = raw[base + head.next]
    if not length or (following == END) != (length <= head.name_bytes):
        return None
    coded = bytearray(raw[base + head.name : base + head.name + min(length, head.name_bytes)])
    if freed and following != END:
        following = raw[base]  # the slots were given back in the order of the chain: the free list goes along it
    seen = {slot}
    while len(coded) < length and following != END:
        at = following * SLOT
        if following in seen or at + SLOT > len(raw):
            if freed:
                break
            return None
        seen.add(following)
        coded += raw[at + 2 : at + 2 + min(length - len(coded), CONTINUED)]
        following = raw[at]
    whole = bytes(coded[: len(coded) // unit * unit])
    if codec.bad_names([whole]):
        return None
    field, number = raw[base : base + codec.number.size], None
    if not freed:
        number = codec.number.unpack(field)[0]
    elif len(field) > 4:  # what the link has overwritten is the highest part, and was 0
        number = codec.number.unpack(bytes(_LINK) + field[_LINK:])[0]
    if number is not None and number not in NUMBERS:
        return None
    return FoundName(slot, codec.dialect.decode_name(whole), len(coded) == length, number)
