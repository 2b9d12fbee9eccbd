"""Backup archives by name, as `backup -i` writes them: the records in front of files, and the block of permissions.

Source: [backup 2 to 6]. All numbers are little-endian, but for the ids in an access control list.
"""

from __future__ import annotations

from .aixc import access_control_list
from .record import BIG, LITTLE, A, B, C, Field, Grade, Record, array, field, reserved, text

u8, u16, s16, u32, s32, s64 = LITTLE.u8, LITTLE.u16, LITTLE.s16, LITTLE.u32, LITTLE.s32, LITTLE.s64
PLACE = "backup archive, in front of a file; its name follows, ending with a NUL"


def _head(grade: Grade, source: str) -> list[Field]:
    return [
        field("len", u8, "words of 8 bytes of this record, its name included", grade, source),
        field("type", u8, "0 volume, 6 end of volume, 7 end, 9, 11, 12 files, others rare", grade, source),
        field("magic", u16, "60011 plain, 60012 the data is packed", grade, source),
        field("checksum", u16, "sum over the record of each byte shifted left by its low three bits", grade, source),
    ]


def _times(grade: Grade, source: str) -> list[Field]:
    return [
        field("atime", s32, "last access, seconds since 1970", grade, source),
        field("mtime", s32, "last change of the data", grade, source),
        field("ctime", s32, "last change of the inode", grade, source),
    ]


def _devices(type: object, grade: Grade, source: str) -> list[Field]:
    return [
        field("devmaj", type, "device that the file lived on, major number", grade, source),
        field("devmin", type, "its minor number", grade, source),
        field("rdevmaj", type, "device nodes: major number", grade, source),
        field("rdevmin", type, "device nodes: minor number", grade, source),
    ]


def _owner(grade: Grade, source: str) -> list[Field]:
    return [
        field("nlink", s16, "hard links", grade, source),
        field("ino", u32, "0, or a key that all names of a file share, counting down from 0xFFFFFFFF", grade, source),
        field("mode", u32, "type and permissions of POSIX; high bits of the file system", grade, source),
        field("uid", u32, "owner", grade, source),
        field("gid", u32, "group", grade, source),
    ]


BFF_HEADER = Record("bff_header", "common start of every record", 6, "backup archive", *_head(A, "H, T"))

BFF_VOLUME = Record(
    "bff_volume",
    "start of a volume of a backup archive",
    72,
    "backup archive, byte 0",
    *_head(A, "H, T"),
    field("volnum", u16, "number of the volume, from 1", A, "H, T"),
    field("date", s32, "when it was written, seconds since 1970", A, "H, T"),
    field("dumpdate", s32, "the same", A, "H, T"),
    field("numwds", s32, "words on this volume, 0x7FFFFFFF without limit", A, "H, T"),
    field("disk", text(16), "by name", A, "H, T"),
    field("fsname", text(16), "by name", A, "H, T"),
    field("user", text(16), "who wrote it", A, "H, T"),
    field("incno", s16, "100 by name, 101 by inode", A, "H, T"),
    reserved("reserved", 2, A, "T"),
)

BFF_NAME_X = Record(
    "bff_name_x",
    "a file, the usual record",
    64,
    PLACE,
    *_head(A, "H, T"),
    *_owner(A, "H, T"),
    field("size", s32, "bytes of a file, 0 for a directory", A, "H, T"),
    *_times(A, "H, T"),
    *_devices(u32, A, "H, T"),
    field("dsize", s32, "bytes that are stored; of a directory those it had on its disk", A, "H, T"),
    field("pad", s32, "0", A, "T"),
)

BFF_NAME_LF = Record(
    "bff_name_lf",
    "a file of 2 GiB and more",
    72,
    PLACE,
    *_head(B, "H"),
    *_owner(B, "H"),
    field("size", s64, "bytes of the file", B, "H"),
    *_times(B, "H"),
    *_devices(u32, B, "H"),
    field("pad", s32, "0", B, "H"),
    field("dsize", s64, "bytes that are stored", B, "H"),
)

_SHORT: list[Field] = [
    *_head(B, "H"),
    field("ino", u16, "inode number", B, "H, U"),
    field("mode", u16, "type and permissions", B, "H, U"),
    field("nlink", u16, "hard links", B, "H, U"),
    field("uid", u16, "owner", B, "H, U"),
    field("gid", u16, "group", B, "H, U"),
    field("size", s32, "bytes of the file", B, "H, U"),
    *_times(B, "H, U"),
]

BFF_NAME = Record(
    "bff_name",
    "a file, version 2, with ids of 16 bits",
    48,
    PLACE,
    *_SHORT,
    *_devices(u16, B, "H, U"),
    field("dsize", s32, "bytes that are stored", B, "H, U"),
    field("pad", s32, "0", B, "H, U"),
)

BFF_ONAME = Record(
    "bff_oname",
    "a file, oldest form",
    40,
    PLACE,
    *_SHORT,
    field("dev", u16, "device that the file lived on", B, "H"),
    field("rdev", u16, "device nodes: the device", B, "H"),
    field("dsize", s32, "bytes that are stored", B, "H"),
)

BFF_FINDEX = Record(
    "bff_findex",
    "index of inodes, in archives by inode",
    492,
    "backup archive by inode",
    *_head(B, "H"),
    reserved("reserved", 2, B, "H"),
    field("ino", array(80, u16), "inodes", B, "H"),
    field("addr", array(80, s32), "where they are, in words", B, "H"),
    field("link", s32, "the next index", B, "H"),
)

BFF_BITS = Record(
    "bff_bits",
    "bit map of inodes, in archives by inode",
    8,
    "backup archive by inode",
    *_head(B, "H"),
    field("words", u16, "words of 8 bytes that follow", B, "H"),
)

BFF_END = Record(
    "bff_end",
    "end of the archive",
    8,
    "backup archive, behind the last file",
    *_head(A, "H, T"),
    field("left_over", u16, "1, left over from the record before", A, "T"),
)

BFF_SECURITY = Record(
    "bff_security",
    "head of the block of permissions, which an access control list and a privilege list follow",
    8,
    "backup archive, behind the record of a file that is not a symlink",
    field("aclsize", u32, "words of 8 bytes of the access control list", A, "H, U, T"),
    field("pclsize", u32, "words of 8 bytes of the privilege list", A, "H, U, T"),
)

BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID = access_control_list("bff_acl", LITTLE, A, "H (acl.h), T", "behind a bff_security")

BFF_PCL = Record(
    "bff_pcl",
    "privilege list",
    16,
    "behind the access control list",
    field("pcl_len", u32, "16", A, "T"),
    field("mode", u32, "mode of the file, all 32 bits", A, "T"),
    reserved("reserved", 8, A, "T"),
)

DUMP_RECORD = Record(
    "dump_record",
    "record of a backup by inode: big-endian; only its magic is used, to tell the two kinds apart",
    1024,
    "backup by inode, every 1024 bytes",
    reserved("reserved1", 24, C, "own"),
    field("magic", BIG.u32, "60011, 60012 or 60017 for JFS2", C, "own"),
    reserved("reserved2", 996, C, "own"),
)

RECORDS = (
    BFF_HEADER, BFF_VOLUME, BFF_NAME_X, BFF_NAME_LF, BFF_NAME, BFF_ONAME, BFF_FINDEX, BFF_BITS, BFF_END, BFF_SECURITY,
    BFF_ACL, BFF_ACL_ENTRY, BFF_ACL_ID, BFF_PCL, DUMP_RECORD,
)  # fmt: skip
