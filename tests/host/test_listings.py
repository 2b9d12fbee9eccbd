"""What the listing commands print, read by parsers that do not know them, against what is on the disks.

The facts come from the disk images through the lower floors (`lvm`, `jfs2`), or from bytes at places that the formats
name; a host has two releases' formats, mirrors with a stale copy, a second group and a volume without a file system.

Modules: `lvmfmt.host.commands.disks.lspv`, `lvmfmt.host.commands.groups.lsvg`,
`lvmfmt.host.commands.volumes.lslv`, `lvmfmt.host.commands.volumes.lsps`,
`lvmfmt.host.commands.filesystems.lsfs`, `lvmfmt.host.commands.filesystems.df`, `lvmfmt.host.formats.maps`,
`lvmfmt.host.formats.characteristics`.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import DiskSpec, Host
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import LogicalVolume, VolumeGroup, region_of
from lvmfmt.units import GIB, KIB, MIB

from . import parsers
from .conftest import Box, small_tree

DISKS = [f"hdisk{i}" for i in range(4)]
GROUPS = {"rootvg": DISKS[:2], "datavg": DISKS[2:]}
PVID_AT = 0x80
"""Where the PVID is in sector 0 [commands 0.2]."""
Place = tuple[str, int]
"""A PP: disk and number."""


@pytest.fixture(scope="module", params=["5.3", "7.1"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Box:
    """rootvg mirrored on two disks, one log copy stale; datavg on two others, with a mirrored raw volume."""
    folder: Path = tmp_path_factory.mktemp("listings")
    disks = [DiskSpec(name, (384 + 32 * n) * MIB) for n, name in enumerate(DISKS)]
    trees = [(small_tree(folder / "tree"), "/")]
    report = Host.create(folder / "host", disks=disks, seed=5, mirror=True, trees=trees, profile=request.param)
    box = Box(folder / "host", report)
    for line in (
        f"mkvg -s 8 -y datavg {DISKS[2]} {DISKS[3]}",
        "mklv -y raw01 -c 2 -a c datavg 5", "mklv -y raw02 -a ie -e x datavg 6",
        "crfs -v jfs2 -g datavg -m /data -A yes -a size=48M", "mount /data",
        f"mklvcopy raw02 2 {DISKS[2]} {DISKS[3]}",  # stale before it is synchronized
    ):  # fmt: skip
        box.good(line)
    return box


@pytest.fixture
def groups(host: Box) -> Iterator[dict[str, VolumeGroup]]:
    with ExitStack() as stack:
        found = {}
        for name, disks in GROUPS.items():
            found[name] = VolumeGroup.open([stack.enter_context(ImageFile(host.image(disk))) for disk in disks])
        yield found


def names(group: VolumeGroup, disks: list[str], box: Box) -> dict[int, str]:
    """The disks of a group by their numbers in it, through the PVIDs in their sectors 0."""
    by_pvid = {pvid_of(box, disk): disk for disk in disks}
    return {pv.number: by_pvid[pvid] for pvid, pv in group.physical_volumes.items()}


def pvid_of(box: Box, disk: str) -> str:
    with box.image(disk).open("rb") as file:
        file.seek(PVID_AT)
        return file.read(8).hex()


def places(volume: LogicalVolume, disks: dict[int, str]) -> Iterator[tuple[Place, int, int, bool]]:
    """(disk and PP, LP, copy, whether it is stale) of every PP of a volume."""
    for copy in range(volume.copies):
        for lp in range(volume.lps):
            pv, pp = int(volume.map.pv[copy, lp]), int(volume.map.pp[copy, lp])
            if pv:
                yield (disks[pv], pp), lp + 1, copy + 1, bool(volume.stale[copy, lp])


def everything(host: Box, groups: dict[str, VolumeGroup]) -> Iterator[tuple[str, LogicalVolume, dict[int, str]]]:
    for name, group in groups.items():
        disks = names(group, GROUPS[name], host)
        for volume in group.logical_volumes.values():
            yield name, volume, disks


def mount_point(volume: LogicalVolume) -> str:
    return volume.label if volume.label.startswith("/") else "N/A"


def test_the_host_has_what_makes_a_difference(groups: dict[str, VolumeGroup]) -> None:
    volumes = [v for group in groups.values() for v in group.logical_volumes.values()]
    assert any(v.stale_pps for v in volumes) and {v.copies for v in volumes} == {1, 2}
    assert {mount_point(v) for v in volumes} > {"N/A", "/", "/data"}


def test_lspv(host: Box) -> None:
    rows = parsers.lspv(host.good("lspv"))
    assert [(row.name, row.pvid, row.state) for row in rows] == [(d, pvid_of(host, d), "active") for d in DISKS]
    assert [row.group for row in rows] == ["rootvg", "rootvg", "datavg", "datavg"]


def test_lsvg_names(host: Box) -> None:
    assert sorted(host.good("lsvg")) == ["datavg", "rootvg"]
    assert host.good("lsvg -o") == ["datavg", "rootvg"]  # the one that was varied on last comes first


def test_disks_in_detail(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, group in groups.items():
        for pvid, pv in group.physical_volumes.items():
            disk = names(group, GROUPS[name], host)[pv.number]
            found = parsers.lspv_disk(host.good(f"lspv {disk}"))
            assert (found["PHYSICAL VOLUME"], found["VOLUME GROUP"], found["PV STATE"]) == (disk, name, "active")
            assert (found["PV IDENTIFIER"], found["VG IDENTIFIER"]) == (pvid, group.vgid)
            assert parsers.number(found["PP SIZE"]) * MIB == group.pp_size
            assert parsers.number(found["TOTAL PPs"]) == pv.pp_count == pps_that_fit(host, disk, group)
            assert parsers.number(found["USED PPs"]) == int(pv.used.sum())
            assert parsers.number(found["FREE PPs"]) == pv.pp_count - int(pv.used.sum())
            assert f"({pv.pp_count * group.pp_size // MIB} megabytes)" in found["TOTAL PPs"]
            assert parsers.number(found["STALE PARTITIONS"]) == int(pv.stale.sum())
            assert parsers.number(found["VG DESCRIPTORS"]) == pv.vgda_count
            held = [v for v in group.logical_volumes.values() if pv.number in v.pv_numbers]
            assert parsers.number(found["LOGICAL VOLUMES"]) == len(held)
            free, used = parsers.regions(found["FREE DISTRIBUTION"]), parsers.regions(found["USED DISTRIBUTION"])
            widths = [f + u for f, u in zip(free, used, strict=True)]
            assert sum(widths) == pv.pp_count and max(widths) - min(widths) <= 1  # five fifths
            assert sum(used) == int(pv.used.sum())


def pps_that_fit(host: Box, disk: str, group: VolumeGroup) -> int:
    """Whole PPs behind the reserved sectors, whose number is in the LVM record (psn_part1: [lvm 1.2])."""
    first = next(iter(group.physical_volumes.values())).first_psn
    return (host.image(disk).stat().st_size // 512 - first) * 512 // group.pp_size


def test_groups_in_detail(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, group in groups.items():
        found = parsers.lsvg_group(host.good(f"lsvg {name}"))
        volumes, pvs = group.logical_volumes.values(), group.physical_volumes.values()
        assert (found["VOLUME GROUP"], found["VG IDENTIFIER"]) == (name, group.vgid)
        assert (found["VG STATE"], found["VG PERMISSION"]) == ("active", "read/write")
        assert parsers.number(found["PP SIZE"]) * MIB == group.pp_size
        total, used = sum(pv.pp_count for pv in pvs), sum(v.pps for v in volumes)
        assert parsers.number(found["TOTAL PPs"]) == total
        assert (parsers.number(found["USED PPs"]), parsers.number(found["FREE PPs"])) == (used, total - used)
        assert parsers.number(found["LVs"]) == len(volumes)
        assert (found["TOTAL PVs"], found["ACTIVE PVs"]) == ("2", "2")
        assert found["VG DESCRIPTORS"] == "3"  # two disks: two on the first, one on the second
        assert parsers.number(found["QUORUM"]) == (1 if name == "rootvg" else 2)  # mirrorvg switched it off
        assert parsers.number(found["STALE PPs"]) == sum(v.stale_pps for v in volumes)
        assert parsers.number(found["STALE PVs"]) == sum(bool(pv.stale.any()) for pv in pvs)
        assert parsers.number(found["OPEN LVs"]) == sum(is_open(host, v) for v in volumes)


def is_open(host: Box, volume: LogicalVolume) -> bool:
    """Paging is on, what is mounted is open with its log; a boot volume and raw ones that nobody uses are closed."""
    return volume.type in ("jfs2", "jfs2log", "paging")


def test_logical_volumes(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, group in groups.items():
        rows = {row.name: row for row in parsers.lsvg_l(host.good(f"lsvg -l {name}"), name)}
        assert set(rows) == set(group.logical_volumes)
        for volume in group.logical_volumes.values():
            row = rows[volume.name]
            assert (row.type, row.lps, row.pps) == (volume.type, volume.lps, volume.pps)
            assert row.disks == len(volume.pv_numbers)
            assert row.mount_point == mount_point(volume)
            assert row.state == ("open/" if is_open(host, volume) else "closed/") + (
                "stale" if volume.stale_pps else "syncd"
            )


def test_disks_of_groups(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, group in groups.items():
        rows = parsers.lsvg_p(host.good(f"lsvg -p {name}"), name)
        disks = names(group, GROUPS[name], host)
        for row, pv in zip(rows, group.physical_volumes.values(), strict=True):
            assert (row.disk, row.state, row.total) == (disks[pv.number], "active", pv.pp_count)
            assert (row.free, sum(row.regions)) == (int(pv.free.sum()),) * 2


def test_every_partition(host: Box, groups: dict[str, VolumeGroup]) -> None:
    """`lspv -M`, `lsvg -M`, `lspv -p` and `lslv -m` show the same map, and it is the one on the disks."""
    for name, group in groups.items():
        disks = names(group, GROUPS[name], host)
        wanted = {
            place: (v.name, lp, copy, stale)
            for v in group.logical_volumes.values()
            for place, lp, copy, stale in places(v, disks)
        }
        held = parsers.lsvg_M(host.good(f"lsvg -M {name}"), name)
        assert held == [row for disk in GROUPS[name] for row in parsers.partitions(host.good(f"lspv -M {disk}"))]
        used = {(row.disk, row.first): (row.volume, row.lp, row.copy, row.stale) for row in held if row.volume}
        assert used == wanted
        free = [(row.disk, pp) for row in held if not row.volume for pp in range(row.first, row.last + 1)]
        for pv in group.physical_volumes.values():
            everything = sorted(pp for disk, pp in [*free, *used] if disk == disks[pv.number])
            assert everything == list(range(1, pv.pp_count + 1))
        for volume in group.logical_volumes.values():
            rows = parsers.lslv_m(host.good(f"lslv -m {volume.name}"), volume.name, mount_point(volume))
            shown = {
                (d, pp): (volume.name, lp, copy)
                for lp, copies in rows.items()
                for copy, (pp, d) in enumerate(copies, 1)
            }
            assert shown == {place: what[:3] for place, what in wanted.items() if what[0] == volume.name}


def test_ranges_of_disks(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, group in groups.items():
        disks = names(group, GROUPS[name], host)
        for pv in group.physical_volumes.values():
            disk = disks[pv.number]
            rows = parsers.lspv_p(host.good(f"lspv -p {disk}"), disk)
            assert [row.first for row in rows] == [1, *(row.last + 1 for row in rows[:-1])]
            assert rows[-1].last == pv.pp_count
            states = {"free": ~pv.used, "stale": pv.stale, "used": pv.used & ~pv.stale}
            words = ("outer edge", "outer middle", "center", "inner middle", "inner edge")
            for row in rows:
                here = slice(row.first - 1, row.last)
                assert states[row.state][here].all()
                assert {words[int(n)] for n in region_of(pv.pp_count)[here]} == {row.region}
                if row.volume:
                    volume = group.logical_volumes[row.volume]
                    mine = {pp for (d, pp), *_ in places(volume, disks) if d == disk}
                    assert set(range(row.first, row.last + 1)) <= mine
                    assert (row.type, row.mount_point) == (volume.type, mount_point(volume))


def test_volumes_on_disks(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, volume, disks in everything(host, groups):
        shares = parsers.lslv_l(host.good(f"lslv -l {volume.name}"), volume.name, mount_point(volume))
        assert sorted(share.disk for share in shares) == sorted(disks[n] for n in volume.pv_numbers)
        for share in shares:
            mine = [(place, lp, copy) for place, lp, copy, _ in places(volume, disks) if place[0] == share.disk]
            held = Counter(lp for _, lp, _ in mine)  # [commands, Corrections]: LPs with 1, 2, 3 PPs or more here
            assert share.copies == tuple(sum(count >= n for count in held.values()) for n in (1, 2, 3))
            [row] = [
                r for r in parsers.lspv_l(host.good(f"lspv -l {share.disk}"), share.disk) if r.volume == volume.name
            ]
            assert (row.pps, row.lps) == (len(mine), len({lp for _, lp, _ in mine}))
            assert row.regions == share.regions and sum(share.regions) == len(mine)
            assert row.mount_point == mount_point(volume)
        assert name in GROUPS


def test_volumes_in_detail(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for name, volume, _ in everything(host, groups):
        found = parsers.lslv_volume(host.good(f"lslv {volume.name}"))
        assert (found["LOGICAL VOLUME"], found["VOLUME GROUP"]) == (volume.name, name)
        assert found["LV IDENTIFIER"] == f"{groups[name].vgid}.{volume.minor}"
        assert (found["TYPE"], found["MOUNT POINT"]) == (volume.type, mount_point(volume))
        figures = [parsers.number(found[label]) for label in ("LPs", "PPs", "COPIES", "STALE PPs", "MAX LPs")]
        assert figures == [volume.lps, volume.pps, volume.copies, volume.stale_pps, volume.policy.max_lps]
        assert found["LV STATE"] == ("opened/" if is_open(host, volume) else "closed/") + (
            "stale" if volume.stale_pps else "syncd"
        )
        # as published of hd5, hd6 and hd8 [commands 1.3]
        if volume.name == "hd5":
            assert (found["LABEL"], found["BB POLICY"], found["RELOCATABLE"]) == (
                "primary_bootlv", "non-relocatable", "no",
            )  # fmt: skip
            assert found["INTRA-POLICY"] == "edge"
        if volume.name in ("hd6", "hd8"):
            assert (found["MIRROR WRITE CONSISTENCY"], found["LABEL"]) == ("off", "None")
        if volume.type == "jfs2":
            assert found["MIRROR WRITE CONSISTENCY"] == "on/ACTIVE"


@pytest.mark.parametrize(("flag", "unit"), [("", 512), ("-k", KIB), ("-m", MIB), ("-g", GIB)])
def test_df(host: Box, groups: dict[str, VolumeGroup], flag: str, unit: int) -> None:
    rows = parsers.df(host.good(f"df {flag}"))
    by_device = {row.device: row for row in rows}
    mounted = [v for _, v, _ in everything(host, groups) if v.type == "jfs2"]
    assert set(by_device) == {f"/dev/{v.name}" for v in mounted} | {"/proc"}
    for volume in mounted:
        row = by_device[f"/dev/{volume.name}"]
        files = FileSystem.open(volume.device)
        counts = files.statfs()
        free = counts.free_blocks * files.block_size
        slack = unit / 200 if unit >= MIB else 0  # MB and GB have two decimals
        assert row.mount_point == volume.label and row.inodes == counts.inodes_used
        assert row.size is not None and abs(row.size - volume.size) <= slack
        assert row.free is not None and abs(row.free - free) <= slack
        assert row.used == ceil(100 * (volume.size - free) / volume.size)


def test_lsfs_and_lsps(host: Box, groups: dict[str, VolumeGroup]) -> None:
    volumes = {f"/dev/{v.name}": v for _, v, _ in everything(host, groups)}
    entries = parsers.lsfs_c(host.good("lsfs -c"))
    table = parsers.lsfs(host.good("lsfs"))
    assert [(e.mount_point, e.device, e.vfs, e.size) for e in entries] == [
        (e.mount_point, e.device, e.vfs, e.size or 0)
        for e in table  # of /proc the one says 0, the other nothing
    ]
    for entry in entries:
        if entry.device in volumes:
            volume = volumes[entry.device]
            assert (entry.mount_point, entry.vfs, entry.size) == (volume.label, "jfs2", volume.size)
    assert {e.device for e in entries} >= {d for d, v in volumes.items() if v.type == "jfs2"}
    paging = parsers.lsps_a(host.good("lsps -a"))
    hd6 = groups["rootvg"].logical_volumes["hd6"]
    assert {(p.volume, p.disk, p.group, p.active) for p in paging} == {
        ("hd6", disk, "rootvg", True) for disk in GROUPS["rootvg"]
    }
    assert {p.size for p in paging} == {hd6.size}


def test_boot_list(host: Box) -> None:
    later = parsers.number(host.good("oslevel")[0].split(".")[0]) >= 6
    found = parsers.bootlist(host.good("bootlist -m normal -o"))
    assert [(d.device, d.volume) for d in found] == [("hdisk0", "hd5"), ("hdisk1", "hd5")]
    assert {d.path for d in found} == {0 if later else None}


def test_what_scripts_ask_one_value_of(host: Box, groups: dict[str, VolumeGroup]) -> None:
    for disk in DISKS:
        size = host.image(disk).stat().st_size // MIB
        assert host.good(f"getconf DISK_SIZE /dev/{disk}") == [str(size)] == host.good(f"bootinfo -s {disk}")
        assert host.good(f"lsattr -El {disk} -a pvid -F value") == [pvid_of(host, disk) + "0" * 16]
        words = [f"{word:08X}" for word in struct.unpack(">4I", bytes.fromhex(pvid_of(host, disk)) + bytes(8))]
        assert host.good(f"lquerypv -h /dev/{disk} 80 10")[0].split()[:5] == ["00000080", *words]
    assert host.good("getconf BOOT_DEVICE") == ["hdisk0"] == host.good("bootinfo -b")
    for name, group in groups.items():
        tags = dict(
            line.replace("?:", ":").split(":", 1)
            for line in host.good(f"lqueryvg -Atp {GROUPS[name][0]}")
            if ":" in line
        )
        assert group.pp_size == 1 << int(tags["PP Size"])
        assert int(tags["LV count"]) == len(group.logical_volumes) and int(tags["PV count"]) == 2
        assert int(tags["Free PPs"]) == sum(int(pv.free.sum()) for pv in group.physical_volumes.values())


def test_the_ltg_size_of_a_group_is_what_its_disks_take_at_once(single) -> None:
    """[commands, Corrections]: the published pair of `lsvg` and `lspv` has 256 in both."""
    group = " ".join(single.good("lsvg rootvg"))
    disk = " ".join(single.good("lspv hdisk0"))
    assert "LTG size (Dynamic): 256 kilobyte(s)" in group and "MAX REQUEST:      256 kilobytes" in disk
