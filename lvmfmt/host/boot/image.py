"""Boot images and boot records: what makes a disk bootable.

A boot image lies in the boot logical volume (hd5) and holds real content: the base ODM and the files that a list on
the host names, so its size follows from them. The boot record of a disk (PSN 0) says where its image starts; a build
stamp in unused bytes of the record repeats the one in the image's header. A disk boots if, and only if, both are there,
the image's checksums are right and the two stamps are equal: a record left behind over its intact old image boots the
old content, a record over a mirror copy of another image does not boot before `bosboot`.

The volume has two slots for images. A new one goes into the slot that the boot record does not point to, and the
record, one sector, is written last: a `bosboot` that is interrupted leaves the old image bootable.

Where the boot record's fields lie is published; the format of the image and the stamp are our own (grade C).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import crcmod.predefined

from ...block import BlockDevice, PieceList
from ...errors import CorruptImage, NoSpace, NotFound, OperationRefused
from ...layout.boot_image import BOOT_IMAGE, BOOT_MEMBER, BOOT_STAMP
from ...lvm import LogicalVolume, read_boot_record, write_boot_record
from ...origin import Origin
from ...units import SECTOR, align_up, ceil_div
from ..messages import message

PROTO = "/usr/lib/boot/chrp.disk.proto"
"""List of the files that go into a boot image, one absolute path a line."""

DEFAULT_PROTO = b"""\
# files of the boot image; those that this system does not have are left out
/unix
/usr/lib/boot/unix_64
/etc/inittab
/sbin/rc.boot
/etc/filesystems
"""

BASE_ROOM = 64 << 10
"""The base ODM has room to grow, in such steps, so an image does not get longer with every device."""

MAGIC = b"lvmfmt boot"
STAMP_MAGIC = b"lvmfmt"
_STAMP_FIELD = "reserved6"  # the 302 unused bytes after the PVID
_FIRST_SLOT = 4096  # the LVCB lies before it
_CHUNK = 8 << 20
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


def proto_paths(data: bytes) -> list[str]:
    """The absolute paths that a proto file lists, without repeats."""
    lines = (line.split(b"#")[0].strip() for line in data.splitlines())
    return list(dict.fromkeys(line.decode("utf-8", "surrogateescape") for line in lines if line.startswith(b"/")))


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
    mark = BOOT_STAMP.parse(bytes(getattr(record, _STAMP_FIELD)))
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


def with_base(disk: BlockDevice, base: Mapping[str, bytes], origin: Origin) -> bytes:
    """The boot image that `disk` boots, with another base ODM (`savebase`).

    Args:
        disk: what is booted.
        base: content of the files of the base ODM by path.
        origin: clock, and source of the build stamp.

    Raises:
        CorruptImage: the disk does not boot.
    """
    files = {path: data for path, data in read_members(disk, find_image(disk)).items() if path not in base}
    return _build(base, files, origin)


def bootable(disk: BlockDevice) -> bool:
    """Whether `disk` boots."""
    try:
        find_image(disk)
    except CorruptImage:
        return False
    return True


@dataclass(frozen=True)
class BootCopy:
    """A copy of the boot logical volume on one disk: a run of bytes."""

    disk: BlockDevice
    offset: int
    length: int


def boot_copies(volume: LogicalVolume) -> list[BootCopy]:
    """Where the copies of a boot logical volume lie.

    Raises:
        OperationRefused: a copy is not one run of bytes, so firmware could not load from it.
    """
    found = []
    for number in range(1, volume.copies + 1):
        copy = volume.copy_device(number)
        pieces = copy.pieces if isinstance(copy, PieceList) else []
        if len(pieces) != 1:
            raise OperationRefused("a copy of the boot logical volume is not one run of partitions", where=volume.name)
        found.append(BootCopy(*pieces[0]))
    return found


def slot_size(size: int) -> int:
    """Bytes of the largest image that fits a boot logical volume of `size` bytes."""
    return (size - _FIRST_SLOT) // 2 // SECTOR * SECTOR


def volume_size(image_size: int) -> int:
    """Bytes that a boot logical volume needs for images of `image_size` bytes."""
    return _FIRST_SLOT + 2 * align_up(image_size, SECTOR)


def compose(read: Callable[[str], bytes | None], base: Mapping[str, bytes], origin: Origin) -> bytes:
    """A boot image of what is on a host.

    Args:
        read: answers the content of a file of the host, None if there is no such file.
        base: the base ODM: content of its files by path.
        origin: clock, and source of the build stamp.

    Raises:
        NotFound: the list of files (`PROTO`) is missing.
    """
    proto = read(PROTO)
    if proto is None:
        raise NotFound(message("bosboot-proto", path=PROTO))
    files = {path: data for path in proto_paths(proto) if path not in base and (data := read(path)) is not None}
    return _build(base, files, origin)


def _build(base: Mapping[str, bytes], files: Mapping[str, bytes], origin: Origin) -> bytes:
    stamp = int.from_bytes(origin.entropy("boot stamp", 8), "big") or 1
    return build_image(base, files, stamp=stamp, now=origin.now(), base_room=BASE_ROOM)


def install(volume: LogicalVolume, image: bytes, start_from: Callable[[BlockDevice], bool] = lambda _: True) -> int:
    """Write an image into a boot logical volume and make disks boot it; returns its length in blocks.

    Args:
        volume: the logical volume; every copy of it receives the image.
        image: as `build_image` makes it.
        start_from: which of the disks that hold a copy get a boot record for the image.

    Raises:
        NoSpace: the image does not fit a slot.
        OperationRefused: a copy is not contiguous.
    """
    copies = boot_copies(volume)
    size = slot_size(volume.size)
    if len(image) > size:
        raise NoSpace(message("bosboot-no-room", blocks=len(image) // SECTOR, volume=volume.name, slot=size // SECTOR))
    offsets = (_FIRST_SLOT, _FIRST_SLOT + size)
    slot = 1 if _current_offset(copies[0]) == offsets[0] else 0
    device = volume.device
    device.write(offsets[slot], image)
    device.flush()
    header = BOOT_IMAGE.parse(image)
    for copy in copies:
        if start_from(copy.disk):
            _write_record(copy, offsets[slot], header.blocks, header.base_blocks, header.stamp)
    return int(header.blocks)


def _current_offset(copy: BootCopy) -> int | None:
    """Where in its copy of the volume the image lies that a disk boots now."""
    try:
        return find_image(copy.disk).offset - copy.offset
    except CorruptImage:
        return None


def _write_record(copy: BootCopy, at: int, blocks: int, base_blocks: int, stamp: int) -> None:
    fields: dict[str, object] = {}
    for prefix in ("boot", "ser"):
        fields |= {
            f"{prefix}_code_length": blocks,
            f"{prefix}_lv_start": copy.offset // SECTOR,
            f"{prefix}_prg_start": (copy.offset + at) // SECTOR,
            f"{prefix}_lv_length": copy.length // SECTOR,
        }
    for mode in ("basecn", "basecs"):
        fields |= {f"{mode}_start": (copy.offset + at) // SECTOR + 1, f"{mode}_length": min(base_blocks, 0xFFFF)}
    room = len(getattr(read_boot_record(copy.disk), _STAMP_FIELD))
    fields[_STAMP_FIELD] = BOOT_STAMP.build({"magic": STAMP_MAGIC, "stamp": stamp}).ljust(room, b"\0")
    write_boot_record(copy.disk, **fields)


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
    for at in range(start + BOOT_IMAGE.size, end, _CHUNK):
        crc.update(disk.read(at, min(_CHUNK, end - at)).tobytes())
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
