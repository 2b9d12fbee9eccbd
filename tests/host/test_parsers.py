"""The parsers of `parsers.py` read what AIX was seen to print: their words are checked before the host's are."""

from pathlib import Path

import pytest

from lvmfmt.units import MIB

from . import parsers
from .parsers import BootDevice, Disk, Held, Member, Mounted, OnDisk, Range, Share, Unreadable

FOLDER = Path(__file__).parents[2] / "fixtures" / "transcripts"


def blocks(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line.startswith("$ "):
            rows = found[line[2:]] = []
        else:
            rows.append(line)
    return found


SHOWN = {**blocks("details.txt"), **blocks("listings.txt")}


def test_disks() -> None:
    assert parsers.lspv(SHOWN["lspv"]) == [
        Disk("hdisk0", "0041a97b0622ef7f", "rootvg", "active"),
        Disk("hdisk1", "00452f0b2b1ec84c", "altinst_rootvg", ""),
        Disk("hdisk2", None, None, ""),
    ]
    found = parsers.lspv_disk(SHOWN["lspv hdisk0"])
    assert found["VG IDENTIFIER"] == "00c6ce9d00004c000000014302ee7629" and found["PV IDENTIFIER"] == "00c6ce9d4f2c404a"
    assert (parsers.number(found["FREE PPs"]), parsers.number(found["TOTAL PPs"])) == (169, 543)
    assert sum(parsers.regions(found["FREE DISTRIBUTION"])) == 169
    assert sum(parsers.regions(found["USED DISTRIBUTION"])) == 374 == 543 - 169
    assert parsers.lspv_disk(SHOWN["lspv hdisk1"])["TOTAL PPs"] == "???????"
    assert set(found) == set(parsers.DISK_LABELS)
    assert parsers.lspv_l(SHOWN["lspv -l hdisk0"], "hdisk0") == [
        OnDisk("lv_dump", 16, 16, (0, 0, 0, 16, 0), "N/A"),
        OnDisk("hd4", 3, 3, (0, 0, 3, 0, 0), "/"),
    ]
    assert parsers.lspv_p(SHOWN["lspv -p hdisk0, recalled"], "hdisk0") == [
        Range(1, 1, "used", "outer edge", "hd5", "boot", "N/A"),
        Range(2, 20, "free", "outer edge", "", "", ""),
    ]
    assert parsers.partitions(SHOWN["lspv -M hdisk0, recalled"]) == [
        Held("hdisk0", 1, 1, "hd5", 1, 1, False),
        Held("hdisk0", 2, 2, "hd6", 1, 1, False),
        Held("hdisk0", 38, 110, None, 0, 1, False),
    ]


def test_groups() -> None:
    found = parsers.lsvg_group(SHOWN["lsvg rootvg"])
    assert parsers.number(found["FREE PPs"]) + parsers.number(found["USED PPs"]) == 798
    assert (found["MAX PPs per PV"], found["MAX PVs"], found["LTG size (Dynamic)"]) == ("1016", "32", "256 kilobyte(s)")
    assert (found["LVs"], found["OPEN LVs"], found["MAX LVs"]) == ("19", "17", "256")
    volumes = parsers.lsvg_l((FOLDER / "lsvg-l.txt").read_text().splitlines(), "rootvg")
    assert [v.name for v in volumes] == ["hd5", "hd6", "hd8", "hd4"]
    assert [v.state for v in volumes if v.pps != 2 * v.lps or v.state.endswith("stale")] == ["open/stale"]
    assert parsers.lsvg_p(["rootvg:", *SHOWN["lsvg -p rootvg"]], "rootvg") == [
        Member("hdisk1", "active", 199, 68, (8, 0, 0, 20, 40))
    ]
    ghost = [line for line in SHOWN["lsvg -p datavg"] if "missing" in line]
    assert parsers.lsvg_p_rows(ghost)[0].regions == (174, 71, 0, 342, 432)


def test_logical_volumes() -> None:
    found = parsers.lslv_volume(SHOWN["lslv hd5"])
    assert found["LV IDENTIFIER"] == "00c6ce9d00004c000000014302ee7629.1" and found["LABEL"] == "primary_bootlv"
    assert (found["LPs"], found["PPs"], found["EACH LP COPY ON A SEPARATE PV ?"]) == ("1", "1", "yes")
    assert parsers.lslv_m(SHOWN["lslv -m ora001"], "ora001", "/oracle/oradb/ora001") == {
        1: [(35, "EMC_3451_0DEF"), (49, "EMC_3339_1F45")]
    }
    shares = parsers.lslv_l(SHOWN["lslv -l hd4, recalled"], "hd4", "/")
    assert shares == [Share("hdisk0", (8, 0, 0), 100, (0, 0, 8, 0, 0))]


def test_file_systems() -> None:
    rows = parsers.df((FOLDER / "df.txt").read_text().splitlines())
    assert len(rows) == 13 and rows[5] == Mounted("/proc", None, None, None, None, "/proc")
    assert rows[1] == Mounted("/dev/hd2", 1968 * MIB, 111.64 * MIB, 95, 40407, "/usr")
    assert rows[8].device == "/dev/alt_hd10opt" or rows[9].device == "/dev/alt_hd10opt"  # a long name moves the row
    assert parsers.df(SHOWN["df -m"])[0].inodes is None
    [root] = parsers.lsfs_c(SHOWN["lsfs -c"])
    assert (root.mount_point, root.device, root.size, root.auto) == ("/", "/dev/hd4", 49152 * 512, True)
    assert parsers.lsfs(SHOWN["lsfs, recalled head"]) == [] == parsers.lsps_a(SHOWN["lsps -a, recalled head"])


def test_boot_lists() -> None:
    assert parsers.bootlist(SHOWN["bootlist -m normal -o, 5.3"]) == [
        BootDevice("hdisk0", "hd5", None), BootDevice("hdisk1", None, None),
    ]  # fmt: skip
    assert parsers.bootlist(SHOWN["bootlist -m normal -o, 6.1"]) == [BootDevice("hdisk0", "hd5", 0)]


@pytest.mark.parametrize(
    "line", ["hdisk0 0041a97b0622ef7", "hdisk0", "hdisk0 none None active more", "0516-010 : Volume group must be"]
)
def test_what_is_no_row_is_not_taken_for_one(line: str) -> None:
    with pytest.raises(Unreadable):
        parsers.lspv([line])
