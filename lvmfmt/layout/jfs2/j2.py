"""AIX JFS2: magic `J2FS`, every integer big-endian, 64-bit inode numbers, names of bytes.

Source: [jfs2 2]; what published sessions and dumps of AIX show is in [jfs2 6.4].
"""

from __future__ import annotations

from typing import Any

import construct as c

from ..record import BIG, Field, Grade, Record, array, text
from .common import PAGE, Declarations, attribute_list, shared
from .structures import Structures

_D = Declarations("j2", BIG, (Grade.B, "H"), "P", "H")
_f, _seen, _reserved, _unknown, _record = _D.field, _D.seen, _D.reserved, _D.unknown, _D.record
_i = BIG
_shared = shared(_D)
_pxd = _shared["pxd"]

_time = _record(
    "time",
    "time stamp",
    16,
    "superblock, inodes, snapshots",
    _seen("tv_sec", _i.s64, "seconds since 1970"),
    _f("tv_nsec", _i.s32, "nanoseconds"),
    _reserved("tv_pad", 4),
)

_dxd = _record(
    "dxd",
    "data extent descriptor",
    16,
    "byte 240 of an inode",
    _f("flag", _i.u8, "0x80 B+-tree, 0x40 inline, 0x20 extent, 0x10 inode number, 0x08 corrupt"),
    _reserved("rsrvd1", 3),
    _reserved("rsrvd2", 4),
    _f("xd", _pxd, "where the data is"),
)

EAD = _record(
    "ead",
    "descriptor of extended attributes, format 1",
    16,
    "byte 128 of an inode",
    _f("flag", _i.u8, "0 for format 1; bits of a dxd for where the data is"),
    _f("nEntry", _i.u8, "number of attributes"),
    _f("len", _i.u8, "blocks of the extent"),
    _f("addr_hi", _i.u8, "bits 39 to 32 of the block address"),
    _f("addr_lo", _i.u32, "bits 31 to 0 of the block address"),
    _f("type", _i.u16, "type"),
    _f("nblocks", _i.s16, "blocks of out-of-line pages"),
    _reserved("rsrvd", 4),
)

EA_ROOT = _record(
    "ea_root",
    "root of extended attributes, format 2",
    96,
    "byte 128 of an inode",
    _f("eaFlag", _i.u8, "1 for format 2"),
    _reserved("rsrvd", 7),
    _f("eaDirectory", _i.u64, "inode of the directory whose entries are the attributes"),
    _f("eaMode", _i.u64, "extended mode"),
    _f("eaACL", _i.u64, "inode of the ACL object"),
    _f("entries", array(8, _i.u64), "root entries; in an ACL object its type, owner and 6 entries"),
)

EA_LIST, EA_HEAD = attribute_list(
    _D,
    _unknown,
    "head of a list of extended attributes, format 1; the form of the value is our own choice",
    "the extent of a j2_ead",
)

SNAPSHOT_SUMMARY = _record(
    "snapshot_summary",
    "one generation of the snapshot series",
    64,
    "snapshot series of the superblock",
    _f("attribute", _i.u32, "attributes"),
    _f("state", _i.u32, "1 deleting, 2 in progress or persistent, 4 current, 8 aborted, 0x10 no device"),
    _f("timestamp", _time, "when it was made"),
    _f("device", _i.u64, "device that stores it"),
    _f("iNumber", _i.u64, "inode that stores it"),
    _f("gNumber", _i.u32, "generation number"),
    _f("type", _i.u32, "type"),
    _f("memory", array(2, _i.u64), "used in memory only"),
)

SNAPSHOT_SERIES = _record(
    "snapshot_series",
    "ring of up to 15 snapshot generations",
    992,
    "byte 1056 of the superblock",
    _f("nSnapshot", _i.s32, "number of snapshots"),
    _f("first", _i.s32, "oldest generation"),
    _f("last", _i.s32, "newest generation"),
    _reserved("rsrvd", 20),
    _f("generation", array(15, SNAPSHOT_SUMMARY), "the generations"),
)

_superblock = _record(
    "superblock",
    "superblock",
    2048,
    "bytes 0x8000 and 0xF000",
    _seen("s_magic", text(4), '"J2FS"'),
    _seen("s_version", _i.u32, "1; 2 when any feature word is not zero"),
    _seen("s_time", _time, "last update"),
    _f("s_fname", text(6), "name of the file system"),
    _f("s_fpack", text(6), "name of the volume"),
    _reserved("s_rsvname", 20),
    _seen("s_size", _i.s64, "usable size in blocks of 512 bytes"),
    _seen("s_bsize", _i.s32, "bytes of a block"),
    _seen("s_l2bsize", _i.s32, "log2 of the block size"),
    _seen("s_pbsize", _i.s32, "bytes of a physical block, 512"),
    _seen("s_l2pbsize", _i.s32, "log2 of the physical block size, 9"),
    _seen("s_l2bfactor", _i.s32, "log2 of the physical blocks of a block"),
    _seen("s_agsize", _i.u32, "blocks of an allocation group"),
    _seen("s_flag", _i.u32, "attributes: 0x100 group commit, 0x800 inline log"),
    _f("s_state", _i.u32, "0 clean, 1 mounted, 2 dirty, 4 replay failed, 0x1000 and 0x2000 frozen"),
    _f("s_ait", _pxd, "first extent of the aggregate inode table"),
    _f("s_ait2", _pxd, "second extent of the aggregate inode table"),
    _reserved("s_rsv1", 16),
    _seen("s_logdev", _i.u64, "device of the log: bit 63, major in bits 62 to 32, minor in 31 to 0"),
    _seen("s_logpxd", _pxd, "the inline log; zero when external"),
    _f("s_fsckpxd", _pxd, "work space of fsck"),
    _seen("s_logserial", _i.s32, "serial of the log at mount"),
    _seen("s_fsckloglen", _i.s32, "blocks of the service log of fsck"),
    _seen("s_fscklog", _i.s32, "most recent service log: 0, 1 or 2"),
    _seen("s_rsv2", c.Bytes(4), "reserved; kept as read"),
    _seen("s_xsize", _i.s64, "target of extendfs or shrinkfs, in blocks"),
    _f("s_xfsckpxd", _pxd, "new work space of fsck"),
    _seen("s_xlogpxd", _pxd, "new inline log"),
    _f("s_feature_compat", _i.u64, "bit 0 variable inode extents allowed"),
    _f("s_feature_rdonly", _i.u64, "bit 0 snapshots"),
    _f("s_feature_incompat", _i.u64, "bit 0 DMAPI, bit 1 EA format 2, bit 2 variable inode extents, bit 61 lock"),
    _f("s_pevlist", _i.u32, "DMAPI event mask"),
    _f("s_feature_lock", text(36), "name of the command that holds the lock feature"),
    _reserved("s_rsv3", 768),
    _f("s_snapshotMagic", text(4), "snapshot magic"),
    _f("s_snapshotVersion", _i.s32, "1 not persistent, 2 persistent"),
    _f("s_snapshotState", _i.s32, "0x8 when snapshots were aborted"),
    _reserved("s_rsv4", 20),
    _f("s_snapshotSeries", SNAPSHOT_SERIES, "the snapshots"),
)

_inode = _record(
    "inode",
    "disk inode",
    512,
    "inode extents",
    _seen("di_number", _i.u64, "inode number"),
    _seen("di_gen", _i.u32, "generation"),
    _seen("di_fileset", _i.u32, "inode of the inode map: 16 for files, 1 for aggregate inodes"),
    _seen("di_inostamp", _i.u32, "stamp of the aggregate: time of its creation"),
    _reserved("di_rsv1", 4),
    _seen("di_ixpxd", _pxd, "the inode extent it lies in"),
    _seen("di_size", _i.s64, "size in bytes"),
    _seen("di_nblocks", _i.s64, "blocks of data, trees and attributes"),
    _f("di_uid", _i.u32, "owner"),
    _f("di_gid", _i.u32, "group"),
    _seen("di_nlink", _i.s32, "links"),
    _seen("di_mode", _i.u32, "type and permissions in the low 16 bits, attributes above"),
    _seen("di_atime", _time, "last access"),
    _f("di_ctime", _time, "last change of the inode"),
    _f("di_mtime", _time, "last change of the data"),
    _seen("di_otime", _time, "creation"),
    _seen("ea", c.Bytes(96), "extended attributes: a j2_ead or a j2_ea_root"),
    _f("root", c.Bytes(288), "tree root; device number or symlink at byte 32, inline attributes at byte 160"),
)

_dtree_root = _record(
    "dtree_root",
    "header of a directory root",
    32,
    "byte 224 of a directory inode",
    _f("idotdot", _i.u64, "inode of the parent directory"),
    _reserved("rsrvd1", 8),
    _f("flag", _i.u8, "0x83 leaf, 0x85 internal"),
    _f("nextindex", _i.s8, "number of entries"),
    _f("freecnt", _i.s8, "slots on the free list"),
    _f("freelist", _i.s8, "first free slot, -1 for none"),
    _reserved("rsrvd2", 4),
    _f("stbl", array(8, _i.s8), "slots of the entries in key order"),
)

_leaf_slot = _record(
    "dtree_leaf_slot",
    "head slot of a directory entry",
    32,
    "slots of a leaf directory root or page",
    _f("inumber", _i.u64, "inode"),
    _f("next", _i.s8, "next slot of the name, -1 at its end"),
    _f("namlen", _i.u8, "length of the name in bytes"),
    _f("name", c.Bytes(22), "the first 22 bytes of the name"),
)

_log_super = _record(
    "log_superblock",
    "superblock of a log",
    512,
    "page 1 of a log",
    _f("magic", text(4), '"J2XL"'),
    _f("version", _i.s32, "1"),
    _f("serial", _i.s32, "incremented at each open"),
    _f("size", _i.s32, "pages"),
    _f("flag", _i.u32, "s_flag of the file system"),
    _f("state", _i.u32, "0 open, 1 clean, 2 wrapped, 4 I/O error, 0x10 do not replay"),
    _f("end", _i.s32, "address after the last record"),
    _f("active", array(96, _i.u32), "one bit per minor number: file systems that use the log"),
    _reserved("rsrvd", 100),
)


def _log(name: str, title: str, part: list[Field]) -> Record:
    """A log record descriptor whose type part is `part`."""
    fixed = [
        _f("logtid", _i.s32, "transaction; 0 for SYNCPT and MOUNT"),
        _f("backchain", _i.s32, "address of the transaction's record before, 0 for the first"),
        _f("aggregate", _i.u64, "device of the file system"),
        _f("type", _i.u16, "type of the record"),
        _f("length", _i.s16, "bytes of data before the descriptor"),
        _reserved("rsrvd", 4),
    ]
    return _record(name, title, 56, "log pages", *fixed, *part)


def _page(last: tuple[str, str]) -> list[Field]:
    name, meaning = last
    return [
        _f("inode", _i.u64, "inode"),
        _f("pxd", _pxd, "extent of the page"),
        _f("fileset", _i.u32, "fileset"),
        _f("subtype", _i.u16, "what the page or list is"),
        _f(name, _i.s16, meaning),
        _reserved("pad", 8),
    ]


def _rest(size: int) -> Any:
    return _reserved("pad", size)


J2 = Structures(
    **_shared,
    dxd=_dxd,
    time=_time,
    superblock=_superblock,
    inode=_inode,
    dtree_root=_dtree_root,
    leaf_slot=_leaf_slot,
    log_super=_log_super,
    log_record=_log("log_record", "log record of a type without a part of its own (COMMIT, MOUNT)", [_rest(32)]),
    log_redopage=_log(
        "log_redopage", "REDOPAGE, NOREDOPAGE and NOREDOFREE log record", _page(("l2linesize", "log2 of a slot"))
    ),
    log_updatemap=_log("log_updatemap", "UPDATEMAP log record", _page(("nxd", "number of descriptors in the data"))),
    log_syncpt=_log(
        "log_syncpt", "SYNCPT log record", [_f("sync", _i.s32, "where replay may stop, 0 for here"), _rest(28)]
    ),
    log_noredofile=_log(
        "log_noredofile",
        "NOREDOFILE log record",
        [_f("inode", _i.u64, "inode"), _reserved("pad1", 8), _f("fileset", _i.u32, "fileset"), _reserved("pad2", 12)],
    ),
    log_inoext=_log(
        "log_inoext",
        "record of an inode extent; AIX calls it defunct",
        [
            _f("iag", _i.u64, "IAG"),
            _f("pxd", _pxd, "the inode extent"),
            _f("fileset", _i.u32, "fileset"),
            _reserved("pad", 4),
            _f("index", _i.u64, "index of the extent in the IAG"),
        ],
    ),
)
"""The structures of AIX JFS2."""

LOG_XDTABLE = _log(
    "log_xdtable",
    "XDTABLE log record: one descriptor of a table changed",
    [
        _f("parent", _pxd, "page that holds the table"),
        _f("page_index", _i.s32, "index of that page"),
        _f("entry_index", _i.s16, "index of the entry"),
        _f("subtype", _i.u16, "what was allocated, freed or moved"),
        _f("source", _pxd, "extent before"),
        _f("destination", _pxd, "extent after"),
    ],
)
LOG_AIMAP = _log(
    "log_aimap",
    "AIMAP log record: an aggregate inode was allocated or freed",
    [
        _f("subtype", _i.s16, "1 allocated, 2 freed"),
        _reserved("pad", 6),
        _f("inode", _i.u64, "inode"),
        _f("iag", _pxd, "page of the IAG"),
        _f("extent", _pxd, "inode extent"),
    ],
)

QUOTA_LIMIT = _record(
    "quota_limit",
    "quota limits",
    64,
    "/quota.user and /quota.group",
    _f("bhard", _i.u64, "hard limit of 512-byte blocks"),
    _f("bsoft", _i.u64, "soft limit of 512-byte blocks"),
    _f("ihard", _i.u64, "hard limit of inodes"),
    _f("isoft", _i.u64, "soft limit of inodes"),
    _f("btime", _i.s32, "seconds of grace for blocks"),
    _f("itime", _i.s32, "seconds of grace for inodes"),
    _f("flags", _i.u16, "flags"),
    _f("index", _i.u16, "index of this limit"),
    _reserved("pad", 20),
)
QUOTA_USAGE = _record(
    "quota_usage",
    "what one user or group uses",
    32,
    "/quota.user and /quota.group",
    _f("blocks", _i.s64, "512-byte blocks used"),
    _f("inodes", _i.s64, "inodes used"),
    _f("btime", _i.s32, "deadline for blocks"),
    _f("itime", _i.s32, "deadline for inodes"),
    _f("limit", _i.u16, "index of the limit"),
    _f("flags", _i.u16, "flags"),
    _f("id", _i.u32, "user or group"),
)
QUOTA_HEAD = _record(
    "quota_head",
    "head of a quota file",
    64,
    "page 0 of a quota file",
    _f("magic", _i.u64, '"j2quotas"'),
    _f("version", _i.u16, "1"),
    _f("flags", _i.u16, "1 rebuild, 2 recheck"),
    _f("freepages", _i.u32, "first free page"),
    _f("nextlimit", _i.u16, "next limit index"),
    _f("freelimits", _i.u16, "first free limit"),
    _reserved("pad", 44),
)
QUOTA_MARK = (0x6A3271756F746173, 1)
"""Magic ("j2quotas") and version of a quota file."""
QUOTA_CONTROL = _record(
    "quota_control",
    "control page of a quota file",
    PAGE,
    "page 0 of a quota file",
    _f("head", QUOTA_HEAD, "head"),
    _f("usage", array(32, _i.u32), "usage pages: bit 31 referenced, bit 30 available, number below"),
    _f("limits", array(64, _i.u32), "limit pages, likewise"),
    _reserved("pad", 1600),
    _f("limit", array(32, QUOTA_LIMIT), "the first limits"),
)
QUOTA_FREE_PAGE = _record(
    "quota_free_page",
    "free page of a quota file",
    12,
    "pages of a quota file",
    _f("tag", text(4), '"FREE"'),
    _unknown("rest", c.Bytes(8), "links of the free list"),
)

SNAPSHOT_SUPERBLOCK = _record(
    "snapshot_superblock",
    "superblock of a snapshot's storage object",
    168,
    "byte 4096 of a storage object",
    _f("magic", text(4), '"J2SS"'),
    _unknown("rest", c.Bytes(164), "identities, ssTable, segment list, segment size, number of before-images"),
)


def _map_entry() -> list[Field]:
    return [
        _f("flag", _i.u8, "1 in use, 2 copied, 4 inherited, 8 composite, 0x10 initialised, 0x20 locked"),
        _unknown("generation", _i.u16, "generation"),
        _f("addr_hi", _i.u8, "bits 39 to 32 of the block address"),
        _f("addr_lo", _i.u32, "bits 31 to 0 of the block address"),
    ]


SNAPSHOT_MAP_ENTRY = _record(
    "snapshot_map_entry", "sMap entry: one block of a snapshot", 8, "snapshot maps", *_map_entry()
)
SNAPSHOT_SUMMARY_ENTRY = _record(
    "snapshot_summary_entry",
    "ssMap entry: 16384 blocks of a snapshot",
    16,
    "snapshot maps",
    *_map_entry(),
    _f("summary", _i.u64, "two bits per sMap page"),
)
SNAPSHOT_BEFORE_IMAGE = _record(
    "snapshot_before_image",
    "descriptor of a before-image",
    16,
    "segment logs",
    _f("flag", _i.u8, "1"),
    _reserved("rsrvd", 1),
    _f("len", _i.u8, "blocks"),
    _f("addr_hi", _i.u8, "bits 39 to 32 of the block address"),
    _f("addr_lo", _i.u32, "bits 31 to 0 of the block address"),
    _f("xor", _i.u64, "exclusive or of the 64-bit words of the data"),
)
SNAPSHOT_SEGMENT_LOG = _record(
    "snapshot_segment_log",
    "log page of a snapshot segment",
    PAGE,
    "first page of a 128 KiB segment",
    _unknown("head", c.Bytes(128), "next and own segment, number of before-images, checksum"),
    _f("bid", array(248, SNAPSHOT_BEFORE_IMAGE), "the before-images of the segment"),
)

J2_ONLY: tuple[Record, ...] = (
    EAD, EA_ROOT, EA_LIST, EA_HEAD, SNAPSHOT_SUMMARY, SNAPSHOT_SERIES, LOG_XDTABLE, LOG_AIMAP, QUOTA_LIMIT,
    QUOTA_USAGE, QUOTA_HEAD, QUOTA_CONTROL, QUOTA_FREE_PAGE, SNAPSHOT_SUPERBLOCK, SNAPSHOT_MAP_ENTRY,
    SNAPSHOT_SUMMARY_ENTRY, SNAPSHOT_BEFORE_IMAGE, SNAPSHOT_SEGMENT_LOG,
)  # fmt: skip
"""Structures that only AIX JFS2 has."""
