"""A group that stays varied on between two programs: what is remembered, and what is lost meanwhile."""

from typing import Any

import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm.online.handover import Standing, leave, read_left, resume
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin


def test_it_goes_on_as_it_was_left(make_group: Any, origin: SeededOrigin) -> None:
    _, devices = make_group(3)
    standing = leave(varyon(devices, origin=origin))
    assert standing == Standing(3, ()) and Standing(3).missing == ()
    online = resume(devices, standing, origin=origin)
    assert (online.votes, online.missing, online.down) == (3, set(), "")
    assert resume(devices, None, origin=origin).votes == 3


def test_a_disk_that_was_missing_stays_so(make_group: Any, origin: SeededOrigin) -> None:
    _, devices = make_group(3)
    standing = leave(varyon(devices[:2], origin=origin, force=True))
    assert standing.missing == (3,)
    assert set(read_left(devices, standing).state.members) == {1, 2}
    assert set(read_left(devices, None).state.members) == {1, 2, 3}
    assert resume(devices, standing, origin=origin).missing == {3}


def test_a_disk_that_has_gone_since_is_missing_and_too_many_are_too_many(make_group: Any, origin: SeededOrigin) -> None:
    _, devices = make_group(3)
    standing = leave(varyon(devices, origin=origin))
    online = resume(devices[:2], standing, origin=origin)
    assert online.missing == {3} and not online.down and online.group.state.vgsa.missing(3)
    with pytest.raises(ImageIOError):
        resume(devices[:1], leave(online), origin=origin)
