"""The list of fixes: kinds, and what a preen may do."""

import pytest

from lvmfmt.jfs2.repairing import fixes
from lvmfmt.jfs2.repairing.fixes import KINDS, Plan


def test_a_fix_is_counted_once():
    plan = Plan()
    for text in ("a", "a", "b\n"):
        plan.add("inode-map", text, 7)
    plan.add("inode-map", "a")
    assert [(fix.kind, fix.inode, fix.text, fix.derived) for fix in plan.fixes[:1]] == [("inode-map", 7, "a", True)]
    assert (plan.counts["inode-map"], len(plan.fixes), plan.decisions) == (3, 3, 0)
    assert plan.fixes[1].text.isprintable()
    with pytest.raises(KeyError):
        plan.add("of no kind", "a")


def test_decisions_are_what_is_not_derived():
    plan = Plan()
    plan.add("reconnected", "a file")
    plan.add("log-lost", "a log")
    plan.add("block-map", "a page")
    assert plan.decisions == 2
    assert not KINDS["inode-extent"].derived and KINDS["superblock"].derived


def test_no_more_are_listed_than_anybody_reads(monkeypatch):
    monkeypatch.setattr(fixes, "MOST_LISTED", 2)
    plan = Plan()
    for number in range(5):
        plan.add("inode", "text", number)
    assert (len(plan.fixes), plan.counts["inode"]) == (2, 5)
