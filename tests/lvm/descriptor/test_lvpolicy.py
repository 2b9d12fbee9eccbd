"""A policy in the numbers of an LV entry [lvm 8.2] and the letters of a control block, and back."""

from typing import Any

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm import dm_table
from lvmfmt.lvm.descriptor.lvpolicy import entry_codes, policy_of
from lvmfmt.lvm.policy import LvPolicy


@pytest.mark.parametrize("member, value, field, number", [
    ("bb_relocation", True, "bb_relocation", 1), ("bb_relocation", False, "bb_relocation", 2),
    ("write_verify", True, "write_verify", 1), ("write_verify", False, "write_verify", 2),
    ("mwc", "a", "mirwrt_consist", 1), ("mwc", "n", "mirwrt_consist", 2), ("mwc", "p", "mirwrt_consist", 3),
    ("schedule", "s", "mirror_policy", 1), ("schedule", "p", "mirror_policy", 2),
    ("schedule", "ps", "mirror_policy", 4), ("schedule", "pr", "mirror_policy", 8),
    ("read_only", False, "permissions", 1), ("read_only", True, "permissions", 2), ("max_lps", 77, "maxsize", 77),
])  # fmt: skip
def test_numbers_of_the_entry(make_group: Any, member: str, value: Any, field: str, number: int) -> None:
    policy = LvPolicy(**{member: value})
    assert list(entry_codes(policy, [member])) == [(field, number)]
    vgda = make_group()[0].state.vgda
    vgda.lvs[2][field] = number  # lv00
    assert getattr(policy_of(vgda, 3, None), member) == value


def test_striped_is_a_policy_of_its_own(make_group: Any) -> None:
    vgda = make_group()[0].state.vgda
    assert list(entry_codes(LvPolicy(strip_size=4096, stripe_width=2), ["schedule"])) == [("mirror_policy", 5)]
    for field, number in (("mirror_policy", 5), ("striping_width", 2), ("stripe_exp", 16)):
        vgda.lvs[2][field] = number
    found = policy_of(vgda, 3, None)
    assert (found.schedule, found.stripe_width, found.strip_size) == ("p", 2, 65536)


@pytest.mark.parametrize("policy, width, exponent", [(2, 256, 0), (2, 0, 16), (2, 2, 16), (5, 2, 0), (5, 0, 16)])
def test_fields_that_contradict_each_other_make_no_stripe(
    make_group: Any, policy: int, width: int, exponent: int
) -> None:
    """[lvm 8.2]: 5 is striped, a width or an exponent of 0 is not; such an LV has no table and no device."""
    group, _ = make_group()
    for field, number in (("mirror_policy", policy), ("striping_width", width), ("stripe_exp", exponent)):
        group.state.vgda.lvs[2][field] = number
    lv = group.volume(3)
    for mapped in (lambda: lv.device, lambda: dm_table(lv, {"disk1": "/dev/vda"})):
        with pytest.raises(CorruptImage, match=r"striping_width: .* contradict each other"):
            mapped()


def test_unknown_numbers_are_nothing_that_can_be_asked(make_group: Any) -> None:
    vgda = make_group()[0].state.vgda
    for field in ("mirwrt_consist", "mirror_policy", "permissions", "bb_relocation", "write_verify"):
        vgda.lvs[2][field] = 7
    found = policy_of(vgda, 3, None)
    assert (found.mwc, found.schedule, found.read_only, found.bb_relocation, found.write_verify) == (
        "", "", False, False, False,
    )  # fmt: skip


def test_the_control_block_says_where_it_is_placed(make_group: Any) -> None:
    group, _ = make_group()
    boot = group.logical_volumes["hd5"]
    lvcb = boot.lvcb._replace(intra="ie", inter="x", strict="s", upper_bound=5, relocatable=False)
    found = policy_of(group.state.vgda, 1, lvcb)
    assert (found.intra, found.inter, found.strict, found.upper_bound) == ("ie", "x", "s", 5)
    assert found.contiguous and not found.relocatable
    without = policy_of(group.state.vgda, 1, None)
    assert (without.intra, without.upper_bound, without.contiguous, without.relocatable) == ("m", 32, False, True)
    assert None not in vars(found).values() and None not in vars(without).values()
