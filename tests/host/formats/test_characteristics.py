"""Detail listings and maps against published outputs (fixtures/transcripts/details.txt; its README names them)."""

from pathlib import Path

from lvmfmt.host.formats import characteristics, maps, rows
from lvmfmt.host.formats.characteristics import GroupFacts, PhysicalFacts, VolumeFacts
from lvmfmt.host.profiles import profile
from lvmfmt.lvm import Region
from lvmfmt.units import MIB

TEXT = (Path(__file__).parents[3] / "fixtures" / "transcripts" / "details.txt").read_text()
SHOWN = {block.split("\n", 1)[0]: block.splitlines()[1:] for block in TEXT.split("$ ") if block}


def test_a_disk_of_a_group_that_is_varied_on() -> None:
    facts = PhysicalFacts(
        "hdisk0", "rootvg", "00c6ce9d4f2c404a", "00c6ce9d00004c000000014302ee7629", "active", 0, True, 64 * MIB, 17,
        543, 169, 2, (8, 0, 0, 59, 102), (101, 109, 108, 49, 7),
    )  # fmt: skip
    assert characteristics.physical_details(facts) == SHOWN["lspv hdisk0"]


def test_a_disk_of_a_group_that_is_not() -> None:
    lines = characteristics.unknown_physical_details(
        "hdisk1", "altinst_rootvg", "00c6ce9d53fc4e84", "00c6ce9d00004c00000001436b015eb8"
    )
    assert lines == SHOWN["lspv hdisk1"]


def group_facts() -> GroupFacts:
    return GroupFacts(
        "rootvg", "000dda6e0000d600000001119e467657", "read/write", 32 * MIB, 798, 201, 256, 19, 17, 2, True, 2, 3, 0,
        0, 2, False, 32512, 1016, 32, 256 << 10,
    )  # fmt: skip


def test_a_group_as_5_3_and_later_releases_print_it() -> None:
    assert characteristics.group_details(profile("5.3"), group_facts()) == SHOWN["lsvg rootvg"]
    later = characteristics.group_details(profile("7.1"), group_facts())
    assert later[5] == "OPEN LVs:           17                       QUORUM:         2 (Enabled)"
    assert [line.split(":")[0] for line in later[-2:]] == ["PV RESTRICTION", "DISK BLOCK SIZE"]


def test_a_logical_volume() -> None:
    facts = VolumeFacts(
        "hd5", "rootvg", "00c6ce9d00004c000000014302ee7629.1", "read/write", "active/complete", "closed/syncd", "boot",
        False, 512, 64 * MIB, 1, "parallel", 1, 1, 0, "non-relocatable", "minimum", False, "edge", 32, "N/A",
        "primary_bootlv", "on/ACTIVE", "yes", 0, 0,
    )  # fmt: skip
    assert characteristics.volume_details(facts) == SHOWN["lslv hd5"]


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
