"""A group whose copies are in a tie is read, and no change puts one of them over the other."""

from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import VolumeGroup

from .checking.test_votes import made, spoil

__all__ = ["made"]


def test_a_group_in_a_tie_is_not_changed(made: Any) -> None:
    group, devices = made
    spoil(group, 2, 2)
    before = [device.data.tobytes() for device in devices]
    opened = VolumeGroup.open(devices)
    with pytest.raises(OperationRefused, match="nothing tells which is right"), opened.change() as change:
        change.remove_lv("lv01")
    with pytest.raises(OperationRefused, match="nothing tells which is right"), opened.change() as change:
        change.add_lv("lv07", "raw", 1)
    assert [device.data.tobytes() for device in devices] == before


def test_the_copy_that_a_person_does_not_believe_can_be_taken_out(made: Any) -> None:
    group, devices = made
    spoil(group, 2, 2)
    for psn in group.record.vgda_psn:
        devices[1].write(psn * 512, bytes(512))
    with VolumeGroup.open(devices).change() as change:
        change.remove_lv("lv01")
    assert "lv01" not in VolumeGroup.open(devices).logical_volumes
