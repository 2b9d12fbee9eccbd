"""Many leaves of directories at once: their entries in a few array operations.

Only what is in order is decoded; the rest is left to the reader that goes slot by slot and says what is wrong.
Source: reference section 2.5 and invariants 60 to 72.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .dialect import Dialect

if TYPE_CHECKING:
    from .dtree import HeadSlot

SLOT = 32
_END = 0xFF


@dataclass(frozen=True)
class Leaves:
    """Leaves of one size.

    Attributes:
        raw: their bytes, shape (leaves, size), dtype uint8.
        heads: sorted table of each, shape (leaves, width), dtype uint8.
        counts: entries of each, shape (leaves,); not more than the width.
        reserved: which slots hold no entries, shape (leaves, slots) or (1, slots).
        free: length of the free list as each has it, shape (leaves,).
    """

    raw: NDArray[np.uint8]
    heads: NDArray[np.uint8]
    counts: NDArray[np.int64]
    reserved: NDArray[np.bool_]
    free: NDArray[np.uint8]


@dataclass(frozen=True)
class LeafEntries:
    """Entries of leaves, those of a leaf together and in its order.

    Attributes:
        good: which leaves are in order, shape (leaves,); entries of the others are missing.
        leaf: index of the leaf of each entry, shape (entries,).
        numbers: inode number of each, shape (entries,).
        names: name of each.
    """

    good: NDArray[np.bool_]
    leaf: NDArray[np.int64]
    numbers: NDArray[np.int64]
    names: list[bytes]


def decode_leaves(dialect: Dialect, head: HeadSlot, leaves: Leaves, numbers: range) -> LeafEntries:
    """The entries of leaves.

    Args:
        dialect: byte order and coding of names.
        head: where the parts of a head slot lie.
        leaves: what to decode.
        numbers: inode numbers that an entry may have.
    """
    count, size = leaves.raw.shape
    slots = size // SLOT
    table = leaves.raw.reshape(-1, SLOT)
    leaf, place = np.nonzero(np.arange(leaves.heads.shape[1]) < leaves.counts[:, None])
    first = leaves.heads[leaf, place].astype(np.int64)
    bad = np.zeros(count, bool)
    bad[leaf[first >= slots]] = True
    at = leaf * slots + np.minimum(first, slots - 1)
    visited = [at]
    length = table[at, head.length].astype(np.int64) * dialect.name_unit
    following = table[at, head.next].astype(np.int64)
    rest = length - head.name_bytes
    longest = max(int(rest.max(initial=0)), 0)
    width = head.name_bytes + -(-longest // dialect.continuation_bytes) * dialect.continuation_bytes
    text = np.empty((len(at), width), np.uint8)
    text[:, : head.name_bytes] = table[at, head.name : head.name + head.name_bytes]
    done = head.name_bytes
    going = np.flatnonzero(rest > 0)
    while len(going):
        here = following[going]
        outside = here >= slots
        bad[leaf[going[outside]]] = True
        going, here = going[~outside], here[~outside]
        at_next = leaf[going] * slots + here
        visited.append(at_next)
        end = done + dialect.continuation_bytes
        text[going, done:end] = table[at_next, dialect.continuation_offset :]
        following[going] = table[at_next, 0]
        done = end
        going = going[length[going] > done]
    bad[leaf[following != _END]] = True
    used = np.bincount(np.concatenate(visited), minlength=count * slots).reshape(count, slots) + leaves.reserved
    bad |= (used > 1).any(axis=1) | (leaves.free != slots - used.sum(axis=1))
    kind = ">u8" if dialect.order == ">" else "<u4"
    number = np.ascontiguousarray(table[at, : np.dtype(kind).itemsize]).view(kind)[:, 0].astype(np.uint64)
    bad[leaf[(number < numbers.start) | (number >= numbers.stop)]] = True
    names = _names(dialect, text, length)
    bad[leaf[_impossible(names)]] = True
    keep = ~bad[leaf]
    if not keep.all():
        names = [names[i] for i in np.flatnonzero(keep).tolist()]
    return LeafEntries(~bad, leaf[keep], number[keep].astype(np.int64), names)


def _names(dialect: Dialect, text: NDArray[np.uint8], length: NDArray[np.int64]) -> list[bytes]:
    """The names in the rows of a matrix, `length` bytes of each."""
    raw, width = text.tobytes(), text.shape[1]
    names = [raw[a : a + n] for a, n in zip(range(0, len(raw), width), length.tolist(), strict=True)]
    return names if dialect.name_unit == 1 else [dialect.decode_name(name) for name in names]


def _impossible(names: list[bytes]) -> list[int]:
    """Indexes of names that no directory can hold."""
    together = b"".join(names)
    if b"/" not in together and b"\0" not in together and not {b"", b".", b".."} & set(names):
        return []
    return [i for i, n in enumerate(names) if not n or n in (b".", b"..") or b"/" in n or b"\0" in n]
