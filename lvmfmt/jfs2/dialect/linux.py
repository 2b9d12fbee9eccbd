"""JFS of Linux and OS/2."""

from __future__ import annotations

from ...layout.jfs2 import JFS1
from .byte_order import LITTLE
from .definition import Dialect
from .inode_form import INLINE_EA, JOURNAL, SPARSE, Dev32, InodeForm
from .log_form import BTROOT, DIR_XTREE, DTREE, EXTEND, INODE, NEW, TABLE, XTREE, LogForm, common_records
from .log_members import Identities
from .log_sizes import linux_log_bytes
from .superblock_form import SuperblockForm

_DIRECTORY = 0x20000000
_LINUX_PLATFORM, _OS2_NAMES = 0x10000000, 0x40000000


def _first_generation(stamp: int) -> int:
    return 1


LINUX = Dialect(
    name="linux",
    magic=b"JFS1",
    record_prefix="jfs1",
    structures=JFS1,
    byte_order=LITTLE,
    name_unit=2,
    has_aim2=True,
    unwritten_flag=0x08,
    extent_flags=0x04 | 0x08 | 0x10,
    root_capacities=(10, 18),
    attribute_descriptor="dxd",
    superblock_form=SuperblockForm(
        block_sizes=(4096,),
        known_flags=0xF02F1F01,
        table_places=("s_ait2", "s_aim2"),
        identity_fields={"fpack": "s_fpack", "label": "s_label", "uuid": "s_uuid", "log_uuid": "s_loguuid"},
        platform_flags=_LINUX_PLATFORM | _OS2_NAMES,
        refused_flags={_OS2_NAMES: "names without case (s_flag 0x40000000, OS/2)"},
        new_flags=_LINUX_PLATFORM,
        directory_index_flag=0x200000,
        external_log_version=2,
        external_log_named_by_uuid=True,
    ),
    inode_form=InodeForm(
        generator=("dirtable", 8),
        first_generation=_first_generation,
        devices=Dev32(),
        file_mode=SPARSE | INLINE_EA,
        directory_mode=_DIRECTORY,
        root_directory_mode=0,
        system_mark=JOURNAL,
        inline_area_mark=INLINE_EA,
        short_roots=True,
        ends_with_size=True,
        new_values={"di_next_index": 2},
        links_of_inode_0=1,
        log_slot=128,
        first_slots=128,
        reserved=(0, 1, 2, 3),
        of_generation_1=(1, 2),
        unnamed=(0, 1, 3),
        empty=(0, 1, 3),
    ),
    log_form=LogForm(
        magic=0x87654321,
        states={0: "open", 1: "closed", 2: "log wrap", 3: "read error"},
        volume_flag=0x10200100,  # as `jfs_mkfs -J journal_dev` writes it
        records=common_records(JFS1) | {0x0040: ("NOREDOINOEXT", JFS1.log_inoext)},
        page_flags=BTROOT | NEW | EXTEND | DIR_XTREE,
        page_kinds={INODE: INODE, XTREE: XTREE, DTREE: DTREE, TABLE: TABLE},
        table_name="DATA",
        members=Identities(),
        default_bytes=linux_log_bytes,
        repeats_block_size=True,
    ),
)
"""JFS of Linux and OS/2, directories without an index (see `Dialect.with_index`)."""
