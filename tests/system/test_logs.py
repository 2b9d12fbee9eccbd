"""Which logical volume has the log of a file system, by the minor number in its superblock."""

from lvmfmt import jfs2
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin
from lvmfmt.system.disks import System
from lvmfmt.system.logs import log_of

from ..inspect.conftest import Rootvg

MAJOR = 0xA << 32
"""The major number that the superblocks of the group name, without the top bit of the word."""


def log(group: VolumeGroup, name: str) -> tuple[str | None, int]:
    return log_of(group, name, read_superblock(group.logical_volumes[name].device))


def test_the_minor_number_names_the_log_volume(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths) as system:
        # minors count from 1 in the order of making: hd5, hd8, hd4, hd1
        assert log(system.group, "hd4") == ("hd8", MAJOR | 3)
        assert log(system.group, "hd1") == ("hd8", MAJOR | 4)


def test_no_log_volume_has_the_number(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths, writable=True) as system:
        device = system.logical_volume("hd1").device
        other = jfs2.ExternalLog(0x8000000A00000001)  # minor 1 is hd5, which is no log
        jfs2.mkfs(device, origin=FixedOrigin(1), log=other)
        assert log(system.group, "hd1") == (None, MAJOR | 4)
        jfs2.mkfs(device, origin=FixedOrigin(1), log=jfs2.InlineLog(device=0x8000000A00000004))
        assert log(system.group, "hd1") == ("hd1", MAJOR | 4)
