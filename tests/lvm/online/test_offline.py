"""Writing to LVs of a group that no system has: all copies at the end, and MWC records where there was no end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.block.trace import Trace
from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import OfflineWrites, VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import MIB

ORIGIN = SeededOrigin(4)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Trace]]:
    """A group with `two`, of two copies, and `one`, of one."""
    images = [ImageFile.create(tmp_path / name, 64 * MIB) for name in "ab"]
    group = VolumeGroup.create(images, origin=ORIGIN, machine_id="00CED1DC4C00")
    with group.change(ORIGIN) as change:
        change.add_lv("two", "jfs2", 2, copies=2)
        change.add_lv("one", "jfs2", 2)
    yield [Trace(image) for image in images]
    for image in images:
        image.close()


def copies(group: VolumeGroup) -> list[bytes]:
    return [group.logical_volumes["two"].copy_device(n).read(4096, 512).tobytes() for n in (1, 2)]


def test_nothing_is_written_before_something_is_to_be(disks: list[Trace]) -> None:
    group = VolumeGroup.open(disks)
    writes = OfflineWrites(group, ORIGIN)
    for volume in group.logical_volumes.values():
        writes.device(volume).read(0, 512)
    writes.end()
    assert not any(disk.events for disk in disks)


def test_all_copies_and_no_record_of_them_at_the_end(disks: list[Trace]) -> None:
    group = VolumeGroup.open(disks)
    writes = OfflineWrites(group, ORIGIN)
    writes.device(group.logical_volumes["two"]).write(4096, b"x" * 512)
    writes.end()
    assert copies(group) == [b"x" * 512] * 2 and group.keeper is None
    online = lvm.varyon(disks, origin=ORIGIN)
    assert online.repaired == []
    online.varyoff()


def test_where_there_was_no_end_the_next_varyon_makes_it_equal(disks: list[Trace]) -> None:
    group = VolumeGroup.open(disks)
    device = OfflineWrites(group, ORIGIN).device(group.logical_volumes["two"])
    device.write(4096, b"x" * 512)
    at = group.pvs[2].offset(int(group.logical_volumes["two"].map.pp[1, 0])) + 4096
    disks[1].write(at, b"y" * 512)  # as if power had failed between the two writes
    assert len(set(copies(group))) == 2
    online = lvm.varyon(disks, origin=ORIGIN)
    assert [name for name, *_ in online.repaired] == ["two"] and len(set(copies(online.group))) == 1
    online.varyoff()


def test_a_copy_out_of_reach_refuses(disks: list[Trace]) -> None:
    group = VolumeGroup.open(disks[:1])
    device = OfflineWrites(group, ORIGIN).device(group.logical_volumes["two"])
    with pytest.raises(OperationRefused):
        device.check_writable()
