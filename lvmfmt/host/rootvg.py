"""What rootvg consists of when AIX is installed: its logical volumes, file systems and directories."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .. import jfs2
from ..lvm import LvPolicy
from ..units import MIB
from .odm.filesystems import FileSystemStanza


class VolumeSpec(NamedTuple):
    """A logical volume of a new rootvg, as AIX makes it.

    Attributes:
        name: its name.
        type: its type.
        minimum: bytes it has at least.
        mount_point: where its file system is mounted.
        attributes: of its stanza in /etc/filesystems, beside device, type and log.
        policy: how it is placed and written.
        label: in its control block where it is not mounted.
    """

    name: str
    type: str
    minimum: int
    mount_point: str | None = None
    attributes: Mapping[str, str] = MappingProxyType({})
    policy: LvPolicy = LvPolicy(intra="c")
    label: str = ""


def _boot_fs(volume: str, *, free: str = "false") -> dict[str, str]:
    return {"mount": "automatic", "check": "false", "type": "bootfs", "vol": volume, "free": free}


def _user_fs(volume: str) -> dict[str, str]:
    return {"mount": "true", "check": "true", "vol": volume, "free": "false"}


ROOTVG = "rootvg"
BOOT_VOLUME, LOG_VOLUME, ROOT_VOLUME = "hd5", "hd8", "hd4"

VOLUMES = (
    VolumeSpec(BOOT_VOLUME, "boot", MIB, label="primary_bootlv",
               policy=LvPolicy(intra="e", relocatable=False, bb_relocation=False)),
    VolumeSpec("hd6", "paging", 64 * MIB, policy=LvPolicy(intra="m", mwc="n", bb_relocation=False)),
    VolumeSpec(LOG_VOLUME, "jfs2log", MIB, policy=LvPolicy(intra="c", mwc="n")),
    VolumeSpec("hd4", "jfs2", 32 * MIB, "/", attributes=_boot_fs("root", free="true")),
    VolumeSpec("hd2", "jfs2", 32 * MIB, "/usr", attributes=_boot_fs("/usr")),
    VolumeSpec("hd9var", "jfs2", 16 * MIB, "/var", attributes=_boot_fs("/var")),
    VolumeSpec("hd3", "jfs2", 16 * MIB, "/tmp",
               attributes={"mount": "automatic", "check": "false", "vol": "/tmp", "free": "false"}),
    VolumeSpec("hd1", "jfs2", 16 * MIB, "/home", attributes=_user_fs("/home")),
    VolumeSpec("hd10opt", "jfs2", 16 * MIB, "/opt", attributes=_user_fs("/opt")),
)  # fmt: skip
"""The logical volumes of rootvg, in the order in which AIX lists them."""

PROC = FileSystemStanza(
    "/proc", "/proc", {"vol": '"/proc"', "mount": "true", "check": "false", "free": "false", "vfs": "procfs"}
)
STANZA_ORDER = ("/", "/home", "/usr", "/var", "/tmp", "/proc", "/opt")

SKELETON = {
    "/": ("/etc/objrepos", "/dev", "/proc", "/sbin"),
    "/usr": ("/lib/boot", "/lib/objrepos"),
    "/var": ("/adm/ras",),
}
"""Directories that a host needs, by file system; trees may bring them with their own owners and modes."""


def identity(mount_point: str, volume: str) -> jfs2.Identity:
    """The names in the superblock: the first six characters of mount point and logical volume."""
    return jfs2.Identity(fname=mount_point[:6], fpack=volume[:6])
