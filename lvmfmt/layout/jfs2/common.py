"""Structures that both dialects lay out alike; only the byte order differs.

Source: [jfs2 2.1, 2.4 to 2.8, 2.13].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import construct as c

from ..record import Field, Grade, Ints, Record, array, field

PAGE = 4096
"""Bytes of a page: tree pages, map pages and log pages."""


class Declarations(NamedTuple):
    """How one dialect declares its structures: catalogue prefix, byte order, and how well its fields are known.

    Attributes:
        prefix: start of the catalogue names, "j2" or "jfs1".
        ints: the integer types.
        usual: grade and source of fields without a remark of their own.
        seen_source: tag of the bytes that the dialect's own system wrote.
        published_source: tag of the published layout.
    """

    prefix: str
    ints: Ints
    usual: tuple[Grade, str]
    seen_source: str
    published_source: str

    def record(self, name: str, title: str, size: int, place: str, *fields: Field) -> Record:
        """A record named in the catalogue as this dialect's."""
        return Record(f"{self.prefix}_{name}", title, size, place, *fields)

    def field(self, name: str, type: Any, meaning: str) -> Field:
        """A field known as well as most of the dialect."""
        return field(name, type, meaning, *self.usual)

    def seen(self, name: str, type: Any, meaning: str) -> Field:
        """A field seen in bytes that the dialect's own system wrote."""
        return field(name, type, meaning, Grade.A, self.seen_source)

    def published(self, name: str, type: Any, meaning: str) -> Field:
        """A field whose layout is published but whose content nobody has shown."""
        return field(name, type, meaning, Grade.B, self.published_source)

    def reserved(self, name: str, size: int) -> Field:
        """Bytes that the published layout reserves; they are kept as read."""
        return field(name, c.Bytes(size), "reserved; kept as read", Grade.B, self.published_source)

    def unknown(self, name: str, type: Any, meaning: str) -> Field:
        """A field whose place inside the structure is our own reading."""
        return field(name, type, meaning, Grade.C, "own")


def attribute_list(
    d: Declarations, field: Callable[[str, Any, str], Field], title: str, place: str
) -> tuple[Record, Record]:
    """Head of a list of extended attributes, and head of an attribute; `field` says how well they are known."""
    return (
        d.record("ea_list", title, 4, place, field("size", d.ints.u32, "bytes of the list, this word included")),
        d.record(
            "ea_head",
            "head of an extended attribute; its name, a NUL and its value follow",
            4,
            "list of extended attributes",
            field("flag", d.ints.u8, "flags"),
            field("namelen", d.ints.u8, "bytes of the name"),
            field("valuelen", d.ints.u16, "bytes of the value"),
        ),
    )


def shared(d: Declarations) -> dict[str, Record]:
    """The records that are the same but for the byte order, by the name they have in `Structures`."""
    i = d.ints
    pxd = d.record(
        "pxd",
        "physical extent descriptor",
        8,
        "inodes, superblocks, inode allocation groups, directory routers",
        d.field("len", i.u24, "length in blocks"),
        d.field("addr_hi", i.u8, "bits 39 to 32 of the block address"),
        d.field("addr_lo", i.u32, "bits 31 to 0 of the block address"),
    )
    xad = d.record(
        "xad",
        "extent allocation descriptor",
        16,
        "extent trees: at 16 * index in a page or root, from index 2",
        d.field("flag", i.u8, "0x01 new, 0x02 extended, 0x04/0x08 allocated but not recorded, 0x10 copy on write"),
        d.reserved("rsvrd", 2),
        d.field("off_hi", i.u8, "bits 39 to 32 of the logical block offset"),
        d.field("off_lo", i.u32, "bits 31 to 0 of the logical block offset"),
        d.field("len", i.u24, "length in blocks"),
        d.field("addr_hi", i.u8, "bits 39 to 32 of the block address"),
        d.field("addr_lo", i.u32, "bits 31 to 0 of the block address"),
    )
    xtree_header = d.record(
        "xtree_header",
        "header of an extent tree page or root",
        32,
        "byte 224 of an inode; start of an extent tree page",
        d.field("next", i.s64, "block of the right sibling, 0 for none"),
        d.field("prev", i.s64, "block of the left sibling, 0 for none"),
        d.field("flag", i.u8, "0x01 root, 0x02 leaf, 0x04 internal, 0x80 in roots (B+-tree)"),
        d.reserved("rsrvd1", 1),
        d.field("nextindex", i.s16, "index after the last entry; 2 means empty"),
        d.field("maxentry", i.s16, "index after the last entry there is room for; 256 in pages"),
        d.reserved("rsrvd2", 2),
        d.field("self", pxd, "extent of this page; zero in a root"),
    )
    dtree_page_header = d.record(
        "dtree_page_header",
        "header of a directory page",
        32,
        "slot 0 of a directory page",
        d.field("next", i.s64, "block of the right sibling, 0 for none"),
        d.field("prev", i.s64, "block of the left sibling, 0 for none"),
        d.field("flag", i.u8, "2 leaf, 4 internal"),
        d.field("nextindex", i.s8, "number of entries"),
        d.field("freecnt", i.s8, "slots on the free list"),
        d.field("freelist", i.s8, "first free slot, -1 for none"),
        d.field("maxslot", i.u8, "slots of the page: 16, 32, 64 or 128"),
        d.field("stblindex", i.s8, "first slot of the sorted entry table"),
        d.reserved("rsrvd", 2),
        d.field("self", pxd, "extent of this page"),
    )
    continuation_slot = d.record(
        "dtree_continuation_slot",
        "continuation of a directory entry, or a free slot",
        32,
        "slots of a directory root or page",
        d.field("next", i.s8, "next slot of the chain or of the free list, -1 at the end"),
        d.field("cnt", i.s8, "a hint for free slots; stale elsewhere"),
        d.field("name", c.Bytes(30), "the next 30 bytes of the name"),
    )
    internal_slot = d.record(
        "dtree_internal_slot",
        "head slot of a router: a child page and the smallest key in it",
        32,
        "slots of an internal directory root or page",
        d.field("pxd", pxd, "extent of the child page"),
        d.field("next", i.s8, "next slot of the key, -1 at its end"),
        d.field("namlen", i.u8, "length of the key in name units; 0 on the left edge"),
        d.field("name", c.Bytes(22), "the first 22 bytes of the key"),
    )
    iagctl = d.record(
        "iagctl",
        "inode counts and lists of one allocation group",
        16,
        "control page of an inode map",
        d.field("inofree", i.s32, "first IAG with free backed inodes, -1 for none"),
        d.field("extfree", i.s32, "first IAG with some unallocated extents, -1 for none"),
        d.field("numinos", i.s32, "backed inodes"),
        d.field("numfree", i.s32, "free backed inodes"),
    )
    dinomap = d.record(
        "dinomap",
        "control page of an inode map",
        PAGE,
        "byte 0x9000; page 0 of the fileset inode map",
        d.field("in_freeiag", i.s32, "first IAG without any extent, -1 for none"),
        d.field("in_nextiag", i.s32, "number of IAGs"),
        d.field("in_numinos", i.s32, "backed inodes"),
        d.field("in_numfree", i.s32, "free backed inodes"),
        d.field("in_nbperiext", i.s32, "blocks of an inode extent"),
        d.field("in_l2nbperiext", i.s32, "log2 of the blocks of an inode extent"),
        d.reserved("in_unused", 8),
        d.reserved("in_rsvd", 2016),
        d.field("in_agctl", array(128, iagctl), "counts and lists per allocation group"),
    )
    iag = d.record(
        "iag",
        "inode allocation group: 128 extents of 32 inodes",
        PAGE,
        "pages of an inode map after its control page",
        d.field("agstart", i.s64, "first block of the allocation group it allocates in"),
        d.field("iagnum", i.s32, "its number"),
        d.field("inofreefwd", i.s32, "next IAG of the group with free backed inodes, -1 for none"),
        d.field("inofreeback", i.s32, "previous one, -1 for none"),
        d.field("extfreefwd", i.s32, "next IAG of the group with unallocated extents, -1 for none"),
        d.field("extfreeback", i.s32, "previous one, -1 for none"),
        d.field("iagfree", i.s32, "next IAG without extents, -1 for none"),
        d.field("inosmap", array(4, i.u32), "one bit per extent: 0 when backed with a free inode"),
        d.field("extsmap", array(4, i.u32), "one bit per extent: 1 when allocated"),
        d.field("nfreeinos", i.s32, "free backed inodes"),
        d.field("nfreeexts", i.s32, "unallocated extents"),
        d.reserved("pad", 1976),
        d.field("wmap", array(128, i.u32), "one bit per inode: 1 in use (working)"),
        d.field("pmap", array(128, i.u32), "one bit per inode: 1 in use (committed)"),
        d.field("inoext", array(128, pxd), "the inode extents; zero for none"),
    )
    dbmap = d.record(
        "dbmap",
        "control page of the block map",
        PAGE,
        "byte 0x10000, page 0 of the block map",
        d.field("dn_mapsize", i.s64, "blocks that the map covers"),
        d.field("dn_nfree", i.s64, "free blocks"),
        d.field("dn_l2nbperpage", i.s32, "log2 of the blocks of a page"),
        d.field("dn_numag", i.s32, "allocation groups"),
        d.field("dn_maxlevel", i.s32, "top control level, 0 to 2"),
        d.field("dn_maxag", i.s32, "highest allocation group in use"),
        d.field("dn_agpref", i.s32, "preferred allocation group"),
        d.field("dn_aglevel", i.s32, "control level that holds an allocation group"),
        d.field("dn_agheight", i.s32, "height in that control page's tree"),
        d.field("dn_agwidth", i.s32, "sub-trees of an allocation group, 1 or 2"),
        d.field("dn_agstart", i.s32, "first tree index at that height"),
        d.field("dn_agl2size", i.s32, "log2 of the blocks of an allocation group"),
        d.field("dn_agfree", array(128, i.s64), "free blocks per allocation group"),
        d.field("dn_agsize", i.s64, "blocks of an allocation group"),
        d.field("dn_maxfreebud", i.s8, "root of the top control page's tree"),
        d.reserved("dn_pad", 3007),
    )
    dmap_tree = d.record(
        "dmap_tree",
        "buddy tree over the 256 words of a dmap",
        360,
        "dmap pages",
        d.field("nleafs", i.s32, "leaves, 256"),
        d.field("l2nleafs", i.s32, "log2 of the leaves, 8"),
        d.field("leafidx", i.s32, "index of the first leaf, 85"),
        d.field("height", i.s32, "levels above the leaves, 4"),
        d.field("budmin", i.s8, "log2 of the blocks of a leaf, 5"),
        d.field("stree", array(341, i.s8), "log2 of the largest free buddy below, -1 for none"),
        d.reserved("pad", 2),
    )
    dmap = d.record(
        "dmap",
        "bit maps of 8192 blocks",
        PAGE,
        "pages of the block map",
        d.field("nblocks", i.s32, "blocks that exist"),
        d.field("nfree", i.s32, "free blocks"),
        d.field("start", i.s64, "first block"),
        d.field("tree", dmap_tree, "buddy tree of wmap"),
        d.reserved("pad", 1672),
        d.field("wmap", array(256, i.u32), "one bit per block, most significant first: 1 in use (working)"),
        d.field("pmap", array(256, i.u32), "one bit per block: 1 in use (committed)"),
    )
    dmapctl = d.record(
        "dmapctl",
        "control page: buddy tree over 1024 dmaps or control pages",
        PAGE,
        "pages of the block map",
        d.field("nleafs", i.s32, "leaves, 1024"),
        d.field("l2nleafs", i.s32, "log2 of the leaves, 10"),
        d.field("leafidx", i.s32, "index of the first leaf, 341"),
        d.field("height", i.s32, "levels above the leaves, 5"),
        d.field("budmin", i.s8, "log2 of the blocks of a leaf: 13, 23 or 33"),
        d.field("stree", array(1365, i.s8), "log2 of the largest free buddy below, -1 for none"),
        d.reserved("pad", 2714),
    )
    log_page_header = d.record(
        "log_page_header",
        "header, and equal trailer, of a log page",
        8,
        "bytes 0 and 4088 of a log page",
        d.field("page", i.u32, "sequence of the page"),
        d.field("rsrvd", i.s16, "not used; may hold stale bytes"),
        d.field("eor", i.s16, "byte after the last record that ends in the page, 8 if none does"),
    )
    log_range = d.record(
        "log_range",
        "descriptor of a changed range, behind its bytes",
        4,
        "data of REDOPAGE and UPDATEMAP log records",
        d.field("offset", i.s16, "first slot"),
        d.field("length", i.s16, "number of slots"),
    )
    return {
        "pxd": pxd,
        "xad": xad,
        "xtree_header": xtree_header,
        "dtree_page_header": dtree_page_header,
        "continuation_slot": continuation_slot,
        "internal_slot": internal_slot,
        "iagctl": iagctl,
        "dinomap": dinomap,
        "iag": iag,
        "dbmap": dbmap,
        "dmap_tree": dmap_tree,
        "dmap": dmap,
        "dmapctl": dmapctl,
        "log_page_header": log_page_header,
        "log_range": log_range,
    }
