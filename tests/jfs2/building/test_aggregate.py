"""The superblock of a new file system, field by field."""

from lvmfmt.jfs2 import FileSystem, InlineLog
from lvmfmt.jfs2.building.aggregate import AGGREGATE_INODES, build_superblock
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.superblock.format_options import Features, Identity


def test_a_superblock(built) -> None:
    with FileSystem.open(built(AIX)) as fs:
        geometry = fs.superblock.geometry
    page = build_superblock(geometry, AIX, now=5 * 10**9 + 7, log=InlineLog(), identity=Identity(), features=Features())
    row = AIX.structures.superblock.table(page[: AIX.structures.superblock.size], 1)[0]
    assert len(page) == 4096 and page[:4] == b"J2FS" and AGGREGATE_INODES == (1, 2, 3, 4, 16)
    assert (row["s_version"], row["s_state"], row["s_fsckloglen"]) == (1, 0, 50)
    assert (row["s_bsize"], row["s_l2bsize"], row["s_pbsize"], row["s_l2pbsize"], row["s_l2bfactor"]) == (
        4096,
        12,
        512,
        9,
        3,
    )
    assert row["s_size"] == geometry.blocks * 8 and row["s_agsize"] == geometry.ag_size
    assert (row["s_time"]["tv_sec"], row["s_time"]["tv_nsec"]) == (5, 7)
    assert row["s_flag"] & 0x900 == 0x900
