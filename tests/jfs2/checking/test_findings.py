"""A report: what is counted, what is listed, what it exits with."""

import numpy as np
import pytest

from lvmfmt.jfs2.checking.findings import MOST_FINDINGS, MOST_OF_A_CHECK, Finding, Report


def test_an_error_and_a_warning() -> None:
    report = Report()
    assert report.is_clean and report.exit_status == 0 and report.omitted == 0
    report.add("superblock-secondary", "j2_superblock", "s_fname", 7, "the copies\ndiffer")  # a warning by itself
    assert report.is_clean and report.findings[0].severity == "warning"
    report.add("dtree-flag", "j2_dtree_root", "flag", 16, "a flag")
    assert not report.is_clean and report.errors == 1 and report.exit_status == 8
    assert report.findings[1] == Finding(60, "dtree-flag", "error", "j2_dtree_root", "flag", 16, "a flag")
    assert "\n" not in report.findings[0].text


def test_severity_can_be_said() -> None:
    report = Report()
    report.add("dtree-flag", "", "", None, "soft", warning=True)
    report.add("superblock-secondary", "", "", None, "hard", warning=False)
    assert [f.severity for f in report.findings] == ["warning", "error"] and report.errors == 1


def test_the_bounds() -> None:
    report = Report()
    for _ in range(MOST_OF_A_CHECK + 3):
        report.add("dtree-flag", "", "", None, "x")
    assert len(report.findings) == MOST_OF_A_CHECK == 200 and report.omitted == 3 and report.errors == 203
    for name in ("dtree-slots", "dtree-order", "dtree-chains", "dtree-shape", "dtree-routers"):
        for _ in range(MOST_OF_A_CHECK):
            report.add(name, "", "", None, "x")
    assert len(report.findings) == MOST_FINDINGS == 1000


@pytest.mark.parametrize(("warning", "errors"), [(None, 205), (True, 0)])
def test_rows(warning: bool | None, errors: int) -> None:
    report = Report()
    wrong = np.zeros(400, bool)
    wrong[::2] = True
    wrong[1:11:2] = True
    report.add_rows("dtree-flag", "s", "f", wrong, lambda row: row * 10, lambda row: f"row {row}", warning=warning)
    assert report.counts["dtree-flag"] == 205 and report.errors == errors and len(report.findings) == 200
    assert [(f.offset, f.text) for f in report.findings[:2]] == [(0, "row 0"), (10, "row 1")]
    report.add_rows("dtree-slots", "", "", np.zeros(3, bool), lambda row: row, str)
    assert report.counts["dtree-slots"] == 0


def test_a_finding_is_a_line_for_people() -> None:
    found = Finding(60, "dtree-flag", "error", "j2_dtree_root", "flag", 16, "flag 0 of the root of directory 2")
    assert str(found) == "error: dtree-flag: flag 0 of the root of directory 2"
    assert "\n" not in repr(found) and len(repr(found)) <= 130
