"""Changing the policy of an LV: only what differs is written, and it must hold for what is there."""

from dataclasses import replace
from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm.change.policies import Policies
from lvmfmt.lvm.errors import BadArgument
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.origin import SeededOrigin


def policies(group: Any) -> Policies:
    return Policies(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")


def test_nothing_that_does_not_differ(make_group: Any) -> None:
    change = policies(make_group()[0])
    before = change.state.vgda.raw.copy()
    change.set_policy("hd4", change.policy("hd4"))
    assert (change.state.vgda.raw == before).all() and change.finish()[1].lvcbs == {}
    change.set_policy("hd4", replace(change.policy("hd4"), mwc="n"))
    assert int(change.state.vgda.lvs[1]["mirwrt_consist"]) == 2 and change.finish()[1].lvcbs == {}
    change.set_policy("hd4", replace(change.policy("hd4"), intra="ie"))
    assert list(change.finish()[1].lvcbs) == [2] and change.policy("hd4").intra == "ie"


@pytest.mark.parametrize("wrong", [{"max_lps": 4}, {"max_lps": 32513}, {"contiguous": True}, {"strip_size": 4096},
                                   {"stripe_width": 2}, {"strict": "z"}, {"upper_bound": 0}])  # fmt: skip
def test_what_cannot_be(make_group: Any, wrong: dict[str, Any]) -> None:
    change = policies(make_group()[0])
    before = change.state.vgda.raw.copy()
    with pytest.raises(BadArgument):
        change.set_policy("hd4", replace(change.policy("hd4"), **wrong))
    assert (change.state.vgda.raw == before).all()
    change.set_policy("hd4", replace(change.policy("hd4"), max_lps=5))


def test_limits_hold_for_what_is_there(make_group: Any, origin: SeededOrigin) -> None:
    group, _ = make_group(1)
    change = group.begin(origin)
    change.set_policy("lv00", replace(change.policy("lv00"), strict="n"))
    change.mirror("lv00")
    with pytest.raises(BadArgument, match="on one disk"):
        change.set_policy("lv00", replace(change.policy("lv00"), strict="y"))


def test_without_a_control_block_placing_cannot_be_kept(make_group: Any) -> None:
    group, _ = make_group()
    group.logical_volumes["hd4"].device.write(0, bytes(512))
    group.refresh()
    change = policies(group)
    change.set_policy("hd4", replace(change.policy("hd4"), read_only=True))
    for act in (
        lambda: change.set_policy("hd4", replace(change.policy("hd4"), inter="x")),
        lambda: change.set_lvcb("hd4", label="/x"),
    ):
        with pytest.raises(OperationRefused, match="no control block"):
            act()
    change.set_lvcb("lv00", label="", type="jfs2")
    assert (change._lvcb(3).label, change._lvcb(3).type) == ("None", "jfs2")
