"""The LVM records: sizes, grades, and that construct and numpy read the same bytes."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.layout import lvcb, lvm_disk, vgda, vgda_scalable
from lvmfmt.layout.catalog import CATALOG
from lvmfmt.layout.record import Record

# Rows of the published tables by grade. A: a dump tag (D1 to D9) without a doubt about the place. B: a shipped header
# (H) or the Linux driver (L; L? fixes a place too, since the struct is published). C: offset or width assumed (A), only
# recalled or only derived (X). Nested tables count as one field of their parent.
GRADES = {
    # [lvm 2]: 31 rows of the table (the two rows after 0x90 included), id and PVID starred; the last two are one
    # array of four entries and a signature
    "boot_record": {"A": 2, "B": 31},
    # [lvm 2], last paragraph: 8 bytes and two u32 whose byte order is assumed
    "prep_partition": {"B": 8, "C": 2},
    "config_record": {"B": 20},  # [lvm 3]: all H
    "seek_profile": {"B": 3},
    # [lvm 4.1]: 15 rows; D1 gives no value for reloc_len, ltg_shift and the reserved tail
    "lvm_record": {"B": 15},  # [lvm 4.1]: D1 is a listing of values, no bytes
    "lvm_record_scalable": {"B": 30},  # [lvm 4.2]: H only; its last row is reserved
    "bad_block_directory": {"B": 3},  # [lvm 5]: H
    "bad_block_entry": {"B": 2},
    "mwc_record": {"C": 5},  # [lvm 6]: X, inside A
    "mwc_entry": {"C": 2},
    "vgsa": {"A": 7, "C": 1},  # [lvm 7.1]: 6 rows, each D1 or D2, but the size of pv_missing X; two words a stamp
    # [lvm 8.1]: stamp words and VGID dumped; numlvs L, the next five L?; quorum, auto_varyon, check_sum, tail A
    "vgda_header": {"A": 3, "B": 6, "C": 4},
    # [lvm 8.2]: lvname and maxsize D1, num_lps L, everything else "D1 order, R" or X
    "lv_entry": {"B": 3, "C": 13},
    # [lvm 8.3]: PVID, pp_count, psn_part1 L; state, pvnum_vgdas and the last 8 bytes (three fields) A
    "pv_header": {"B": 3, "C": 5},
    # [lvm 8.4]: lv_index, lp_num L and two gaps L?; six members with place R
    "pp_entry": {"B": 4, "C": 6},
    "lv_name": {"B": 1},  # [lvm 8.5]: L, H
    # [lvm 7.2, 7.3, 9, 10]: emulated layouts, assumed throughout
    "vgsa_big": {"C": 8},
    "vgda_header_big": {"C": 15},
    "area_begin": {"C": 3},
    "area_end": {"C": 2},
    "vg_info": {"C": 18},
    "pv_info": {"C": 8},
    "lv_entry_scalable": {"C": 16},
    "pp_entry_scalable": {"C": 9},
    "vgda_trailer": {"C": 5},  # [lvm 8.5]: place R, A
    # [lvm 13]: the 8 bytes of the tag are published with their place; 13.2 is assumed throughout (19 rows, 8 more
    # bytes beside the tag, and the rest of the tag row)
    "lvcb": {"A": 1, "C": 21},
}
SIZES = {
    "boot_record": 512, "prep_partition": 16, "config_record": 512, "seek_profile": 6, "lvm_record": 512,
    "lvm_record_scalable": 512, "bad_block_directory": 22 * 512, "bad_block_entry": 8, "mwc_record": 512,
    "mwc_entry": 8, "vgsa": 4096, "vgda_header": 512, "lv_entry": 32, "pv_header": 32, "pp_entry": 32,
    "lv_name": 64, "vgda_trailer": 512, "lvcb": 512, "vgsa_big": 16384, "vgda_header_big": 512, "area_begin": 16,
    "area_end": 8, "vg_info": 512, "pv_info": 64, "lv_entry_scalable": 128, "pp_entry_scalable": 32,
}  # fmt: skip
OURS = (*lvm_disk.RECORDS, *vgda.RECORDS, *vgda_scalable.RECORDS, *lvcb.RECORDS)


def test_catalog_names_every_record_once():
    assert len(CATALOG) == len({id(r) for r in CATALOG.values()})
    assert all(name == record.name for name, record in CATALOG.items())
    assert {r.name for r in OURS} <= set(CATALOG)
    assert {r.name for r in OURS} == set(GRADES) == set(SIZES)


@pytest.mark.parametrize("name", GRADES)
def test_grades(name: str):
    assert Counter(f.grade.value for f in CATALOG[name].fields()) == GRADES[name]


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str):
    record = CATALOG[name]
    assert record.size == record.struct.sizeof() == record.dtype.itemsize == SIZES[name]


@pytest.mark.parametrize(
    ("name", "field", "offset"),
    [
        # [lvm 2 to 13]: the offsets that a slip would move
        ("boot_record", "boot_code_length", 0x24), ("boot_record", "boot_lv_start", 0x2C),
        ("boot_record", "boot_prg_start", 0x30), ("boot_record", "boot_lv_length", 0x34),
        ("boot_record", "boot_emulation", 0x3D), ("boot_record", "basecs_start", 0x48),
        ("boot_record", "ser_code_length", 0x64), ("boot_record", "ser_emulation", 0x7D),
        ("boot_record", "pv_id", 0x80), ("boot_record", "partitions", 0x1BE), ("boot_record", "signature", 0x1FE),
        ("config_record", "seek", 0x16), ("config_record", "manufacturer_id", 0x34),
        ("config_record", "service_request_number", 0x38), ("config_record", "pv_id", 0x3C),
        ("lvm_record", "vgda_psn", 0x1C), ("lvm_record", "reloc_psn", 0x24), ("lvm_record", "pp_size", 0x2E),
        ("lvm_record", "vgsa_psn", 0x34), ("lvm_record", "version", 0x3C), ("lvm_record", "ltg_shift", 0x40),
        ("lvm_record_scalable", "res_area_len", 0x34), ("lvm_record_scalable", "version", 0x3C),
        ("lvm_record_scalable", "ppsa_psn", 0x40), ("lvm_record_scalable", "vgda_psn", 0xD0),
        ("lvm_record_scalable", "bb_reloc_psn", 0xF0), ("mwc_record", "end_sec", 0x1F8),
        ("vgsa", "stalepp", 0xC), ("vgsa", "factor", 0xFEC), ("vgsa", "end_sec", 0xFF8),
        ("vgda_header", "numlvs", 0x18), ("vgda_header", "vgda_size", 0x22), ("vgda_header", "check_sum", 0x28),
        ("lv_entry", "maxsize", 4), ("lv_entry", "mirror_policy", 0xA), ("lv_entry", "num_lps", 0xC),
        ("lv_entry", "stripe_exp", 0x14), ("lv_entry", "child_minor_num", 0x1A),
        ("pv_header", "pp_count", 0x10), ("pv_header", "pvnum_vgdas", 0x13), ("pv_header", "psn_part1", 0x14),
        ("pv_header", "pv_num", 0x1A), ("pp_entry", "lp_num", 4), ("pp_entry", "copy", 8),
        ("pp_entry", "fst_alt_part", 0xC), ("vgda_trailer", "alt_sec", 504),
        # 7.2 and 10
        ("vgsa_big", "stalepp", 0x18), ("vgsa_big", "factor", 0x3F98), ("vgsa_big", "end_sec", 0x3FF8),
        ("vg_info", "vg_id", 0x10), ("vg_info", "numlvs", 0x20), ("vg_info", "maxpps", 0x38),
        ("vg_info", "next_pp", 0x48), ("pv_info", "first_pp", 0x14), ("pv_info", "psn_part1", 0x18),
        ("pv_info", "pv_num", 0x28), ("lv_entry_scalable", "num_lps", 0x14), ("lv_entry_scalable", "stripe_exp", 0x1C),
        ("lv_entry_scalable", "lv_avoid", 0x20), ("lv_entry_scalable", "name", 0x40),
        ("pp_entry_scalable", "lp_num", 4), ("pp_entry_scalable", "fst_alt_vol", 8),
        ("pp_entry_scalable", "snd_alt_part", 0x10),
        ("lvcb", "type", 0x10), ("lvcb", "created", 0x70), ("lvcb", "relocatable", 0xC0), ("lvcb", "upperbound", 0xC4),
        ("lvcb", "stripe_exp", 0xCC), ("lvcb", "label", 0xD0), ("lvcb", "fs", 0x150), ("lvcb", "lvid_rest", 0x1D0),
    ],
)  # fmt: skip
def test_offsets(name: str, field: str, offset: int):
    assert CATALOG[name].offset_of(field) == offset


@pytest.mark.parametrize("name", CATALOG)
@settings(max_examples=10)
@given(data=st.data())
def test_construct_and_numpy_agree(name: str, data: st.DataObject):
    record = CATALOG[name]
    seed = data.draw(st.integers(0, 2**32 - 1))
    raw = np.random.default_rng(seed).integers(0, 256, record.size, np.uint8)
    raw[raw < data.draw(st.sampled_from([0, 128]))] = 0  # texts with NULs at their end, numbers with a sign
    parsed = record.parse(raw.tobytes())
    row = record.table(raw.tobytes())[0]
    for field in record.fields():
        assert _same(parsed[field.name], row[field.name]), field.name
    assert record.build(parsed) == raw.tobytes()


def _same(value: Any, cell: Any) -> bool:
    if isinstance(value, bytes):
        return value == (cell if isinstance(cell, bytes) else cell.tobytes())
    if isinstance(value, dict):
        return all(_same(value[name], cell[name]) for name in cell.dtype.names)
    if isinstance(value, list):
        return len(value) == len(cell) and all(_same(v, c) for v, c in zip(value, cell, strict=True))
    if isinstance(cell, np.ndarray):  # an integer of three bytes
        return sorted(int(value).to_bytes(len(cell), "big")) == sorted(cell.tobytes())
    return bool(value == cell)


def test_record_of_another_size_is_refused():
    with pytest.raises(ValueError, match="add up to"):
        Record("wrong", "", 1, "")
