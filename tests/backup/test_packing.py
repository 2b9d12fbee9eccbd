"""Packed data: the streams of [backup 8, V3] bit for bit, round trips, and hostile trees."""

import itertools
import tomllib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.backup import packing
from lvmfmt.errors import CorruptImage

TEXT = b"abracadabra\n"
VECTORS = tomllib.loads((Path(__file__).resolve().parents[2] / "fixtures" / "backup" / "vectors.toml").read_text())
PACKED, ONE_SYMBOL = bytes.fromhex(VECTORS["packed"]), bytes.fromhex(VECTORS["packed_one_symbol"])


def pack(data, step=1000):
    pieces = [data[i : i + step] for i in range(0, len(data), step)]
    counts = packing.count_bytes(pieces)
    tree = packing.make_tree(counts)
    assert tree is not None
    stream = b"".join(packing.pack(tree, pieces))
    assert len(stream) == packing.packed_size(tree, counts)
    return stream


def unpack(stream, size, step=70):
    pieces = [stream[i : i + step] for i in range(0, len(stream), step)]
    return b"".join(part.tobytes() for part in packing.unpack(pieces, size))


def test_the_stream_of_the_reference() -> None:
    assert pack(TEXT) == PACKED  # [backup V3]
    assert pack(b"A" * 8) == ONE_SYMBOL
    assert unpack(PACKED, 12) == TEXT
    assert unpack(ONE_SYMBOL, 8) == b"A" * 8


def test_the_tree_of_the_reference() -> None:
    tree, at = packing.read_tree(PACKED)
    assert tree.leaves == (1, 0, 3, 1, 2) and tree.inner == (1, 2, 1, 1, 0) and at == 12
    code, length = tree.codes()
    words = {s: f"{code[s]:0{length[s]}b}" for s in (*b"abdr\nc", packing.END)}
    assert words == dict(
        zip((*b"abdr\nc", packing.END), ["1", "001", "010", "011", "0001", "00000", "00001"], strict=True)
    )


def test_nothing_has_no_tree() -> None:
    assert packing.make_tree(np.zeros(256, np.int64)) is None


@pytest.mark.parametrize(("symbols", "levels"), [(23, 23), (24, 24), (25, None), (40, None)])
def test_a_tree_of_more_than_24_levels_is_not_made(symbols, levels) -> None:
    counts = np.zeros(256, np.int64)
    a, b = 1, 1
    for i in range(symbols):  # Fibonacci: each level has one leaf, the last one the end code as well
        counts[i] = a
        a, b = b, a + b
    tree = packing.make_tree(counts)
    assert (tree and len(tree.leaves)) == levels
    if tree:
        assert tree.leaves == (*[1] * (levels - 1), 2) and packing.read_tree(tree.header())[0] == tree


@pytest.mark.parametrize("bytes_used", [1, 2, 3, 4, 5, 127, 128, 129, 254, 255, 256])
def test_equal_bytes_have_codes_of_two_lengths_at_most(bytes_used) -> None:
    counts = np.zeros(256, np.int64)
    counts[:bytes_used] = 1000
    tree = packing.make_tree(counts)
    # the end code hangs below one of them, so a balanced tree of `bytes_used` leaves has one leaf split [backup 8.3]
    assert sum(tree.leaves) == bytes_used + 1 == len(tree.symbols) and tree.symbols[-1] == packing.END
    assert sum(n / 2**depth for depth, n in enumerate(tree.leaves, 1)) == 1  # Kraft: a complete code
    header = tree.header()
    assert (header[0], header[len(tree.leaves)]) == (len(tree.leaves), tree.leaves[-1] - 2)
    assert packing.read_tree(header + b"rest") == (tree, len(header))
    with pytest.raises(CorruptImage):
        packing.read_tree(header[:-1])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_no_other_prefix_code_is_shorter(counts) -> None:
    counts += [0] * (256 - len(counts))
    found = packing.make_tree(np.array(counts))
    if not any(counts):
        assert found is None
        return
    heap = sorted([0, *(count for count in counts if count)])  # Huffman's cost: the sum of all merged weights
    cost = 0
    while len(heap) > 1:
        first, second, *heap = heap
        cost += first + second
        heap = sorted([*heap, first + second])
    _, length = found.codes()
    assert int((np.array(counts) * length[: packing.END]).sum()) == cost
    code, _ = found.codes()
    words = sorted(f"{code[s]:0{length[s]}b}" for s in range(257) if length[s])
    assert not any(b.startswith(a) for a, b in itertools.pairwise(words))


def test_a_stream_cut_at_any_byte_is_an_error() -> None:
    data = bytes(range(40)) * 3
    stream = pack(data)
    assert unpack(stream, len(data), 1) == data
    for end in range(len(stream)):
        with pytest.raises(CorruptImage):
            unpack(stream[:end], len(data))


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 500), st.integers(1, 500))
def test_what_is_packed_comes_out(data, step, other) -> None:
    assert unpack(pack(data, step), len(data), other) == data


@pytest.mark.parametrize("size", [65535, 200_000, 700_001])
def test_long_data_over_the_borders_of_parts(size) -> None:
    rng = np.random.default_rng(size)
    data = (rng.random(size) ** 4 * 256).astype(np.uint8).tobytes()
    assert unpack(pack(data, 99_991), size, 40_009) == data


@pytest.mark.parametrize("size", [11, 13, 0, 10**9])
def test_another_size_is_an_error(size) -> None:
    with pytest.raises(CorruptImage, match="packed data"):
        unpack(PACKED, size)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\x00",  # no levels
        b"\x02\x00\x02aab\x00",  # a complete tree that has a byte twice
        b"\x02\x00\x02ab",  # one that ends before its third byte
        b"\x19" + bytes(40),  # 25 levels
        b"\x01\xff" + bytes(range(256)),  # a depth with more leaves than it has nodes
        b"\x02\x00\x00ab",  # not complete
        b"\x01\x00",  # without its symbol
        b"\x02\x01\x00aa",  # one symbol twice
        PACKED[:-1],  # cut off before the end code
    ],
)
def test_hostile_trees(stream) -> None:
    with pytest.raises(CorruptImage, match="packed data"):
        unpack(stream, 12)


@given(st.binary(max_size=600), st.integers(0, 5000))
def test_any_bytes_end(stream, size) -> None:
    with suppress(CorruptImage):
        assert len(unpack(stream, size)) == size
