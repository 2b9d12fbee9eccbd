"""Packed file data: a Huffman tree by depths, then codes, then an end code.

Source: [backup 8]. The shape of the tree is that of three streams that AIX wrote; for other data AIX may
break ties in another way, which every decoder takes as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Buffer, Bytes
from ..block.device import byte_view
from ..errors import CorruptImage

MAX_LEVELS = 24
END = 256
"""The symbol that ends the data."""

_PART = 1 << 16
"""Packed bytes that are decoded together."""
_OVERLAP = 8
"""Bytes behind a part that its last codes reach into."""
_STRIDE = 8
"""Symbols from one step of the walk through a part to the next."""


@dataclass(frozen=True)
class Tree:
    """A complete prefix code.

    Attributes:
        leaves: number of leaves at depth 1, 2, ... L.
        symbols: the leaves, depth 1 first; the last one is `END`.
    """

    leaves: tuple[int, ...]
    symbols: tuple[int, ...]

    @cached_property
    def inner(self) -> tuple[int, ...]:
        """Number of inner nodes at depth 1, 2, ... L; codes of a depth start at it."""
        found = [0]
        for count in reversed(self.leaves[1:]):
            found.append((found[-1] + count) // 2)
        return tuple(reversed(found))

    def header(self) -> bytes:
        """What stands in front of the codes."""
        stored = [*self.leaves[:-1], self.leaves[-1] - 2]
        return bytes([len(self.leaves), *stored, *self.symbols[:-1]])

    def codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Code and length in bits of every symbol: two arrays of shape (257,), length 0 where there is none."""
        code, length = np.zeros(END + 1, np.int64), np.zeros(END + 1, np.int64)
        at = 0
        for depth, (first, count) in enumerate(zip(self.inner, self.leaves, strict=True), 1):
            for value, symbol in enumerate(self.symbols[at : at + count], first):
                code[symbol], length[symbol] = value, depth
            at += count
        return code, length


def count_bytes(chunks: Iterable[Buffer]) -> NDArray[np.int64]:
    """How often each byte occurs: shape (256,)."""
    total = np.zeros(256, np.int64)
    for chunk in chunks:
        total += np.bincount(np.frombuffer(byte_view(chunk), np.uint8), minlength=256)
    return total


def make_tree(counts: NDArray[np.int64]) -> Tree | None:
    """The tree for bytes that occur so often; None where there is none that can be stored.

    A heap merges the two rarest nodes; the end code counts as 0 and comes first [backup 8.3].
    """
    present = np.flatnonzero(counts).tolist()
    if not present:
        return None
    parents = _merge([0, *counts[present].tolist()])
    symbols = [END, *present]
    depth = [0] * len(parents)
    for node in range(len(parents) - 2, -1, -1):  # the root is the last one
        depth[node] = depth[parents[node]] + 1
    levels = depth[0]  # nothing is rarer than the end code, so nothing lies deeper
    if levels > MAX_LEVELS:
        return None
    order = sorted(range(1, len(symbols)), key=lambda i: (depth[i], symbols[i]))
    leaves = [0] * levels
    for i in range(len(symbols)):
        leaves[depth[i] - 1] += 1
    return Tree(tuple(leaves), (*(symbols[i] for i in order), END))


def _merge(weights: list[int]) -> list[int]:
    """Parent of every node of a Huffman tree over leaves of these weights; the last node is the root."""
    heap = [(weight, node) for node, weight in enumerate(weights)]
    for place in range(len(heap) // 2 - 1, -1, -1):
        _sift(heap, place)
    parents = [-1] * len(weights)
    while len(heap) > 1:
        weight, first = heap[0]
        last = heap.pop()
        heap[0] = last
        _sift(heap, 0)
        other, second = heap[0]
        parents.append(-1)
        parents[first] = parents[second] = len(parents) - 1
        heap[0] = (weight + other, len(parents) - 1)
        _sift(heap, 0)
    return parents


def _sift(heap: list[tuple[int, int]], place: int) -> None:
    """Move an item down: past the smaller child, the left one of equals, unless it is itself strictly smaller."""
    item = heap[place]
    while (child := 2 * place + 1) < len(heap):
        if child + 1 < len(heap) and heap[child + 1][0] < heap[child][0]:
            child += 1
        if item[0] < heap[child][0]:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = item


def packed_size(tree: Tree, counts: NDArray[np.int64]) -> int:
    """Bytes that data of these counts has when it is packed."""
    _, length = tree.codes()
    bits = int((counts * length[:END]).sum() + length[END])
    return len(tree.header()) + -(-bits // 8)


def pack(tree: Tree, chunks: Iterable[Buffer]) -> Iterator[bytes]:
    """The packed stream of data that `tree` was made for."""
    yield tree.header()
    code, length = tree.codes()
    rest: NDArray[np.uint8] = np.zeros(0, np.uint8)
    for chunk in chunks:
        data = np.frombuffer(byte_view(chunk), np.uint8)
        for at in range(0, len(data), _PART):
            bits = np.concatenate([rest, _bits(data[at : at + _PART], code, length)])
            whole = len(bits) & ~7
            yield np.packbits(bits[:whole]).tobytes()
            rest = bits[whole:]
    yield np.packbits(np.concatenate([rest, _bits(np.array([END]), code, length)])).tobytes()


def _bits(data: NDArray[Any], code: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The codes of symbols, a bit an element, most significant bits first."""
    lengths = length[data]
    ends = np.cumsum(lengths)
    shift = np.repeat(ends, lengths) - 1 - np.arange(ends[-1] if len(ends) else 0)
    bits: NDArray[np.uint8] = (np.repeat(code[data], lengths) >> shift & 1).astype(np.uint8)
    return bits


def read_tree(head: bytes, where: str = "") -> tuple[Tree, int]:
    """The tree at the start of a packed stream, and where its codes begin.

    Args:
        head: the stream, or its first 300 bytes.
        where: what to call it in a message.

    Raises:
        CorruptImage: it is not the tree of a complete code.
    """
    levels = head[0] if head else 0
    if not 1 <= levels <= MAX_LEVELS or len(head) < 1 + levels:
        raise _corrupt("levels", "1 to 24", levels, where)
    leaves = [*head[1:levels], head[levels] + 2]
    listed, at = sum(leaves) - 1, 1 + levels
    symbols = head[at : at + listed]
    if listed > 256 or len(symbols) < listed or len(set(symbols)) < listed:
        raise _corrupt("symbols", f"{listed} different bytes", f"{len(set(symbols))}", where)
    tree = Tree(tuple(leaves), (*symbols, END))
    nodes = 1
    for first, count in zip(tree.inner, leaves, strict=True):
        if first + count != 2 * nodes:  # a node has two below it, at every depth
            raise _corrupt("counts", f"{2 * nodes} nodes", first + count, where)
        nodes = first
    return tree, at + listed


def unpack(stream: Iterable[Buffer], size: int, where: str = "") -> Iterator[Bytes]:
    """The data of a packed stream.

    Args:
        stream: the stream in pieces, from its start.
        size: bytes that must come out.
        where: what to call it in a message.

    Yields:
        The data in order, arrays of shape (n,), dtype uint8.

    Raises:
        CorruptImage: the tree is not complete, or another number of bytes comes out.
    """
    pieces = iter(stream)
    held = b""
    while len(held) < 1 + MAX_LEVELS + 256 and (piece := next(pieces, None)) is not None:
        held += bytes(byte_view(piece))
    tree, at = read_tree(held, where)
    limits, symbols = _tables(tree)
    held, bit, done, ended = held[at:], 0, 0, False
    while not ended:
        while len(held) < _PART + _OVERLAP and (piece := next(pieces, None)) is not None:
            held += bytes(byte_view(piece))
        part = min(len(held), _PART)
        if part == 0:
            raise _corrupt("data", f"{size} bytes", f"{done} bytes and no end", where)
        found, bit = _decode(held[: part + _OVERLAP], part * 8, bit, limits, symbols)
        end = np.flatnonzero(found == END)
        ended = len(end) > 0
        data = found[: end[0]] if ended else found
        done += len(data)
        if done > size:
            raise _corrupt("data", f"{size} bytes", "more", where)
        yield data.astype(np.uint8)
        held, bit = held[part:], bit - part * 8
    if done != size:
        raise _corrupt("data", f"{size} bytes", f"{done} bytes", where)


def _tables(tree: Tree) -> tuple[list[int], list[NDArray[np.int64]]]:
    """(limits, symbols), both by depth: a window of 24 bits is a leaf of the first depth whose limit it reaches.

    Limits fall with depth, since long codes have small values [backup 8.2].
    """
    limits = [first << (MAX_LEVELS - depth) for depth, first in enumerate(tree.inner, 1)]
    table, at = [], 0
    for count in tree.leaves:
        table.append(np.array(tree.symbols[at : at + count], np.int64))
        at += count
    return limits, table


def _decode(
    held: bytes, bits: int, start: int, limits: list[int], symbols: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], int]:
    """Symbols whose codes start at bits `start` to `bits` of some bytes, and the bit where the next one starts.

    The depth of a code at every bit is found at once; only every 8th step of the walk is taken alone.
    """
    data = np.frombuffer(held + bytes(_OVERLAP), np.uint8).astype(np.uint32)
    word = data[:-3] << 24 | data[1:-2] << 16 | data[2:-1] << 8 | data[3:]
    shifts = np.arange(8, 0, -1, dtype=np.uint32)
    window = (word[: bits // 8, None] >> shifts & 0xFFFFFF).astype(np.int32).ravel()
    depth = np.ones(bits, np.uint8)
    for limit in limits[:-1]:
        depth += window < limit
    step = np.arange(bits + MAX_LEVELS, dtype=np.int32)  # what is behind the part leads nowhere: the walk ends there
    step[:bits] += depth
    stride = step
    for _ in range(_STRIDE.bit_length() - 1):
        stride = np.take(stride, stride, mode="clip")  # all inside, which clip need not check
    stops, at = [], start
    while at < bits:
        stops.append(at)
        at = int(stride[at])
    chain: list[NDArray[Any]] = [np.array(stops, np.int64)]
    for _ in range(_STRIDE - 1):
        chain.append(step[chain[-1]])
    places = np.stack(chain, axis=1).ravel()
    places = places[places < bits]
    depths = depth[places]
    values = window[places]
    found = np.empty(len(places), np.int64)
    for this, (limit, table) in enumerate(zip(limits, symbols, strict=True), 1):
        here = depths == this
        found[here] = table[values[here] - limit >> (MAX_LEVELS - this)]
    return found, at


def _corrupt(field: str, expected: object, found: object, where: str) -> CorruptImage:
    return CorruptImage("packed data", field, expected=expected, found=found, where=where)
