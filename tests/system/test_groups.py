"""Groups on a set of disks, and the one logical volume that goes by a name or a mount point."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.system.groups import by_group, find_logical_volume, open_groups

from ..inspect.conftest import Rootvg


def test_disks_of_one_group_are_together_and_others_in_none(rootvg: Rootvg, tmp_path) -> None:
    (tmp_path / "z.img").write_bytes(bytes(1 << 20))
    disks = [ImageFile(path) for path in (rootvg.paths[1], str(tmp_path / "z.img"), rootvg.paths[0])]
    ((vgid, members),) = by_group(disks).items()
    assert members == [disks[0], disks[2]] and len(vgid) == 32
    (group,) = open_groups(disks)
    assert group.vgid == vgid and len(group.physical_volumes) == 2
    for disk in disks:
        disk.close()


def test_a_name_or_a_mount_point(rootvg: Rootvg) -> None:
    disks = [ImageFile(path) for path in rootvg.paths]
    groups = open_groups(disks)
    assert find_logical_volume(groups, "/home")[1].name == "hd1"
    assert find_logical_volume(groups, "/") == find_logical_volume(groups, "hd4")
    with pytest.raises(NotFound, match="no logical volume is called '/opt'"):
        find_logical_volume(groups, "/opt")
    with pytest.raises(OperationRefused, match="2 volume groups have an LV '/home'"):
        find_logical_volume([*groups, *groups], "/home")
    for disk in disks:
        disk.close()
