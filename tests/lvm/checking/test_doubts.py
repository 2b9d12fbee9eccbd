"""What findings mean for one LV: which concern it, whether they mislead who reads it, and what its copies say."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm.checking.doubts import Doubt, doubts
from lvmfmt.lvm.problems import Problem
from lvmfmt.lvm.rules import RULES, Severity


def found(rule: str, lvs: tuple[int, ...] = (), pvs: tuple[int, ...] = ()) -> Problem:
    return Problem(rule, "vgda_header", "sec", 0, "what is wrong", lvs=frozenset(lvs), pvs=frozenset(pvs))


def said(make_group: Any, *problems: Problem, name: str = "lv00") -> list[Doubt]:
    group, _ = make_group(2)
    return doubts(group, group.logical_volumes[name], problems)


def rule_of(severity: Severity) -> str:
    special = ("disk-behind", "pv-absent", "mirror-differs", "lvcb-absent", "record-", "pvid-new", "disk-", "vg")
    return next(name for name, rule in RULES.items() if rule.severity is severity and not name.startswith(special))


def test_a_finding_concerns_the_lv_or_its_disk_or_all(make_group: Any) -> None:
    rule = rule_of(Severity.ERROR)
    group, _ = make_group(2)
    lv = group.logical_volumes["lv00"]
    [own] = {int(number) for number in np.unique(lv.map.pv[lv.map.held])}
    assert lv.minor == 3
    for problem, count in (
        (found(rule), 0),
        (found(rule, lvs=(3,)), 1),
        (found(rule, lvs=(1, 2)), 0),
        (found(rule, pvs=(own,)), 1),
        (found(rule, pvs=(3 - own,)), 0),
        (found("vgda-tie"), 1),
        (found("vgda-tie", lvs=(1,)), 0),
        (found("vgda-tie", lvs=(3,)), 1),
        (found("disk-stranger"), 1),
    ):
        assert len(doubts(group, lv, [problem])) == count, problem
    assert len(doubts(group, lv, [found(rule, lvs=(3,))] * 2)) == 1  # told once


def test_errors_mislead_and_notes_are_legal(make_group: Any) -> None:
    [error, note] = said(make_group, found(rule_of(Severity.ERROR), lvs=(3,)), found(rule_of(Severity.NOTE), lvs=(3,)))
    assert (error.misleads, error.legal) == (True, False) and (note.misleads, note.legal) == (False, True)
    [absent, differs] = said(make_group, found("pv-absent", lvs=(3,)), found("mirror-differs", lvs=(3,)))
    assert not absent.misleads and differs.misleads


@pytest.mark.parametrize("rule", ["record-missing", "record-unproved", "pvid-new", "disk-inferred", "disk-assumed"])
def test_what_is_inferred_may_mislead(make_group: Any, rule: str) -> None:
    assert [doubt.misleads for doubt in said(make_group, found(rule, lvs=(3,)))] == [True]


def test_block_0_of_an_lv_may_be_an_applications(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["lv00"]
    for data, legal in ((b"data", True), (bytes(512), False)):
        lv.device.write(0, data)
        assert [doubt.legal for doubt in doubts(group, lv, [found("lvcb-absent", lvs=(3,))])] == [legal]


def test_copies_that_are_stale_or_not_here(make_group: Any) -> None:
    group, _ = make_group(2)
    lv = group.logical_volumes["hd4"]
    assert doubts(group, lv, []) == []
    lv.stale[0, :2] = True
    number = int(lv.map.pv[0, 0])
    assert doubts(group, lv, []) == [Doubt(f"hd4: 2 of 10 PPs are stale, on PV {number}", misleads=False)]
    lv.stale[1, :] = True
    [stale, missing] = doubts(group, lv, [])
    assert stale.text == "hd4: 7 of 10 PPs are stale, on PV 1, 2" and not stale.misleads
    first = ", ".join(map(str, lv.missing_lps.tolist()))
    assert missing == Doubt(f"hd4: no disk that is here has a good copy of LPs {first}") and len(lv.missing_lps) == 2
