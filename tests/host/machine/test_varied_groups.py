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


def test_what_a_disk_misses_that_is_away_is_named_once(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "host")
    images = [ImageFile.create(folder.image(name), 64 * MIB) for name in "abc"]
    group = VolumeGroup.create(images, origin=ORIGIN, machine_id=MACHINE_ID)
    with group.change(ORIGIN) as change:
        change.add_lv("lv00", "raw", 3, copies=2, disks=list(group.physical_volumes)[:2])
    for image in images:
        image.close()
    folder.image("b").unlink()
    slots = DiskSlots(folder, writable=True)
    vgid = slots.vgid("a")
    assert vgid is not None
    kernel = Kernel("a")
    groups = VariedGroups(kernel, slots, ORIGIN, writable=True)
    groups.adopt(lvm.varyon(slots.members(vgid), origin=ORIGIN, force=True))
    kernel.vary_on(vgid)
    told = []
    for at in (0, 8, groups.open(vgid).pp_size):  # the first sector of LP 1, another of it, LP 2
        with groups.volume_device("lv00") as device:
            device.write(at * 512 if at == 8 else at, b"x" * 512)
        kernel.leave(groups.rest(), {}, {})
        told.append([(loss.volume, loss.partitions) for loss in groups.losses])
        groups = VariedGroups(kernel, slots, ORIGIN, writable=True)
    slots.close()
    assert told[0][0] == ("lv00", "1") and told[1:] == [[], [("lv00", "2")]]
