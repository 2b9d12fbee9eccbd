"""One field of a superblock at a time, with the checks that it breaks."""

import pytest

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.superblock_checks import check_superblocks

SECONDARY = "superblock-secondary"


@pytest.mark.parametrize("name", ["aix-small", "linux-small"])
def test_a_sound_one(image, name) -> None:
    i, report = image(name), Report()
    check_superblocks(i.device, i.dialect, report)
    assert report.findings == []


@pytest.mark.parametrize(
    ("name", "field", "value", "expected"),
    [
        ("aix-small", "s_version", 3, ["superblock-identity"]),
        ("aix-small", "s_version", 0, ["superblock-identity"]),
        ("aix-small", "s_version", 2, ["superblock-version"]),
        ("aix-small", "s_feature_compat", 1, ["superblock-version"]),
        ("aix-small", "s_feature_compat", 1 << 20, ["superblock-version", "superblock-features"]),
        ("aix-small", "s_bsize", 8192, ["superblock-block-size"]),
        ("aix-small", "s_l2bsize", 11, ["superblock-block-size"]),
        ("aix-small", "s_pbsize", 4096, ["superblock-block-size"]),
        ("aix-small", "s_l2pbsize", 8, ["superblock-block-size"]),
        ("linux-small", "s_l2bfactor", 4, ["superblock-block-size"]),
        ("aix-small", "s_size", 0, ["superblock-size"]),
        ("aix-small", "s_size", 12, ["superblock-size"]),
        ("aix-small", "s_size", 1 << 30, ["superblock-size"]),
        ("aix-small", "s_agsize", 4096, ["superblock-ag-size"]),
        ("aix-small", "s_agsize", 16384, ["superblock-ag-size"]),
        ("aix-small", "s_fsckloglen", 49, ["superblock-service-log"]),
        ("linux-small", "s_fscklog", 3, ["superblock-service-log"]),
        ("aix-small", "s_state", 1, ["superblock-state"]),
        ("aix-small", "s_flag", 0x800, ["superblock-state"]),
        ("aix-small", "s_flag", 0x100, ["superblock-log-place"]),
    ],
)
def test_a_field(image, name, field, value, expected) -> None:
    i, report = image(name), Report()
    i.superblock(**{field: value})
    check_superblocks(i.device, i.dialect, report)
    found = [f.name for f in report.findings if f.name != SECONDARY]
    if field == "s_size" and value == 12:
        found = found[:1]
    assert found == expected
    assert report.findings[0].offset == 0x8000 + i.s.superblock.offset_of(report.findings[0].field)


@pytest.mark.parametrize(
    ("field", "address", "length", "expected"),
    [
        ("s_fsckpxd", 0, 1, "superblock-work-space"),
        ("s_ait2", 0, 4, "superblock-second-tables"),
        ("s_ait2", 40, 5, "superblock-second-tables"),
        ("s_logpxd", 5, 1, "superblock-log-place"),
        ("s_logpxd", 1 << 20, 1, "superblock-log-place"),
    ],
)
def test_a_place(image, field, address, length, expected) -> None:
    i, report = image("linux-small"), Report()
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, field, address, length)
    check_superblocks(i.device, i.dialect, report)
    assert [f.name for f in report.findings] == [expected]


def test_the_copies_differ(image) -> None:
    i, report = image("aix-small"), Report()
    i.superblock(primary_only=True, s_fname=b"other")
    check_superblocks(i.device, i.dialect, report)
    [finding] = report.findings
    at = 0xF000 + i.s.superblock.offset_of("s_fname")
    assert (finding.name, finding.severity, finding.offset) == (SECONDARY, "warning", at)
    assert finding.text == "the copies differ in s_fname"


def test_a_frozen_one_is_a_warning(image) -> None:
    i, report = image("aix-small"), Report()
    i.superblock(s_state=0x2000)
    check_superblocks(i.device, i.dialect, report)
    assert [f.name for f in report.findings] == ["superblock-state"]
