"""/etc/filesystems: which device is mounted where, a file inside the root file system of each rootvg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CorruptImage
from . import stanza
from .stanza import Stanza

PATH = "/etc/filesystems"


@dataclass(frozen=True)
class Entry:
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


def parse(data: bytes) -> list[Entry]:
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
        entries.append(Entry(found.name, found.items["dev"], attributes))
    return entries


def build(entries: Sequence[Entry]) -> bytes:
    """The file with these stanzas."""
    return stanza.build(
        [Stanza(e.mount_point, {"dev": e.device, **e.attributes}) for e in entries], "\t{key}\t\t= {value}"
    )


def mount_order(entries: Sequence[Entry]) -> list[Entry]:
    """What a boot mounts, in order: the file systems that the kernel needs (`automatic`), then `mount = true`.

    This is the order of the rows of `df` in the article: /, /usr, /var, /tmp, then /home, /proc, /opt.
    """
    return [e for wanted in ("automatic", "true") for e in entries if e.attributes.get("mount") == wanted]


def control_block_text(entry: Entry) -> str:
    """The `fs` member of the LVCB: `vfs=jfs2:log=/dev/hd8:mount=automatic:...`."""
    return ":".join(f"{key}={value}" for key, value in entry.attributes.items() if key != "check")
