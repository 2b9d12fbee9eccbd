"""The boot image in the boot logical volume. AIX's own format is not published; this one is ours throughout (grade C).

A header sector, then for each member a sector that names it and its content, padded to whole sectors.
"""

from __future__ import annotations

from .record import BIG, C, Record, field, reserved, text

u32, u64 = BIG.u32, BIG.u64
OURS = "own"

BOOT_IMAGE = Record(
    "boot_image",
    "header of a boot image",
    512,
    "boot LV, one of two slots",
    field("magic", text(16), "lvmfmt boot", C, OURS),
    field("stamp", u64, "build stamp, repeated in the boot record that starts this image", C, OURS),
    field("built", u64, "when it was built, nanoseconds since 1970", C, OURS),
    field("blocks", u32, "length of the image in blocks of 512 bytes, this header included", C, OURS),
    field("members", u32, "number of members", C, OURS),
    field("base_blocks", u32, "blocks of the members at the start that are the base ODM", C, OURS),
    field("content_crc", u32, "CRC-32 of everything after the header", C, OURS),
    reserved("reserved", 460, C, OURS),
    field("header_crc", u32, "CRC-32 of the bytes of this header before this field", C, OURS),
)

BOOT_MEMBER = Record(
    "boot_member",
    "head of a file in a boot image",
    512,
    "boot image, before each file",
    field("path", text(496), "path of the file on the host that the image was built on", C, OURS),
    field("size", u64, "bytes of content, which starts in the next sector", C, OURS),
    reserved("reserved", 8, C, OURS),
)

BOOT_STAMP = Record(
    "boot_stamp",
    "our mark in unused bytes of the boot record: which build of the boot image it starts",
    16,
    "boot record, byte 0x90",
    field("magic", text(8), "lvmfmt", C, OURS),
    field("stamp", u64, "build stamp of the image", C, OURS),
)

RECORDS = (BOOT_IMAGE, BOOT_MEMBER, BOOT_STAMP)
