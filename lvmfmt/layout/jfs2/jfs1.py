"""JFS of Linux and OS/2: magic `JFS1`, every integer little-endian, 32-bit inode numbers, UTF-16 names.

Source: [jfs2 2]; what Linux and jfs_mkfs wrote is in [jfs2 6.1 to 6.3] and in the images of `fixtures/linux-jfs`.
"""

from __future__ import annotations

import construct as c

from ..record import LITTLE, Field, Grade, Record, array, text
from .common import Declarations, attribute_list, shared
from .structures import Structures

_D = Declarations("jfs1", LITTLE, (Grade.A, "T"), "T", "L")
_f, _published, _reserved, _record = _D.field, _D.published, _D.reserved, _D.record
_i = LITTLE
_shared = shared(_D)
_pxd = _shared["pxd"]

_time = _record(
    "time",
    "time stamp",
    8,
    "superblock, inodes",
    _f("tv_sec", _i.u32, "seconds since 1970"),
    _f("tv_nsec", _i.u32, "nanoseconds"),
)

_dxd = _record(
    "dxd",
    "data extent descriptor",
    16,
    "inodes: di_acl, di_ea",
    _f("flag", _i.u8, "0x80 B+-tree, 0x40 inline, 0x20 extent, 0x10 inode number, 0x08 corrupt"),
    _reserved("rsrvd", 3),
    _f("size", _i.u32, "bytes of the data"),
    _f("xd", _pxd, "where the data is"),
)

_superblock = _record(
    "superblock",
    "superblock",
    184,
    "bytes 0x8000 and 0xF000",
    _f("s_magic", text(4), '"JFS1"'),
    _f("s_version", _i.u32, "1 inline log, 2 external log"),
    _f("s_size", _i.s64, "usable size in blocks of 512 bytes"),
    _f("s_bsize", _i.s32, "bytes of a block"),
    _f("s_l2bsize", _i.s16, "log2 of the block size"),
    _f("s_l2bfactor", _i.s16, "log2 of the physical blocks of a block"),
    _f("s_pbsize", _i.s32, "bytes of a physical block, 512"),
    _f("s_l2pbsize", _i.s16, "log2 of the physical block size, 9"),
    _reserved("pad", 2),
    _f("s_agsize", _i.u32, "blocks of an allocation group"),
    _f("s_flag", _i.u32, "attributes: 0x100 group commit, 0x800 inline log, 0x200000 index, 0x10000000 Linux"),
    _f("s_state", _i.u32, "0 clean, 1 mounted, 2 dirty, 4 replay failed, 8 growing"),
    _published("s_compress", _i.s32, "0 for no compression"),
    _f("s_ait2", _pxd, "copy of the aggregate inode table"),
    _f("s_aim2", _pxd, "copy of the aggregate inode map"),
    _f("s_logdev", _i.u32, "device of the log"),
    _f("s_logserial", _i.s32, "serial of the log at mount"),
    _f("s_logpxd", _pxd, "the inline log; zero when external"),
    _f("s_fsckpxd", _pxd, "work space of fsck"),
    _f("s_time", _time, "last update"),
    _f("s_fsckloglen", _i.s32, "blocks of the service log of fsck"),
    _f("s_fscklog", _i.s8, "most recent service log: 0, 1 or 2"),
    _published("s_fpack", text(11), "volume label of OS/2"),
    _f("s_xsize", _i.s64, "target of a resize, in blocks"),
    _f("s_xfsckpxd", _pxd, "new work space of fsck"),
    _f("s_xlogpxd", _pxd, "new inline log"),
    _f("s_uuid", c.Bytes(16), "identity"),
    _published("s_label", text(16), "volume label"),
    _f("s_loguuid", c.Bytes(16), "identity of the external log; not initialised for inline logs"),
)

_inode = _record(
    "inode",
    "disk inode",
    512,
    "inode extents",
    _f("di_inostamp", _i.u32, "stamp of the aggregate: time of its creation"),
    _f("di_fileset", _i.s32, "inode of the inode map: 16 for files, 1 for aggregate inodes"),
    _f("di_number", _i.u32, "inode number"),
    _f("di_gen", _i.u32, "generation"),
    _f("di_ixpxd", _pxd, "the inode extent it lies in"),
    _f("di_size", _i.s64, "size in bytes"),
    _f("di_nblocks", _i.s64, "blocks of data, trees and attributes"),
    _f("di_nlink", _i.u32, "links"),
    _f("di_uid", _i.u32, "owner"),
    _f("di_gid", _i.u32, "group"),
    _f("di_mode", _i.u32, "type and permissions in the low 16 bits, attributes above"),
    _f("di_atime", _time, "last access"),
    _f("di_ctime", _time, "last change of the inode"),
    _f("di_mtime", _time, "last change of the data"),
    _f("di_otime", _time, "creation"),
    _published("di_acl", _dxd, "access control list"),
    _f("di_ea", _dxd, "extended attributes"),
    _f("di_next_index", _i.u32, "next index of the directory table, 2 in fresh inodes"),
    _published("di_acltype", _i.u32, "type of the access control list"),
    _f("dirtable", c.Bytes(96), "directory table: 12 jfs1_dirtable_slot, or the root of its extent tree"),
    _f("root", c.Bytes(288), "tree root; device number or symlink at byte 32, inline attributes at byte 160"),
)

_dtree_root = _record(
    "dtree_root",
    "header of a directory root",
    32,
    "byte 224 of a directory inode",
    _f("DASD", c.Bytes(16), "space limit block of the directory, zero on Linux"),
    _f("flag", _i.u8, "0x83 leaf, 0x85 internal"),
    _f("nextindex", _i.s8, "number of entries"),
    _f("freecnt", _i.s8, "slots on the free list"),
    _f("freelist", _i.s8, "first free slot, -1 for none"),
    _f("idotdot", _i.u32, "inode of the parent directory"),
    _f("stbl", array(8, _i.s8), "slots of the entries in key order"),
)

_leaf_slot = _record(
    "dtree_leaf_slot",
    "head slot of a directory entry, directory index off",
    32,
    "slots of a leaf directory root or page",
    _f("inumber", _i.u32, "inode"),
    _f("next", _i.s8, "next slot of the name, -1 at its end"),
    _f("namlen", _i.u8, "length of the name in UTF-16 units"),
    _f("name", c.Bytes(26), "the first 13 units of the name"),
)

LEAF_SLOT_INDEXED = _record(
    "dtree_leaf_slot_indexed",
    "head slot of a directory entry, directory index on",
    32,
    "slots of a leaf directory root or page",
    _f("inumber", _i.u32, "inode"),
    _f("next", _i.s8, "next slot of the name, -1 at its end"),
    _f("namlen", _i.u8, "length of the name in UTF-16 units"),
    _f("name", c.Bytes(22), "the first 11 units of the name"),
    _f("index", _i.u32, "index in the directory table"),
)

DIRTABLE_SLOT = _record(
    "dirtable_slot",
    "slot of the directory table: where the entry with this index is",
    8,
    "byte 128 of a directory inode; pages of the directory table",
    _reserved("rsrvd", 1),
    _f("flag", _i.u8, "1 valid, 0 free"),
    _f("slot", _i.u8, "position in the sorted entry table"),
    _f("addr_hi", _i.u8, "bits 39 to 32 of the leaf page's block"),
    _f("addr_lo", _i.u32, "bits 31 to 0; 0 for the root; in a free slot the next index"),
)

EA_LIST, EA_HEAD = attribute_list(_D, _f, "head of a list of extended attributes", "byte 384 of an inode, or an extent")

_log_super = _record(
    "log_superblock",
    "superblock of a log",
    2116,
    "page 1 of a log",
    _f("magic", _i.u32, "0x87654321"),
    _f("version", _i.s32, "1"),
    _f("serial", _i.s32, "incremented at each open"),
    _f("size", _i.s32, "pages"),
    _f("bsize", _i.s32, "bytes of a block"),
    _f("l2bsize", _i.s32, "log2 of the block size"),
    _f("flag", _i.u32, "s_flag of the file system"),
    _f("state", _i.u32, "0 open, 1 clean, 2 wrapped, 3 read error"),
    _f("end", _i.s32, "address after the last record"),
    _published("uuid", c.Bytes(16), "identity of an external log"),
    _published("label", text(16), "label of an external log"),
    _published("active", array(128, c.Bytes(16)), "identities of the file systems that use the log"),
)


def _log(name: str, title: str, part: list[Field]) -> Record:
    """A log record descriptor whose type part is `part`."""
    fixed = [
        _f("logtid", _i.s32, "transaction; 0 for SYNCPT and MOUNT"),
        _f("backchain", _i.s32, "address of the transaction's record before, 0 for the first"),
        _f("type", _i.u16, "type of the record"),
        _f("length", _i.s16, "bytes of data before the descriptor"),
        _f("aggregate", _i.u32, "index of the file system in the log's active list; 0 for an inline log"),
    ]
    return _record(name, title, 36, "log pages", *fixed, *part)


def _page(last: tuple[str, str]) -> list[Field]:
    name, meaning = last
    return [
        _f("fileset", _i.u32, "fileset"),
        _f("inode", _i.u32, "inode"),
        _f("subtype", _i.u16, "what the page or list is"),
        _f(name, _i.s16, meaning),
        _f("pxd", _pxd, "extent of the page"),
    ]


JFS1 = Structures(
    **_shared,
    dxd=_dxd,
    time=_time,
    superblock=_superblock,
    inode=_inode,
    dtree_root=_dtree_root,
    leaf_slot=_leaf_slot,
    log_super=_log_super,
    log_record=_log(
        "log_record", "log record of a type without a part of its own (COMMIT, MOUNT)", [_reserved("pad", 20)]
    ),
    log_redopage=_log("log_redopage", "REDOPAGE and NOREDOPAGE log record", _page(("l2linesize", "log2 of a slot"))),
    log_updatemap=_log("log_updatemap", "UPDATEMAP log record", _page(("nxd", "number of descriptors in the data"))),
    log_syncpt=_log(
        "log_syncpt",
        "SYNCPT log record",
        [_f("sync", _i.s32, "where replay may stop, 0 for here"), _reserved("pad", 16)],
    ),
    log_noredofile=_log(
        "log_noredofile",
        "NOREDOFILE log record; Linux never writes it",
        [_published("fileset", _i.u32, "fileset"), _published("inode", _i.u32, "inode"), _reserved("pad", 12)],
    ),
    log_inoext=_log(
        "log_inoext",
        "NOREDOINOEXT log record: an inode extent was freed",
        [
            _f("fileset", _i.u32, "fileset"),
            _f("iag", _i.u32, "IAG"),
            _f("index", _i.u32, "index of the extent in the IAG"),
            _f("pxd", _pxd, "the inode extent"),
        ],
    ),
)
"""The structures of the JFS of Linux and OS/2."""

JFS1_ONLY: tuple[Record, ...] = (LEAF_SLOT_INDEXED, DIRTABLE_SLOT, EA_LIST, EA_HEAD)
"""Structures that only JFS1 has."""
