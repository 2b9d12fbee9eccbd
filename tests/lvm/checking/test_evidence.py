"""A plan is held to its findings before a byte is written."""

from typing import Any

import pytest

from lvmfmt.block.undo import Rewrite
from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import check
from lvmfmt.lvm.checking.evidence import effective, prove, spans
from lvmfmt.lvm.opening import load

SECTOR = 512


def test_only_what_changes_something_in_its_turn_is_kept(disks: Any) -> None:
    (disk,) = disks(1)
    one, zero = Rewrite(disk, 0, b"\1" * SECTOR), Rewrite(disk, 0, bytes(SECTOR))
    kept, (after,) = effective([disk], [zero, one, one, zero])
    assert kept == [one, zero]
    assert not after.read(0, SECTOR).any() and not disk.data.any()


def test_a_torn_copy_allows_a_write_to_that_copy_alone(make_group: Any) -> None:
    _, devices = make_group(2)
    devices[0].write((2242 + 2097) * SECTOR, b"\1\2\3\4")
    state, _ = load(devices)
    assert spans(state, check(devices), {}) == [("disk1", 2242 * SECTOR, (2242 + 2098) * SECTOR)]


@pytest.mark.parametrize("what", ["outside", "another plan", "worse"])
def test_a_plan_that_does_not_hold_is_refused(make_group: Any, what: str) -> None:
    _, devices = make_group(1)
    at = 4352 * SECTOR if what == "outside" else 136 * SECTOR
    rewrite = Rewrite(devices[0], at, b"\1" * SECTOR)
    _, after = effective(devices, [rewrite])
    second = [rewrite] if what == "another plan" else []
    left = check(make_group(2)[1][:1]) if what == "worse" else []
    with pytest.raises(OperationRefused, match={"outside": "nothing was found", "another plan": "the next one writes",
                                                "worse": "other rules: .*pv-absent"}[what]):  # fmt: skip
        prove(after, [rewrite], [], [("disk1", 136 * SECTOR, 137 * SECTOR)], lambda _: (second, left))
