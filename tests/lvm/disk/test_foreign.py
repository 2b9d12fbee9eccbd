"""Disks of other systems: what `blkid` knows is known here."""

import shutil
import struct
import subprocess
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX, Dialect, mkfs
from lvmfmt.lvm.disk.foreign import SIGNS, foreign_use

KIB, MIB = 1 << 10, 1 << 20
SIZE = 16 * MIB

Parts = list[tuple[int, bytes]]


def partition_sector(*entries: bytes, first: bytes = b"") -> bytes:
    return first.ljust(446, b"\0") + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"


LINUX_PARTITION = bytes.fromhex("80010100 83010101 3f000000 00010000")
PROTECTIVE = bytes.fromhex("00000200 eeffffff 01000000 ff7f0000")


def boot_sector_of_fat(at: int, name: bytes) -> bytes:
    """A boot sector of FAT, as Microsoft publishes it: `BPB_*` at 11, the extension at 36."""
    small = at == 54
    sector = bytearray(512)
    sector[:11] = b"\xeb\x3c\x90MSDOS5.0"
    struct.pack_into("<HBHBHHBH", sector, 11, 512, 4, 1 if small else 32, 2, 512 if small else 0, 0, 0xF8, 32 * small)
    struct.pack_into("<HHII", sector, 24, 63, 255, 0, SIZE // 512)
    if not small:
        struct.pack_into("<IHHIHH", sector, 36, 64, 0, 0, 2, 1, 6)
    sector[at : at + 8] = name
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def backup_gpt() -> Parts:
    """The second header of a GPT and its entries, as the UEFI specification has them (5.3.2)."""
    last = SIZE // 512 - 1
    entries = bytearray(128 * 128)
    entries[:16], entries[16:32] = bytes.fromhex("af3dc60f838472478e793d69d8477de4"), bytes(range(16))
    struct.pack_into("<QQ", entries, 32, 2048, 4095)
    header = bytearray(92)
    where = (last, 1, 34, last - 33, bytes(range(16)), last - 32, 128, 128, zlib.crc32(entries))
    struct.pack_into("<8sIIIIQQQQ16sQIII", header, 0, b"EFI PART", 0x10000, 92, 0, 0, *where)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    return [(-512, bytes(header)), (-33 * 512, bytes(entries))]


def summed(sector: bytes, at: int, form: str) -> bytes:
    """A sector of Sun (16-bit words that XOR to 0) or of SGI (32-bit words that add up to 0)."""
    words = struct.unpack(f">{512 // struct.calcsize(form)}{form}", sector)
    total = 0
    for word in words:
        total = total ^ word if form == "H" else total - word & 0xFFFFFFFF
    return sector[:at] + struct.pack(f">{form}", total) + sector[at + struct.calcsize(form) :]


def sun_label() -> bytes:
    sector = bytearray(512)
    sector[128:132], sector[140:142], sector[188:192] = b"\0\0\0\1", b"\0\x08", bytes.fromhex("600ddeee")
    sector[508:510] = b"\xda\xbe"
    return summed(bytes(sector), 510, "H")


MD1 = bytes.fromhex("fc4e2ba9 01000000")
"""Magic number 0xa92b4efc and version 1 of `md(4)`; at byte 144 the sector of the superblock itself."""
SWAP = (KIB, struct.pack("<II", 1, 255))
HFS_PLUS = struct.pack(">III", 4096, 4096, 1000)
REISER = struct.pack("<IIII", 4096, 1000, 1, 18).ljust(44, b"\0") + struct.pack("<H6x", 4096)
MINIX = struct.pack("<HHHHHHI", 1000, 4000, 1, 1, 50, 0, 0x10081C00)

KNOWN: dict[str, tuple[str, Parts]] = {
    "luks1": ("LUKS", [(0, b"LUKS\xba\xbe\0\1")]),
    "luks2": ("LUKS", [(0, b"LUKS\xba\xbe\0\2")]),
    "luks2, second header": ("LUKS", [(16 * KIB, b"SKUL\xba\xbe\0\2")]),
    "md 1.1": ("Linux RAID", [(0, MD1)]),
    "md 1.2": ("Linux RAID", [(4 * KIB, MD1), (4 * KIB + 144, struct.pack("<Q", 8))]),
    "md 1.0": ("Linux RAID", [(-8 * KIB, MD1), (-8 * KIB + 144, struct.pack("<Q", SIZE // 512 - 16))]),
    "md 0.90": ("Linux RAID", [(-64 * KIB, bytes.fromhex("fc4e2ba9 00000000 5a000000"))]),
    "md 0.90, big endian": ("Linux RAID", [(-64 * KIB, bytes.fromhex("a92b4efc 00000000 0000005a"))]),
    "ddf": ("DDF", [(-512, bytes.fromhex("de11de11 00000000") + b"01.02.00")]),
    "isw": ("Intel", [(-1024, b"Intel Raid ISM Cfg Sig. 1.0.00")]),
    "nvidia": ("NVIDIA", [(-1024, b"NVIDIA  ")]),
    "lsi": ("LSI", [(-512, b"$XIDE$")]),
    "promise": ("Promise", [(-63 * 512, b"Promise Technology, Inc.")]),
    "adaptec": ("Adaptec", [(-512, bytes.fromhex("37fc4d1e")), (-256, b"DPTM")]),
    "jmicron": ("JMicron", [(-512, b"JM\1\0")]),
    "drbd 8.3": ("DRBD", [(-4 * KIB + 60, bytes.fromhex("8374026b"))]),
    "drbd 8.4": ("DRBD", [(-4 * KIB + 60, bytes.fromhex("8374026c"))]),
    "drbd 9": ("DRBD", [(-4 * KIB + 60, bytes.fromhex("8374026d"))]),
    "bcache": (
        "bcache",
        [(4 * KIB, struct.pack("<QQQ", 0, 8, 1)), (4 * KIB + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"))],
    ),
    "bluestore": ("Ceph", [(0, b"bluestore block device\n")]),
    "vdo": ("VDO", [(0, b"dmvdo001")]),
    "snapshot": ("device mapper", [(0, b"SnAp")]),
    "verity": ("device mapper", [(0, b"verity\0\0\1")]),
    "integrity": ("device mapper", [(0, b"integrt\0\1")]),
    "lvm1": ("LVM1", [(0, b"HM\1\0")]),
    "vmfs volume": ("VMFS", [(MIB, bytes.fromhex("0dd001c0"))]),
    "vmfs": ("VMFS", [(2 * MIB, bytes.fromhex("5ef1ab2f"))]),
    "gpt, second header": ("GPT", [*backup_gpt(), (0, partition_sector(PROTECTIVE))]),
    "mbr": ("MBR", [(0, partition_sector(LINUX_PARTITION))]),
    "mbr, last entry": ("MBR", [(0, partition_sector(bytes(48), LINUX_PARTITION))]),
    "sun": ("Sun", [(0, sun_label())]),
    "sgi": ("SGI", [(0, summed(bytes.fromhex("0be5a941").ljust(512, b"\0"), 504, "I"))]),
    "mac": ("Apple", [(0, b"ER\2\0"), (512, b"PM\0\0" + struct.pack(">III", 1, 1, 63))]),
    "fat12": ("FAT", [(0, boot_sector_of_fat(54, b"FAT12   ")), (512, b"\xf8\xff\xff\xff")]),
    "fat16": ("FAT", [(0, boot_sector_of_fat(54, b"FAT16   ")), (512, b"\xf8\xff\xff\xff")]),
    "fat32": ("FAT", [(0, boot_sector_of_fat(82, b"FAT32   ")), (512, b"RRaA"), (32 * 512, b"\xf8\xff\xff\xff")]),
    "exfat": ("exFAT", [(3, b"EXFAT   ")]),
    "refs": ("ReFS", [(0, b"\0\0\0ReFS\0")]),
    "bitlocker": ("BitLocker", [(0, b"\xebR\x90-FVE-FS-")]),
    "iso": ("ISO 9660", [(32 * KIB, b"\1CD001\1\0")]),
    "high sierra": ("ISO 9660", [(32 * KIB + 9, b"CDROM\1")]),
    "swap, 8 KiB pages": ("swap", [SWAP, (8 * KIB - 10, b"SWAPSPACE2")]),
    "swap, 64 KiB pages": ("swap", [SWAP, (64 * KIB - 10, b"SWAPSPACE2")]),
    "old swap": ("swap", [SWAP, (4 * KIB - 10, b"SWAP-SPACE")]),
    "suspend": ("suspended", [(4 * KIB - 10, b"S1SUSPEND\0")]),
    "hfs": ("HFS", [(KIB, b"BD"), (KIB + 14, b"\0\3"), (KIB + 20, struct.pack(">I", 512))]),
    "hfs+": ("HFS", [(KIB, b"H+\0\4"), (KIB + 40, HFS_PLUS)]),
    "hfsx": ("HFS", [(KIB, b"HX\0\5"), (KIB + 40, HFS_PLUS)]),
    "apfs": ("APFS", [(0, struct.pack("<QQQII", 0, 1, 1, 0x80000001, 0) + b"NXSB" + struct.pack("<I", 4096))]),
    "reiserfs 3.5": ("ReiserFS", [(64 * KIB, REISER + b"ReIsErFs")]),
    "reiserfs 3.6": ("ReiserFS", [(64 * KIB, REISER + b"ReIsEr2Fs")]),
    "reiserfs at 8 KiB": ("ReiserFS", [(8 * KIB, REISER + b"ReIsErFs")]),
    "reiser4": ("Reiser4", [(64 * KIB, b"ReIsEr4")]),
    "f2fs": ("F2FS", [(KIB, bytes.fromhex("1020f5f2"))]),
    "erofs": ("EROFS", [(KIB, bytes.fromhex("e2e1f5e0"))]),
    **{f"ufs at {at}": ("UFS", [(at * KIB + 0x55C, bytes.fromhex("19015419"))]) for at in (0, 8, 64, 256)},
    "ufs1, big endian": ("UFS", [(8 * KIB + 0x55C, bytes.fromhex("00011954"))]),
    "vxfs": ("VxFS", [(KIB, bytes.fromhex("f5fc01a5"))]),
    "vxfs of HP-UX": ("VxFS", [(8 * KIB, bytes.fromhex("a501fcf5"))]),
    "sysv": ("System V", [(1016, bytes.fromhex("fd187e20"))]),
    "minix": ("Minix", [(KIB, MINIX + bytes.fromhex("7f13 0100"))]),
    "minix 2": ("Minix", [(KIB, MINIX + bytes.fromhex("6824 0100") + struct.pack("<I", 4000))]),
    "ocfs2": ("OCFS", [(4 * KIB, b"OCFSV2")]),
    "nss": ("NSS", [(4 * KIB, b"SPB5")]),
    "squashfs": ("compressed", [(0, b"hsqs"), (28, b"\4\0")]),
    "squashfs 3": ("compressed", [(0, b"hsqs"), (28, b"\3\0")]),
    "cramfs": ("compressed", [(0, bytes.fromhex("453dcd28"))]),
    "romfs": ("compressed", [(0, b"-rom1fs-")]),
    "ubi": ("flash", [(0, b"UBI#")]),
    "ubifs": ("flash", [(0, bytes.fromhex("31181006"))]),
    "zonefs": ("flash", [(0, b"SFOZ")]),
}
"""What others publish of their headers, and a word of what we call it."""

UNJUDGED = {
    "udf": ("UDF", [(32 * KIB, b"\0BEA01\1"), (34 * KIB, b"\0NSR02\1")]),  # ECMA-167 2/9.1
    "nilfs2": ("NILFS2", [(KIB, bytes.fromhex("02000000 0000 3434"))]),  # the judge wants its CRC, with a seed
    "zfs": (
        "ZFS",
        [(128 * KIB, bytes.fromhex("0cb1ba0000000000"))],
    ),  # ZFS on-disk specification 1.3, the judge wants more
    "zfs, last label, big endian": ("ZFS", [(-64 * KIB, bytes.fromhex("0000000000bab10c"))]),
    "gfs2": ("GFS", [(64 * KIB, bytes.fromhex("01161970"))]),
    "stratis": ("Stratis", [(516, b"!Stra0tis\x86\xff\x02^\x41rh")]),
}


def image_of(path: Path, parts: Parts, size: int = SIZE) -> Path:
    with ImageFile.create(path, size) as disk:
        for at, data in parts:
            disk.write(at % size, data)
    return path


def judged(path: Path) -> dict[str, str]:
    """What `blkid` says of an image."""
    found = subprocess.run(["blkid", "-p", "-o", "export", path], capture_output=True, text=True, check=False)
    return dict(line.split("=", 1) for line in found.stdout.splitlines() if "=" in line)


def use_of(path: Path) -> str | None:
    with ImageFile(path) as disk:
        return foreign_use(disk)


@pytest.mark.parametrize("name", KNOWN | UNJUDGED)
def test_published_headers_are_known_as_blkid_knows_them(name: str, tmp_path: Path) -> None:
    word, parts = (KNOWN | UNJUDGED)[name]
    path = image_of(tmp_path / "disk", parts)
    assert word in (use_of(path) or "")
    if name in KNOWN and shutil.which("blkid"):
        assert {"TYPE", "PTTYPE"} & set(judged(path))


def test_what_counts_from_the_end_does_so_on_odd_sizes(tmp_path: Path) -> None:
    size = SIZE + 65 * 512 + 3
    for name, at, parts in [
        (
            "md 1.0",
            size // 4096 * 4096 - 8 * KIB,
            [(0, MD1), (144, struct.pack("<Q", (SIZE + 32 * KIB - 8 * KIB) // 512))],
        ),
        ("md 0.90", SIZE - 64 * KIB, KNOWN["md 0.90"][1]),
    ]:
        path = image_of(tmp_path / name, [(at + (here if here >= 0 else 0), data) for here, data in parts], size)
        assert "Linux RAID" in (use_of(path) or ""), name
        if shutil.which("blkid"):
            assert judged(path)["TYPE"] == "linux_raid_member"


def test_no_magic_number_is_seen_where_one_bit_differs(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "disk", 4 * MIB) as disk:
        for sign in SIGNS:
            at = sign.places[-1] % (4 * MIB)
            for magic in sign.magics:
                disk.write(at, magic)
                assert foreign_use(disk) is not None
                disk.write(at, magic[:-1] + bytes([magic[-1] ^ 0x80]))
                assert foreign_use(disk) is None, sign
                disk.write(at, bytes(len(magic)))


@pytest.mark.parametrize(
    "sector",
    [
        partition_sector(LINUX_PARTITION, first=bytes.fromhex("c9c2d4c1")),  # the boot record of AIX [lvm 2]
        partition_sector(first=bytes.fromhex("c9c2d4c1").ljust(0x80, b"\0") + bytes.fromhex("0000313abb567908")),
        partition_sector(),
        partition_sector(b"\x44" * 64),
        partition_sector(LINUX_PARTITION)[:510] + b"\xaa\x55",
    ],
    ids=["AIX, bootable", "AIX, a PVID", "no partition", "noise", "no signature"],
)
def test_what_is_no_master_boot_record(sector: bytes, tmp_path: Path) -> None:
    path = image_of(tmp_path / "disk", [(0, sector)])
    assert use_of(path) is None
    if shutil.which("blkid") and sector[:4] == bytes.fromhex("c9c2d4c1"):
        assert judged(path).get("PTTYPE") == "aix"


def test_a_tiny_disk(tmp_path: Path) -> None:
    for size in (512, 1024, 4096, 5000):
        assert use_of(image_of(tmp_path / str(size), [], size)) is None


def test_few_reads(tmp_path: Path) -> None:
    class Counting(ImageFile):
        reads: list[tuple[int, int]] = []  # noqa: RUF012

        def read(self, offset: int, length: int):  # type: ignore[no-untyped-def]
            self.reads.append((offset, length))
            return super().read(offset, length)

    with Counting(image_of(tmp_path / "disk", [], 64 * MIB)) as disk:
        assert foreign_use(disk) is None
        assert len(disk.reads) <= 8
        assert all(at + length <= other for (at, length), (other, _) in pairwise(sorted(disk.reads)))


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (["mkfs.ext4", "-q"], "ext"),
        (["mkswap", "-q"], "swap"),
        (["sfdisk", "-q"], "GPT"),
        (["mkfs.minix"], "Minix"),
        (["mkfs.minix", "-2"], "Minix"),
        (["mkfs.minix", "-3"], "Minix"),
        (["mkfs.bfs"], "BFS"),
        (["mkfs.vfat"], "FAT"),
        (["mkfs.xfs", "-q", "-f"], "XFS"),
        (["mkfs.btrfs", "-q"], "Btrfs"),
        (["mkfs.f2fs"], "F2FS"),
        (["cryptsetup", "-q", "luksFormat", "--pbkdf", "pbkdf2"], "LUKS"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_their_own_tools_make(command: list[str], word: str, tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    path = image_of(tmp_path / "disk", [], 400 * MIB if command[0] in ("mkfs.xfs", "mkfs.btrfs", "mkfs.f2fs") else SIZE)
    subprocess.run([*command, path], input="label: gpt\n", text=True, check=True, capture_output=True)
    assert word in (use_of(path) or "")


@pytest.mark.parametrize(("dialect", "what"), [(AIX, "JFS2"), (LINUX, "JFS")], ids=["aix", "linux"])
def test_our_file_systems(dialect: Dialect, what: str, tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "disk", 16 * MIB) as disk:
        mkfs(disk, dialect=dialect)
        assert foreign_use(disk) == f"a {what} file system"
