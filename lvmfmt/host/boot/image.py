"""Boot images and boot records: what makes a disk bootable.

A boot image lies in the boot logical volume (hd5) and holds real content: the base ODM and the files that a list on
the host names, so its size follows from them. The boot record of a disk (PSN 0) says where its image starts; a build
stamp in unused bytes of the record repeats the one in the image's header. A disk boots if, and only if, both are there,
the image's checksums are right and the two stamps are equal: a record left behind over its intact old image boots the
old content, a record over a mirror copy of another image does not boot before `bosboot`.

Where the boot record's fields lie is published; the format of the image and the stamp are our own (grade C).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import crcmod.predefined

from ...block import BlockDevice
from ...errors import CorruptImage, ImageIOError, OperationRefused
from ...layout.boot_image import BOOT_IMAGE, BOOT_MEMBER, BOOT_STAMP
from ...lvm import read_boot_record
from ...units import SECTOR, align_up, ceil_div

MAGIC = b"lvmfmt boot"
STAMP_MAGIC = b"lvmfmt"
STAMP_FIELD = "reserved6"
"""Field of the boot record with the build stamp: the 302 unused bytes after the PVID."""
_CRC_CHUNK = 8 << 20
_MAX_PATH = 495


@dataclass(frozen=True)
class BootImage:
    """A valid boot image, as found through the boot record of a disk.

    Attributes:
        stamp: its build stamp.
        built: when it was built, nanoseconds since 1970.
        blocks: its length in blocks of 512 bytes.
        offset: byte of the disk where it starts.
        members: (path, bytes) of the files in it.
    """

    stamp: int
    built: int
    blocks: int
    offset: int
    members: tuple[tuple[str, int], ...]


def build_image(
    base: Mapping[str, bytes], files: Mapping[str, bytes], *, stamp: int, now: int, base_room: int = SECTOR
) -> bytes:
    """The bytes of a boot image.

    Args:
        base: the base ODM: content of its files by path.
        files: the other files by path.
        stamp: build stamp, 1 to 2**64 - 1.
        now: instant in nanoseconds.
        base_room: the image is as long as if the base ODM took a multiple of so many bytes.

    Raises:
        OperationRefused: a path is too long.
    """
    base_part, files_part = _members_bytes(base), _members_bytes(files)
    content = base_part + files_part + bytes(align_up(len(base_part), base_room) - len(base_part))
    header = {
        "magic": MAGIC,
        "stamp": stamp,
        "built": now,
        "blocks": 1 + len(content) // SECTOR,
        "members": len(base) + len(files),
        "base_blocks": len(base_part) // SECTOR,
        "content_crc": _crc(content),
    }
    checked = BOOT_IMAGE.build(header)[: BOOT_IMAGE.offset_of("header_crc")]
    return BOOT_IMAGE.build({**header, "header_crc": _crc(checked)}) + content


def _members_bytes(members: Mapping[str, bytes]) -> bytes:
    parts = []
    for path, data in members.items():
        name = path.encode("utf-8", "surrogateescape")
        if len(name) > _MAX_PATH:
            raise OperationRefused(f"a path of a boot image has at most {_MAX_PATH} bytes: {path}")
        parts.append(BOOT_MEMBER.build({"path": name, "size": len(data)}))
        parts.append(data.ljust(align_up(len(data), SECTOR), b"\0"))
    return b"".join(parts)


def find_image(disk: BlockDevice) -> BootImage:
    """The image that `disk` boots, found and checked through its boot record.

    Raises:
        CorruptImage: the disk does not boot, and why.
    """
    record = read_boot_record(disk)
    blocks, start = int(record.boot_code_length), int(record.boot_prg_start) * SECTOR
    if not blocks or not start:
        raise CorruptImage(
            "boot_record", "boot_code_length", offset=0x24, expected="boot code", found="none", where=disk.name
        )
    if start + blocks * SECTOR > disk.size:
        raise CorruptImage(
            "boot_record", "boot_prg_start", offset=0x30, expected=f"an image inside {disk.size} bytes",
            found=f"bytes {start} to {start + blocks * SECTOR}", where=disk.name,
        )  # fmt: skip
    header = _read_header(disk, start, blocks)
    mark = BOOT_STAMP.parse(bytes(getattr(record, STAMP_FIELD)))
    if mark.magic != STAMP_MAGIC or mark.stamp != header.stamp:
        raise CorruptImage(
            "boot_stamp", "stamp", offset=0x90, expected=f"{header.stamp:#x} as in the boot image at byte {start}",
            found=f"{mark.stamp:#x}", where=disk.name,
        )  # fmt: skip
    return BootImage(header.stamp, header.built, blocks, start, _members(disk, start, header.members, blocks))


def read_members(disk: BlockDevice, image: BootImage) -> dict[str, bytes]:
    """Content of the files in a boot image by their paths, in order.

    Args:
        disk: where it lies.
        image: as `find_image` found it.
    """
    found = {}
    at = image.offset + BOOT_IMAGE.size
    for path, size in image.members:
        found[path] = disk.read(at + SECTOR, size).tobytes()
        at += SECTOR * (1 + ceil_div(size, SECTOR))
    return found


def bootable(disk: BlockDevice) -> bool:
    """Whether `disk` boots."""
    try:
        find_image(disk)
    except (CorruptImage, ImageIOError):
        return False
    return True


def _read_header(disk: BlockDevice, start: int, blocks: int) -> BootHeader:
    raw = disk.read(start, BOOT_IMAGE.size).tobytes()
    header = BOOT_IMAGE.parse(raw, offset=start, where=disk.name)
    crc_at = BOOT_IMAGE.offset_of("header_crc")
    checks: Sequence[tuple[str, object, object]] = (
        ("magic", MAGIC, header.magic),
        ("header_crc", _crc(raw[:crc_at]), header.header_crc),
        ("blocks", blocks, header.blocks),
    )
    for name, expected, found in checks:
        if expected != found:
            raise CorruptImage(
                "boot_image", name, offset=start + BOOT_IMAGE.offset_of(name), expected=expected, found=found,
                where=disk.name,
            )  # fmt: skip
    crc = crcmod.predefined.Crc("crc-32")
    end = start + blocks * SECTOR
    for at in range(start + BOOT_IMAGE.size, end, _CRC_CHUNK):
        crc.update(disk.read(at, min(_CRC_CHUNK, end - at)).tobytes())
    if crc.crcValue != header.content_crc:
        raise CorruptImage(
            "boot_image", "content_crc", offset=start + BOOT_IMAGE.offset_of("content_crc"),
            expected=f"{crc.crcValue:#x}", found=f"{header.content_crc:#x}", where=disk.name,
        )  # fmt: skip
    return BootHeader(int(header.stamp), int(header.built), int(header.members))


@dataclass(frozen=True)
class BootHeader:
    """What is needed of the header of a checked image."""

    stamp: int
    built: int
    members: int


def _members(disk: BlockDevice, start: int, count: int, blocks: int) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    at, end = start + BOOT_IMAGE.size, start + blocks * SECTOR
    for _ in range(count):
        if at + SECTOR > end:
            raise CorruptImage(
                "boot_image", "members", offset=start, expected=f"{len(found)}", found=count, where=disk.name
            )
        head = BOOT_MEMBER.parse(disk.read(at, SECTOR), offset=at, where=disk.name)
        room = end - at - SECTOR
        if head.size > room:
            raise CorruptImage(
                "boot_member", "size", offset=at, expected=f"at most {room} bytes", found=head.size, where=disk.name
            )
        found.append((head.path.decode("utf-8", "surrogateescape"), int(head.size)))
        at += SECTOR * (1 + ceil_div(head.size, SECTOR))
    return tuple(found)


def _crc(data: bytes) -> int:
    return int(crcmod.predefined.mkCrcFun("crc-32")(data))
