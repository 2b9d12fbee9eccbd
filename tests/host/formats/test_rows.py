"""Formats against published listings (fixtures/transcripts/README.md names them)."""

from pathlib import Path

import pytest

from lvmfmt.host.formats import rows
from lvmfmt.host.profiles import profile
from lvmfmt.units import MIB

TRANSCRIPTS = Path(__file__).parents[3] / "fixtures" / "transcripts"
ARTICLE = (TRANSCRIPTS / "alt_disk_copy.txt").read_text().splitlines()
DF = (TRANSCRIPTS / "df.txt").read_text().splitlines()
LSVG = (TRANSCRIPTS / "lsvg-l.txt").read_text().splitlines()


@pytest.mark.parametrize("line", [line for line in ARTICLE if line.startswith("hdisk") and "  " in line])
def test_lspv_rows_of_the_article(line: str) -> None:
    name, pvid, group, *state = line.split()
    row = rows.lspv_row(name, pvid, None if group == "None" else group, state[0] if state else "")
    assert row.rstrip() == line
    assert len(row) == 16 + 36 + 16 + 12  # AIX keeps the blanks at the end


def test_lspv_row_of_a_disk_without_identity() -> None:
    # the form of IBM's documents for a new disk
    assert rows.lspv_row("hdisk2", None, None, "").rstrip() == (
        "hdisk2          none                                None"
    )


def test_df_header_of_the_article() -> None:
    assert rows.df_header("MB blocks") == DF[0]


@pytest.mark.parametrize("line", DF[1:])
def test_df_rows_of_the_article(line: str) -> None:
    device, size, free, _, inodes, inode_percent, mount_point = [*line.split(), ""][:7]
    if size == "-":
        assert rows.df_pseudo_row(device, line.split()[-1], "MB blocks") == line
        return
    # MB with two decimals; %Used is computed, not copied
    row = rows.df_row(
        device,
        round(float(size) * MIB),
        round(float(free) * MIB),
        int(inodes),
        int(inode_percent[:-1]),
        mount_point,
        ("MB blocks", MIB),
    )
    assert row == line


@pytest.mark.parametrize(("unit", "end"), [("512-blocks", 24), ("1024-blocks", 25), ("MB blocks", 23)])
def test_sizes_end_where_their_heading_ends(unit: str, end: int) -> None:
    # [commands, Corrections]: published listings end in columns 24, 25 and 23
    lines = [
        rows.df_header(unit), rows.df_row("/dev/hd4", 4096, 1024, 7, 1, "/", (unit, 1)), rows.df_used_header(unit),
        rows.df_used_row("/dev/hd4", 4096, 1024, "/", (unit, 1)), rows.df_pseudo_row("/proc", "/proc", unit),
        rows.df_used_pseudo_row("/proc", "/proc", unit),
    ]  # fmt: skip
    assert all(line[end - 1] != " " == line[end] for line in lines)


@pytest.mark.parametrize(
    ("used", "allocated", "free", "percent"),
    [
        (4, 32, 8108, 1),  # of a new file system of 32 MiB: 400 / (32 + 7207) = 0.06
        (900, 928, 1125, 47),  # 90000 / (928 + 1000) = 46.7
        (10, 10, 0, 100),
    ],
)
def test_percent_of_inodes(used: int, allocated: int, free: int, percent: int) -> None:
    assert rows.percent_inodes(used, allocated, free) == percent


@pytest.mark.parametrize("line", [line for line in DF[1:] if "%" in line])
def test_percent_of_inodes_in_the_article(line: str) -> None:
    _, _, free, _, used, percent, _ = line.split()
    count, blocks = int(used), round(float(free) * 256)
    # how many inodes are allocated it does not say: as many as are used, in extents of 32, or up to a sixth more
    least, most = -(-count // 32) * 32, count * 7 // 6
    shown = {rows.percent_inodes(count, allocated, blocks) for allocated in range(least, max(least, most) + 1, 32)}
    assert int(percent[:-1]) in shown


def test_lsvg_rows_of_a_later_release() -> None:
    release = profile("7.1")
    assert rows.lsvg_volumes_header(release) == LSVG[1]
    for line in LSVG[2:]:
        name, type, lps, pps, pvs, state, mount_point = line.split()
        assert rows.lsvg_volumes_row(release, name, type, int(lps), int(pps), int(pvs), state, mount_point) == line


def test_lsvg_columns_of_5_3_are_two_narrower() -> None:
    row = rows.lsvg_volumes_row(profile("5.3"), "hd5", "boot", 1, 2, 2, "closed/syncd", "N/A")
    assert row == "hd5                 boot       1     2     2    closed/syncd  N/A"


def test_an_empty_file_system_is_not_a_division_by_zero() -> None:
    assert rows.percent_used(0, 0) == 0
