"""The explorer is able to fail: it finds each of these mistakes, planted one at a time."""

import numpy as np
import pytest
from crash_explorer import explore, record
from crash_model import Steps

import lvmfmt.jfs2.journal.images as images
import lvmfmt.jfs2.journal.transaction as transaction
import lvmfmt.jfs2.log.pages as log_pages
from lvmfmt.jfs2 import AIX
from lvmfmt.jfs2.geometry import PAGE
from lvmfmt.jfs2.journal.core import Journal
from lvmfmt.jfs2.journal.log_writer import LogWriter
from lvmfmt.jfs2.journal.mount import Mount
from lvmfmt.jfs2.journal.space import MountedSpace
from lvmfmt.jfs2.log.format import HEADER
from lvmfmt.jfs2.log.pages import FIRST_PAGE

SEEDS = range(1, 7)
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


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(empty, monkeypatch, name):
    base = empty(AIX, log=32 << 10)
    PLANTS[name](monkeypatch)
    tried = 0
    for seed in SEEDS:
        steps = WORKLOADS.get(name)
        made = record(base, steps) if steps else record(base, Steps(seed), 120)
        found = explore(made, seed=seed, budget=120, stop_at=1)
        tried += found.distinct
        if found.failures:
            return
    pytest.fail(f"not found in {tried} crash images")


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_short_workloads_find_nothing_without_a_bug(empty, name):
    found = explore(record(empty(AIX, log=32 << 10), WORKLOADS[name]), seed=0, budget=40)
    assert found.failures == []
    assert found.distinct > 10
