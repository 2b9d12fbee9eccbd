"""Options of the whole group: quorum, automatic varyon, factor."""

from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm.change.options import Options
from lvmfmt.lvm.errors import BadArgument
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.origin import SeededOrigin


def options(group: Any) -> Options:
    return Options(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")


def test_switches(make_group: Any) -> None:
    change = options(make_group()[0])
    change.set_options(quorum=False)
    header = change.state.vgda.header
    assert (int(header["quorum"]), int(header["auto_varyon"])) == (0, 1)
    change.set_options(quorum=True, auto_varyon=False)
    assert (int(header["quorum"]), int(header["auto_varyon"])) == (1, 0)


def test_a_larger_factor_keeps_places_and_staleness(make_group: Any) -> None:
    group, _ = make_group(2)
    change = options(group)
    change.state.stale[1, 5] = True
    old = change.state.vgda.pps["lp_num"][1].tolist()
    change.set_options(factor=4)
    vgda = change.state.vgda
    assert (vgda.factor, len(vgda.pvs), vgda.pps["lp_num"][1, : len(old)].tolist()) == (4, 8, old)
    assert change.state.stale[1, 5] and change.state.stale.sum() == 1 and change.state.vgsa.factor == 4
    with pytest.raises(BadArgument, match="4 or more"):
        change.set_options(factor=2)
    with pytest.raises(OperationRefused):
        change.set_options(factor=5)
    with pytest.raises(BadArgument, match="2 disks or more"):
        change.set_options(factor=32)
