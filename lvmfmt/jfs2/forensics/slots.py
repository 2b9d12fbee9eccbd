"""Names in the 32-byte slots of directories, whether an entry is there or was there.

A slot that is given back keeps its bytes but for the first two, which become the link of the free list (reference 2.5).
So an entry that was removed keeps its name as far as it lies in that slot; its inode number keeps all but its first two
bytes, which are the highest of J2 (and 0 there) and the lowest of JFS1 (and lost).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..dialect import Dialect
from ..nodes.directory_node import NUMBERS, SLOT, HeadSlot

_END = 0xFF
_LINK = 2
_FREELIST_AT = 19


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
    found: list[int] = []
    slot = raw[_FREELIST_AT]
    while 0 < slot < len(raw) // SLOT and slot not in found:
        found.append(slot)
        slot = raw[slot * SLOT]
    return found


def names(raw: bytes, slots: Iterable[int], head: HeadSlot, dialect: Dialect, *, freed: bool) -> Iterator[FoundName]:
    """What looks like the head of an entry in some slots of a node.

    Args:
        raw: the bytes of the node.
        slots: which slots to look at.
        head: where the parts of a head slot lie.
        dialect: byte order and coding of names.
        freed: the slots are on the free list.
    """
    for slot in slots:
        found = _head(raw, slot, head, dialect, freed)
        if found is not None:
            yield found


def _head(raw: bytes, slot: int, head: HeadSlot, dialect: Dialect, freed: bool) -> FoundName | None:
    base = slot * SLOT
    length = raw[base + head.length] * dialect.name_unit
    following = raw[base + head.next]
    if not length or (following == _END) != (length <= head.name_bytes):
        return None
    coded = bytearray(raw[base + head.name : base + head.name + min(length, head.name_bytes)])
    if freed and following != _END:
        following = raw[base]  # the slots were given back in the order of the chain: the free list goes along it
    seen = {slot}
    while len(coded) < length and following != _END:
        at = following * SLOT
        if following in seen or at + SLOT > len(raw):
            if freed:
                break
            return None
        seen.add(following)
        coded += raw[at + 2 : at + 2 + min(length - len(coded), dialect.continuation_bytes)]
        following = raw[at]
    name = dialect.decode_name(bytes(coded[: len(coded) // dialect.name_unit * dialect.name_unit]))
    if not name or b"/" in name or b"\0" in name or name in (b".", b".."):
        return None
    size = dialect.inode_number.size
    overwritten = int.from_bytes(b"\xff" * _LINK * freed + bytes(size - _LINK * freed), dialect.byte_order.name)
    number: int | None = int.from_bytes(raw[base : base + size], dialect.byte_order.name) & ~overwritten
    if 0 < overwritten < NUMBERS.stop:
        number = None
    if number is not None and number not in NUMBERS:
        return None
    return FoundName(slot, name, len(coded) == length, number)
