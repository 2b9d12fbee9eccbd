"""Make a volume group, a logical volume and a file system from the folder `site`."""

from lvmfmt import VolumeGroup
from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import build, scan_trees, size_for

with ImageFile.create("hdisk0.img", 256 << 20) as disk, VolumeGroup.create(disk) as group:
    inventory, problems = scan_trees("site")
    with group.change() as change:
        change.add_lv("sitelv", "jfs2", lps=-(-size_for(inventory) // group.pp_size), label="/site")
    report = build(group.logical_volumes["sitelv"].device, inventory)
    print(f"{report.inodes} inodes, {len(problems)} problems: {group}")
