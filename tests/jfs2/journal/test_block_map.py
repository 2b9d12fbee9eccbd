"""The maps of a mounted file system: one with a fault is never changed, one without is written as the codec has it."""

import random

import numpy as np
import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.geometry import PAGE, dmap_page
from lvmfmt.jfs2.journal import block_map as module
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.block_map import MountedBlockMap
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.reading.xtree import read_extents
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
MIB = 1 << 20


def pages(fs):
    """Byte offsets of the pages of maps that one small file changes: bits, levels, both own pages, inode group."""
    at = [0x10000 + page * PAGE for page in (dmap_page(0), 3, 0)]
    return [*at, fs.inodes.map_offset(-1), fs.inodes.map_offset(0)]


def test_what_check_calls_an_error_in_a_map_the_journal_does_not_change(volume, dialect):
    device, rng = volume(dialect), random.Random(10)
    fs, tried = FileSystem.open(device), 0
    for at in pages(fs):
        for place in rng.sample(range(PAGE), 3):
            broken = Overlay(device)
            broken.write(at + place, bytes([int(device.read(at + place, 1)[0]) ^ 1 << rng.randrange(8)]))
            errors = [f for f in check(broken).findings if f.severity == "error"]
            before = broken.read(at, PAGE)
            try:
                mounted = mount(broken, origin=FixedOrigin(NOW))
                mounted.write_file("/new", b"x" * 5000, now=NOW)
                mounted.unlink("/new", now=NOW)
                mounted.unmount()
            except CorruptImage:
                assert (broken.read(at, PAGE) == before).all()
                continue
            tried += 1
            assert errors == [] and [f for f in check(broken).findings if f.severity == "error"] == []
    assert tried < 14  # most bytes matter


def opened(device):
    fs = FileSystem.open(device)
    inode = fs.inodes.aggregate_inode(2)
    file = MapFile(fs.volume, read_extents(fs.volume, inode.root, at=inode.root_at))
    return MountedBlockMap(fs.superblock.geometry, file), file


def test_marks_are_kept_until_they_are_written(volume, dialect):
    device = volume(dialect, 80 * MIB)
    bits, file = opened(device)
    assert bits.pages == 3
    free = bits.free
    with pytest.raises(CorruptImage, match="expected free"):
        bits.mark(0, 1, True)
    bits.mark(8190, 4, True)
    assert bits.free == free - 4
    assert (bits.bits(0)[8190:], bits.bits(1)[:3]) == (b"\1\1", b"\1\1\0")
    with pytest.raises(CorruptImage, match="expected in use"):
        bits.mark(8193, 4, False)
    old = file.table(dialect.structures.dbmap, 0)
    bits.write()
    new = file.table(dialect.structures.dbmap, 0)
    assert new["dn_nfree"] == old["dn_nfree"] - 4
    assert (old["dn_agfree"] - new["dn_agfree"])[0, :3].tolist() == [2, 2, 0]
    assert new["dn_maxag"] == 1
    again, _ = opened(device)
    assert again.bits(1) == bits.bits(1) and again.free == free - 4
    again.mark(8190, 4, False)
    again.write()
    assert file.table(dialect.structures.dbmap, 0)["dn_nfree"] == old["dn_nfree"]
    assert check(device).counts == {}


def test_a_page_that_nobody_needs_may_be_wrong(volume, dialect):
    device = volume(dialect, 80 * MIB)
    _, file = opened(device)
    last = file.table(dialect.structures.dmap, dmap_page(2))
    last["nfree"] += 1
    file.write(dmap_page(2), last)
    bits, _ = opened(device)
    assert len(bits.bits(0)) == len(bits.bits(1)) == 8192  # the second is read ahead with the third
    with pytest.raises(CorruptImage, match="nfree"):
        bits.bits(2)
    with pytest.raises(CorruptImage, match="nfree"):
        bits.check(16384, 1)
    bits.check(8192, 10)


def test_a_count_of_free_blocks_that_is_none_is_seen_at_the_mount(volume, dialect):
    for field in ("dn_nfree", "dn_agfree"):
        device = volume(dialect, 80 * MIB)
        _, file = opened(device)
        control = file.table(dialect.structures.dbmap, 0)
        control[field].flat[0] -= 1
        file.write(0, control)
        with pytest.raises(CorruptImage, match="free"):
            mount(device, origin=FixedOrigin(NOW))


def test_counts_of_groups_that_only_their_sum_is_right_of_are_seen_with_the_first_change_in_one(volume, dialect):
    device = volume(dialect, 80 * MIB)
    _, file = opened(device)
    control = file.table(dialect.structures.dbmap, 0)
    control["dn_agfree"][0, 1] -= 5
    control["dn_agfree"][0, 2] += 5
    file.write(0, control)
    bits, _ = opened(device)
    bits.mark(8190, 1, True)  # the first group is right
    with pytest.raises(CorruptImage, match=r"dn_agfree\[1\]"):
        bits.mark(8193, 1, True)


def test_only_some_pages_are_kept_in_memory(volume, dialect, monkeypatch):
    monkeypatch.setattr(module, "_LOADED", 1)
    bits, _ = opened(volume(dialect, 80 * MIB))
    bits.mark(9000, 1, True)
    first = bits.bits(0)
    bits.bits(2)
    assert bits.bits(0) == first and bits.bits(1)[9000 - 8192] == 1
    assert np.frombuffer(bits.bits(1), np.uint8).sum() == 1
