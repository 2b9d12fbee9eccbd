"""The pieces of a classic and of a big VGDA: header, LV entries, PV areas, names, trailer.

One copy of a classic VGDA is, in sectors: header 1, LV entries 16, PV areas of 64 each, names 32, trailer 1; with 32 PV
areas that is 2098. Nothing is published about the places in a big one. Ours (grade C, [lvm 9]) scales the classic
one: header 1, LV entries 32, 128 PV areas, names 64, copies of the control blocks 512, trailer 1, in all 8802 sectors,
and a mark in its header without which it is not ours.

Source: [lvm 8, 9]. `D1 (order)` means that a listing prints the members in this order but not where they lie.
"""

from __future__ import annotations

import construct as c

from .record import BIG, A, B, C, Record, field, reserved, text

u8, u16, s16, u32 = BIG.u8, BIG.u16, BIG.s16, BIG.u32

LAYOUT_MARK = b"lvmfmt layout 1"
"""What stands in a structure whose place or meaning is our own choice, so that nobody takes AIX's for ours."""


_HEADER_FIELDS = [
    field("sec", u32, "seconds since 1970 of the last update", A, "L, D1, D2"),
    field("nsec", u32, "nanoseconds of it", A, "D1, D2"),
    field("vg_id", c.Bytes(16), "VGID", A, "L (gap), D2"),
    field("numlvs", s16, "LVs defined", B, "L"),
    field("maxlvs", s16, "LVs possible, the reserved LV 0 included: 256, big 512", B, "L?, D1 (order)"),
    field("pp_size", s16, "log2 of the bytes of a PP", B, "L?, D1 (order)"),
    field("numpvs", s16, "PVs in the group", B, "L?, D1 (order)"),
    field("total_vgdas", s16, "VGDA copies in the whole group", B, "L?, D1 (order)"),
    field("vgda_size", s16, "sectors of one VGDA", B, "L?, D1 (order)"),
    field("quorum", s16, "1 quorum checking on, 0 off", C, "D1 (order), own (offset)"),
    field("auto_varyon", s16, "1 varied on at start, 0 not", C, "D1 (order), own (offset)"),
    field("check_sum", s16, "algorithm unknown, written as 0", C, "D1 (order), own (offset)"),
]

VGDA_HEADER = Record(
    "vgda_header",
    "first sector of a VGDA copy",
    512,
    "VGDA sector 0",
    *_HEADER_FIELDS,
    reserved("reserved", 470, C, "own"),
)

VGDA_HEADER_BIG = Record(
    "vgda_header_big",
    "first sector of a VGDA copy of a big volume group",
    512,
    "VGDA sector 0 of a big volume group",
    *(known._replace(grade=C, source="own (scaled from vgda_header)") for known in _HEADER_FIELDS),
    reserved("reserved1", 22, C, "own"),
    field("layout", text(16), "lvmfmt layout 1: the places in this VGDA are our own choice", C, "own"),
    reserved("reserved2", 432, C, "own"),
)

LV_ENTRY = Record(
    "lv_entry",
    "logical volume; entry i belongs to minor number i + 1",
    32,
    "VGDA sectors 1 to 16, 256 entries; big 1 to 32, 512 entries",
    field("lvname", s16, "index in the name list, from 0", B, "L?, D1"),
    reserved("reserved1", 2, C, "X"),
    field("maxsize", u32, "largest number of LPs allowed", B, "L? (low half), D1"),
    field("lv_state", u8, "0 undefined, 1 defined, 2 stale bit, 4 online mirror backup", C,
          "D1 (order), H, own (width)"),
    field("mirror", u8, "copies: 1, 2, 3", C, "D1 (order), R, own (width)"),
    field("mirror_policy", s16, "1 sequential, 2 parallel, 4 and 8 mixed, 5 striped", C, "D1 (order), H, own (width)"),
    field("num_lps", u32, "LPs", B, "L (low half)"),
    field("permissions", u8, "1 read-write, 2 read-only", C, "D1 (order), R"),
    field("bb_relocation", u8, "bad-block relocation: 1 yes, 2 no", C, "D1 (order), R"),
    field("write_verify", u8, "1 on, 2 off", C, "D1 (order), R"),
    field("mirwrt_consist", u8, "mirror write consistency: 1 on, 2 off, 3 passive", C, "D1 (order), R"),
    field("stripe_exp", u16, "log2 of the bytes of a strip, 0 = not striped", C, "D1 (order), R"),
    field("striping_width", u16, "disks of a stripe, 0 = not striped", C, "D1 (order), R"),
    field("lv_avoid", u16, "mask of backup copies", C, "D1 (order), R"),
    field("child_minor_num", u16, "minor number of the child", C, "D1 (order), R"),
    reserved("reserved2", 4, C, "X"),
)  # fmt: skip

PV_HEADER = Record(
    "pv_header",
    "start of the area of a physical volume",
    32,
    "VGDA sector 17 (big 33) + 64 x (PV - 1), byte 0",
    field("pv_id", c.Bytes(16), "PVID; zero = slot not in use", B, "L (gap), D1, D7"),
    field("pp_count", u16, "PPs on the PV", B, "L, D1"),
    field("pv_state", u8, "1 active, 2 missing, 4 removed, 8 no allocation, 16 stale, 32 hot spare", C,
          "D1 (order), H (values), own (width)"),
    field("pvnum_vgdas", u8, "VGDA copies on this PV: 0, 1, 2", C, "D1 (order), own (offset)"),
    field("psn_part1", u32, "PSN of PP 1", B, "L, D1"),
    reserved("reserved1", 2, C, "own"),
    field("pv_num", u16, "number of the PV, from 1", C, "own"),
    reserved("reserved2", 4, C, "own"),
)  # fmt: skip

PP_ENTRY = Record(
    "pp_entry",
    "physical partition and what it holds",
    32,
    "PV area, byte 32 x PP",
    field("lv_index", u16, "minor number of the LV", B, "L"),
    reserved("reserved1", 2, B, "L?"),
    field("lp_num", u32, "number of the LP, from 1; 0 = free PP", B, "L (low half)"),
    field("copy", u8, "copy of the LP: 1, 2, 3", C, "D1 (value), R (place)"),
    field("pp_state", u8, "0 free, 1 allocated, 2 stale, 4 being resynced, 8 used for the VGDA", C,
          "H (values), D1 (value), R (place)"),
    field("fst_alt_vol", u8, "PV number of the first other copy, 0 none", C, "D1 (value), R (place)"),
    field("snd_alt_vol", u8, "PV number of the second other copy, 0 none", C, "D1 (value), R (place)"),
    field("fst_alt_part", u16, "PP number of the first other copy", C, "D1 (value), R (place)"),
    field("snd_alt_part", u16, "PP number of the second other copy", C, "D1 (value), R (place)"),
    reserved("reserved2", 16, B, "L?"),
)  # fmt: skip

LV_NAME = Record(
    "lv_name",
    "name of a logical volume; slot i belongs to minor number i + 1",
    64,
    "VGDA, 33 sectors before its end, 256 names; big 577 sectors, 512 names",
    field("name", text(64), "NUL-padded name", B, "L, H"),
)

VGDA_TRAILER = Record(
    "vgda_trailer",
    "last sector of a VGDA copy",
    512,
    "VGDA, last sector",
    field("sec", u32, "equal to the header's, else the copy is torn", C, "I7, R (place), own (place)"),
    field("nsec", u32, "equal to the header's", C, "I7, R (place), own (place)"),
    reserved("reserved1", 496, C, "own"),
    field("alt_sec", u32, "the stamp may lie here instead; zero in what we write", C, "own"),
    field("alt_nsec", u32, "the stamp may lie here instead; zero in what we write", C, "own"),
)

RECORDS = (VGDA_HEADER, VGDA_HEADER_BIG, LV_ENTRY, PV_HEADER, PP_ENTRY, LV_NAME, VGDA_TRAILER)
