"""What a disk says of itself: PVID, LVM record, and what is wrong with them."""

from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm.disk.scan import free_group_metadata, scan


def test_a_member_an_empty_disk_and_one_that_lost_its_pvid(make_group: Any, disks: Any) -> None:
    group, (one, two) = make_group(2)
    empty = disks(1)[0]
    two.write(0x80, bytes(16))
    first, second, third = scan([one, two, empty])
    assert (first.device, first.pvid, first.vgid, first.problems) == (
        one, next(iter(group.physical_volumes)), group.vgid, [],
    )  # fmt: skip
    assert second.pvid is None and second.vgid == group.vgid and [p.rule for p in second.problems] == ["disk-pvid"]
    assert (third.pvid, third.record, third.vgid) == (None, None, None)
    assert [p.rule for p in third.problems] == ["boot-record"]


def test_a_damaged_boot_record_comes_first_among_the_problems(make_group: Any) -> None:
    _, (disk,) = make_group()
    disk.write(0, b"XXXX")
    (found,) = scan([disk])
    assert [p.rule for p in found.problems] == ["boot-record", "disk-pvid"] and found.record is not None


def test_metadata_is_given_up(make_group: Any, memory_disk: Any) -> None:
    group, (disk,) = make_group()
    free_group_metadata(disk)
    (found,) = scan([disk])
    assert found.record is None and found.pvid == next(iter(group.physical_volumes))
    with pytest.raises(OperationRefused, match="too small"):
        free_group_metadata(memory_disk("small", 127 * 512))
    free_group_metadata(memory_disk("just", 128 * 512))
