"""Making, extending, shrinking, renaming, removing LVs: every limit from both sides, every number that is written."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import NoSpace
from lvmfmt.lvm import LvPolicy
from lvmfmt.lvm.change.mapfile import PartitionRange
from lvmfmt.lvm.change.volumes import Volumes
from lvmfmt.lvm.descriptor.maps import LvMap
from lvmfmt.lvm.errors import AllocationRefused, BadArgument, BadMap, MaximumReached
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.origin import SeededOrigin

KIB, MIB = 1 << 10, 1 << 20
STRIPED = LvPolicy(strip_size=64 * KIB, stripe_width=2)


def volumes(group: Any) -> Volumes:
    """A draft of a group of `make_group`: hd5 (boot, 2 LPs), hd4 (5 LPs), lv00 (3 LPs)."""
    return Volumes(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")


def test_what_a_new_volume_is(make_group: Any) -> None:
    change = volumes(make_group(2)[0])
    change.state.stale[0, :] = change.state.stale[1, :] = True
    change.add_lv("data", "jfs2", 4, policy=LvPolicy(intra="c"))
    entry, lv_map = change.state.vgda.lvs[3], change.state.maps[4]
    assert (int(entry["lvname"]), int(entry["num_lps"]), int(entry["maxsize"])) == (3, 4, 512)  # [lvm 8.2]
    assert (int(entry["stripe_exp"]), int(entry["striping_width"])) == (0, 0)
    assert change.state.vgda.name(4) == b"data"
    assert not lv_map.look_up(change.state.stale).any()
    block = change._lvcb(4)
    assert block is not None
    # the machine ID without its first three digits, as in the published control blocks [lvm 13]
    assert (block.machine_id, block.lps, block.copies, block.stripe_exp) == ("0FFEE4C00", 4, 1, 0)
    assert (block.label, block.upper_bound, block.strict) == ("None", 32, "y")


def test_a_striped_volume_is_rounded_up_to_its_width(make_group: Any) -> None:
    change = volumes(make_group(2)[0])
    change.add_lv("stripe", "raw", 3, policy=STRIPED)
    entry = change.state.vgda.lvs[3]
    assert (change.state.maps[4].lps, int(entry["num_lps"])) == (4, 4)
    assert (1 << int(entry["stripe_exp"]), int(entry["striping_width"])) == (64 * KIB, 2)
    assert change.policy("stripe").bound == 2
    change.extend_lv("stripe", 1)
    assert change.state.maps[4].lps == 6
    change.shrink_lv("stripe", 3)
    assert change.state.maps[4].lps == 4


def test_limits_of_a_new_volume(make_group: Any) -> None:
    change = volumes(make_group(3)[0])
    most = 32512  # what `mklv` takes at most in a group of the first kind: 32 disks of 1,016 PPs [lvm 1.2]
    assert change.state.vgda.max_pps == most
    good: list[dict[str, Any]] = [
        {"lps": 1},
        {"lps": 2, "policy": LvPolicy(max_lps=2)},
        {"lps": 1, "policy": LvPolicy(max_lps=1)},
        {"lps": 1, "policy": LvPolicy(max_lps=most)},
        {"lps": 1, "copies": 3},
    ]
    for number, arguments in enumerate(good):
        change.add_lv(f"good{number}", "raw", **arguments)
    bad: list[tuple[str, dict[str, Any]]] = [
        ("LPs", {"lps": 0}),
        ("LPs", {"lps": 3, "policy": LvPolicy(max_lps=2)}),
        ("maximum LPs", {"lps": 1, "policy": LvPolicy(max_lps=0)}),
        ("maximum LPs", {"lps": 1, "policy": LvPolicy(max_lps=most + 1)}),
        ("copies", {"lps": 1, "copies": 0}),
        ("copies", {"lps": 1, "copies": 4}),
    ]
    for what, arguments in bad:
        with pytest.raises(BadArgument, match=f"^[^:]*: {what}|{what}"):
            change.add_lv("bad", "raw", **arguments)
    assert int(change.state.vgda.lvs[4]["maxsize"]) == 2


def test_a_large_volume_may_have_what_it_has(make_group: Any) -> None:
    change = volumes(make_group(10)[0])
    change.add_lv("large", "raw", 550)
    assert int(change.state.vgda.lvs[3]["maxsize"]) == 550
    with pytest.raises(MaximumReached):
        change.extend_lv("large", 1)


def test_the_lowest_free_minor_is_taken_and_255_are_all(make_group: Any) -> None:
    change = volumes(make_group()[0])
    del change.state.maps[2]
    change.add_lv("again", "raw", 1)
    assert change.state.vgda.name(2) == b"again"
    last = change.state.vgda.max_lvs - 1
    assert last == 255  # [lvm 1.2]
    for minor in range(4, last):
        change.state.maps[minor] = LvMap.empty(1, 0)
    change.add_lv("last", "raw", 1)
    assert change.state.maps[last].lps == 1
    with pytest.raises(NoSpace, match="its 255 logical volumes"):
        change.add_lv("more", "raw", 1)


@pytest.mark.parametrize(
    ("policy", "copies", "refused"),
    [
        (LvPolicy(stripe_width=2), 1, "strip size"),
        (LvPolicy(strip_size=96 * KIB, stripe_width=2), 1, "strip size"),
        (LvPolicy(strip_size=2 * KIB, stripe_width=2), 1, "strip size"),
        (LvPolicy(strip_size=2 * MIB, stripe_width=2), 1, "strip size"),  # more than a PP
        (LvPolicy(strip_size=4 * KIB, stripe_width=1), 1, "stripe width"),
        (LvPolicy(strip_size=4 * KIB, stripe_width=33), 1, "stripe width"),  # a group has 32 disks at most
        (LvPolicy(strip_size=4 * KIB), 3, "stripe width"),  # four disks for three copies: a width of 1
        (LvPolicy(strip_size=4 * KIB, stripe_width=2), 1, ""),
        (LvPolicy(strip_size=MIB, stripe_width=4), 1, ""),
        (LvPolicy(strip_size=4 * KIB), 1, ""),
        (LvPolicy(strip_size=4 * KIB), 2, ""),
        (LvPolicy(stripe_width=0), 1, ""),
    ],
)
def test_stripes(make_group: Any, policy: LvPolicy, copies: int, refused: str) -> None:
    change = volumes(make_group(4)[0])
    change.state.record = change.state.record._replace(version=30)  # has strips above 128 KiB [lvm 4.3]
    if refused:
        with pytest.raises(BadArgument, match=refused):
            change.add_lv("stripe", "raw", 4, copies, policy=policy)
        return
    change.add_lv("stripe", "raw", 4, copies, policy=policy)
    width = policy.stripe_width if policy.stripe_width is not None else 4 // copies
    made = change.policy("stripe")
    assert (made.width, made.strip_size, made.strict) == (width, policy.strip_size, "s" if copies > 1 else "y")
    if width:
        assert len(np.unique(change.state.maps[4].pv)) == width * copies


@pytest.mark.parametrize(
    ("version", "copies", "strip", "works"),
    [
        (1, 1, 4 * KIB, False),
        (2, 1, 4 * KIB, True),
        (5, 2, 4 * KIB, False),
        (6, 2, 4 * KIB, True),
        (29, 1, 128 * KIB, True),
        (29, 1, 256 * KIB, False),
        (30, 1, 256 * KIB, True),
    ],
)
def test_versions_that_brought_stripes(make_group: Any, version: int, copies: int, strip: int, works: bool) -> None:
    change = volumes(make_group(4)[0])
    change.state.record = change.state.record._replace(version=version)
    policy = LvPolicy(strip_size=strip, stripe_width=2)
    if works:
        change.add_lv("stripe", "raw", 4, copies, policy=policy)
    else:
        with pytest.raises(BadArgument, match="LVM version"):
            change.add_lv("stripe", "raw", 4, copies, policy=policy)


def test_a_boot_volume_is_contiguous_unless_it_is_told_otherwise(make_group: Any) -> None:
    change = volumes(make_group()[0])
    asked = {"b": ("boot", None, True), "r": ("raw", None, False)}
    for name, (kind, contiguous, expected) in asked.items():
        change.add_lv(name, kind, 2, policy=LvPolicy(contiguous=contiguous))
        assert change.policy(name).contiguous is expected, name


def test_extending_up_to_the_maximum(make_group: Any) -> None:
    change = volumes(make_group()[0])
    change.add_lv("data", "raw", 3, policy=LvPolicy(max_lps=5))
    with pytest.raises(MaximumReached) as refused:
        change.extend_lv("data", 3)
    assert (refused.value.volume, refused.value.limit) == ("data", 5) and "6 LPs" in str(refused.value)
    change.extend_lv("data", 1)
    change.extend_lv("data", 1)
    assert change.state.maps[4].lps == int(change.state.vgda.lvs[3]["num_lps"]) == 5
    block = change._lvcb(4)
    assert block is not None and block.lps == 5
    for none in (0, -1):
        with pytest.raises(BadArgument, match="1 or more"):
            change.extend_lv("data", none)


def test_a_volume_that_lacks_a_copy_is_not_extended(make_group: Any) -> None:
    change = volumes(make_group(2)[0])
    change.state.maps[2].pv[1, 3] = change.state.maps[2].pp[1, 3] = 0
    with pytest.raises(BadArgument, match="lacks one"):
        change.extend_lv("hd4", 1)


def test_a_boot_volume_grows_behind_itself(make_group: Any) -> None:
    group, _ = make_group()
    change = volumes(group)
    before = change.state.maps[1].pp[0].tolist()
    change.extend_lv("hd5", 2)
    assert change.state.maps[1].pp[0].tolist() == [*before, before[-1] + 1, before[-1] + 2]
    disk = change.state.pvids[1]
    change.add_lv("wall", "raw", 1, partitions=[PartitionRange(disk, before[-1] + 4, before[-1] + 4)])
    with pytest.raises(AllocationRefused, match="run of 2 PPs"):
        change.extend_lv("hd5", 2)
    change.extend_lv("hd5", 1)
    assert change.state.maps[1].pp[0, -1] == before[-1] + 3


def test_exact_partitions_must_fit_the_policy(make_group: Any) -> None:
    change = volumes(make_group(2)[0])
    with pytest.raises(BadMap):
        first = change.state.pvids[1]
        change.add_lv("mirror", "raw", 2, 2, partitions=[PartitionRange(first, 50, 53)])  # two copies on one disk
    change = volumes(make_group(2)[0])
    first, second = change.state.pvids[1], change.state.pvids[2]
    change.add_lv("mirror", "raw", 2, 2, partitions=[PartitionRange(first, 50, 51), PartitionRange(second, 60, 59)])
    change.extend_lv("mirror", 1, partitions=[PartitionRange(first, 55, 55), PartitionRange(second, 57, 57)])
    assert change.state.maps[4].pp.tolist() == [[50, 51, 55], [60, 59, 57]]
    assert change.state.maps[4].pv.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_shrinking_from_none_to_all(make_group: Any) -> None:
    change = volumes(make_group()[0])
    before = change.state.maps[2].pp[0].tolist()
    change.state.stale[0, :] = True
    for wrong in (0, 6):
        with pytest.raises(BadArgument, match="1 to 5"):
            change.shrink_lv("hd4", wrong)
    change.shrink_lv("hd4", 5)
    assert change.state.maps[2].pp[0].tolist() == before
    change.shrink_lv("hd4", 1)
    assert change.state.maps[2].pp[0].tolist() == before[:1] and int(change.state.vgda.lvs[1]["num_lps"]) == 1
    assert [bool(change.state.stale[0, pp - 1]) for pp in before] == [True] + 4 * [False]


@pytest.mark.parametrize("minor", [1, 3])
def test_a_name_list_entry_that_leads_nowhere_is_mended(make_group: Any, minor: int) -> None:
    change = volumes(make_group()[0])
    names = change.state.vgda.names
    old = names[minor - 1].decode()
    change.rename_lv(old, "sound")
    assert names[minor - 1] == b"sound" and int(change.state.vgda.lvs[minor - 1]["lvname"]) == minor - 1
    change.state.vgda.lvs[minor - 1]["lvname"] = len(names)
    change.rename_lv(f"#{minor}", "mended")
    assert names[minor - 1] == b"mended" and int(change.state.vgda.lvs[minor - 1]["lvname"]) == minor - 1


def test_a_volume_without_control_block_is_renamed(make_group: Any) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["lv00"]
    lv.device.write(0, bytes(512))
    change = volumes(group)
    change.rename_lv("lv00", "data")
    assert change._lvcb(3) is None and change.state.vgda.name(3) == b"data"
    change.rename_lv("hd4", "root")
    block = change._lvcb(2)
    assert block is not None and block.name == "root"


def test_removing(make_group: Any) -> None:
    change = volumes(make_group()[0])
    change.state.vgda.names[2] = b""
    change.remove_lv("#3")
    change.remove_lv("hd4")
    assert set(change.state.maps) == {1} and change.state.vgda.names[0] == b"hd5" and change.state.vgda.names[1] == b""
    assert not change.state.vgda.lvs[1].tobytes().strip(b"\0")
    change.add_lv("new", "raw", 1)
    change.remove_lv("new")
    assert not change._lvcbs and not change._new_lvs
