"""What the first sector of an LV holds: a control block, damage, or an application's data [lvm 13.3]."""

from typing import Any

import pytest

from lvmfmt.lvm.firstblock import Blocks, FirstBlock


def test_a_control_block_that_agrees(make_group: Any) -> None:
    group, _ = make_group()
    block = FirstBlock.of(group.logical_volumes["hd4"])
    assert block.lvcb is not None and block.lvcb.name == "hd4" and block.error is None and len(block.data) == 512
    assert block.problems(group.logical_volumes["hd4"]) == []
    wrong = {p.field for p in block.problems(group.logical_volumes["hd5"])}
    assert wrong == {"lvname", "lvid", "num_lps"}


def test_none_is_legal_and_damage_is_not(make_group: Any) -> None:
    group, (disk,) = make_group()
    lv = group.logical_volumes["hd4"]
    lv.device.write(0, bytes(512))
    (problem,) = FirstBlock.of(lv).problems(lv)
    assert (problem.rule, FirstBlock.of(lv).lvcb) == ("lvcb-absent", None)
    lv.device.write(0, b"AIX LVCB" + bytes(504))
    (problem,) = FirstBlock.of(lv).problems(lv)
    assert problem.rule == "lvcb-members"
    reopened = type(group).open([disk])
    assert {p.rule for p in reopened.problems} == {"lvcb-members"}


def test_one_that_the_vgda_has_is_taken_from_there(make_group: Any) -> None:
    group, _ = make_group()
    lv, known = group.logical_volumes["hd4"], FirstBlock.of(group.logical_volumes["hd5"]).data
    assert FirstBlock.of(lv, known).lvcb.name == "hd5" and FirstBlock.of(lv, b"").lvcb is None


def test_one_that_cannot_be_read(make_group: Any) -> None:
    group, _ = make_group(2)
    group.state.members.pop(1)
    group.refresh()
    lv = group.logical_volumes["hd5"]
    (problem,) = FirstBlock.of(lv).problems(lv)
    assert (problem.rule, problem.where) == ("lvcb-unreadable", "hd5")


def test_they_are_read_when_they_are_asked_for(make_group: Any) -> None:
    group, _ = make_group()
    asked = []

    def volume(minor: int) -> Any:
        asked.append(minor)
        return group.volume(minor)

    blocks = Blocks(group.state, volume)
    assert (sorted(blocks), len(blocks), asked) == ([1, 2, 3], 3, [])
    assert blocks[2].lvcb.name == "hd4" and blocks[2] is blocks[2] and asked == [2]
    with pytest.raises(KeyError):
        blocks[9]
