"""Where entries go when a page splits or becomes empty [jfs2 3.5.4 to 3.5.6], seen in the nodes on the disk.

Tests of `lvmfmt.jfs2.journal.dtree_change`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from lvmfmt.block import BlockDevice
from lvmfmt.jfs2 import AIX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789


class Seen(NamedTuple):
    """A directory with at most one level of pages: routers of its root, names in each page, its size and its pages."""

    routers: list[bytes]
    leaves: list[list[str]]
    size: int
    blocks: int


def seen(device: BlockDevice) -> Seen:
    fs = FileSystem.open(device)
    codec = DirectoryCodec(AIX, fs.block_size, fs.volume.blocks, indexed=False)
    inode, status = fs.inode("/d"), fs.stat("/d")
    root = codec.root(bytes(inode.root))[0]
    items = codec.contents(root).items
    size, blocks = status.size, int(inode.row["di_nblocks"][0])
    if root.is_leaf:
        return Seen([], [[item.coded.decode() for item in items]], size, blocks)
    leaves = []
    for item in items:
        address, length = codec.child_of(root, item.slot)
        page = codec.page(fs.volume.read(address, length).tobytes(), address)[0]
        leaves.append([entry.coded.decode() for entry in codec.contents(page).items])
    return Seen([item.coded for item in items], leaves, size, blocks)


@pytest.fixture
def change(volume: Callable[..., BlockDevice]) -> Callable[..., Seen]:
    """`change(add, remove)`: names come into /d and go, each list in a mount of its own; the checker finds nothing."""
    device = volume(AIX)
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        fs.mkdir("/d", now=NOW)
        fs.create("/one", now=NOW)

    def act(add: list[str] = (), remove: list[str] = ()) -> Seen:  # type: ignore[assignment]
        with mount(device, origin=FixedOrigin(NOW)) as fs:
            for name in add:
                fs.link("/one", f"/d/{name}", now=NOW)
            for name in remove:
                fs.unlink(f"/d/{name}", now=NOW)
        assert check(device).is_clean
        return seen(device)

    return act


def names(*numbers: int) -> list[str]:
    return [f"name{number:05}long" for number in numbers]


def sizes(found: Seen) -> list[int]:
    return [len(leaf) for leaf in found.leaves]


def test_a_root_holds_eight_slots_and_then_has_a_page(change: Any) -> None:
    found = change(names(*range(8)))
    assert found == Seen([], [names(*range(8))], 256, 0)
    found = change(names(8))
    assert found == Seen([b""], [names(*range(9))], 4096, 1)


def test_what_comes_behind_everything_goes_to_a_page_alone(change: Any) -> None:
    assert sizes(change(names(*range(123)))) == [123]
    found = change(names(123))
    assert sizes(found) == [123, 1] and (found.size, found.blocks) == (8192, 2)
    assert found.routers == [b"", b"name00123long"]  # directly behind the leftmost child: the whole key
    found = change(names(*range(124, 123 * 2 + 1)))
    assert sizes(found) == [123, 123, 1]
    assert found.routers == [b"", b"name00123long", b"name00246"]  # enough to be above name00245long


@pytest.mark.parametrize(
    ("between", "parts"),
    [(0, [64, 60]), (30, [64, 60]), (62, [64, 60]), (63, [65, 59]), (64, [64, 60]), (121, [64, 60])],
)
def test_a_page_splits_at_its_64th_slot(change: Any, between: int, parts: list[int]) -> None:
    """The new entry is counted at its place; exactly at the split it goes left."""
    assert sizes(change(names(*range(0, 246, 2)))) == [123]
    found = change(names(2 * between + 1))
    assert sizes(found) == parts
    assert [name for leaf in found.leaves for name in leaf] == sorted(names(*range(0, 246, 2), 2 * between + 1))


def test_pages_become_empty_from_the_right_and_from_the_left(change: Any) -> None:
    full = names(*range(250))
    assert sizes(change(full)) == [123, 123, 4]
    found = change(remove=full[246:])
    assert sizes(found) == [123, 123] and (found.size, found.blocks) == (8192, 2)
    assert sizes(change(full[246:])) == [123, 123, 4]
    found = change(remove=full[:123])
    assert sizes(found) == [123, 4] and found.routers == [b"", b"name00246"]  # the first router loses its key
    found = change(remove=full[123:246])
    assert sizes(found) == [4] and found.routers == [b""] and (found.size, found.blocks) == (4096, 1)
    assert change(remove=full[246:]) == Seen([], [[]], 256, 0)


def test_long_names_count_by_their_slots(change: Any) -> None:
    """A name of 100 bytes takes 4 slots: 30 of them fill a page but for 3; 15 and the new one make 64 slots."""
    long = [f"{i:03}" + "x" * 97 for i in range(31)]
    assert sizes(change(long[:7] + long[8:])) == [30]
    assert sizes(change([long[7]])) == [16, 15]
