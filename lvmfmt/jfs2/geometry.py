"""Size arithmetic: where everything of a file system lies, computed from volume, block and log size.

Source: [jfs2 1.1 to 1.3]; the geometry vectors of [jfs2 6.5] are its test.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import OperationRefused
from ..layout.jfs2.common import PAGE as PAGE
from ..oneline import one_line
from ..units import MIB, align_up, ceil_div

INODE_SIZE = 512
INODES_PER_EXTENT = 32
INODES_PER_PAGE = PAGE // INODE_SIZE
EXTENT_BYTES = INODE_SIZE * INODES_PER_EXTENT
EXTENTS_PER_IAG = 128
INODES_PER_IAG = INODES_PER_EXTENT * EXTENTS_PER_IAG

SUPERBLOCK_OFFSET = 0x8000
AIM_OFFSET = 0x9000
AIT_OFFSET = 0xB000
SUPERBLOCK2_OFFSET = 0xF000
BLOCK_MAP_OFFSET = 0x10000

MIN_VOLUME = 16 * MIB
MAX_BLOCKS = 1 << 40
BLOCKS_PER_DMAP = 8192
MAX_EXTENT = (1 << 24) - 1
"""Blocks of the longest extent."""
BLOCK_SIZES = (512, 1024, 2048, 4096)
FSCK_LOG_PAGES = 50
MAX_FILE_SIZE = (1 << 44) - PAGE


class Geometry(NamedTuple):
    """Places and sizes, in blocks unless the name says otherwise.

    Attributes:
        volume: bytes of the device.
        block_size: bytes of a block.
        blocks: usable blocks (`n` of [jfs2 1.3]; `s_size` counts them in sectors).
        log_blocks: length of the inline log, 0 for an external one; it starts at `log_address`.
        map_pages: pages of the block map file.
        second_table, second_map: where the second inode table and map are in a file system that was resized; 0 in
            others, where they follow the block map.
    """

    volume: int
    block_size: int
    log_blocks: int
    has_aim2: bool
    blocks: int
    fsck_blocks: int
    log_address: int
    ag_log2: int
    second_table: int = 0
    second_map: int = 0

    def __repr__(self) -> str:
        return one_line(self)

    @classmethod
    def of(cls, volume: int, block_size: int = 4096, *, log_bytes: int = 0, has_aim2: bool) -> Geometry:
        """The geometry of a new file system.

        Args:
            volume: bytes of the device; what is left over after whole blocks is not used.
            block_size: 512, 1024, 2048 or 4096.
            log_bytes: length of the inline log, 0 for an external log.
            has_aim2: the Linux dialect keeps a second copy of the aggregate inode map.

        Raises:
            OperationRefused: the volume cannot hold a file system.
        """
        if block_size not in BLOCK_SIZES:
            raise OperationRefused(f"block size {block_size} is not one of {', '.join(map(str, BLOCK_SIZES))}")
        if volume < MIN_VOLUME:
            raise OperationRefused(f"{volume} bytes are less than the smallest file system, 16 MiB")
        total = volume // block_size
        log_blocks = log_bytes // block_size
        log_address = total - log_blocks
        bits = align_up(max(log_address, 0), BLOCKS_PER_DMAP)
        fsck_blocks = (ceil_div(bits, 8 * PAGE) + 1 + FSCK_LOG_PAGES) * (PAGE // block_size)
        blocks = log_address - fsck_blocks
        if blocks > MAX_BLOCKS:
            raise OperationRefused(f"{blocks} blocks are more than the largest file system, 2^40")
        ag_log2 = 13 if blocks < BLOCKS_PER_DMAP * 128 else (blocks - 1).bit_length() - 7
        geometry = cls(
            volume, block_size, log_blocks, has_aim2, blocks, fsck_blocks, log_address if log_blocks else 0, ag_log2
        )
        if geometry.first_free >= blocks:
            raise OperationRefused(f"a log of {log_bytes} bytes leaves no room in a volume of {volume} bytes")
        return geometry

    @property
    def blocks_per_page(self) -> int:
        """Blocks of a 4096-byte page."""
        return PAGE // self.block_size

    @property
    def blocks_per_extent(self) -> int:
        """Blocks of an inode extent (16 KiB)."""
        return EXTENT_BYTES // self.block_size

    @property
    def fsck_address(self) -> int:
        """First block of the work space of fsck, right behind the usable blocks."""
        return self.blocks

    @property
    def ag_size(self) -> int:
        """Blocks of an allocation group."""
        return 1 << self.ag_log2

    @property
    def ag_count(self) -> int:
        """Number of allocation groups, at most 128."""
        return ceil_div(self.blocks, self.ag_size)

    @property
    def max_level(self) -> int:
        """Level of the top control page of the block map."""
        return _level(self.blocks)

    @property
    def ag_level(self) -> int:
        """Level of the control pages that an allocation group is looked up in."""
        return _level(self.ag_size)

    @property
    def ag_height(self) -> int:
        """Height, in that control page's tree, of the nodes that stand for a group."""
        return (self.ag_log2 - (13 + 10 * self.ag_level)) >> 1

    @property
    def ag_width(self) -> int:
        """How many nodes stand for one group: 1 or 2."""
        return 1 << (self.ag_log2 - (13 + 10 * self.ag_level) - 2 * self.ag_height)

    @property
    def ag_start(self) -> int:
        """Tree index of the first node of that height."""
        return int(sum(4**i for i in range(5 - self.ag_height)))

    @property
    def dmap_pages(self) -> int:
        """Pages of block bits, with the spare one at the end."""
        return ceil_div(self.blocks, BLOCKS_PER_DMAP) + 1

    @property
    def map_pages(self) -> int:
        """Pages of the whole block map file."""
        l0 = ceil_div(self.dmap_pages, 1024)
        upper = 1 + ceil_div(l0, 1024) if l0 > 1 else 2
        return 1 + upper + l0 + self.dmap_pages

    @property
    def map_address(self) -> int:
        """First block of the block map."""
        return BLOCK_MAP_OFFSET // self.block_size

    @property
    def map_end(self) -> int:
        """First block behind the block map."""
        return self.map_address + self.map_pages * self.blocks_per_page

    @property
    def aim2(self) -> int:
        """First block of the second aggregate inode map (Linux dialect)."""
        return self.second_map or self.map_end

    @property
    def ait2(self) -> int:
        """First block of the second aggregate inode extent."""
        return self.second_table or self.map_end + (2 * self.blocks_per_page if self.has_aim2 else 0)

    @property
    def table_places(self) -> dict[str, tuple[int, int]]:
        """Address and length in blocks of the aggregate's tables, by the field of the superblock that names them."""
        return {
            "s_ait": (AIT_OFFSET // self.block_size, self.blocks_per_extent),
            "s_ait2": (self.ait2, self.blocks_per_extent),
            "s_aim2": (self.aim2, 2 * self.blocks_per_page),
        }

    @property
    def first_inodes(self) -> int:
        """First block of the fileset's first inode extent."""
        return self.ait2 + self.blocks_per_extent

    @property
    def imap(self) -> int:
        """First block of the fileset's inode map: control page, then IAG 0."""
        return self.first_inodes + self.blocks_per_extent

    @property
    def first_free(self) -> int:
        """First block that a new file system leaves free."""
        return self.imap + 2 * self.blocks_per_page


def _level(blocks: int) -> int:
    return 0 if blocks <= 1 << 23 else 1 if blocks <= 1 << 33 else 2


def dmap_page(dmap: int) -> int:
    """Page number, in the block map file, of the page with the bits of blocks `8192 * dmap` and on."""
    return dmap + (dmap >> 10) + (dmap >> 20) + 4


def l0_page(l0: int) -> int:
    """Page number of the level-0 control page over dmaps `1024 * l0` and on."""
    return l0 * 1024 + l0 + (l0 >> 10) + 3


def l1_page(l1: int) -> int:
    """Page number of the level-1 control page over level-0 pages `1024 * l1` and on."""
    return l1 * ((1 << 20) + (1 << 10) + 1) + 2


L2_PAGE = 1
