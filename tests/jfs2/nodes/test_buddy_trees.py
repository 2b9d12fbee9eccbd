"""Buddy trees: an example from a Linux image [jfs2 6.1], and the rule restated the slow way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2.nodes.buddy_trees import control_tree, dmap_trees


def test_example_of_section_6_1():
    bits = np.zeros(8192, bool)
    bits[:32] = bits[3788:] = True
    words = np.packbits(bits)
    words[4:8] = np.frombuffer(bytes.fromhex("cf800000"), np.uint8)
    tree = dmap_trees(words.reshape(1, 256, 4))[0]
    assert tree[0] == 10
    assert tree[1:5].tolist() == [10, 10, -1, -1]
    assert tree[5:21].tolist() == [8, 9, 10, -1, 10, -1, 9, 7] + [-1] * 8
    assert tree[85:101].tolist() == [-1, 4, 6, -1, 7, -1, -1, -1, 8] + [-1] * 7
    assert tree[197:213].tolist() == [7, -1, -1, -1, 6, -1, 3] + [-1] * 9
    control = control_tree(tree[:1], 13)
    assert control[:7].tolist() == [10, 10, -1, -1, -1, 10, -1]
    assert control[341:345].tolist() == [10, -1, -1, -1]


def test_free_dmap_is_one_buddy():
    tree = dmap_trees(np.zeros((1, 256, 4), np.uint8))[0]
    assert tree[0] == 13
    assert tree[85:].tolist() == [13] + [-1] * 255


def slow_leaves(bits):
    """[jfs2 2.7.1] word by word: largest aligned free run in each word, then buddies joined."""
    leaves = []
    for word in bits.reshape(256, 32):
        best = -1
        for log2 in range(6):
            width = 1 << log2
            if any(not word[i : i + width].any() for i in range(0, 32, width)):
                best = log2
        leaves.append(best)
    size, value = 1, 5
    while size < 256:
        for left in range(0, 256, 2 * size):
            if leaves[left] == leaves[left + size] == value:
                leaves[left], leaves[left + size] = value + 1, -1
        size, value = 2 * size, value + 1
    return leaves


@given(st.lists(st.tuples(st.integers(0, 8191), st.integers(1, 600)), max_size=30))
def test_leaves_follow_the_rule(ranges):
    bits = np.zeros(8192, bool)
    for start, length in ranges:
        bits[start : start + length] = True
    tree = dmap_trees(np.packbits(bits).reshape(1, 256, 4))[0]
    assert tree[85:].tolist() == slow_leaves(bits)
    for node in range(85):
        assert tree[node] == tree[4 * node + 1 : 4 * node + 5].max()
