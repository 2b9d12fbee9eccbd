"""Groups that are varied on: read as they were left, gone on with for writing, left at rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.errors import NotFound
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.folder.kernel import Kernel
from lvmfmt.host.machine.slots import DiskSlots
from lvmfmt.host.machine.varied_groups import VariedGroups
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import MIB

from ..stub import MACHINE_ID

ORIGIN = SeededOrigin(2)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.create(tmp_path / "host")
    images = [ImageFile.create(folder.image(name), 64 * MIB) for name in "ab"]
    group = VolumeGroup.create(images, origin=ORIGIN, machine_id=MACHINE_ID)
    with group.change(ORIGIN) as change:
        change.add_lv("lv00", "raw", 1, 2)
    for image in images:
        image.close()
    return folder


@pytest.fixture
def slots(folder: Folder) -> Iterator[DiskSlots]:
    slots = DiskSlots(folder, writable=True)
    yield slots
    slots.close()


def varied_on(slots: DiskSlots) -> tuple[Kernel, VariedGroups, str]:
    vgid = slots.vgid("a")
    assert vgid is not None
    kernel = Kernel("a")
    groups = VariedGroups(kernel, slots, ORIGIN, writable=True)
    groups.adopt(lvm.varyon(slots.members(vgid), origin=ORIGIN))
    kernel.vary_on(vgid)
    return kernel, groups, vgid


def test_how_a_group_was_left(slots: DiskSlots) -> None:
    kernel, groups, vgid = varied_on(slots)
    assert groups.group_of_volume("lv00").vgid == vgid and groups.down() == []
    with groups.volume_device("lv00") as device:
        device.write(0, b"x" * 512)
    left = groups.rest()
    assert left[vgid].slots == ("a", "b") and left[vgid].missing == () and left[vgid].votes == 3  # 2 + 1 VGDAs
    kernel.leave(left, {}, {})
    again = VariedGroups(kernel, slots, ORIGIN, writable=True)
    assert again.open(vgid) is again.open(vgid)
    assert bytes(again.volume_device("lv00").read(0, 2)) == b"xx"


def test_a_reading_process_only_reads(slots: DiskSlots) -> None:
    kernel, groups, vgid = varied_on(slots)
    kernel.leave(groups.rest(), {}, {})
    reading = VariedGroups(kernel, slots, ORIGIN, writable=False)
    assert reading.group_of_volume("lv00").vgid == vgid
    assert reading.down() == [] and reading.volume_device("lv00").size == reading.open(vgid).pp_size
    assert reading.rest() == dict(kernel.groups)


def test_what_is_not_varied_on_is_not_found(slots: DiskSlots) -> None:
    kernel, groups, vgid = varied_on(slots)
    with pytest.raises(NotFound, match="no logical volume lv01"):
        groups.group_of_volume("lv01")
    kernel.vary_off(vgid)
    with pytest.raises(NotFound, match="lv00"):
        groups.volume_device("lv00")
    with pytest.raises(NotFound, match="no disk of volume group"):
        groups.open("0" * 32)
