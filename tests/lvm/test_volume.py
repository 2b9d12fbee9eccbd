"""PVs and LVs as a group shows them: what is within reach, where LPs lie, how they join to a device."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage, ImageIOError, OperationRefused
from lvmfmt.lvm.policy import LvPolicy
from lvmfmt.lvm.volume import LogicalVolume

MIB = 1 << 20


def test_places_on_a_disk(make_group: Any) -> None:
    group, (disk,) = make_group()
    (pv,) = group.physical_volumes.values()
    assert (pv.offset(1), pv.offset(3)) == (4352 * 512, 4352 * 512 + 2 * MIB)
    assert pv.reachable == pv.pp_count == 61 and pv.free.sum() == 61 - 10
    assert replace(pv, device=None).reachable == 0
    disk.size = pv.offset(3) - 1
    assert pv.reachable == 1


def test_counts_and_places_of_copies(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["hd4"]
    assert (lv.lps, lv.pps, lv.copies, lv.size, lv.stale_pps, lv.pv_numbers) == (5, 10, 2, 5 * MIB, 0, [1, 2])
    pvids = list(group.physical_volumes)
    first = [(pvids[int(lv.map.pv[c, 0]) - 1], int(lv.map.pp[c, 0])) for c in (0, 1)]
    assert lv.places_of(1) == first
    lv.stale[0, 0] = True
    assert lv.places_of(1) == first[::-1] and lv.stale_pps == 1 and lv.missing_lps.tolist() == []
    lv.stale[1, 0] = True
    assert lv.missing_lps.tolist() == [1]


def test_without_its_only_disk(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["lv00"]
    (number,) = lv.pv_numbers
    gone = replace(lv, pvs={n: replace(pv, device=None) if n == number else pv for n, pv in lv.pvs.items()})
    assert gone.missing_lps.tolist() == [1, 2, 3] and not gone.device.writable
    with pytest.raises(ImageIOError, match=r"bring PV \w{16}, which has it in PP \d+"):
        gone.device.read(0, 1)
    with pytest.raises(ImageIOError):
        gone.first_sector()
    with pytest.raises(OperationRefused, match="copy 1 is not complete"):
        gone.copy_device(1)
    with pytest.raises(OperationRefused, match="copy 3"):
        lv.copy_device(3)


def test_a_copy_that_is_away_makes_it_read_only(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["hd4"]
    lv.device.write(1000, b"both")
    assert [lv.copy_device(n).read(1000, 4).tobytes() for n in (1, 2)] == [b"both"] * 2
    half = replace(lv, pvs={n: replace(pv, device=None) if n == 2 else pv for n, pv in lv.pvs.items()})
    assert half.device.read(1000, 4).tobytes() == b"both" and not half.device.writable and lv.device.writable


def test_a_stripe_that_is_none_is_refused(make_group: Any) -> None:
    group, _ = make_group()
    lv: LogicalVolume = group.logical_volumes["hd4"]
    for policy in (
        LvPolicy(strip_size=65536, stripe_width=0), LvPolicy(strip_size=65536, stripe_width=2),
        LvPolicy(strip_size=1, stripe_width=5), LvPolicy(strip_size=2 * MIB, stripe_width=5),
    ):  # fmt: skip
        with pytest.raises(CorruptImage, match="striping_width"):
            _ = replace(lv, policy=policy).device
    assert replace(lv, policy=LvPolicy(strip_size=MIB, stripe_width=5)).device.size == 5 * MIB


def test_strips_go_round(make_group: Any) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["hd4"]
    striped = replace(lv, policy=LvPolicy(strip_size=4096, stripe_width=5))
    data = np.arange(5 * MIB, dtype=np.int64).astype(np.uint8)
    striped.device.write(0, data)
    for strip in (0, 1, 4, 5, 11):  # strip s lies in LP s % 5, row s // 5 [lvm 15]
        at = (strip % 5) * MIB + (strip // 5) * 4096
        assert (lv.device.read(at, 4096) == data[strip * 4096 : (strip + 1) * 4096]).all()


def test_words_from_the_control_block(make_group: Any) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["hd4"]
    assert (lv.type, lv.label, lv.fs) == ("jfs2", "/", "vfs=jfs2:log=/dev/hd8")
    bare = replace(lv, lvcb=None)
    assert (bare.type, bare.label, bare.fs) == ("", "", "")
    assert "no control block" in repr(bare) and "jfs2" in repr(lv) and "\n" not in repr(lv)


def test_places_of_every_lp_whatever_the_others_are(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["hd4"]
    pvids = list(group.physical_volumes)
    places = [[(pvids[int(pv) - 1], int(pp)) for pv, pp in zip(*column, strict=True)]
              for column in zip(lv.map.pv.T, lv.map.pp.T, strict=True)]  # fmt: skip
    lv.stale[0, [1, 4]] = True
    for lp, expected in enumerate(places, 1):
        assert lv.places_of(lp) == (expected[::-1] if lp in (2, 5) else expected)
    lv.stale[1, 4] = True
    assert lv.missing_lps.tolist() == [5] and lv.stale_pps == 3
