"""Signs that a disk is in use by another system than the volume manager of AIX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from ...block import BlockDevice
from ...units import KIB, MIB, SECTOR
from .boot import IBMA


class Sign(NamedTuple):
    """What stands where on a disk that another system uses."""

    what: str
    places: tuple[int, ...]
    """Bytes; negative ones count from the end."""
    magics: tuple[bytes, ...]
    end: int = SECTOR
    """The end is the size of the disk rounded down to a multiple of this."""


def _hex(*magics: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(magic) for magic in magics)


_LABEL = 256 * KIB
_ZFS_SLOTS = range(_LABEL // 2, _LABEL, KIB)
_UBERBLOCK = _hex("0cb1ba0000000000", "0000000000bab10c")
_PAGE_ENDS = tuple(page * KIB - 10 for page in (4, 8, 16, 32, 64))

SIGNS = (
    Sign("a disk of Oracle ASM", (32,), (b"ORCLDISK",)),
    Sign("a physical volume of LVM2", tuple(n * SECTOR for n in range(4)), (b"LABELONE",)),
    Sign("a physical volume of LVM1", (0,), (b"HM\1\0", b"HM\2\0")),
    Sign("an encrypted volume of LUKS", (0,), (b"LUKS\xba\xbe",)),
    Sign("an encrypted volume of LUKS", tuple(n * KIB for n in (16, 32, 64, 128, 256, 512)), (b"SKUL\xba\xbe",)),
    Sign("an encrypted volume of BitLocker", (3,), (b"-FVE-FS-",)),
    Sign("a member of a Linux RAID", (0, 4 * KIB), _hex("fc4e2ba9 01000000")),
    Sign("a member of a Linux RAID", (-8 * KIB,), _hex("fc4e2ba9 01000000"), 4 * KIB),
    Sign("a member of a Linux RAID", (-64 * KIB,), _hex("fc4e2ba9 00000000", "a92b4efc 00000000"), 64 * KIB),
    Sign("a member of a DDF RAID", (-SECTOR,), _hex("de11de11", "11de11de")),
    Sign("a member of an Intel RAID", (-2 * SECTOR,), (b"Intel Raid ISM Cfg Sig. ",)),
    Sign("a member of an NVIDIA RAID", (-2 * SECTOR,), (b"NVIDIA  ",)),
    Sign("a member of an LSI RAID", (-SECTOR,), (b"$XIDE$",)),
    Sign("a member of a Promise RAID", (-63 * SECTOR,), (b"Promise Technology, Inc.",)),
    Sign("a member of an Adaptec RAID", (-256,), (b"DPTM",)),
    Sign("a member of a JMicron RAID", (-SECTOR,), (b"JM\0\0", b"JM\1\0")),
    Sign("a disk of DRBD", (60 - 4 * KIB,), _hex("8374026b", "8374026c", "8374026d"), 4 * KIB),
    Sign("a disk of bcache", (4 * KIB + 24,), _hex("c68573f64e1a45ca8265f57f48ba6d81")),
    Sign("a disk of Ceph BlueStore", (0,), (b"bluestore block device\n",)),
    Sign("a disk of Stratis", (SECTOR + 4, 9 * SECTOR + 4), (b"!Stra0tis\x86\xff\x02^\x41rh",)),
    Sign("a disk of VDO", (0,), (b"dmvdo001",)),
    Sign("a disk of the device mapper", (0,), (b"SnAp", b"verity\0\0", b"integrt\0")),
    Sign("a disk of ZFS", tuple(at + label for label in (0, _LABEL) for at in _ZFS_SLOTS), _UBERBLOCK),
    Sign("a disk of ZFS", tuple(at - label for label in (_LABEL, 2 * _LABEL) for at in _ZFS_SLOTS), _UBERBLOCK, _LABEL),
    Sign("a disk of VMFS", (MIB,), _hex("0dd001c0")),
    Sign("a VMFS file system", (2 * MIB,), _hex("5ef1ab2f")),
    Sign("a GPT partition table", (SECTOR, 4 * KIB, -SECTOR, -4 * KIB), (b"EFI PART",)),
    Sign("a partition table of SGI", (0,), _hex("0be5a941")),
    Sign("a partition table of Sun", (508,), _hex("dabe")),
    Sign("a partition table of Apple", (SECTOR,), (b"PM\0\0",)),
    Sign("a label of BSD", (64, SECTOR), _hex("57455682", "82564557")),
    Sign("a JFS2 file system", (32 * KIB,), (b"J2FS",)),
    Sign("a JFS file system", (32 * KIB,), (b"JFS1",)),
    Sign("an ext file system", (KIB + 56,), _hex("53ef")),
    Sign("an XFS file system", (0,), (b"XFSB",)),
    Sign("a Btrfs file system", (64 * KIB + 64,), (b"_BHRfS_M",)),
    Sign("an NTFS file system", (3,), (b"NTFS    ",)),
    Sign("a ReFS file system", (3,), (b"ReFS\0",)),
    Sign("an exFAT file system", (3,), (b"EXFAT   ",)),
    Sign("a FAT file system", (54,), (b"FAT12   ", b"FAT16   ", b"FAT     ", b"MSDOS")),
    Sign("a FAT file system", (82,), (b"FAT32   ", b"MSWIN")),
    Sign("swap space of Linux", _PAGE_ENDS, (b"SWAPSPACE2", b"SWAP-SPACE")),
    Sign("a suspended Linux", _PAGE_ENDS, (b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")),
    Sign("an ISO 9660 file system", (32 * KIB + 1,), (b"CD001",)),
    Sign("an ISO 9660 file system", (32 * KIB + 9,), (b"CDROM",)),
    Sign("a UDF file system", tuple(32 * KIB + 1 + n * 2 * KIB for n in range(16)), (b"NSR02", b"NSR03")),
    Sign("an HFS file system", (KIB,), (b"BD", b"H+\0\4", b"HX\0\5")),
    Sign("an APFS container", (32,), (b"NXSB",)),
    Sign("a ReiserFS file system", (8 * KIB + 52, 64 * KIB + 52), (b"ReIsErFs", b"ReIsEr2Fs", b"ReIsEr3Fs")),
    Sign("a Reiser4 file system", (64 * KIB,), (b"ReIsEr4",)),
    Sign("an F2FS file system", (KIB,), _hex("1020f5f2")),
    Sign("an EROFS file system", (KIB,), _hex("e2e1f5e0")),
    Sign("a NILFS2 file system", (KIB,), _hex("02000000 0000 3434")),
    Sign(
        "a UFS file system", tuple(at * KIB + 0x55C for at in (0, 8, 64, 256)),
        _hex("54190100", "00011954", "19015419", "19540119"),
    ),
    Sign("a VxFS file system", (KIB, 8 * KIB), _hex("f5fc01a5", "a501fcf5")),
    Sign("a System V file system", tuple(at * KIB + 1016 for at in (0, 9, 15, 18)), _hex("207e18fd", "fd187e20")),
    Sign("a Minix file system", (KIB + 16,), _hex("7f13", "8f13", "6824", "7824")),
    Sign("a Minix file system", (KIB + 24,), _hex("5a4d0000")),
    Sign("a BFS file system", (0,), _hex("cefaad1b")),
    Sign("a BeOS file system", (32, SECTOR + 32), (b"1SFB", b"BFS1")),
    Sign("an HPFS file system", (8 * KIB,), _hex("49e895f9")),
    Sign("a GFS file system", (64 * KIB,), _hex("01161970")),
    Sign("an OCFS file system", (KIB, 2 * KIB, 4 * KIB, 8 * KIB), (b"OCFSV2",)),
    Sign("an OCFS file system", (8,), (b"OracleCFS",)),
    Sign("an NSS file system", (4 * KIB,), (b"SPB5",)),
    Sign("a compressed file system", (0,), (b"hsqs", b"sqsh", b"-rom1fs-", *_hex("453dcd28", "28cd3d45"))),
    Sign("a file system of flash memory", (0,), (b"UBI#", b"SFOZ", *_hex("31181006"))),
)  # fmt: skip
"""As published by those who made them, at the places where `blkid` looks for them."""


def foreign_use(device: BlockDevice) -> str | None:
    """What another system has on a disk, by its signature; None if nothing is known by it."""
    read = _pieces(device)
    for sign in SIGNS:
        for place in sign.places:
            at = place if place >= 0 else device.size // sign.end * sign.end + place
            if at >= 0 and any(read(at, len(magic)) == magic for magic in sign.magics):
                return sign.what
    return "an MBR partition table" if _has_partitions(read(0, SECTOR)) else None


def _has_partitions(sector: bytes) -> bool:
    """Whether the first sector is a master boot record with partitions; the boot record of AIX is none [lvm 2]."""
    if sector[510:] != b"\x55\xaa" or sector.startswith(IBMA):
        return False
    entries = [sector[at : at + 16] for at in range(446, 510, 16)]
    return all(entry[0] in (0, 0x80) for entry in entries) and any(entry[4] and any(entry[12:]) for entry in entries)


def _pieces(device: BlockDevice) -> Callable[[int, int], bytes]:
    """Read few large pieces of a disk once, and what is asked for out of them; less where the disk ends."""
    size = 256 * KIB

    @cache
    def piece(number: int) -> bytes:
        length = min(size, device.size - number * size)
        return device.read(number * size, length).tobytes() if length > 0 else b""

    return lambda at, length: piece(at // size)[at % size : at % size + length]
