"""Device-mapper tables, judged by arithmetic from the PP entries on the disk.

`dmsetup` asks the kernel before it looks at a table, so without device-mapper in the kernel it has no opinion. The
form of the lines is that of the kernel's documentation: `START LENGTH linear DEV OFFSET`,
`START LENGTH mirror core 2 REGION nosync N DEV OFFSET ...`, `START LENGTH error`.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm import LvPolicy, VolumeGroup, dm_table
from lvmfmt.lvm.dmtable import dm_parts
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
SECTOR = 512
PP = MIB // SECTOR
PATHS = {f"disk{n}": f"/dev/loop{n}" for n in (1, 2, 3)}


def where(device: Any, minor: int) -> dict[int, list[tuple[int, int]]]:
    """LP -> [(PV, sector)] read from the first VGDA with the offsets of [lvm 8.3, 8.4] only."""
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


def strips(lines: Sequence[str], tables: dict[str, Sequence[str]], strip: int) -> dict[int, set[tuple[str, int]]]:
    """Strip of the LV -> where its copies lie: the kernel's arithmetic, `striped N CHUNK DEV OFFSET ...`."""
    found: dict[int, set[tuple[str, int]]] = {}
    for line in lines:
        start, length, kind, *rest = line.split()
        if kind in ("mirror", "linear"):
            for path in rest[5::2] if kind == "mirror" else rest[:1]:
                for unit, places in strips(tables[path.removeprefix("/dev/mapper/")], tables, strip).items():
                    found.setdefault(unit, set()).update(places)
            continue
        assert kind == "striped"
        width, chunk = int(rest[0]), int(rest[1])
        columns = [(rest[i], int(rest[i + 1])) for i in range(2, len(rest), 2)]
        assert len(columns) == width and chunk == strip
        for unit in range(int(length) // chunk):
            path, sector = columns[unit % width]
            found[int(start) // chunk + unit] = {(path, sector + unit // width * chunk)}
    return found


@pytest.mark.parametrize(("count", "copies", "width"), [(3, 1, 3), (2, 1, 2), (4, 2, 2)])
def test_stripes_are_where_the_formula_puts_them(
    count: int, copies: int, width: int, disks: Any, origin: SeededOrigin
) -> None:
    devices = disks(count)
    group = VolumeGroup.create(devices, origin=origin, machine_id="00F7B72A4C00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("before", "raw", 3)
        change.add_lv("stripe", "raw", 2 * width, copies, policy=LvPolicy(strip_size=65536, stripe_width=width))
        change.add_lv("between", "raw", 1)
    with group.change(origin) as change:
        change.extend_lv("stripe", width)
    lv = group.logical_volumes["stripe"]
    paths = {f"disk{n}": f"/dev/loop{n}" for n in range(1, 5)}
    parts = {name: [str(t) for t in table] for name, table in dm_parts(lv, paths).items()}
    assert len(parts) == (2 if copies == 2 else 0)
    strip = 65536 // SECTOR
    found = strips([str(t) for t in dm_table(lv, paths)], parts, strip)
    on_disk = where(devices[0], lv.minor)
    for unit in range(lv.size // 65536):
        group_of, inside = divmod(unit, width * PP // strip)  # [lvm 15]
        lp, at = group_of * width + inside % width + 1, inside // width * strip
        assert found.pop(unit) == {(f"/dev/loop{pv}", sector + at) for pv, sector in on_disk[lp]}
    assert not found


def test_a_stripe_with_a_missing_disk(disks: Any, origin: SeededOrigin) -> None:
    devices = disks(4)
    group = VolumeGroup.create(devices, origin=origin, machine_id="00F7B72A4C00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("single", "raw", 2, policy=LvPolicy(strip_size=4096, stripe_width=2))
        change.add_lv("double", "raw", 2, 2, policy=LvPolicy(strip_size=4096, stripe_width=2))
    part = VolumeGroup.open(devices[1:])
    assert [t.kind for t in dm_table(part.logical_volumes["single"], PATHS)] == ["error"]
    assert [str(t) for t in dm_table(part.logical_volumes["double"], {**PATHS, "disk4": "/d4"})] == [
        f"0 {2 * PP} linear /dev/mapper/double_copy2 0"
    ]


def test_striped_in_an_unknown_way_is_refused(make_group: Any) -> None:
    _, (disk,) = make_group(1)
    for psn in (136, 2242):
        disk.write(psn * SECTOR + SECTOR + 32 * 2 + 10, b"\0\5")  # mirror_policy of minor 3 [lvm 8.2]
    with pytest.raises(CorruptImage):
        dm_table(VolumeGroup.open([disk]).logical_volumes["lv00"], PATHS)
