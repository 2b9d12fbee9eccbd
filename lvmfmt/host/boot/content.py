"""What goes into a boot image: the base ODM, and the files that a list on the host names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...block import BlockDevice
from ...errors import NotFound
from ...origin import Origin
from ..messages import message
from .image import build_image, find_image, read_members

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


def proto_paths(data: bytes) -> list[str]:
    """The absolute paths that a proto file lists, without repeats."""
    lines = (line.split(b"#")[0].strip() for line in data.splitlines())
    return list(dict.fromkeys(line.decode("utf-8", "surrogateescape") for line in lines if line.startswith(b"/")))


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
