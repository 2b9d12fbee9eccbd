"""LVs in a VGDA: names, the two readings of their state, control blocks."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm import VgKind
from lvmfmt.lvm.descriptor.vgdalvs import valid_name


def test_names_that_an_lv_may_have() -> None:
    assert all(valid_name(name) for name in (b"a", b"hd9var", b"x" * 15, b"A.b_c-d+1"))
    assert not any(valid_name(name) for name in (b"", b"x" * 16, b"a/b", b"a b", b"a\n", "\u00e4".encode()))


def test_finding_by_name(make_group: Any) -> None:
    vgda = make_group()[0].state.copy().vgda
    assert [vgda.minor(name) for name in (b"hd5", b"hd4", b"lv00", b"hd", b"d4", b"none")] == [
        1,
        2,
        3,
        None,
        None,
        None,
    ]
    vgda.names[7] = b"hd4"  # a name of no LV
    assert vgda.minor(b"hd4") == 2
    vgda.lvs["lvname"][1] = 7
    vgda.names[1] = b"x"
    assert vgda.minor(b"hd4") == 2 and vgda.name(2) == b"hd4"
    vgda.lvs["lvname"][1] = -1
    assert vgda.name(2) == b"" and vgda.minor(b"hd4") is None


def test_states_and_copies_in_both_readings(make_group: Any) -> None:
    vgda = make_group()[0].state.copy().vgda
    at = vgda.format.lvs.at(1) + vgda.format.lvs.record.offset_of("lv_state")
    vgda.raw[at : at + 4] = [0, 1, 1, 2]  # {u16, u8, u8}
    assert vgda.small_fields(2) == (1, 1, 2)
    vgda.set_copies(2, 3)
    vgda.set_states(np.array([2, 3]), np.array([True, False]))
    assert vgda.small_fields(2) == (3, 3, 2) and vgda.raw[at : at + 4].tolist() == [0, 3, 3, 2]
    assert vgda.small_fields(3)[0] == 1 and [column[1] for column in vgda.all_small_fields()] == [3, 3, 2]
    assert vgda.lv_used[:4].tolist() == [True, True, True, False]


def test_a_state_keeps_its_other_bits(make_group: Any) -> None:
    """Defined is bit 0, stale bit 1 [lvm 8.4]; what the others mean is not known."""
    vgda = make_group()[0].state.copy().vgda
    at = vgda.format.lvs.at(1) + vgda.format.lvs.record.offset_of("lv_state")
    for before, stale, after in ((0xF0, False, 0xF1), (0xF0, True, 0xF3), (0xF3, False, 0xF1), (0x02, False, 0x01)):
        vgda.raw[at : at + 2] = [0, before]
        vgda.set_states(np.array([2]), np.array([stale]))
        assert vgda.raw[at : at + 2].tolist() == [0, after]


@pytest.mark.parametrize("field", ["num_lps", "lv_state", "mirror"])
def test_an_lv_is_in_use_when_anything_of_it_is_set(make_group: Any, field: str) -> None:
    vgda = make_group()[0].state.copy().vgda
    assert not vgda.lv_used[200]
    vgda.lvs[field][200] = 1
    assert vgda.lv_used[200] and vgda.lv_used.sum() == 4


@pytest.mark.parametrize("kind", [VgKind.BIG, VgKind.SCALABLE])
def test_control_blocks_in_the_vgda(make_group: Any, kind: VgKind) -> None:
    vgda = make_group(1, kind=kind)[0].state.copy().vgda
    assert b"hd4" in vgda.control_block(2)
    vgda.set_control_block(9, b"x" * 512)
    vgda.set_copies(2, 2)
    assert vgda.small_fields(2)[1] == 2
    vgda.clear_entry(9)
    assert vgda.control_block(9) in (None, bytes(512)) and b"hd4" in vgda.control_block(2)
    assert (vgda.control_block(9) is None) == (kind is VgKind.BIG)


def test_a_classic_group_has_none(make_group: Any) -> None:
    vgda = make_group()[0].state.copy().vgda
    vgda.set_control_block(1, b"x" * 512)
    assert vgda.control_block(1) is None
