"""When a copy of the VGDA is valid: VGID, stamps at both ends, sizes of the LVM record [lvm 11]."""

from typing import Any

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm.descriptor.vgda import Vgda
from lvmfmt.lvm.descriptor.vgdacheck import check_copy


@pytest.mark.parametrize("kind", ["classic", "big", "scalable"])
def test_a_copy_that_is_valid_and_its_stamps(make_group: Any, kind: str) -> None:
    from lvmfmt.lvm import VgKind

    state = make_group(1, kind=VgKind(kind))[0].state
    check_copy(state.vgda, state.record, 0, "disk1")
    fmt = state.vgda.format
    for at in (*fmt.begins, *fmt.ends):
        raw = state.vgda.raw.copy()
        raw[at + 7] ^= 1
        with pytest.raises(CorruptImage) as torn:
            check_copy(Vgda(raw, fmt), state.record, 4096, "disk1")
        assert torn.value.field in ("sec", "end_sec") and torn.value.where == "disk1"


@pytest.mark.parametrize("field, value", [("pp_size", 21), ("maxlvs", 255), ("vgda_size", 2097)])
def test_sizes_are_those_of_the_record(make_group: Any, field: str, value: int) -> None:
    state = make_group()[0].state.copy()
    state.vgda.header[field] = value
    with pytest.raises(CorruptImage) as wrong:
        check_copy(state.vgda, state.record, 4096, "disk1")
    header = state.vgda.format.header
    assert (wrong.value.field, wrong.value.offset) == (field, 4096 + header.offset_of(field))


def test_another_group_s_copy_and_none(make_group: Any) -> None:
    state = make_group()[0].state.copy()
    state.vgda.header["vg_id"][3] ^= 1
    with pytest.raises(CorruptImage) as other:
        check_copy(state.vgda, state.record, 0, "")
    assert other.value.field == "vg_id"
    state = make_group()[0].state.copy()
    state.vgda.stamp = 0
    with pytest.raises(CorruptImage) as none:
        check_copy(state.vgda, state.record, 0, "")
    assert (none.value.field, none.value.expected) == ("sec", "a time stamp")


def test_rows_of_a_scalable_group_lie_beside_each_other(make_group: Any) -> None:
    from lvmfmt.lvm import VgKind

    state = make_group(2, kind=VgKind.SCALABLE)[0].state.copy()
    state.vgda.header["maxpps"] = 0
    with pytest.raises(CorruptImage) as wrong:
        check_copy(Vgda(state.vgda.raw, state.vgda.format), state.record, 0, "")
    assert wrong.value.field == "maxpps"
    state = make_group(2, kind=VgKind.SCALABLE)[0].state.copy()
    state.vgda.pvs["first_pp"][1] = state.vgda.pvs["first_pp"][0]
    with pytest.raises(CorruptImage) as wrong:
        check_copy(Vgda(state.vgda.raw, state.vgda.format), state.record, 0, "")
    assert wrong.value.field == "next_pp"
