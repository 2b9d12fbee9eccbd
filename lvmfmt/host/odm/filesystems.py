"""/etc/filesystems: which device is mounted where, a file inside the root file system of each rootvg."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import CorruptImage
from . import stanza
from .stanza import Stanza

PATH = "/etc/filesystems"
INLINE = "INLINE"
"""Log of a file system that has it inside."""


class FileSystemStanza(NamedTuple):
    """A stanza of /etc/filesystems.

    Attributes:
        mount_point: absolute path, also the stanza's name.
        device: /dev/NAME, or the name of a pseudo file system.
        attributes: everything else, in order: vfs, log, mount, check, type, vol, free, ...
    """

    mount_point: str
    device: str
    attributes: dict[str, str]

    @property
    def volume(self) -> str | None:
        """Name of the logical volume, or None for a pseudo file system."""
        return self.device.removeprefix("/dev/") if self.device.startswith("/dev/") else None

    @property
    def vfs(self) -> str:
        """Type of the file system, such as jfs2."""
        return self.attributes.get("vfs", "")


def parse(data: bytes) -> list[FileSystemStanza]:
    """The stanzas of the file, in order.

    Raises:
        CorruptImage: a stanza has no absolute mount point or no device.
    """
    entries = []
    for found in stanza.parse(data, structure="filesystems", comment="*", where=PATH):
        for key, value in (("name", found.name), ("dev", found.items.get("dev", ""))):
            if not value.startswith("/"):
                raise CorruptImage(
                    "filesystems", key, offset=found.offset, expected="an absolute path", found=repr(value), where=PATH
                )
        attributes = {key: value for key, value in found.items.items() if key != "dev"}
        entries.append(FileSystemStanza(found.name, found.items["dev"], attributes))
    return entries


def build(entries: Sequence[FileSystemStanza]) -> bytes:
    """The file with these stanzas."""
    return stanza.build(
        [Stanza(e.mount_point, {"dev": e.device, **e.attributes}) for e in entries], "\t{key}\t\t= {value}"
    )


def edited(data: bytes, mount_point: str, entry: FileSystemStanza | None) -> bytes:
    """The file with the stanza of a mount point replaced by another, or removed; a new one goes to the end.

    All other bytes stay.

    Raises:
        CorruptImage: the file cannot be read.
    """
    new = b"" if entry is None else build([entry])
    for found in stanza.parse(data, structure="filesystems", comment="*", where=PATH):
        if found.name == mount_point:
            end = _end_of_stanza(data, found.offset)
            return data[: found.offset] + new + data[end:]
    gap = b"" if not data or data.endswith(b"\n\n") else b"\n" if data.endswith(b"\n") else b"\n\n"
    return data + gap + new if new else data


def _end_of_stanza(data: bytes, start: int) -> int:
    """Where a stanza ends that starts there, with the blank lines behind it."""
    end = data.find(b"\n", start) + 1 or len(data)
    items = True
    while end < len(data):
        line = data[end : (data.find(b"\n", end) + 1) or len(data)]
        blank = not line.strip()
        if not (blank or (items and line[:1] in b" \t")):
            break
        items = items and not blank
        end += len(line)
    return end


def mount_order(entries: Sequence[FileSystemStanza]) -> list[FileSystemStanza]:
    """What a boot mounts, in order: the file systems that the kernel needs (`automatic`), then `mount = true`.

    This is the order of the rows of `df` in the article: /, /usr, /var, /tmp, then /home, /proc, /opt.
    """
    return [e for wanted in ("automatic", "true") for e in entries if e.attributes.get("mount") == wanted]


def control_block_text(entry: FileSystemStanza) -> str:
    """The `fs` member of the LVCB: `vfs=jfs2:log=/dev/hd8:mount=automatic:...`."""
    return ":".join(f"{key}={value}" for key, value in entry.attributes.items() if key != "check")
