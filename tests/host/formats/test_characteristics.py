"""Detail listings and maps against published outputs (fixtures/transcripts/details.txt; its README names them)."""

from pathlib import Path

from lvmfmt.host.formats import characteristics, maps, rows
from lvmfmt.host.formats.characteristics import details, group_lines, in_megabytes, with_megabytes
from lvmfmt.host.profiles import profile
from lvmfmt.lvm import Region
from lvmfmt.units import MIB

TEXT = (Path(__file__).parents[3] / "fixtures" / "transcripts" / "details.txt").read_text()
SHOWN = {block.split("\n", 1)[0]: block.splitlines()[1:] for block in TEXT.split("$ ") if block}


def test_a_disk_of_a_group_that_is_varied_on() -> None:
    values = {
        "PHYSICAL VOLUME": "hdisk0", "VOLUME GROUP": "rootvg", "PV IDENTIFIER": "00c6ce9d4f2c404a",
        "VG IDENTIFIER": "00c6ce9d00004c000000014302ee7629", "PV STATE": "active", "STALE PARTITIONS": 0,
        "ALLOCATABLE": "yes", "PP SIZE": in_megabytes(64 * MIB), "LOGICAL VOLUMES": 17,
        "TOTAL PPs": with_megabytes(543, 64 * MIB), "VG DESCRIPTORS": 2, "FREE PPs": with_megabytes(169, 64 * MIB),
        "HOT SPARE": "no", "USED PPs": with_megabytes(374, 64 * MIB), "MAX REQUEST": "256 kilobytes",
        "FREE DISTRIBUTION": "08..00..00..59..102", "USED DISTRIBUTION": "101..109..108..49..07",
        "MIRROR POOL": "None",
    }  # fmt: skip
    assert details(characteristics.DISK, values) == SHOWN["lspv hdisk0"]


def test_a_disk_of_a_group_that_is_not() -> None:
    values = {
        "PHYSICAL VOLUME": "hdisk1", "VOLUME GROUP": "altinst_rootvg", "PV IDENTIFIER": "00c6ce9d53fc4e84",
        "VG IDENTIFIER": "00c6ce9d00004c00000001436b015eb8", "MAX REQUEST": "256 kilobytes",
    }  # fmt: skip
    assert details(characteristics.DISK, values) == SHOWN["lspv hdisk1"]


def test_a_group_as_5_3_and_later_releases_print_it() -> None:
    size = 32 * MIB
    values = {
        "VOLUME GROUP": "rootvg", "VG IDENTIFIER": "000dda6e0000d600000001119e467657", "VG STATE": "active",
        "PP SIZE": in_megabytes(size), "VG PERMISSION": "read/write", "TOTAL PPs": with_megabytes(798, size),
        "MAX LVs": 256, "FREE PPs": with_megabytes(201, size), "LVs": 19, "USED PPs": with_megabytes(597, size),
        "OPEN LVs": 17, "QUORUM": 2, "TOTAL PVs": 2, "VG DESCRIPTORS": 3, "STALE PVs": 0, "STALE PPs": 0,
        "ACTIVE PVs": 2, "AUTO ON": "no", "MAX PPs per VG": 32512, "MAX PPs per PV": 1016, "MAX PVs": 32,
        "LTG size (Dynamic)": "256 kilobyte(s)", "AUTO SYNC": "no", "HOT SPARE": "no", "BB POLICY": "relocatable",
    }  # fmt: skip
    assert details(group_lines(profile("5.3"), limit_per_disk=True), values) == SHOWN["lsvg rootvg"]
    later = details(group_lines(profile("7.1"), limit_per_disk=True), {**values, "QUORUM": "2 (Enabled)"})
    assert later[5] == "OPEN LVs:           17                       QUORUM:         2 (Enabled)"
    assert [line.split(":")[0] for line in later[-2:]] == ["PV RESTRICTION", "DISK BLOCK SIZE"]


def test_a_logical_volume() -> None:
    values = {
        "LOGICAL VOLUME": "hd5", "VOLUME GROUP": "rootvg", "LV IDENTIFIER": "00c6ce9d00004c000000014302ee7629.1",
        "PERMISSION": "read/write", "VG STATE": "active/complete", "LV STATE": "closed/syncd", "TYPE": "boot",
        "WRITE VERIFY": "off", "MAX LPs": 512, "PP SIZE": in_megabytes(64 * MIB), "COPIES": 1,
        "SCHED POLICY": "parallel", "LPs": 1, "PPs": 1, "STALE PPs": 0, "BB POLICY": "non-relocatable",
        "INTER-POLICY": "minimum", "RELOCATABLE": "no", "INTRA-POLICY": "edge", "UPPER BOUND": 32,
        "MOUNT POINT": "N/A", "LABEL": "primary_bootlv", "MIRROR WRITE CONSISTENCY": "on/ACTIVE",
        "EACH LP COPY ON A SEPARATE PV": "yes", "Serialize IO": "NO",
    }  # fmt: skip
    assert details(characteristics.VOLUME, values) == SHOWN["lslv hd5"]


def test_tables() -> None:
    release = profile("7.1")
    lines = SHOWN["lspv -l hdisk0"]
    assert rows.pv_volumes_header(release) == lines[0]
    assert rows.pv_volumes_row(release, "lv_dump", 16, 16, (0, 0, 0, 16, 0), "N/A") == lines[1]
    assert rows.pv_volumes_row(release, "hd4", 3, 3, (0, 0, 3, 0, 0), "/") == lines[2]
    assert [rows.lsvg_disks_header(release), rows.lsvg_disks_row(
        release, "hdisk1", "active", 199, 68, (8, 0, 0, 20, 40))] == SHOWN["lsvg -p rootvg"]  # fmt: skip
    assert [rows.volume_disks_header(), rows.volume_disks_row(
        "hdisk0", (8, 0, 0), 100, (0, 0, 8, 0, 0))] == SHOWN["lslv -l hd4"]  # fmt: skip


def test_the_map_of_a_volume() -> None:
    rows = [[(35, "EMC_3451_0DEF"), (49, "EMC_3339_1F45"), (0, "")]]
    assert list(maps.volume_map(rows)) == SHOWN["lslv -m ora001"]


def test_the_map_of_a_disk_has_ten_partitions_a_line_and_a_blank_line_between_regions() -> None:
    regions = [Region.OUTER_EDGE] * 12 + [Region.CENTER]
    lines = list(maps.partition_map(["USED"] * 11 + ["FREE", "0001"], regions))
    expected = [[*["USED"] * 10, "1-10"], ["USED", "FREE", "11-12"], [], ["0001", "13-13"]]
    assert [line.split() for line in lines] == expected
