"""What the log says of a changed inode, page or extent, in slots of the object ([jfs2 2.8], [jfs2 item 16])."""

import stat

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.dialect.log_form import DTREE, TABLE, XTREE
from lvmfmt.jfs2.journal import images
from lvmfmt.jfs2.journal.coding import Coding
from lvmfmt.jfs2.journal.images import InodeImage, PageImage, changed_slots, extent_ranges

SLOTS = {"aix": (16, 160), "linux": (128, 128)}
"""Bytes of a slot of a logged inode and those that every change logs."""


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def coding(request):
    return Coding(request.param)


def inode_of(coding, mode, number=35, *, links=1, size=0, before=None):
    inode = InodeImage(16, number, 0x50000 + number * 512, bytearray(512), coding)
    inode.mode_word, inode.links, inode.size = mode, links, size
    inode.before = bytes(inode.data) if before is None else before
    return inode


def base(coding):
    """The range of the base of inode 35, the fourth of its page."""
    slot, length = SLOTS[coding.dialect.name]
    return 3 * 512 // slot, length


def places(ranges):
    return [(first, len(data)) for first, data in ranges]


def test_fields(coding) -> None:
    inode = inode_of(coding, 0x20000 | stat.S_IFREG | 0o640, size=77)
    assert (inode.mode, inode.kind) == (stat.S_IFREG | 0o640, stat.S_IFREG)
    assert inode.page_at == inode.at - 3 * 512
    inode.set_identity(35, 9, 41, 4)
    assert (inode.row["di_number"][0], inode.generation, inode.near) == (35, 9, 41)
    inode.set_time(coding.time(5 * 10**9 + 7), "di_mtime", "di_ctime")
    times = [coding.dialect.get_time(inode.row[f])[0] for f in ("di_atime", "di_mtime", "di_ctime")]
    assert times == [0, 5 * 10**9 + 7, 5 * 10**9 + 7]
    with pytest.raises(OperationRefused, match="di_size cannot be 36893488147419103232"):
        inode.size = 1 << 65


def test_trees(coding) -> None:
    assert inode_of(coding, stat.S_IFREG).tree == XTREE and inode_of(coding, stat.S_IFDIR).tree == DTREE
    assert inode_of(coding, stat.S_IFIFO).tree == 0
    short, long = (inode_of(coding, stat.S_IFLNK, size=size).tree for size in (255, 256))
    assert (short, long) == (0, XTREE)


def test_the_base_of_an_inode_is_always_logged(coding) -> None:
    inode = inode_of(coding, stat.S_IFREG)
    inode.uid = 3
    assert places(inode.ranges) == [base(coding)]
    assert inode.ranges[0][1] == bytes(inode.data[: base(coding)[1]])
    assert inode.root_ranges([]) == []


def test_the_text_of_a_short_symlink_is_logged(coding) -> None:
    inode, slot = inode_of(coding, stat.S_IFLNK, size=5), SLOTS[coding.dialect.name][0]
    inode.data[256:261] = b"other"
    first = base(coding)[0]
    assert places(inode.ranges) == [(first + 256 // slot, 256), base(coding)]
    assert inode.ranges[0][1] == bytes(inode.data[256:])
    inode.links = 0  # of a deleted file nothing but that it is deleted
    assert places(inode.ranges) == [base(coding)]


def test_inline_attributes_lie_behind_a_tree() -> None:
    coding = Coding(LINUX)
    inode = inode_of(coding, stat.S_IFREG)
    inode.data[500] = 1
    assert places(inode.ranges) == [base(coding)]
    inode.data[coding.attributes_at] = 0x40  # INLINE, [jfs2 2.1]
    first = base(coding)[0]
    assert places(inode.ranges) == [(first + 3, 128), base(coding)]
    assert inode.ranges[0][1] == bytes(inode.data[384:])
    inode.before = bytes(inode.data)
    assert places(inode.ranges) == [base(coding)]


def test_an_index_in_the_inode_makes_its_base_longer() -> None:
    inode = inode_of(Coding(LINUX), stat.S_IFDIR)
    inode.next_index = 2 + 12
    assert places(inode.ranges) == [(12, 128)]
    inode.data[130] = 1
    assert places(inode.ranges) == [(12, 256)] and inode.index_ranges([]) == []
    new = inode_of(Coding(LINUX), stat.S_IFDIR, before=b"")
    assert places(new.ranges)[-1] == (12, 128)
    new.data[223] = 1
    assert places(new.ranges)[-1] == (12, 256)
    other = inode_of(Coding(AIX), stat.S_IFDIR)
    other.data[130] = 1
    assert places(other.ranges) == [(96, 160)]
    file = inode_of(Coding(LINUX), stat.S_IFREG)
    file.data[130] = 1
    assert places(file.ranges) == [(12, 128)]


def test_an_index_with_pages_is_logged_as_a_tree() -> None:
    coding = Coding(LINUX)
    inode = inode_of(coding, stat.S_IFDIR)
    inode.next_index = 2 + 13  # more than the twelve in the inode
    coding.write_root(inode.data, 128, [(0, 1, 60, 0)], leaf=True, maxentry=6)
    assert places(inode.ranges) == [(12, 128)]
    [header, entries] = inode.index_ranges([(60, 1)])
    assert header == (0, bytes(inode.data[128:160]))
    assert entries == (2, coding.put_entries([(0, 1, 60, 1)]))
    inode.before = bytes(inode.data)
    assert inode.index_ranges([]) == []
    coding.write_root(inode.data, 128, [(0, 1, 60, 0), (1, 1, 70, 0)], leaf=True, maxentry=6)
    assert inode.index_ranges([(70, 1)])[1] == (3, coding.put_entries([(1, 1, 70, 1)]))
    inode.links = 0
    assert inode.index_ranges([]) == []


def test_the_root_of_a_file(coding) -> None:
    inode = inode_of(coding, stat.S_IFREG)
    coding.write_root(inode.data, 224, [(0, 4, 100, 0), (4, 4, 200, 0)], leaf=True, maxentry=18)
    header, entries = inode.root_ranges([(100, 4), (200, 4)])
    assert header == (0, bytes(inode.data[224:256]))
    assert entries == (2, coding.put_entries([(0, 4, 100, 1), (4, 4, 200, 1)]))
    inode.before = bytes(inode.data)
    inode.data[511] = 1  # behind the entries
    assert inode.root_ranges([]) == []
    coding.write_root(inode.data, 224, [(0, 4, 100, 0), (4, 4, 300, 0)], leaf=True, maxentry=18)
    assert inode.root_ranges([(300, 4)])[1] == (3, coding.put_entries([(4, 4, 300, 1)]))
    inode.links = 0
    inode.data[230] ^= 1
    assert inode.root_ranges([]) == []


def test_the_root_of_a_directory(coding) -> None:
    inode = inode_of(coding, stat.S_IFDIR)
    inode.data[224 + 8 * 32] = 1
    inode.data[224] = 1
    assert places(inode.root_ranges([])) == [(0, 32), (8, 32)]
    new = inode_of(coding, stat.S_IFDIR, before=b"")
    new.data[224] = 1
    assert places(new.root_ranges([])) == [(0, 288)]


def test_the_header_of_a_tree_that_a_new_symlink_has_not(coding) -> None:
    new = inode_of(coding, stat.S_IFLNK, size=3, before=b"")
    assert new.root_ranges([]) == [(0, bytes(32))]
    old = inode_of(coding, stat.S_IFLNK, size=3)
    old.data[256] = 1
    assert old.root_ranges([]) == [] == inode_of(coding, stat.S_IFIFO, before=b"").root_ranges([])


def test_the_flags_of_entries_say_what_was_taken(coding) -> None:
    taken = [(300, 10), (100, 4), (206, 2)]
    after = bytearray(4096)
    whole = [(0, 4, 100, 0), (4, 8, 200, 0), (12, 6, 310, 0), (18, 1, 309, 0), (19, 1, 99, 0), (20, 2, 104, 0)]
    coding.write_page(after, whole, leaf=True, block=9, length=1, links=(0, 0))
    [_, (first, entries)] = extent_ranges(coding, b"", after, taken)
    # all of the first was taken, the end of the second, nothing of the third, all of the fourth, nothing of the others
    assert (first, entries) == (
        2, coding.put_entries([(o, n, a, flag) for (o, n, a, _), flag in zip(whole, (1, 2, 0, 1, 0, 0), strict=True)])
    )  # fmt: skip


def test_entries_from_the_first_that_changed(coding) -> None:
    before, after = bytearray(4096), bytearray(4096)
    old = [(0, 4, 100, 0), (4, 4, 200, 0)]
    coding.write_page(before, old, leaf=True, block=9, length=1, links=(0, 0))
    coding.write_page(after, [*old, (8, 4, 300, 0)], leaf=True, block=9, length=1, links=(0, 0))
    assert places(extent_ranges(coding, bytes(before), after, [])) == [(0, 32), (4, 16)]
    # what lies behind the entries that there were is no entry, even if it looks like the new one
    before[64:80] = after[64:80]
    assert places(extent_ranges(coding, bytes(before), after, [])) == [(0, 32), (4, 16)]
    assert places(extent_ranges(coding, bytes(after), before, [])) == [(0, 32)]
    after[32 + 15 if coding.order == "big" else 32 + 12] ^= 1  # the address of the first
    assert places(extent_ranges(coding, bytes(before), after, [])) == [(0, 32), (2, 48)]


def test_runs_of_slots() -> None:
    before, after = bytes(4096), bytearray(4096)
    for at in (64, 127, 128, 4095):
        after[at] = 1
    assert changed_slots(before, after) == [(2, bytes(after[64:160])), (127, bytes(after[4064:]))]
    assert places(changed_slots(before, after, keep=2)) == [(0, 160), (127, 32)]
    assert places(changed_slots(before, after, slot=16)) == [(4, 16), (7, 32), (255, 16)]
    assert changed_slots(before[:512], after) == [(0, bytes(after))]
    assert changed_slots(before, bytearray(before)) == []


def test_pages(coding) -> None:
    owner = inode_of(coding, stat.S_IFDIR)
    tree = PageImage(DTREE, 50, owner, bytearray(4096))
    assert (tree.fileset, tree.owner) == (16, 35)
    tree.before = bytes(4096)
    assert tree.ranges(coding, []) == []
    tree.data[4000] = 1
    assert places(tree.ranges(coding, [])) == [(125, 32)]
    tree.is_new = True
    assert places(tree.ranges(coding, [])) == [(0, 160), (125, 32)]
    table = PageImage(TABLE, 51, owner, bytearray(4096))
    table.before = bytes(4096)
    table.data[40] = 1
    assert places(table.ranges(coding, [])) == [(2, 16)]
    table.is_new = True
    assert places(table.ranges(coding, [])) == [(0, 4096)]
    extents = PageImage(XTREE, 52, owner, bytearray(4096))
    coding.write_page(extents.data, [(0, 4, 100, 0)], leaf=True, block=52, length=1, links=(0, 0))
    extents.before = bytes(extents.data)
    assert extents.ranges(coding, []) == []
    extents.is_new = True
    assert extents.ranges(coding, [(100, 4)]) == [
        (0, bytes(extents.data[:32])), (2, coding.put_entries([(0, 4, 100, 1)])),
    ]  # fmt: skip


def test_data_of_records(coding) -> None:
    numbers = [n.to_bytes(2, coding.order) for n in (3, 2, 9, 1)]
    assert images.segments(coding, [(3, b"a" * 64), (9, b"b" * 32)], 32) == (
        b"a" * 64 + numbers[0] + numbers[1] + b"b" * 32 + numbers[2] + numbers[3]
    )
    first, second = images.extent_lists(coding, [(300, 6), (100, 1), (200, 5), (101, 3)], most=2)
    entries = coding.pxd(100, 4) + coding.pxd(200, 5)
    assert first == (2, entries + b"".join(n.to_bytes(2, coding.order) for n in (0, 2)))
    assert second == (1, coding.pxd(300, 6) + b"".join(n.to_bytes(2, coding.order) for n in (0, 1)))


def test_runs_of_blocks_are_no_longer_than_an_extent_may_be() -> None:
    most = (1 << 24) - 1
    assert images.block_runs([(10, 2), (5, 5), (20, 1)]) == [(5, 7), (20, 1)]
    assert images.block_runs([(10, most), (10 + most, 1)]) == [(10, most), (10 + most, 1)]
