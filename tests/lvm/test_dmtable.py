"""Device-mapper tables, judged by arithmetic from the PP entries on the disk.

`dmsetup` asks the kernel before it looks at a table, so without device-mapper in the kernel it has no opinion. The
form of the lines is that of the kernel's documentation: `START LENGTH linear DEV OFFSET`,
`START LENGTH mirror core 2 REGION nosync N DEV OFFSET ...`, `START LENGTH error`.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lvmfmt.errors import UnsupportedFeature
from lvmfmt.lvm import VolumeGroup, dm_table
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
SECTOR = 512
PP = MIB // SECTOR
PATHS = {f"disk{n}": f"/dev/loop{n}" for n in (1, 2, 3)}


def where(device: Any, minor: int) -> dict[int, list[tuple[int, int]]]:
    """LP -> [(PV, sector)] read from the first VGDA with the offsets of lvm-format 8.3 and 8.4 only."""
    vgda = device.data.tobytes()[136 * SECTOR :]
    found: dict[int, list[tuple[int, int]]] = {}
    for pv in range(32):
        area = (17 + 64 * pv) * SECTOR
        count, first = struct.unpack_from(">H", vgda, area + 16)[0], struct.unpack_from(">I", vgda, area + 20)[0]
        for pp in range(1, count + 1):
            lv, _, lp = struct.unpack_from(">HHI", vgda, area + 32 * pp)
            if lv == minor and lp:
                found.setdefault(lp, []).append((pv + 1, first + (pp - 1) * PP))
    return found


def expand(lines: Sequence[str]) -> dict[int, list[tuple[str, int]]]:
    """LP -> [(path, sector)] of a table, which must be without gaps."""
    found: dict[int, list[tuple[str, int]]] = {}
    at = 0
    for line in lines:
        start, length, kind, *rest = line.split()
        assert int(start) == at and int(length) % PP == 0
        if kind == "mirror":
            assert rest[:4] == ["core", "2", "1024", "nosync"] and int(rest[4]) == len(rest[5:]) // 2 > 1
            rest = rest[5:]
        else:
            assert (kind, len(rest)) in {("linear", 2), ("error", 0)}
        for lp in range(int(length) // PP):
            places = [(rest[i], int(rest[i + 1]) + lp * PP) for i in range(0, len(rest), 2)]
            found[at // PP + lp + 1] = places
        at += int(length)
    return found


def named(places: dict[int, list[tuple[int, int]]], pvs: Sequence[int]) -> dict[int, list[tuple[str, int]]]:
    return {lp: sorted((PATHS[f"disk{pv}"], s) for pv, s in at if pv in pvs) for lp, at in sorted(places.items())}


def tables(group: VolumeGroup) -> dict[int, list[str]]:
    return {lv.minor: [str(t) for t in dm_table(lv, PATHS)] for lv in group.logical_volumes.values()}


def fragmented(group: VolumeGroup, origin: SeededOrigin) -> None:
    """Three copies, and an LV of two runs around another one."""
    with group.change(origin) as change:
        change.add_lv("three", "raw", 4, 3)
        change.add_lv("big", "raw", 55, 2)
    with group.change(origin) as change:
        change.remove_lv("hd4")
    with group.change(origin) as change:
        change.add_lv("around", "raw", 30)


def small(group: VolumeGroup, origin: SeededOrigin) -> None:
    """The group as it is made."""


@pytest.mark.parametrize(("count", "prepare"), [(1, small), (2, small), (3, small), (3, fragmented)])
def test_tables_are_the_pp_map(count: int, prepare: Callable[..., None], make_group: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(count)
    prepare(group, origin)
    for minor, lines in tables(group).items():
        found = {lp: sorted(places) for lp, places in expand(lines).items()}
        assert found == named(where(devices[0], minor), range(1, count + 1))
    assert any("mirror" in line for lines in tables(group).values() for line in lines) == (count > 1)


def test_a_missing_disk_leaves_linear_targets_and_errors(make_group: Any) -> None:
    _, devices = make_group(2)
    for kept in (0, 1):
        part = VolumeGroup.open([devices[kept]])
        for minor, lines in tables(part).items():
            assert expand(lines) == named(where(devices[kept], minor), [kept + 1])
            assert all(line.split()[2] in ("linear", "error") for line in lines)
    assert any("error" in line for lines in tables(part).values() for line in lines)


def test_stale_copies_are_left_out(make_group: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.mark_stale("hd4")
    assert [t.kind for t in dm_table(group.logical_volumes["hd4"], PATHS)] == ["linear"]
    lv = group.logical_volumes["hd4"]
    assert expand(tables(group)[lv.minor]) == named(where(devices[0], lv.minor), [int(lv.map.pv[0, 0])])


def test_striped_is_refused(make_group: Any) -> None:
    _, (disk,) = make_group(1)
    for psn in (136, 2242):
        disk.write(psn * SECTOR + SECTOR + 32 * 2 + 10, b"\0\5")  # mirror_policy of minor 3 (lvm-format 8.2)
    with pytest.raises(UnsupportedFeature):
        dm_table(VolumeGroup.open([disk]).logical_volumes["lv00"], PATHS)
