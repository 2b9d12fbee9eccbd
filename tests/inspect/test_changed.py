"""What changed since a manifest belongs to the file that holds the changed bytes."""

from pathlib import Path

from lvmfmt.block import ImageFile
from lvmfmt.block.copying.image import copy_image
from lvmfmt.block.copying.manifest import verify_manifest
from lvmfmt.inspect.changed import changed_ranges
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup

from .conftest import Rootvg


def test_a_changed_file_of_a_logical_volume_is_named(rootvg: Rootvg, tmp_path: Path) -> None:
    copy_image(rootvg.disks[1], tmp_path / "copy.img", manifest=tmp_path / "m")
    with ImageFile(tmp_path / "copy.img", writable=True) as copy, ImageFile(rootvg.disks[0], writable=True) as other:
        volume = VolumeGroup.open([other, copy]).logical_volumes["hd1"]
        inventory = FileSystem.open(volume.device).inventory()
        extent = inventory.extents[inventory.extents["inode"] == inventory.resolve("/big")][0]
        volume.device.write(int(extent["source_offset"]) + 5000, b"changed")
        copy.flush()
        found = changed_ranges(copy, [other], verify_manifest(copy, tmp_path / "m").changed)
    assert len(found) == 1
    assert any("hd1: file" in owner and "big" in owner for owner in found[0].owners)
