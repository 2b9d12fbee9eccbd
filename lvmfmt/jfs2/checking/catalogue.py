"""The named checks: what a consistent, unmounted file system fulfils, one name for each rule.

Their numbers are those of the invariants of the format [jfs2 4].
"""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """A rule that a consistent file system fulfils."""

    number: int
    """Its number among the invariants [jfs2 4]."""
    name: str
    meaning: str
    warning: bool = False
    """Whether a breach is only a warning: the systems that write these file systems leave it so at times."""


_ALL = (
    Check(1, "superblock-identity", "the primary superblock has the dialect's magic and version 1 or 2"),
    Check(2, "superblock-version", "version 2 exactly when a feature word is not zero (AIX)"),
    Check(3, "superblock-features", "no feature bit is unknown (AIX)"),
    Check(4, "superblock-block-size", "block size and its logarithms belong together"),
    Check(5, "superblock-size", "the size is whole blocks inside the device"),
    Check(6, "superblock-ag-size", "the allocation group size is the computed one, with at most 128 groups"),
    Check(7, "superblock-work-space", "the work space of fsck lies right behind the usable blocks and is long enough"),
    Check(8, "superblock-log-place", "an inline log lies behind the work space; an external log has no place"),
    Check(9, "superblock-second-tables", "the second places of the aggregate's tables lie inside the file system"),
    Check(10, "superblock-state", "the file system was unmounted, and commits in groups"),
    Check(11, "superblock-secondary", "the secondary superblock equals the primary one", warning=True),
    Check(12, "superblock-service-log", "the service log of fsck is 50 pages, the newer half 0, 1 or 2"),
    Check(13, "superblock-log-serial", "the serial of the last mount is that of the log"),
    Check(14, "extent-range", "every extent has blocks and lies inside the file system"),
    Check(15, "block-owners", "no block has two owners"),
    Check(16, "extent-flags", "no extent is marked new or extended, none has an undefined flag"),
    Check(17, "aggregate-inodes", "the inodes of the aggregate exist, with their number, fileset and one link"),
    Check(18, "aggregate-stamp", "all inodes of the aggregate have one stamp"),
    Check(19, "aggregate-place", "the inodes of the aggregate name the extent that holds them"),
    Check(20, "aggregate-size", "size and blocks of the map inodes and of the bad blocks are those of their trees"),
    Check(21, "aggregate-maps", "inode map and block map begin at their fixed places"),
    Check(22, "aggregate-copies", "the second copies of the aggregate's inodes equal the first"),
    Check(23, "aggregate-map-copy", "the second copy of the aggregate inode map equals the first", warning=True),
    Check(24, "imap-iag-count", "the inode map counts as many groups as its file has pages for"),
    Check(25, "imap-extent-length", "an inode extent is 16 KiB"),
    Check(26, "iag-number", "every inode allocation group has the number of its page"),
    Check(27, "iag-ag-start", "it names the start of an allocation group"),
    Check(28, "iag-unbacked-bits", "no inode is in use where no extent is"),
    Check(29, "iag-extent-length", "every inode extent is as long as it may be"),
    Check(30, "iag-maps-agree", "working and committed map of inodes are equal"),
    Check(31, "iag-inode-summary", "the summary of free inodes is that of the map"),
    Check(32, "iag-extent-summary", "the summary of extents is that of the extents"),
    Check(33, "iag-counts", "free inodes and free extents are counted right"),
    Check(34, "imap-counts", "the map's counts are the sums over its groups"),
    Check(35, "imap-ag-counts", "the counts of an allocation group are the sums over its inode groups"),
    Check(36, "imap-inode-list", "the list of groups with free inodes is complete, its links are right"),
    Check(37, "imap-extent-list", "the list of groups with free extents is complete, its links are right"),
    Check(38, "imap-free-list", "the list of groups without extents is complete"),
    Check(39, "iag-extent-place", "inode extents lie in the allocation group of their inode group", warning=True),
    Check(40, "aggregate-table-extents", "the aggregate inode map has the extents of the aggregate inode table"),
    Check(41, "imap-reserved-inodes", "the reserved inodes of the fileset are in use"),
    Check(42, "inode-identity", "an inode in use knows its number, fileset, stamp and place, and has links and a type"),
    Check(43, "inode-free", "an inode that is not in use has no links"),
    Check(44, "inode-blocks", "the blocks of an inode are those of its data, trees and attributes"),
    Check(45, "inode-size", "the size is possible; that of a directory follows from its pages"),
    Check(46, "inode-links", "the link count is the number of names"),
    Check(47, "inode-symlink", "a short symlink has no extents, a long one exactly one"),
    Check(48, "inode-device", "a device node has no blocks and a device number"),
    Check(49, "inode-inline-attributes", "inline attributes have their area for themselves (Linux)"),
    Check(50, "inode-attributes", "the list of attributes fits its extent and has no loose ends (Linux)"),
    Check(51, "inode-attribute-objects", "attribute objects exist and are marked as such (AIX, format 2)"),
    Check(52, "xtree-flag", "a node of an extent tree is either leaf or internal"),
    Check(53, "xtree-capacity", "it has the capacity of its kind"),
    Check(54, "xtree-count", "its entries are within its capacity, pages are not empty"),
    Check(55, "xtree-self", "a page of an extent tree is one page long and knows its place"),
    Check(56, "xtree-order", "the extents of a file ascend and do not overlap"),
    Check(57, "xtree-routers", "the keys of a page lie between its router and the next"),
    Check(58, "xtree-shape", "all leaves are equally deep, siblings are chained completely"),
    Check(59, "xtree-left-edge", "the first router of a root has offset 0"),
    Check(60, "dtree-flag", "a node of a directory is either leaf or internal"),
    Check(61, "dtree-page-size", "a page of a directory has a possible size and knows its place"),
    Check(62, "dtree-table-place", "the sorted table of a directory page lies inside the page"),
    Check(63, "dtree-slots", "header, sorted table, entries and free list share the slots without rest"),
    Check(64, "dtree-free-list", "the free list is as long as counted, its links are slots"),
    Check(65, "dtree-chains", "an entry has the slots that its name needs"),
    Check(66, "dtree-order", "the names of a directory ascend"),
    Check(67, "dtree-routers", "the names of a page lie between its router and the next"),
    Check(68, "dtree-left-edge", "the left edge's router is empty, every other is not"),
    Check(69, "dtree-empty-page", "no page of a directory is empty"),
    Check(70, "dtree-shape", "all leaves are equally deep, siblings are chained completely"),
    Check(71, "entry-name", "the name is possible"),
    Check(72, "entry-inode", "the inode of an entry is in use"),
    Check(73, "directory-parent", "a directory has one name, and knows the directory that it is in"),
    Check(74, "inode-reachable", "every inode in use is reached from the root"),
    Check(75, "directory-index", "index and entries of a directory point to each other (Linux)"),
    Check(76, "bmap-geometry", "the block map describes this file system's geometry"),
    Check(77, "dmap-blocks", "a page of the block map covers its blocks and no others"),
    Check(78, "dmap-owned", "the blocks marked in use are those that have an owner"),
    Check(79, "bmap-counts", "free blocks are counted right"),
    Check(80, "bmap-tree-constants", "the trees of the block map have the constants of their level"),
    Check(81, "bmap-trees", "the trees of the block map follow from its bits"),
    Check(82, "bmap-preferred", "highest used and preferred allocation group are possible"),
    Check(83, "bmap-unused-levels", "control pages that are not needed are not in use", warning=True),
    Check(84, "log-superblock", "the log was closed, and its superblock describes it"),
    Check(85, "log-pages", "the pages of the log follow each other with one break, none is torn"),
    Check(
        86, "log-end", "the log ends with the sync point of a clean close, or with the last record that a replay found"
    ),
    Check(87, "quota-file", "a quota file has its magic and version (AIX)"),
    Check(88, "snapshot-series", "the snapshot series counts the snapshots of its ring (AIX)"),
)

CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
"""Every check by its name, in the order of their numbers."""
