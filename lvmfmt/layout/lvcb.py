"""The logical volume control block: first sector of a logical volume.

That it is 512 bytes, starts with its tag and holds these members in this order is published. Where the members lie is
not: the offsets are our own [lvm 13]. Readers therefore do not use this declaration but find the members by their look
(`lvmfmt.lvm.lvcb`).
"""

from __future__ import annotations

from .record import BIG, Grade, Record, field, reserved, text

A, C = Grade.A, Grade.C
u8, u16 = BIG.u8, BIG.u16

LVCB = Record(
    "lvcb",
    "logical volume control block",
    512,
    "LV, sector 0",
    field("tag", text(8), "AIX LVCB", A, "D3, I10"),
    reserved("reserved1", 8, C, "own"),
    field("type", text(32), "type of the LV: jfs2, jfs2log, paging, boot, ...", C, "D3, own (offset)"),
    field("lvid", text(32), "first 24 characters of the LVID", C, "D3, own (offset)"),
    field("lvname", text(32), "name of the LV", C, "D3, own (offset)"),
    field("created", text(32), "time created: ctime text with its newline", C, "D3, own (offset)"),
    field("modified", text(32), "time modified: ctime text with its newline", C, "D3, own (offset)"),
    field("machine_id", text(16), "last 9 digits of the machine id", C, "D3, D4, own (offset)"),
    field("relocatable", text(1), "y or n", C, "D3, own (offset)"),
    field("inter_policy", text(1), "m minimum, x maximum", C, "D3, own (offset)"),
    field("intra_policy", text(1), "m, c, e; i inner edge, n inner middle (our choice)", C, "D3, own (offset)"),
    field("strict", text(1), "y, n, s (superstrict)", C, "D3, own (offset)"),
    field("upperbound", u16, "largest number of PVs for a copy", C, "D3, own (offset)"),
    field("num_lps", u16, "LPs", C, "D3, own (offset)"),
    field("copies", u16, "copies", C, "D3, own (offset)"),
    field("stripe_width", u16, "disks of a stripe", C, "D3, own (offset)"),
    field("stripe_exp", u16, "log2 of the bytes of a strip", C, "D3, own (offset)"),
    reserved("reserved2", 2, C, "own"),
    field("label", text(128), "label: the mount point of a file system; None if unset", C, "D3, own (offset)"),
    field("fs", text(128), "file system attributes", C, "D3, D4, own (offset)"),
    field("lvid_rest", text(32), "characters of the LVID from the 25th on", C, "D3, own (offset)"),
    reserved("reserved3", 16, C, "own"),
)

RECORDS = (LVCB,)
