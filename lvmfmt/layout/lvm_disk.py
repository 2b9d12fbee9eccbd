"""What a disk holds outside the VGDA: boot and configuration records, LVM records, bad blocks, MWC, VGSA.

All integers are big-endian unless said otherwise. Source: [lvm 1 to 7].
"""

from __future__ import annotations

import construct as c

from .record import BIG, LITTLE, A, B, C, Field, Record, array, field, reserved

u8, u16, s16, u32, s32, u64 = BIG.u8, BIG.u16, BIG.s16, BIG.u32, BIG.s32, BIG.u64

PREP_PARTITION = Record(
    "prep_partition",
    "entry of the PReP partition table of a PowerPC boot disk",
    16,
    "boot record, byte 0x1BE, four entries",
    field("boot_ind", u8, "0x80 active, 0x00 not", B, "H"),
    field("beg_head", u8, "first head", B, "H"),
    field("beg_sector", u8, "first sector within the track", B, "H"),
    field("beg_cyl", u8, "first cylinder", B, "H"),
    field("sys_ind", u8, "system id, 0x41 PReP boot", B, "H"),
    field("end_head", u8, "last head", B, "H"),
    field("end_sector", u8, "last sector within the track", B, "H"),
    field("end_cyl", u8, "last cylinder", B, "H"),
    field("start_sector", LITTLE.u32, "first sector of the partition", C, "H, own (byte order)"),
    field("num_sectors", LITTLE.u32, "sectors of the partition", C, "H, own (byte order)"),
)


def _boot_image(prefix: str, what: str) -> list[Field]:
    """The six fields that describe the boot code and, once more, the service code."""
    return [
        field(f"{prefix}_lv_start", u32, f"PSN of the {what} LV", B, "H"),
        field(f"{prefix}_prg_start", u32, f"PSN of the {what} code, 0 if none", B, "H"),
        field(f"{prefix}_lv_length", u32, f"sectors of the {what} LV", B, "H"),
        field(f"{prefix}_load_add", u32, f"load address of the {what} code, a multiple of 512", B, "H"),
        field(f"{prefix}_frag", u8, f"1 if the {what} code is fragmented, else 0", B, "H"),
        field(f"{prefix}_emulation", u8, "0 none, 1 ROS network emulation code, 2 AIX code that supports it", B, "H"),
    ]


BOOT_RECORD = Record(
    "boot_record",
    "IPL record, which also holds the PVID",
    512,
    "PSN 0",
    field("IPL_record_id", c.Bytes(4), "C9 C2 D4 C1 (EBCDIC IBMA) on an AIX disk", A, "H, D2, D5"),
    reserved("reserved1", 20, B, "H"),
    field("formatted_cap", u32, "sectors after formatting; 0 on SCSI disks", B, "H"),
    field("last_head", u8, "diskettes only", B, "H"),
    field("last_sector", u8, "diskettes only", B, "H"),
    reserved("reserved2", 6, B, "H"),
    field("boot_code_length", u32, "sectors of boot code, 0 if none", B, "H"),
    field("boot_code_offset", u32, "entry point, bytes from the start of the boot code", B, "H"),
    *_boot_image("boot", "boot"),
    reserved("reserved3", 2, B, "H"),
    field("basecn_length", u16, "sectors of base customization, normal mode", B, "H"),
    field("basecs_length", u16, "sectors of base customization, service mode", B, "H"),
    field("basecn_start", u32, "PSN of base customization, normal mode", B, "H"),
    field("basecs_start", u32, "PSN of base customization, service mode", B, "H"),
    reserved("reserved4", 24, B, "H"),
    field("ser_code_length", u32, "sectors of service code, 0 if none", B, "H"),
    field("ser_code_offset", u32, "entry point, bytes from the start of the service code", B, "H"),
    *_boot_image("ser", "service"),
    reserved("reserved5", 2, B, "H"),
    field("pv_id", c.Bytes(16), "PVID: 8 bytes, then 8 zero bytes; zero = none", A, "H, D2, D5, D6, D7"),
    reserved("reserved6", 302, B, "H"),
    field("partitions", array(4, PREP_PARTITION), "PReP partition table; zero on data disks", B, "H"),
    field("signature", c.Bytes(2), "55 AA when there is a partition table", B, "H"),
)

SEEK_PROFILE = Record(
    "seek_profile",
    "one step of the seek profile of a disk",
    6,
    "configuration record, five entries",
    field("distance", u16, "seek distance", B, "H"),
    field("constant", u16, "constant part of the seek time", B, "H"),
    field("slope", u16, "slope of the seek time", B, "H"),
)

CONFIG_RECORD = Record(
    "config_record",
    "configuration record; zero on SCSI and fibre disks",
    512,
    "PSN 1, backup PSN 64",
    field("config_rec_id", c.Bytes(4), "F8 E9 DA CB when present", B, "H"),
    field("data_capacity", s32, "data sectors", B, "H"),
    reserved("reserved1", 2, B, "H"),
    field("interleave_factor", u8, "interleave factor", B, "H"),
    field("sector_size", u8, "sector size / 256", B, "H"),
    field("last_cyl", u16, "last data cylinder", B, "H"),
    field("last_head", u8, "last head", B, "H"),
    field("last_sector", u8, "sectors per track", B, "H"),
    field("write_precomp", u8, "write precompensation", B, "H"),
    field("device_status", u8, "0 on disk", B, "H"),
    field("ce_cyl", u16, "cylinder for customer engineers", B, "H"),
    field("end_of_life", u16, "defects that end its life; 0 = system decides, 0xFFFF = no relocation", B, "H"),
    field("seek", array(5, SEEK_PROFILE), "seek profile", B, "H"),
    field("manufacturer_id", c.Bytes(3), "manufacturer; last byte > 0x7F = not tested by IBM", B, "H"),
    reserved("reserved2", 1, B, "H"),
    field("service_request_number", u16, "service request number", B, "H"),
    field("device_characteristic", u8, "ASCII character", B, "H"),
    reserved("reserved3", 1, B, "H"),
    field("pv_id", c.Bytes(16), "id given by the manufacturer, may be zero", B, "H"),
    reserved("reserved4", 436, B, "H"),
)

LVM_RECORD = Record(
    "lvm_record",
    "LVM record of a classic or big volume group",
    512,
    "PSN 7, backup PSN 70",
    field("lvm_id", c.Bytes(4), "5F 4C 56 4D (_LVM)", B, "H, L, D1"),
    field("vg_id", c.Bytes(16), "VGID", B, "H, D1"),
    field("lvmarea_len", u32, "sectors of both copies of VGSA and VGDA", B, "H, D1"),
    field("vgda_len", u32, "sectors of one VGDA", B, "H, L, D1"),
    field("vgda_psn", array(2, u32), "PSN of the first and second VGDA", B, "H, L, D1"),
    field("reloc_psn", u32, "PSN of the bad-block relocation pool", B, "H, D1"),
    field("reloc_len", u32, "sectors of the relocation pool", B, "H"),
    field("pv_num", s16, "number of this PV, from 1", B, "H, D1"),
    field("pp_size", s16, "log2 of the bytes of a PP", B, "H, L, D1"),
    field("vgsa_len", u32, "sectors of one VGSA", B, "H, D1"),
    field("vgsa_psn", array(2, u32), "PSN of the first and second VGSA", B, "H, D1"),
    field("version", s16, "1 to 13 and 30; see the table of LVM versions", B, "H, L, D1"),
    field("vg_type", s16, "1 big; anything else classic (may be fill bytes)", B, "H, D1"),
    field("ltg_shift", s32, "log2 of the bytes of an LTG, 17 if not 17 to 24", B, "H"),
    reserved("reserved", 444, B, "H"),
)


def _area_psn(name: str, what: str) -> Field:
    return field(f"{name}_psn", array(2, u64), f"PSN of the first and second {what}", B, "H")


LVM_RECORD_SCALABLE = Record(
    "lvm_record_scalable",
    "LVM record of a scalable volume group",
    512,
    "PSN 7, backup PSN 70",
    field("lvm_id", c.Bytes(4), "5F 4C 56 4D (_LVM)", B, "H"),
    field("vg_id", c.Bytes(16), "VGID", B, "H"),
    field("ppsa_len", u32, "sectors of the stale-PP area", B, "H"),
    field("pv_miss_len", u32, "sectors of the missing-PV area", B, "H"),
    field("mwc_db_len", u32, "sectors of the passive-MWC area", B, "H"),
    field("vg_info_len", u32, "sectors of the VG area", B, "H"),
    field("pv_info_len", u32, "sectors of the PV area", B, "H"),
    field("lvcb_info_len", u32, "sectors of the LVCB area", B, "H"),
    field("lvea_len", u32, "sectors of the LV entries", B, "H"),
    field("ppea_len", u32, "sectors of the PP entries", B, "H"),
    field("res_area_len", u32, "sectors of all LVM metadata", B, "H"),
    field("pv_num", s32, "index of this PV in the areas", B, "H"),
    field("version", s16, "31", B, "H"),
    field("pp_shift", s16, "log2 of the bytes of a PP", B, "H"),
    _area_psn("ppsa", "stale-PP area"),
    _area_psn("pv_miss", "missing-PV area"),
    _area_psn("mwc_db", "passive-MWC area"),
    _area_psn("vg_info", "VG area"),
    _area_psn("pv_info", "PV area"),
    _area_psn("lvcb_info", "LVCB area"),
    _area_psn("lvea", "LV entries"),
    _area_psn("ppea", "PP entries"),
    _area_psn("vgsa", "VGSA"),
    _area_psn("vgda", "VGDA"),
    field("vgsa_len", u32, "sectors: ppsa + pv_miss + mwc_db", B, "H"),
    field("vgda_len", u32, "sectors: vg_info + pv_info + lvcb_info + lvea + ppea", B, "H"),
    field("ltg_shift", s32, "log2 of the bytes of an LTG", B, "H"),
    field("bb_reloc_len", u32, "sectors of the relocation pool", B, "H"),
    field("bb_reloc_psn", u64, "PSN of the relocation pool", B, "H"),
    reserved("reserved", 264, B, "H"),
)

BAD_BLOCK_ENTRY = Record(
    "bad_block_entry",
    "entry of the bad block directory",
    8,
    "bad block directory, byte 8 on",
    field("reason_block", u32, "bits 31..28 reason, 27..0 sector number of the bad block", B, "H"),
    field("state_relocation", u32, "bit 31 not yet relocated, 27..0 sector number of the replacement", B, "H"),
)

BAD_BLOCK_DIRECTORY = Record(
    "bad_block_directory",
    "bad block directory",
    22 * 512,
    "PSN 8, backup PSN 71; that the trailer follows the last entry is assumed",
    field("id", c.Bytes(6), "DEFECT valid, UPDATE being rewritten", B, "H"),
    field("count", s16, "entries in use, at most 1407", B, "H"),
    field("entries", array(1407, BAD_BLOCK_ENTRY), "entries, then a copy of the first 8 bytes", B, "H, X"),
)

MWC_ENTRY = Record(
    "mwc_entry",
    "LTG that may differ between the copies of a mirrored LV",
    8,
    "MWC record, byte 8 on, 62 entries",
    field("ltg", u32, "number of the LTG within the LV", C, "own"),
    field("minor", u32, "minor number of the LV, 0 = unused", C, "own"),
)

MWC_RECORD = Record(
    "mwc_record",
    "mirror write consistency record",
    512,
    "PSN 2 and 3, written alternately",
    field("begin_sec", u32, "seconds since 1970 of the last update", C, "X"),
    field("begin_nsec", u32, "nanoseconds of it", C, "X"),
    field("entries", array(62, MWC_ENTRY), "the LTGs written last", C, "I5, X, own (inside)"),
    field("end_sec", u32, "equal to begin_sec", C, "X"),
    field("end_nsec", u32, "equal to begin_nsec", C, "X"),
)

VGSA_CLASSIC = Record(
    "vgsa",
    "volume group status area of a classic volume group",
    4096,
    "PSN 128 and 2234",
    field("begin_sec", u32, "seconds since 1970 of the last update", A, "D1, D2"),
    field("begin_nsec", u32, "nanoseconds of it", A, "D1, D2"),
    field("pv_missing", u32, "bit n-1 set: PV n is missing", C, "D1 (order), X (size)"),
    field("stalepp", c.Bytes(32 * 127), "127 bytes a PV, one bit a PP, lowest bit first; set = stale", A, "D1, X"),
    field("factor", u16, "multiplies 1016 PPs a PV, divides 32 PVs: 1, 2, 4, 8, 16, 32", A, "D1, D2"),
    reserved("pad", 10, A, "D1, D2"),
    field("end_sec", u32, "equal to begin_sec, else the copy is torn", A, "D2"),
    field("end_nsec", u32, "equal to begin_nsec", A, "D2"),
)

VGSA_BIG = Record(
    "vgsa_big",
    "volume group status area of a big volume group",
    16384,
    "PSN 128 and 8962 of a big volume group",
    field("begin_sec", u32, "seconds since 1970 of the last update", C, "own"),
    field("begin_nsec", u32, "nanoseconds of it", C, "own"),
    field("pv_missing", array(4, u32), "PV n is missing: bit (n-1) mod 32 of word (n-1) / 32", C, "own"),
    field("stalepp", c.Bytes(128 * 127), "127 bytes a PV, one bit a PP, lowest bit first; set = stale", C, "own"),
    field("factor", u16, "multiplies 1016 PPs a PV, divides 128 PVs: 1, 2, 4, 8, 16, 32, 64", C, "own"),
    reserved("pad", 94, C, "own"),
    field("end_sec", u32, "equal to begin_sec, else the copy is torn", C, "own"),
    field("end_nsec", u32, "equal to begin_nsec", C, "own"),
)

RECORDS = (
    BOOT_RECORD, PREP_PARTITION, CONFIG_RECORD, SEEK_PROFILE, LVM_RECORD, LVM_RECORD_SCALABLE, BAD_BLOCK_DIRECTORY,
    BAD_BLOCK_ENTRY, MWC_RECORD, MWC_ENTRY, VGSA_CLASSIC, VGSA_BIG,
)  # fmt: skip
