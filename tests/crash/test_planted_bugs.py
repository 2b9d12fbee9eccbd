"""The explorer is able to fail: it finds each of these mistakes, planted one at a time."""

from contextlib import nullcontext
from importlib import import_module

import crash_workloads as generated
import numpy as np
import pytest
from crash_explorer import explore, record

import lvmfmt.jfs2.dialect.log_form as log_form
import lvmfmt.jfs2.journal.images as images
import lvmfmt.jfs2.journal.transaction as transaction
import lvmfmt.jfs2.log.page_images as page_images
import lvmfmt.jfs2.log.pages as log_pages
from lvmfmt.jfs2.geometry import PAGE
from lvmfmt.jfs2.journal.core import Journal
from lvmfmt.jfs2.journal.log_writer import LogWriter
from lvmfmt.jfs2.journal.mount import Mount
from lvmfmt.jfs2.journal.shared_log import LogMember
from lvmfmt.jfs2.journal.space import MountedSpace
from lvmfmt.jfs2.log.format import HEADER
from lvmfmt.jfs2.log.free_lists import FreeListBuilder
from lvmfmt.jfs2.log.map_events import MapEvents
from lvmfmt.jfs2.log.page_images import PageImages
from lvmfmt.jfs2.log.pages import FIRST_PAGE

size_change = import_module("lvmfmt.jfs2.resizing.size_change")
redo_module = import_module("lvmfmt.jfs2.log.redo")  # the package has a function of that name
SEEDS = range(1, 4)
WORKLOADS = {
    "a_freed_extent_is_reused_too_early": [
        ("write_file", "/a", b"a" * 20000), ("sync",), ("unlink", "/a"), ("write_file", "/b", b"b" * 20000),
    ],
    "no_barrier_between_data_and_log": [("write_file", "/a", b"a" * 20000), ("sync",)],
    "content_that_was_cut_is_written_again_too_early": [
        ("write_file", "/a", b"a" * 9000), ("sync",), ("truncate", "/a", 100), ("append", "/a", b"b" * 50),
    ],
}  # fmt: skip
"""Short ways to what a mistake does; the others show in random workloads."""
PLANTS = {}


def plant(function):
    PLANTS[function.__name__] = function
    return function


@plant
def metadata_home_before_its_log_record(patch):
    def write_home(self):
        self._pages.write_home()
        self.force()
        self.inodes.write(self._device)
        self._space.write()
        self._device.flush()

    patch.setattr(Journal, "write_home", write_home)


@plant
def committed_map_before_the_commit(patch):
    commit = Journal._commit

    def early(self, txn):
        for address, length in txn.freed:
            self._space.release(address, length)
        self.inodes.write(self._device)
        self._space.write()
        for address, length in txn.freed:
            self._space._mark(address, length, True)
        commit(self, txn)

    patch.setattr(Journal, "_commit", early)


@plant
def no_barrier_between_data_and_log(patch):
    def force(self):
        self._log.force()
        self._space.settle(self._log.writer.durable)

    patch.setattr(Journal, "force", force)


@plant
def no_barrier_after_the_log(patch):
    def write(self, number, page):
        self._log.device.write(self._log.offset + number * PAGE, page)

    patch.setattr(LogWriter, "_write", write)


@plant
def no_barrier_between_home_and_sync_point(patch):
    def write_home(self):
        self.force()
        self._put_generation()
        self._pages.write_home()
        self.inodes.write(self._device)
        self._space.write()

    patch.setattr(Journal, "write_home", write_home)


@plant
def sync_point_before_the_pages_are_home(patch):
    def sync_point(self):
        self.force()
        self._log.sync_point()
        self.write_home()

    patch.setattr(Journal, "sync_point", sync_point)


@plant
def a_torn_page_is_accepted(patch):
    def marks(log):
        count = log.pages - FIRST_PAGE
        raw = log.device.read(log.offset + FIRST_PAGE * PAGE, count * PAGE).reshape(count, PAGE)
        found = log.dialect.structures.log_page_header.table(np.ascontiguousarray(raw[:, :HEADER]))
        return found["page"].astype(np.int64), found["eor"].astype(np.int64)

    patch.setattr(log_pages, "_page_marks", marks)


@plant
def a_freed_extent_is_reused_too_early(patch):
    def rest(self, extents, until):
        for address, length in extents:
            self.release(address, length)

    patch.setattr(MountedSpace, "rest", rest)


@plant
def a_page_is_lost_at_the_wrap(patch):
    next_page = LogWriter._next_page

    def losing(self):
        last = self._page == self._log.pages - 1
        next_page(self)
        if last:
            self._full.pop()

    patch.setattr(LogWriter, "_next_page", losing)


@plant
def the_superblock_is_not_marked_as_mounted(patch):
    mark = Mount._set_superblock

    def silent(self, now, **values):
        if "s_logserial" not in values:
            mark(self, now, **values)

    patch.setattr(Mount, "_set_superblock", silent)


@plant
def new_extents_are_not_flagged_in_the_log(patch):
    original = images.extent_ranges
    patch.setattr(
        images, "extent_ranges", lambda dialect, before, after, allocated: original(dialect, before, after, [])
    )


@plant
def freed_blocks_are_not_logged(patch):
    patch.setattr(transaction, "extent_lists", lambda dialect, extents: iter(()))


@plant
def inodes_are_not_logged(patch):
    patch.setattr(images.InodeImage, "ranges", property(lambda self: []))


@plant
def the_commit_comes_before_the_last_record(patch):
    records = transaction.Transaction.records

    def without_last(self):
        found = list(records(self))
        return found[:-1] if len(found) > 1 else found

    patch.setattr(transaction.Transaction, "records", without_last)


@plant
def content_that_was_cut_is_written_again_too_early(patch):
    patch.setattr(Journal, "force_shrunk", lambda self, number: None)


@plant
def unmount_says_clean_before_the_pages_are_home(patch):
    def unmount(self, *, now=None):
        self._set_superblock(now, s_state=0)
        self._journal.write_home()
        self._log.detach()

    patch.setattr(Mount, "unmount", unmount)


@plant
def freed_pages_are_not_told_to_the_log(patch):
    records = transaction.Transaction.records
    patch.setattr(
        transaction.Transaction, "records", lambda self: (r for r in records(self) if r[0] != log_form.NOREDOPAGE)
    )


@plant
def replay_ignores_freed_pages(patch):
    patch.setattr(PageImages, "give_up", lambda self, record: None)


@plant
def an_older_record_wins(patch):
    def put(self, at, data, skip=0):
        self.pieces.append((at, data))

    patch.setattr(page_images._Image, "put", put)


@plant
def free_lists_are_not_made_anew(patch):
    patch.setattr(FreeListBuilder, "_link", lambda self, *_: None)


@plant
def the_block_map_stays_as_it_was(patch):
    patch.setattr(redo_module, "rebuild_block_map", lambda *_: None)


@plant
def the_inode_maps_stay_as_they_were(patch):
    patch.setattr(redo_module.InodeMapRebuild, "write", lambda self: None)


@plant
def replay_leaves_torn_log_pages(patch):
    patch.setattr(log_pages.Ring, "mend", lambda self: 0)


@plant
def replay_leaves_the_log_open(patch):
    patch.setattr(redo_module, "_close_log", lambda *_: None)


@plant
def replay_does_not_take_new_blocks(patch):
    blocks = MapEvents.blocks
    patch.setattr(MapEvents, "blocks", lambda self, extent, used: None if used else blocks(self, extent, used))


@plant
def replay_does_not_free_blocks(patch):
    blocks = MapEvents.blocks
    patch.setattr(MapEvents, "blocks", lambda self, extent, used: blocks(self, extent, used) if used else None)


@plant
def the_oldest_event_of_a_block_counts(patch):
    table = MapEvents.block_table
    patch.setattr(MapEvents, "block_table", lambda self: table(self)[::-1])


@plant
def replay_forgets_which_inodes_are_in_use(patch):
    patch.setattr(MapEvents, "inode", lambda self, *_: None)


@plant
def a_log_page_keeps_the_number_of_the_one_before(patch):
    next_page = LogWriter._next_page

    def same(self):
        next_page(self)
        if self._page == self._log.pages - 1:
            self._sequence -= 1

    patch.setattr(LogWriter, "_next_page", same)


@plant
def an_open_file_without_a_name_stays_in_the_maps(patch):
    patch.setattr(Journal, "_without_hidden", lambda self: nullcontext())


@plant
def a_commit_of_the_other_member_before_its_data(patch):
    patch.setattr(LogMember, "make_data_safe", lambda self: None)


@plant
def a_resize_is_not_announced(patch):
    patch.setattr(size_change._Change, "announce", lambda self: None)


@plant
def no_barrier_behind_what_announces_a_resize(patch):
    def put(device, dialect, offset, values):
        with patch.context() as quiet:
            quiet.setattr(device, "flush", lambda: None)
            put_superblock(device, dialect, offset, values)

    put_superblock = size_change._put_superblock
    patch.setattr(size_change, "_put_superblock", put)


KINDS = {
    "a_resize_is_not_announced": "resize",
    "no_barrier_behind_what_announces_a_resize": "resize",
    "freed_pages_are_not_told_to_the_log": "long names, shrinking directories",
    "replay_ignores_freed_pages": "long names, shrinking directories",
    "an_open_file_without_a_name_stays_in_the_maps": "handles",
    "a_commit_of_the_other_member_before_its_data": "shared log",
}
"""Kinds of workloads that a mistake needs; the others show in mixed ones."""


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(dialect, monkeypatch, name):
    base = generated.Workload([]).base(dialect)
    PLANTS[name](monkeypatch)
    tried = 0
    for seed in SEEDS:
        steps = WORKLOADS.get(name)
        made = record(base, steps) if steps else generated.WORKLOADS[KINDS.get(name, "mixed")].record(dialect, seed)
        found = explore(made, seed=seed, budget=80, stop_at=1)
        tried += found.distinct
        if found.failures:
            return
    pytest.fail(f"not found in {tried} crash images")


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_short_workloads_find_nothing_without_a_bug(dialect, name):
    found = explore(record(generated.Workload([]).base(dialect), WORKLOADS[name]), seed=0, budget=40)
    assert found.failures == []
    assert found.distinct > 10
