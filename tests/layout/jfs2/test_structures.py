"""Structures of both JFS2 dialects against the sizes and offsets of [jfs2 2], and how well they are known."""

from collections import Counter

import numpy as np
import pytest

from lvmfmt.layout.jfs2 import J2, J2_RECORDS, JFS1, JFS1_RECORDS
from lvmfmt.layout.jfs2.structures import Structures

JFS2_RECORDS = J2_RECORDS + JFS1_RECORDS
BY_NAME = {record.name: record for record in JFS2_RECORDS}

COMMON_SIZES = {  # [jfs2 2.13]
    "pxd": 8, "xad": 16, "xtree_header": 32, "dtree_page_header": 32, "dtree_continuation_slot": 32,
    "dtree_internal_slot": 32, "iagctl": 16, "dinomap": 4096, "iag": 4096, "dbmap": 4096, "dmap_tree": 360,
    "dmap": 4096, "dmapctl": 4096, "log_page_header": 8, "log_range": 4,
}  # fmt: skip
J2_SIZES = {
    "dxd": 16, "ead": 16, "ea_root": 96, "ea_list": 4, "ea_head": 4, "time": 16, "snapshot_summary": 64,
    "snapshot_series": 992,
    "superblock": 2048, "inode": 512, "dtree_root": 32, "dtree_leaf_slot": 32, "log_superblock": 512,
    "log_record": 56, "log_redopage": 56, "log_updatemap": 56, "log_xdtable": 56, "log_inoext": 56, "log_syncpt": 56,
    "log_noredofile": 56, "log_aimap": 56, "quota_limit": 64, "quota_usage": 32, "quota_head": 64,
    "quota_control": 4096, "quota_free_page": 12, "snapshot_superblock": 168, "snapshot_map_entry": 8,
    "snapshot_summary_entry": 16, "snapshot_before_image": 16, "snapshot_segment_log": 4096,
}  # fmt: skip
JFS1_SIZES = {
    "dxd": 16, "time": 8, "superblock": 184, "inode": 512, "dtree_root": 32, "dtree_leaf_slot": 32,
    "dtree_leaf_slot_indexed": 32, "dirtable_slot": 8, "log_superblock": 2116, "log_record": 36, "log_redopage": 36,
    "log_updatemap": 36, "log_inoext": 36, "log_syncpt": 36, "log_noredofile": 36, "ea_list": 4, "ea_head": 4,
}  # fmt: skip


def test_sizes() -> None:
    expected = {f"j2_{n}": s for n, s in (COMMON_SIZES | J2_SIZES).items()}
    expected |= {f"jfs1_{n}": s for n, s in (COMMON_SIZES | JFS1_SIZES).items()}
    assert {record.name: record.size for record in JFS2_RECORDS} == expected


@pytest.mark.parametrize(
    ("name", "offsets"),  # [jfs2 2.2 to 2.8]
    [
        ("j2_superblock", {"s_time": 8, "s_fname": 24, "s_fpack": 30, "s_size": 56, "s_agsize": 84, "s_flag": 88,
                           "s_state": 92, "s_ait": 96, "s_ait2": 104, "s_logdev": 128, "s_logpxd": 136,
                           "s_fsckpxd": 144, "s_logserial": 152, "s_fscklog": 160, "s_xsize": 168, "s_xlogpxd": 184,
                           "s_feature_compat": 192, "s_feature_incompat": 208, "s_feature_lock": 220,
                           "s_snapshotMagic": 1024, "s_snapshotSeries": 1056}),
        ("jfs1_superblock", {"s_size": 8, "s_l2bsize": 20, "s_l2bfactor": 22, "s_pbsize": 24, "s_l2pbsize": 28,
                             "s_agsize": 32, "s_flag": 36, "s_state": 40, "s_ait2": 48, "s_aim2": 56, "s_logdev": 64,
                             "s_logserial": 68, "s_logpxd": 72, "s_fsckpxd": 80, "s_time": 88, "s_fsckloglen": 96,
                             "s_fscklog": 100, "s_fpack": 101, "s_xsize": 112, "s_xfsckpxd": 120, "s_xlogpxd": 128,
                             "s_uuid": 136, "s_label": 152, "s_loguuid": 168}),
        ("j2_inode", {"di_gen": 8, "di_fileset": 12, "di_inostamp": 16, "di_ixpxd": 24, "di_size": 32,
                      "di_nblocks": 40, "di_uid": 48, "di_gid": 52, "di_nlink": 56, "di_mode": 60, "di_atime": 64,
                      "di_ctime": 80, "di_mtime": 96, "di_otime": 112, "ea": 128, "root": 224}),
        ("jfs1_inode", {"di_fileset": 4, "di_number": 8, "di_gen": 12, "di_ixpxd": 16, "di_size": 24,
                        "di_nblocks": 32, "di_nlink": 40, "di_uid": 44, "di_gid": 48, "di_mode": 52, "di_atime": 56,
                        "di_ctime": 64, "di_mtime": 72, "di_otime": 80, "di_acl": 88, "di_ea": 104,
                        "di_next_index": 120, "di_acltype": 124, "dirtable": 128, "root": 224}),
        ("j2_dtree_root", {"idotdot": 0, "flag": 16, "nextindex": 17, "freecnt": 18, "freelist": 19, "stbl": 24}),
        ("jfs1_dtree_root", {"flag": 16, "nextindex": 17, "freecnt": 18, "freelist": 19, "idotdot": 20, "stbl": 24}),
        ("j2_dtree_page_header", {"flag": 16, "freelist": 19, "maxslot": 20, "stblindex": 21, "self": 24}),
        ("j2_dtree_leaf_slot", {"next": 8, "namlen": 9, "name": 10}),
        ("jfs1_dtree_leaf_slot", {"next": 4, "namlen": 5, "name": 6}),
        ("jfs1_dtree_leaf_slot_indexed", {"name": 6, "index": 28}),
        ("j2_xtree_header", {"flag": 16, "nextindex": 18, "maxentry": 20, "self": 24}),
        ("j2_dinomap", {"in_agctl": 2048}),
        ("jfs1_iag", {"inosmap": 32, "extsmap": 48, "nfreeinos": 64, "wmap": 2048, "pmap": 2560, "inoext": 3072}),
        ("jfs1_dbmap", {"dn_agl2size": 52, "dn_agfree": 56, "dn_agsize": 1080, "dn_maxfreebud": 1088}),
        ("j2_dmap", {"start": 8, "tree": 16, "wmap": 2048, "pmap": 3072}),
        ("j2_dmapctl", {"stree": 17}),
        ("j2_log_superblock", {"flag": 16, "state": 20, "end": 24, "active": 28}),
        ("jfs1_log_superblock", {"bsize": 16, "flag": 24, "end": 32, "uuid": 36, "active": 68}),
        ("j2_log_redopage", {"aggregate": 8, "type": 16, "length": 18, "inode": 24, "pxd": 32, "fileset": 40,
                             "subtype": 44, "l2linesize": 46}),
        ("jfs1_log_redopage", {"type": 8, "length": 10, "aggregate": 12, "fileset": 16, "inode": 20, "subtype": 24,
                               "l2linesize": 26, "pxd": 28}),
        ("j2_log_xdtable", {"parent": 24, "page_index": 32, "entry_index": 36, "subtype": 38, "source": 40}),
        ("j2_log_aimap", {"subtype": 24, "inode": 32, "iag": 40, "extent": 48}),
        ("j2_log_inoext", {"iag": 24, "pxd": 32, "fileset": 40, "index": 48}),
        ("jfs1_log_inoext", {"fileset": 16, "iag": 20, "index": 24, "pxd": 28}),
        ("j2_log_noredofile", {"inode": 24, "fileset": 40}),
        ("j2_ea_root", {"eaDirectory": 8, "eaMode": 16, "eaACL": 24, "entries": 32}),
        ("j2_quota_control", {"usage": 64, "limits": 192, "limit": 2048}),
    ],
)  # fmt: skip
def test_offsets(name: str, offsets: dict[str, int]) -> None:
    record = BY_NAME[name]
    assert {field: record.offset_of(field) for field in offsets} == offsets


@pytest.mark.parametrize("record", JFS2_RECORDS, ids=lambda r: r.name)
def test_numpy_and_construct_read_the_same_bytes(record) -> None:
    raw = np.random.default_rng(record.size).integers(0, 256, record.size, np.uint8).tobytes()
    assert record.build(record.parse(raw)) == raw
    assert record.table(raw).tobytes() == raw


def test_both_dialects_offer_the_same_structures() -> None:
    assert isinstance(J2, Structures) and isinstance(JFS1, Structures)
    for name, record in J2._asdict().items():
        assert record.name.startswith("j2_") and getattr(JFS1, name).name.startswith("jfs1_")


GRADES = {
    # observed (A): what [jfs2 6.4] shows of AIX, and what Linux wrote; C: places that are our own reading
    "j2_pxd": "B3", "j2_xad": "B7", "j2_dxd": "B4", "j2_time": "A1 B2", "j2_superblock": "A19 B20",
    "j2_inode": "A12 B6", "j2_xtree_header": "B8", "j2_dtree_root": "B8", "j2_dtree_page_header": "B10",
    "j2_dtree_leaf_slot": "B4", "j2_dtree_internal_slot": "B4", "j2_dtree_continuation_slot": "B3",
    "j2_iagctl": "B4", "j2_dinomap": "B9", "j2_iag": "B15", "j2_dbmap": "B16", "j2_dmap_tree": "B7", "j2_dmap": "B7",
    "j2_dmapctl": "B7", "j2_log_superblock": "B9", "j2_log_page_header": "B3", "j2_log_range": "B2",
    "j2_log_record": "B7", "j2_log_redopage": "B12", "j2_log_updatemap": "B12", "j2_log_syncpt": "B8",
    "j2_log_noredofile": "B10", "j2_log_inoext": "B11", "j2_ead": "B8", "j2_ea_root": "B6",
    "j2_ea_list": "C1", "j2_ea_head": "C3",
    "j2_snapshot_summary": "B8", "j2_snapshot_series": "B5", "j2_log_xdtable": "B12", "j2_log_aimap": "B11",
    "j2_quota_limit": "B9", "j2_quota_usage": "B7", "j2_quota_head": "B7", "j2_quota_control": "B5",
    "j2_quota_free_page": "B1 C1", "j2_snapshot_superblock": "B1 C1", "j2_snapshot_map_entry": "B3 C1",
    "j2_snapshot_summary_entry": "B4 C1", "j2_snapshot_before_image": "B6", "j2_snapshot_segment_log": "B1 C1",
    "jfs1_pxd": "A3", "jfs1_xad": "A6 B1", "jfs1_dxd": "A3 B1", "jfs1_time": "A2", "jfs1_superblock": "A25 B4",
    "jfs1_inode": "A19 B2", "jfs1_xtree_header": "A6 B2", "jfs1_dtree_root": "A7", "jfs1_dtree_page_header": "A9 B1",
    "jfs1_dtree_leaf_slot": "A4", "jfs1_dtree_internal_slot": "A4", "jfs1_dtree_continuation_slot": "A3",
    "jfs1_iagctl": "A4", "jfs1_dinomap": "A7 B2", "jfs1_iag": "A14 B1", "jfs1_dbmap": "A15 B1",
    "jfs1_dmap_tree": "A6 B1", "jfs1_dmap": "A6 B1", "jfs1_dmapctl": "A6 B1", "jfs1_log_superblock": "A9 B3",
    "jfs1_log_page_header": "A3", "jfs1_log_range": "A2", "jfs1_log_record": "A5 B1", "jfs1_log_redopage": "A10",
    "jfs1_log_updatemap": "A10", "jfs1_log_syncpt": "A6 B1", "jfs1_log_noredofile": "A5 B3", "jfs1_log_inoext": "A9",
    "jfs1_dtree_leaf_slot_indexed": "A5", "jfs1_dirtable_slot": "A4 B1", "jfs1_ea_list": "A1", "jfs1_ea_head": "A3",
}  # fmt: skip


def test_fields_per_structure_and_grade() -> None:
    counts = {}
    for record in JFS2_RECORDS:
        found = Counter(info.grade.value for info in record.fields())
        counts[record.name] = " ".join(f"{grade}{found[grade]}" for grade in "ABC" if found[grade])
    assert counts == GRADES
