"""A Linux-dialect file system inside a logical volume of ours: the kernel finds the LV, mounts it and reads all."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, build, scan_trees
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin
from lvmfmt.units import GIB

pytestmark = [pytest.mark.judge, pytest.mark.slow]
NOW = 1_257_847_200_123_456_789


def test_linux_mounts_a_logical_volume_as_root(kernel, root_tree, check_console, tmp_path):
    inventory, _ = scan_trees([(root_tree, "/")], origin=FixedOrigin(NOW))
    image = tmp_path / "disk"
    origin = SeededOrigin(1)
    with ImageFile.create(image, GIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00F7B72A4C00", version=1)
        with group.change(origin) as change:
            change.add_lv("hd5", "boot", 1)
            change.add_lv("hd4", "jfs", 4, label="/", policy=LvPolicy(contiguous=True))
        hd4 = group.logical_volumes["hd4"].device
        assert bytes(hd4.read(0, 8)) == b"AIX LVCB"
        build(hd4, inventory, dialect=LINUX, origin=FixedOrigin(NOW))
        assert bytes(hd4.read(0, 8)) == b"AIX LVCB"
    console = kernel([image], "root=/dev/ubda2", "rootfstype=jfs", "ro", "init=/check")
    assert [line.strip() for line in console.splitlines() if line.startswith(" ubda")][1:] == [
        "ubda1 <hd5>",
        "ubda2 <hd4>",
    ]
    check_console(console, root_tree)
