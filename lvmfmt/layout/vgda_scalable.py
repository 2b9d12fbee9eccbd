"""The areas of a scalable volume group.

Published are their names, their lengths and PSNs in the LVM record, and what they count (H). What is inside is not:
all of this is our own choice [lvm 7.3, 10]. Order on the disk: ppsa, pv_miss, mwc_db (together the VGSA),
vg_info, pv_info, lvcb_info, lvea, ppea (together the VGDA), then the same again. Every area starts with a time stamp
and a mark and ends with the same time stamp; all areas of one copy carry one stamp. Tables start at byte 16 of their
area, the control blocks of lvcb_info at sector 1. The bit tables count from the lowest bit: ppsa one bit a PP entry,
pv_miss one a PV, mwc_db one an LV.
"""

from __future__ import annotations

import construct as c

from .record import BIG, C, Record, field, reserved, text

u8, u16, u32, u64 = BIG.u8, BIG.u16, BIG.u32, BIG.u64

AREA_MARK = b"lvmfmt1"
"""What stands in every area whose inside is our own choice."""

_BEGIN = (
    field("sec", u32, "seconds since 1970 of the last update", C, "own"),
    field("nsec", u32, "nanoseconds of it", C, "own"),
    field("layout", text(8), "lvmfmt1: the inside of this area is our own choice", C, "own"),
)
_END = (
    field("end_sec", u32, "equal to the stamp at the start, else the copy is torn", C, "own"),
    field("end_nsec", u32, "equal to the stamp at the start", C, "own"),
)

AREA_BEGIN = Record("area_begin", "first bytes of an area of a scalable volume group", 16, "area, byte 0", *_BEGIN)

AREA_END = Record("area_end", "last bytes of an area of a scalable volume group", 8, "area, last 8 bytes", *_END)

VG_INFO = Record(
    "vg_info",
    "the group itself",
    512,
    "area vg_info, 1 sector",
    *_BEGIN,
    field("vg_id", c.Bytes(16), "VGID", C, "own"),
    field("numlvs", u32, "LVs defined", C, "own"),
    field("maxlvs", u32, "LVs possible, the reserved LV 0 included: 256 to 4096", C, "own, H (limits)"),
    field("pp_size", u32, "log2 of the bytes of a PP", C, "own"),
    field("numpvs", u32, "PVs in the group", C, "own"),
    field("maxpvs", u32, "PVs possible: 1024", C, "own, H (limit)"),
    field("total_vgdas", u32, "VGDA copies in the whole group", C, "own"),
    field("maxpps", u32, "PPs possible in the whole group: 32768 to 2097152", C, "own, H (limits)"),
    field("quorum", u32, "1 quorum checking on, 0 off", C, "own"),
    field("auto_varyon", u32, "1 varied on at start, 0 not", C, "own"),
    field("ltg_shift", u32, "log2 of the bytes of an LTG", C, "own"),
    field("next_pp", u32, "the PP entries from here on belong to no PV", C, "own"),
    reserved("reserved", 428, C, "own"),
    *_END,
)

PV_INFO = Record(
    "pv_info",
    "physical volume of a scalable volume group",
    64,
    "area pv_info, byte 16 + 64 x (PV - 1)",
    field("pv_id", c.Bytes(16), "PVID; zero = slot not in use", C, "own"),
    field("pp_count", u32, "PPs on the PV", C, "own"),
    field("first_pp", u32, "index of the entry of PP 1 in the table of PP entries", C, "own"),
    field("psn_part1", u64, "PSN of PP 1", C, "own"),
    field("pv_state", u32, "1 active, 2 missing, 4 removed, 8 no allocation, 16 stale, 32 hot spare", C,
          "own, H (values)"),
    field("pvnum_vgdas", u32, "VGDA copies on this PV: 0, 1, 2", C, "own"),
    field("pv_num", u32, "number of the PV, from 1", C, "own"),
    reserved("reserved", 20, C, "own"),
)  # fmt: skip

LV_ENTRY_SCALABLE = Record(
    "lv_entry_scalable",
    "logical volume of a scalable volume group",
    128,
    "area lvea, byte 16 + 128 x (minor - 1)",
    field("minor", u32, "minor number, from 1", C, "own"),
    field("maxsize", u32, "largest number of LPs allowed", C, "own"),
    field("lv_state", u32, "0 undefined, 1 defined, 2 stale bit, 4 online mirror backup", C, "own, H (values)"),
    field("mirror", u32, "copies: 1, 2, 3", C, "own"),
    field("mirror_policy", u32, "1 sequential, 2 parallel, 4 and 8 mixed, 5 striped", C, "own, H (values)"),
    field("num_lps", u32, "LPs", C, "own"),
    field("permissions", u8, "1 read-write, 2 read-only", C, "own, H (values)"),
    field("bb_relocation", u8, "bad-block relocation: 1 yes, 2 no", C, "own, H (values)"),
    field("write_verify", u8, "1 on, 2 off", C, "own, H (values)"),
    field("mirwrt_consist", u8, "mirror write consistency: 1 on, 2 off, 3 passive", C, "own, H (values)"),
    field("stripe_exp", u16, "log2 of the bytes of a strip, 0 = not striped", C, "own"),
    field("striping_width", u16, "disks of a stripe, 0 = not striped", C, "own"),
    field("lv_avoid", u32, "mask of backup copies", C, "own"),
    field("lvname", u32, "entry that holds the name, from 0: its own, minor - 1", C, "own"),
    reserved("reserved", 24, C, "own"),
    field("name", text(64), "NUL-padded name", C, "own"),
)

PP_ENTRY_SCALABLE = Record(
    "pp_entry_scalable",
    "physical partition of a scalable volume group and what it holds",
    32,
    "area ppea, byte 16 + 32 x (first_pp of the PV + PP - 1)",
    field("lv_index", u16, "minor number of the LV", C, "own"),
    field("copy", u8, "copy of the LP: 1, 2, 3", C, "own"),
    field("pp_state", u8, "0 free, 1 allocated, 2 stale, 4 being resynced", C, "own, H (values)"),
    field("lp_num", u32, "number of the LP, from 1; 0 = free PP", C, "own"),
    field("fst_alt_vol", u16, "PV number of the first other copy, 0 none", C, "own"),
    field("snd_alt_vol", u16, "PV number of the second other copy, 0 none", C, "own"),
    field("fst_alt_part", u32, "PP number of the first other copy", C, "own"),
    field("snd_alt_part", u32, "PP number of the second other copy", C, "own"),
    reserved("reserved", 12, C, "own"),
)

RECORDS = (AREA_BEGIN, AREA_END, VG_INFO, PV_INFO, LV_ENTRY_SCALABLE, PP_ENTRY_SCALABLE)
