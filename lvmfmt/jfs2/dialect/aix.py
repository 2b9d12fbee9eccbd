"""JFS2 of AIX."""

from __future__ import annotations

from ...layout.jfs2 import J2, LOG_AIMAP, LOG_XDTABLE
from .byte_order import BIG
from .definition import Dialect
from .inode_form import ATTRIBUTE_OBJECT, SPARSE, Dev64, InodeForm
from .log_form import BTROOT, DTREE, EXTEND, INODE, NEW, TABLE, XTREE, LogForm, common_records
from .log_members import MinorNumbers
from .log_sizes import aix_log_bytes
from .superblock_form import SuperblockForm


def _first_generation(stamp: int) -> int:
    # AIX shows large generation numbers that are no plain counter [jfs2 item 10]
    return stamp * 2654435761 & 0xFFFFFFFF


AIX = Dialect(
    name="aix",
    magic=b"J2FS",
    record_prefix="j2",
    structures=J2,
    byte_order=BIG,
    name_unit=1,
    has_aim2=False,
    unwritten_flag=0x04,
    extent_flags=0x04 | 0x10 | 0x20 | 0x80,
    root_capacities=(18,),
    attribute_descriptor="ead",
    superblock_form=SuperblockForm(
        block_sizes=(512, 1024, 2048, 4096),
        known_flags=0xFC030F01,
        table_places=("s_ait2", "s_ait"),
        identity_fields={"fname": "s_fname", "fpack": "s_fpack", "log_device": "s_logdev"},
        feature_words={
            "s_feature_compat": 1 | 1 << 62,
            "s_feature_rdonly": 1,
            "s_feature_incompat": 7 | 1 << 62,
        },
        quota_files={0x08000000: "/quota.user", 0x04000000: "/quota.group"},
        keeps_snapshots=True,
        mount_sets_time=True,
        frozen_log_stays_open=True,
        shrink_has_state=True,
    ),
    inode_form=InodeForm(
        generator=("ea", 40),
        first_generation=_first_generation,
        devices=Dev64(),
        file_mode=SPARSE,
        directory_mode=SPARSE,
        root_directory_mode=SPARSE,
        attribute_mark=ATTRIBUTE_OBJECT,
        map_mode=SPARSE,  # as the derived vectors have it [jfs2 6.5]
        log_slot=16,
        first_slots=160,
        reserved=(0, 1, 2),
        of_generation_1=(),
        unnamed=(0, 1),
        lost_found=True,
    ),
    log_form=LogForm(
        magic=b"J2XL",
        states={0: "open", 1: "closed", 2: "log wrap", 4: "I/O error", 0x10: "not to be replayed"},
        volume_flag=0x100,
        records=common_records(J2)
        | {
            0x0040: ("AIMAP", LOG_AIMAP),
            0x0020: ("ALLOCINOEXT", J2.log_inoext),
            0x0004: ("XDTABLE", LOG_XDTABLE),
            0x0002: ("NOREDOFREE", J2.log_redopage),
        },
        page_flags=BTROOT | NEW | EXTEND,
        page_kinds={INODE: INODE, XTREE: XTREE, DTREE: DTREE, TABLE: INODE, TABLE | INODE: INODE},
        table_name="SYMLINK",
        members=MinorNumbers(),
        default_bytes=aix_log_bytes,
    ),
)
"""JFS2 of AIX."""
