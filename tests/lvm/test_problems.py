"""A finding in one line, and fields that are checked one by one."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.layout.lvm_disk import BOOT_RECORD
from lvmfmt.lvm.problems import Checker, Problem, evidence
from lvmfmt.lvm.rules import Severity


def test_a_finding_in_one_line() -> None:
    found = Problem("pv-size", "pv_header", "pp_count", 0x200, "too long\n", "disk1")
    assert found.severity is Severity.ERROR or found.severity is Severity.WARNING
    assert str(found) == f"disk1: {found.severity}: pv_header.pp_count at byte 0x200: too long\\n"
    bare = Problem("lvcb-absent", "lvcb", "", None, "none")
    assert str(bare) == "note: lvcb: none" and bare.severity is Severity.NOTE


def test_findings_are_equal_by_what_they_say() -> None:
    error = CorruptImage("lvcb", "tag", offset=5, expected="AIX LVCB", found="zeros", where="lv00")
    found = Problem.of("lvcb-absent", error)
    assert found == Problem("lvcb-absent", "lvcb", "tag", 5, "expected AIX LVCB, found zeros", "lv00")
    assert found.cause is error and evidence(error) == "expected AIX LVCB, found zeros"


def test_fields_that_must_hold() -> None:
    checker = Checker(BOOT_RECORD, {"pv_id": b"\x01\xff", "IPL_record_id": 7}, 512, "disk1")
    checker.require("pv_id", True, "anything")
    at = 512 + BOOT_RECORD.offset_of("pv_id")
    with pytest.raises(CorruptImage) as found:
        checker.require("pv_id", False, "zeros")
    assert (found.value.offset, found.value.found, found.value.where) == (at, "01ff", "disk1")
    with pytest.raises(CorruptImage) as found:
        checker.require("IPL_record_id", False, "IBMA", "another")
    assert (found.value.found, found.value.field) == ("another", "IPL_record_id")
