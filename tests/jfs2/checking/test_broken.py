"""Every named check has images of its own that break it: one field of a good image is changed, and it is named.

What a change means is said by the invariants [jfs2 4]; `also` lists the checks that the same change breaks
too, because two structures say the same thing.

Modules: `lvmfmt.jfs2.checking.aggregate_checks`, `lvmfmt.jfs2.checking.attribute_checks`,
`lvmfmt.jfs2.checking.blockmap_checks`, `lvmfmt.jfs2.checking.dtree_checks`, `lvmfmt.jfs2.checking.imap_checks`,
`lvmfmt.jfs2.checking.index_checks`, `lvmfmt.jfs2.checking.inode_checks`, `lvmfmt.jfs2.checking.log_checks`,
`lvmfmt.jfs2.checking.names_checks`, `lvmfmt.jfs2.checking.ownership`, `lvmfmt.jfs2.checking.subject`,
`lvmfmt.jfs2.checking.superblock_checks`, `lvmfmt.jfs2.checking.xtree_checks`.
"""

import re
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from lvmfmt.jfs2.checking import CHECKS, check


class Case(NamedTuple):
    check: str
    base: str
    change: Callable
    also: frozenset[str]

    @property
    def id(self) -> str:
        return f"{self.check}-{self.base}-{self.change.__name__}"


CASES: list[Case] = []
BOTH = ("aix", "linux")


def breaks(name: str, *bases: str, also: tuple[str, ...] = ()):
    """The decorated function changes a good image so that it breaks the check `name`."""

    def register(change):
        CASES.extend(Case(name, base, change, frozenset(also)) for base in bases)
        return change

    return register


# Superblock and geometry. A primary superblock that cannot be used also differs from the secondary one.


@breaks("superblock-identity", *BOTH, also=("superblock-secondary",))
def magic(i):
    i.superblock(primary_only=True, s_magic=b"J3FS")


@breaks("superblock-identity", *BOTH, also=("superblock-secondary",))
def version_3(i):
    i.superblock(primary_only=True, s_version=3)


@breaks("superblock-version", "aix")
def version_2_without_features(i):
    i.superblock(s_version=2)


@breaks("superblock-features", "aix")
def unknown_feature(i):
    i.superblock(s_version=2, s_feature_compat=1 << 5)


@breaks("superblock-block-size", *BOTH, also=("superblock-secondary",))
def block_factor(i):
    i.superblock(primary_only=True, s_l2bfactor=5)


@breaks("superblock-size", *BOTH, also=("superblock-secondary",))
def beyond_the_device(i):
    i.superblock(primary_only=True, s_size=1 << 40)


@breaks("superblock-ag-size", *BOTH, also=("superblock-secondary",))
def ag_size(i):
    i.superblock(primary_only=True, s_agsize=16384)


@breaks("superblock-work-space", *BOTH)
def work_space_length(i):
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_fsckpxd", i.geometry.blocks, i.geometry.fsck_blocks + 1)


@breaks("superblock-log-place", *BOTH)
def external_with_a_place(i):
    i.superblock(s_flag=i.fs.superblock.flag & ~0x800)


@breaks("superblock-second-tables", *BOTH)
def second_table_length(i):
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_ait2", i.geometry.ait2, 5)


@breaks("superblock-state", *BOTH)
def dirty(i):
    i.superblock(s_state=2)


@breaks("superblock-state", *BOTH)
def no_group_commit(i):
    i.superblock(s_flag=i.fs.superblock.flag & ~0x100)


@breaks("superblock-secondary", *BOTH)
def names_differ(i):
    i.superblock(primary_only=True, s_fpack=b"other")


@breaks("superblock-service-log", *BOTH)
def service_log(i):
    i.superblock(s_fscklog=3)


@breaks("superblock-log-serial", *BOTH)
def serial(i):
    i.superblock(s_logserial=7)


# Extents and ownership


@breaks("extent-range", *BOTH, also=("dmap-owned",))
def extent_beyond_the_end(i):
    i.xad("/data", 0)["addr_lo"] = i.geometry.blocks


@breaks("block-owners", *BOTH, also=("dmap-owned",))
def shared_block(i):
    i.xad("/data", 0)["addr_lo"] = i.xad("/more", 0)["addr_lo"]


@breaks("extent-flags", *BOTH)
def new_extent(i):
    i.xad("/data", 0)["flag"] = 1


# Aggregate inodes


@breaks("aggregate-inodes", *BOTH)
def two_links(i):
    i.view(i.s.inode, i.aggregate(3))["di_nlink"] = 2


@breaks("aggregate-inodes", "linux")
def generation_of_inode_1(i):
    i.view(i.s.inode, i.aggregate(1))["di_gen"] = 7


@breaks("aggregate-inodes", "linux")
def generation_of_inode_1_in_both_copies(i):
    for second in (False, True):
        i.view(i.s.inode, i.aggregate(1, second=second))["di_gen"] = 7


@breaks("aggregate-inodes", "linux", also=("aggregate-copies",))
def generation_of_inode_16(i):
    i.view(i.s.inode, i.aggregate(16))["di_gen"] = 0


@breaks("aggregate-stamp", *BOTH)
def stamp_of_inode_3(i):
    i.view(i.s.inode, i.aggregate(3))["di_inostamp"] = 1


@breaks("aggregate-place", *BOTH)
def place_of_inode_3(i):
    i.pxd(i.s.inode, i.aggregate(3), "di_ixpxd", 12, 4)


@breaks("aggregate-size", *BOTH)
def size_of_inode_1(i):
    i.view(i.s.inode, i.aggregate(1))["di_size"] += 4096


@breaks("aggregate-maps", *BOTH)
def map_begins_later(i):
    i.view(i.s.xad, i.aggregate(1) + 256)["off_lo"] = 1


@breaks("aggregate-copies", *BOTH)
def owner_of_the_copy(i):
    i.view(i.s.inode, i.aggregate(4, second=True))["di_uid"] = 1


@breaks("aggregate-map-copy", "linux")
def counts_of_the_copy(i):
    i.view(i.s.dinomap, i.geometry.aim2 * i.block_size)["in_numfree"] = 1


@breaks("aggregate-table-extents", "linux")
def first_extent(i):
    i.pxd(i.s.iag, 0xA000, "inoext", 12, 4, row=0)


@breaks("aggregate-table-extents", "aix")
def second_extent(i):
    i.pxd(i.s.iag, 0xA000, "inoext", i.geometry.ait2 + 4, 4, row=1)


# Inode maps


@breaks("imap-iag-count", *BOTH)
def one_iag_more(i):
    i.control()["in_nextiag"] += 1


@breaks("imap-extent-length", *BOTH)
def blocks_of_an_extent(i):
    i.control()["in_l2nbperiext"] = 3


@breaks("iag-number", *BOTH)
def iag_number(i):
    i.iag(1)["iagnum"] = 0


@breaks("iag-ag-start", *BOTH)
def between_groups(i):
    i.iag(1)["agstart"] = 5


@breaks("iag-unbacked-bits", *BOTH)
def inode_in_use_nowhere(i):
    for field in ("wmap", "pmap"):
        i.iag(1)[field][0, 100] = 1


@breaks(
    "iag-extent-length", *BOTH,
    also=("imap-counts", "imap-ag-counts", "aggregate-table-extents", "aggregate-map-copy"),
)  # fmt: skip
def short_extent(i):
    i.pxd(i.s.iag, 0xA000, "inoext", 11, 3, row=0)
    if i.is_linux:
        i.pxd(i.s.iag, i.geometry.aim2 * i.block_size + 4096, "inoext", 11, 3, row=0)


@breaks("iag-maps-agree", *BOTH, also=("iag-counts", "imap-counts", "imap-ag-counts"))
def working_map_only(i):
    last = np.flatnonzero(i.iag(1)["wmap"][0])[-1]  # an extent that is not full
    assert i.iag(1)["wmap"][0, last] != 0xFFFFFFFF
    i.iag(1)["wmap"][0, last] &= 0x7FFFFFFF


@breaks("iag-inode-summary", *BOTH)
def summary_of_inodes(i):
    i.iag(1)["inosmap"][0, 3] ^= 1


@breaks("iag-extent-summary", *BOTH)
def summary_of_extents(i):
    i.iag(1)["extsmap"][0, 3] ^= 1


@breaks("iag-counts", *BOTH)
def free_inodes_of_a_group(i):
    i.iag(1)["nfreeinos"] += 1


@breaks("iag-counts", *BOTH)
def free_extents_of_a_group(i):
    i.iag(1)["nfreeexts"] -= 1


@breaks("imap-counts", *BOTH)
def inodes_in_all(i):
    i.control()["in_numinos"] += 32


@breaks("imap-ag-counts", *BOTH)
def free_inodes_of_an_ag(i):
    i.control()["in_agctl"]["numfree"][0, 0] += 1


@breaks("imap-inode-list", *BOTH)
def back_link(i):
    i.iag(1)["inofreeback"] = 1


@breaks("imap-inode-list", *BOTH)
def loop(i):
    i.iag(1)["inofreefwd"] = 1


@breaks("imap-extent-list", *BOTH)
def list_head(i):
    i.control()["in_agctl"]["extfree"][0, 0] = -1


@breaks("imap-free-list", *BOTH)
def free_group_that_is_none(i):
    i.control()["in_freeiag"] = 0


@breaks("imap-free-list", *BOTH)
def link_of_a_group_outside_the_free_list(i):
    i.iag(0)["iagfree"] = 0


ELSEWHERE = ("imap-ag-counts", "imap-inode-list", "imap-extent-list")


@breaks("iag-extent-place", "aix-wide", "linux-wide", also=ELSEWHERE)
def group_of_another_ag(i):
    i.iag(0)["agstart"] = 8192


@breaks("imap-reserved-inodes", *BOTH, also=("iag-maps-agree", "inode-free"))
def inode_1_free(i):
    i.iag(0)["pmap"][0, 0] &= 0xBFFFFFFF


# Inodes


@breaks("inode-identity", *BOTH)
def wrong_number(i):
    i.inode("/data", di_number=1)


@breaks("inode-identity", *BOTH)
def wrong_fileset(i):
    i.inode("/data", di_fileset=17)


@breaks("inode-identity", *BOTH)
def wrong_stamp(i):
    i.inode("/data", di_inostamp=1)


@breaks("inode-identity", *BOTH)
def wrong_place(i):
    i.pxd(i.s.inode, i.inode_at("/data"), "di_ixpxd", 1000, 4)


@breaks("inode-identity", *BOTH)
def no_links(i):
    i.inode("/data", di_nlink=0)


@breaks("inode-free", *BOTH)
def free_inode_with_links(i):
    last = i.number("/many/entry4299")
    at = i.inode_at(last) + 512
    i.data[at : at + 512] = i.data[at - 512 : at]
    i.view(i.s.inode, at)["di_number"] = last + 1


@breaks("inode-blocks", *BOTH)
def one_block_more(i):
    i.view(i.s.inode, i.inode_at("/data"))["di_nblocks"] += 1


@breaks("inode-size", *BOTH)
def negative_size(i):
    i.inode("/data", di_size=-1)


@breaks("inode-size", *BOTH)
def size_of_a_directory(i):
    i.inode("/many", di_size=256)


@breaks("inode-links", *BOTH)
def one_link_more(i):
    i.inode("/data", di_nlink=2)


@breaks("inode-links", *BOTH)
def links_of_a_directory(i):
    i.inode("/one", di_nlink=3)


@breaks("inode-symlink", *BOTH)
def target_too_long(i):
    i.inode("/long", di_size=5000)


@breaks("inode-symlink", *BOTH)
def target_of_nothing(i):
    i.inode("/short", di_size=0)


@breaks("inode-device", *BOTH)
def device_with_blocks(i):
    i.inode("/device", di_nblocks=1)


@breaks("inode-device", "aix")
def device_without_mark(i):
    i.data[i.inode_at("/device") + 256] &= 0x7F


@breaks("inode-inline-attributes", "operations")
def tree_over_the_attributes(i):
    i.view(i.s.xtree_header, i.inode_at("/e") + 224)["maxentry"] = 18


@breaks("inode-attributes", "operations")
def size_of_the_list(i):
    i.view(i.s.inode, i.inode_at("/e"))["di_ea"]["size"] += 4


@breaks("inode-attributes", "linux")
def size_of_the_list_in_an_extent(i):
    i.attributes_in_an_extent("/more")
    i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["size"] += 4


@breaks("inode-attributes", "linux")
def attributes_with_the_flag_corrupt(i):
    i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["flag"] = 0x08


@breaks("inode-attributes", "linux")
def attributes_in_an_extent_and_inline(i):
    i.attributes_in_an_extent("/more")
    i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["flag"] = 0x60


@breaks("inode-attributes", "linux")
def access_control_list_with_an_unknown_flag(i):
    i.view(i.s.inode, i.inode_at("/more"))["di_acl"]["flag"] = 0x01


@breaks("inode-attributes", "operations")
def flag_of_an_attribute(i):
    i.data[i.inode_at("/e") + 384 + 4] = 0x01


@breaks("inode-attributes", "operations")
def length_of_a_name(i):
    i.data[i.inode_at("/e") + 384 + 5] += 1


@breaks("inode-attribute-objects", "aix")
def no_attribute_object(i):
    i.superblock(s_version=2, s_feature_incompat=2)
    at = i.inode_at("/data") + 128
    i.data[at], i.data[at + 8 : at + 16] = 1, i.number("/more").to_bytes(8, "big")


@breaks("inode-attribute-objects", "aix")
def format_2_without_the_feature(i):
    i.data[i.inode_at("/data") + 128] = 1


# Extent trees


def _root(i, path):
    return i.view(i.s.xtree_header, i.inode_at(path) + 224)


@breaks("xtree-flag", *BOTH)
def neither_leaf_nor_internal(i):
    _root(i, "/one/file")["flag"] = 0x81


@breaks("xtree-flag", *BOTH, also=("inode-blocks", "dmap-owned"))
def page_that_is_a_root(i):
    i.data[i.xtree_page("/sparse", 2) + 16] = 0x83


@breaks("xtree-capacity", *BOTH)
def capacity_of_a_root(i):
    _root(i, "/one/file")["maxentry"] = 16


@breaks("xtree-capacity", *BOTH)
def capacity_of_a_page(i):
    i.view(i.s.xtree_header, i.xtree_page("/sparse", 1))["maxentry"] = 128


@breaks("xtree-count", *BOTH)
def no_header_entries(i):
    _root(i, "/one/file")["nextindex"] = 1


@breaks("xtree-count", *BOTH, also=("inode-blocks", "dmap-owned"))
def empty_page(i):
    i.view(i.s.xtree_header, i.xtree_page("/sparse", 2))["nextindex"] = 2


@breaks("xtree-self", *BOTH)
def page_elsewhere(i):
    i.pxd(i.s.xtree_header, i.xtree_page("/sparse", 1), "self", 1000, 1)


@breaks("xtree-order", *BOTH)
def overlap(i):
    i.xad("/few", 2)["off_lo"] = 2


@breaks("xtree-routers", *BOTH)
def router_too_large(i):
    i.xad("/sparse", 1)["off_lo"] += 1


@breaks("xtree-shape", *BOTH)
def sibling(i):
    i.view(i.s.xtree_header, i.xtree_page("/sparse", 1))["next"] = 0


@breaks("xtree-left-edge", *BOTH, also=("xtree-routers",))
def first_router(i):
    i.xad("/sparse", 0)["off_lo"] = 1


# Directories


@breaks("dtree-flag", *BOTH)
def directory_of_no_kind(i):
    i.data[i.inode_at("/empty") + 240] = 0x81


@breaks("dtree-page-size", *BOTH)
def slots_of_a_page(i):
    i.data[i.dtree_leaves("/many")[1] + 20] = 64


@breaks("dtree-page-size", *BOTH)
def directory_page_elsewhere(i):
    i.pxd(i.s.dtree_page_header, i.dtree_leaves("/many")[1], "self", 1000, 1)


@breaks("dtree-table-place", *BOTH, also=("inode-size", "inode-reachable"))
def table_over_the_header(i):
    i.data[i.dtree_leaves("/many")[1] + 21] = 0


@breaks("dtree-slots", *BOTH)
def lost_slot(i):
    root = i.inode_at("/empty") + 224
    i.data[root + 18] -= 1
    i.data[root + 19] = i.data[root + i.data[root + 19] * 32]


@breaks("dtree-slots", *BOTH, also=("inode-reachable",))
def slot_twice_in_the_table(i):
    root = i.inode_at("/two") + 224
    i.data[root + 25] = i.data[root + 24]


@breaks("dtree-free-list", *BOTH)
def free_count(i):
    i.data[i.inode_at("/empty") + 242] -= 1


@breaks("dtree-free-list", *BOTH)
def link_beyond_the_node(i):
    root = i.inode_at("/empty") + 224
    i.data[root + i.data[root + 19] * 32] = 9


@breaks("dtree-chains", *BOTH, also=("inode-reachable",))
def name_longer_than_its_slots(i):
    entry = i.root_entry("/two")
    i.data[entry + i.s.leaf_slot.offset_of("namlen")] = 60


@breaks("dtree-order", *BOTH)
def entries_swapped(i):
    at = i.inode_at("/two") + 224 + 24
    i.data[at], i.data[at + 1] = i.data[at + 1], i.data[at]


@breaks("dtree-routers", *BOTH)
def router_above_its_page(i):
    page = i.dtree_left("/many")
    slot = page + i.slot(page, 2) * 32
    length = i.data[slot + 9] * i.dialect.name_unit
    i.data[slot + 10 + length - i.dialect.name_unit] += 1


@breaks("dtree-left-edge", *BOTH)
def left_edge_with_a_key(i):
    slot = i.root_entry("/many")
    i.data[slot + 9], i.data[slot + 10 : slot + 12] = 1, b"\1\0"


@breaks("dtree-left-edge", *BOTH, also=("dtree-order", "dtree-routers"))
def router_without_a_key(i):
    page = i.dtree_left("/many")
    i.data[page + i.slot(page, 2) * 32 + 9] = 0


@breaks("dtree-empty-page", *BOTH, also=("dtree-slots", "inode-reachable"))
def directory_page_without_entries(i):
    i.data[i.dtree_leaves("/many")[1] + 17] = 0


@breaks("dtree-shape", *BOTH)
def sibling_of_a_directory_page(i):
    i.view(i.s.dtree_page_header, i.dtree_leaves("/many")[1])["prev"] = 0


@breaks("entry-name", *BOTH)
def slash(i):
    i.data[i.root_entry("/two", 1) + i.s.leaf_slot.offset_of("name")] = ord("/")
    i.data[i.root_entry("/two", 0) + i.s.leaf_slot.offset_of("name")] = ord("!")


@breaks("entry-name", *BOTH)
def dot(i):
    i.data[i.root_entry("/two") + i.s.leaf_slot.offset_of("name")] = ord(".")


@breaks("entry-inode", *BOTH, also=("inode-reachable",))
def entry_of_a_free_inode(i):
    i.view(i.s.leaf_slot, i.root_entry("/two"))["inumber"] = 9000


@breaks("entry-inode", *BOTH, also=("inode-reachable",))
def entry_of_the_root(i):
    i.view(i.s.leaf_slot, i.root_entry("/two"))["inumber"] = 2


@breaks("directory-parent", *BOTH)
def wrong_parent(i):
    i.view(i.s.dtree_root, i.inode_at("/one") + 224)["idotdot"] = i.number("/two")


@breaks("directory-parent", *BOTH, also=("inode-reachable", "inode-links"))
def directory_with_two_names(i):
    i.view(i.s.leaf_slot, i.root_entry("/two"))["inumber"] = i.number("/empty")


@breaks("inode-reachable", *BOTH, also=("inode-links",))
def file_without_a_name(i):
    i.view(i.s.leaf_slot, i.root_entry("/two"))["inumber"] = i.number("/two/b")


@breaks("directory-index", "indexed")
def index_of_another_position(i):
    i.data[i.inode_at("/mid") + 128 + 2] += 1


@breaks("directory-index", "indexed")
def index_of_nothing(i):
    leaf = i.dtree_leaves("/small")[0]
    entry = leaf + i.slot(leaf, 0) * 32
    i.data[entry + 28 : entry + 32] = (1000).to_bytes(4, "little")


@breaks("directory-index", "indexed", also=("inode-blocks", "dmap-owned"))
def table_of_fewer_pages(i):
    i.data[i.inode_at("/big") + 128 + 18] -= 1


# Block map


@breaks("bmap-geometry", *BOTH)
def group_height(i):
    i.view(i.s.dbmap, 0x10000)["dn_agheight"] = 1


@breaks("dmap-blocks", *BOTH)
def start_of_a_page(i):
    i.view(i.s.dmap, i.block_map(4))["start"] = 8192


@breaks("dmap-blocks", *BOTH)
def block_beyond_the_end(i):
    i.view(i.s.dmap, i.block_map(4))["pmap"][0, 255] = 0


@breaks("dmap-owned", *BOTH)
def committed_only(i):
    i.view(i.s.dmap, i.block_map(4))["pmap"][0, i.geometry.blocks // 32 - 1] = 1


@breaks("dmap-owned", *BOTH, also=("bmap-counts", "bmap-trees"))
def block_of_nobody(i):
    for field in ("wmap", "pmap"):
        i.view(i.s.dmap, i.block_map(4))[field][0, i.geometry.blocks // 32 - 1] = 1


@breaks("bmap-counts", *BOTH)
def free_blocks(i):
    i.view(i.s.dbmap, 0x10000)["dn_nfree"] += 1


@breaks("bmap-counts", *BOTH)
def free_blocks_of_a_page(i):
    i.view(i.s.dmap, i.block_map(4))["nfree"] += 1


@breaks("bmap-tree-constants", *BOTH)
def leaves_of_a_tree(i):
    i.view(i.s.dmap, i.block_map(4))["tree"]["l2nleafs"] = 9


@breaks("bmap-tree-constants", *BOTH)
def minimum_of_a_control_tree(i):
    i.view(i.s.dmapctl, i.block_map(3))["budmin"] = 5


@breaks("bmap-trees", *BOTH)
def leaf_of_a_tree(i):
    i.view(i.s.dmap, i.block_map(4))["tree"]["stree"][0, 340] = 5


@breaks("bmap-trees", *BOTH)
def largest_free_run(i):
    i.view(i.s.dbmap, 0x10000)["dn_maxfreebud"] += 1


@breaks("bmap-preferred", *BOTH)
def preferred_group(i):
    i.view(i.s.dbmap, 0x10000)["dn_agpref"] = 5


@breaks("bmap-unused-levels", *BOTH)
def control_page_of_level_1(i):
    i.data[i.block_map(2) : i.block_map(3)] = i.data[i.block_map(3) : i.block_map(4)]


# Log, quota, snapshots


def _log(i):
    return i.geometry.log_address * i.block_size


@breaks("log-superblock", *BOTH)
def open_log(i):
    i.view(i.s.log_super, _log(i) + 4096)["state"] = 0


@breaks("log-superblock", *BOTH)
def end_outside(i):
    i.view(i.s.log_super, _log(i) + 4096)["end"] = 4096


@breaks("log-pages", *BOTH)
def two_breaks(i):
    for at in (0, 4088):
        i.view(i.s.log_page_header, _log(i) + 10 * 4096 + at)["page"] += 1000


@breaks("log-pages", *BOTH)
def torn_page(i):
    i.view(i.s.log_page_header, _log(i) + 10 * 4096)["eor"] = 100


@breaks("log-end", *BOTH)
def last_record_is_none(i):
    i.view(i.s.log_syncpt, _log(i) + 2 * 4096 + 8)["type"] = 0


@breaks("log-end", *BOTH)
def a_commit_that_is_not_the_last_record(i):
    i.view(i.s.log_syncpt, _log(i) + 2 * 4096 + 8)["type"] = 0x8000
    for at in (0, 4088):
        i.view(i.s.log_page_header, _log(i) + 2 * 4096 + at)["eor"] = 200


@breaks("quota-file", "aix")
def no_quota_file(i):
    i.superblock(s_flag=i.fs.superblock.flag | 0x08000000)


@breaks("snapshot-series", "aix")
def snapshots_of_no_ring(i):
    i.superblock(s_version=2, s_feature_rdonly=1)
    for at in (0x8000, 0xF000):
        i.view(i.s.superblock, at)["s_snapshotSeries"]["nSnapshot"] = 3


# What `jfs_fsck` names, too.


@breaks("inode-identity", *BOTH)
def root_is_a_file(i):
    i.inode(2, di_mode=0o100755)


@breaks("inode-identity", *BOTH)
def root_has_no_type(i):
    i.inode(2, di_mode=0)


@breaks("inode-identity", "linux")
def root_without_the_mark_of_the_system(i):
    i.inode(2, di_mode=0o40755)


@breaks("aggregate-inodes", "linux", also=("aggregate-copies",))
def map_inode_without_the_mark_of_the_system(i):
    i.view(i.s.inode, i.aggregate(16))["di_mode"] = 0o100000


@breaks("xtree-flag", *BOTH)
def edge_mark_in_the_root_of_a_file(i):
    i.data[i.inode_at("/few") + 240] |= 0x10


@breaks("dtree-flag", *BOTH, also=("inode-links", "inode-reachable"))
def edge_mark_in_the_root_of_a_directory(i):
    i.data[i.inode_at("/two") + 240] |= 0x20


@breaks("entry-name", *BOTH, also=("dtree-routers",))
def router_with_a_nul(i):
    page = i.dtree_left("/many")
    slot = i.slot(page, 1)
    i.data[page + slot * 32 + (12 if i.is_linux else 10)] = 0


@breaks("extent-range", "linux")
def access_control_list_without_blocks(i):
    i.view(i.s.inode, i.inode_at("/data"))["di_acl"]["flag"] = 0x20


@breaks("inode-inline-attributes", "linux")
def free_area_without_its_mark(i):
    i.inode("/device", di_mode=0o20600)


@breaks("aggregate-map-copy", "linux")
def extent_of_the_map_copy(i):
    at = i.geometry.aim2 * i.block_size + 4096
    i.pxd(i.s.iag, at, "inoext", 77, 4, row=0)


@breaks("block-owners", *BOTH, also=("dmap-owned",))
def own_block_twice(i):
    i.xad("/few", 1)["addr_lo"] = i.xad("/few", 0)["addr_lo"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_named(image, case):
    broken = image(case.base)
    case.change(broken)
    before = bytes(broken.data)
    report = check(broken.device)
    names = {finding.name for finding in report.findings}
    assert names >= {case.check}, [f.text for f in report.findings]
    assert names <= {case.check} | case.also, [f.text for f in report.findings if f.name not in case.also]
    assert bytes(broken.data) == before


def says(program, path, data):
    """The lines of `jfs_fsck -n -f -v` without their numbers: what a good image does not make it say is a complaint."""
    path.write_bytes(data)
    result = subprocess.run([program, "-n", "-f", "-v", path], capture_output=True, timeout=60, check=False)
    lines = {re.sub(r"[0-9]+", "#", line) for line in result.stdout.decode("utf-8", "replace").splitlines()}
    return lines | {"ended by a signal"} if result.returncode < 0 else lines  # its own way to complain


_PLAIN_READER = "no reader needs it, and this version does not look at it"
_REBUILT = "only the committed side is judged with -n; the other is what a repair run rewrites"
_FREE_LIST = "the free list of a directory root is not judged while its entries are sound"
_NO_REPLAY = "the log is read by a replay only, and a clean superblock spares it that"
JFS_FSCK_IS_SILENT = {
    "names_differ": "the secondary superblock is looked at only when the primary one cannot be used",
    "service_log": "its own bookkeeping; it takes any value that is neither half as `none yet`",
    "serial": _NO_REPLAY,
    "new_extent": _PLAIN_READER,
    "working_map_only": _REBUILT,
    "size_of_a_directory": "the size of directories without an index is not judged",
    "target_too_long": _PLAIN_READER,
    "target_of_nothing": _PLAIN_READER,
    "page_that_is_a_root": "it looks at the leaf bit only",
    "no_header_entries": "any count up to 2 is an empty root to it",
    "lost_slot": _FREE_LIST,
    "free_count": _FREE_LIST,
    "link_beyond_the_node": _FREE_LIST,
    "slash": "names are judged by their length only",
    "dot": "names are judged by their length only",
    "control_page_of_level_1": _PLAIN_READER,
    "end_outside": _NO_REPLAY,
    "two_breaks": _NO_REPLAY,
    "torn_page": _NO_REPLAY,
    "last_record_is_none": _NO_REPLAY,
    "a_commit_that_is_not_the_last_record": _NO_REPLAY,
}
"""Changes that jfs_fsck 1.1.15 has nothing to say about, with what its silence suggests as the reason."""


@pytest.mark.judge
@pytest.mark.parametrize("case", [c for c in CASES if not c.base.startswith("aix")], ids=lambda case: case.id)
def test_jfs_fsck_complains_too(image, good, case, judge, tmp_path):
    broken = image(case.base)
    case.change(broken)
    program = judge("jfs_fsck")
    complaints = says(program, tmp_path / "image", broken.data) - says(program, tmp_path / "image", good(case.base))
    silent = case.change.__name__ in JFS_FSCK_IS_SILENT
    assert bool(complaints) != silent, complaints


def test_every_check_has_a_broken_image():
    assert {case.check for case in CASES} == set(CHECKS)


def test_every_invariant_of_the_reference_has_one_check():
    assert [check.number for check in CHECKS.values()] == list(range(1, 89))
