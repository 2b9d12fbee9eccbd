"""What an LV is asked to be: the letters of `mklv`, what is usual, what no LV can have."""

from dataclasses import replace

import pytest

from lvmfmt.lvm.errors import BadArgument
from lvmfmt.lvm.policy import PLACING, LvPolicy


def test_what_is_usual() -> None:
    usual = LvPolicy()
    assert (usual.width, usual.bound) == (0, 32)
    assert LvPolicy(stripe_width=3).width == 0  # no strips: not striped
    striped = LvPolicy(strip_size=4096, stripe_width=3)
    assert (striped.width, striped.bound, replace(striped, upper_bound=2).bound) == (3, 3, 2)
    assert LvPolicy(strip_size=4096).width == 0  # the width is still open
    assert PLACING == ("intra", "inter", "strict", "upper_bound", "relocatable")


def test_only_what_differs_is_changed() -> None:
    before = LvPolicy(upper_bound=32)
    assert before.changed(before) == {}
    assert replace(before, mwc="p", upper_bound=1).changed(before) == {"mwc": "p", "upper_bound": 1}


@pytest.mark.parametrize("member, good, bad", [
    ("intra", ("e", "m", "c", "im", "ie"), ("x", "")), ("inter", ("m", "x"), ("c",)),
    ("strict", ("y", "n", "s"), ("maybe",)), ("mwc", ("a", "p", "n"), ("y", "")),
    ("schedule", ("p", "s", "ps", "pr"), ("striped",)), ("upper_bound", (1, 1024, None), (0, 1025)),
])  # fmt: skip
def test_values_of_each_member(member: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    for value in good:
        LvPolicy(**{member: value}).check([member], "lv00")
    for value in bad:
        with pytest.raises(BadArgument, match="out of range") as refused:
            LvPolicy(**{member: value}).check([member], "lv00")
        assert refused.value.value == value and refused.value.where == "lv00"
        LvPolicy(**{member: value}).check([], "lv00")  # not asked about


def test_a_striped_volume_is_parallel_on_as_many_disks_as_its_width() -> None:
    striped = LvPolicy(strip_size=4096, stripe_width=2)
    striped.check(vars(striped), "lv00")
    for wrong in (replace(striped, upper_bound=3), replace(striped, schedule="s")):
        with pytest.raises(BadArgument):
            wrong.check(vars(wrong), "lv00")
