"""Every image that breaks a named check is clean after a repair, and keeps every file that could be read.

Modules: `lvmfmt.jfs2.repairing.aggregate`, `lvmfmt.jfs2.repairing.attributes`, `lvmfmt.jfs2.repairing.directories`,
`lvmfmt.jfs2.repairing.extents`, `lvmfmt.jfs2.repairing.inode_repair`, `lvmfmt.jfs2.repairing.inode_survey`,
`lvmfmt.jfs2.repairing.links`, `lvmfmt.jfs2.repairing.log`, `lvmfmt.jfs2.repairing.maps`,
`lvmfmt.jfs2.repairing.new_directory`, `lvmfmt.jfs2.repairing.ordered_writes`, `lvmfmt.jfs2.repairing.run`,
`lvmfmt.jfs2.repairing.superblocks`, `lvmfmt.jfs2.repairing.unclaimed_blocks`.
"""

import importlib.util
from pathlib import Path

import pytest

from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.repairing import KINDS, Answer, exit_status, repair
from lvmfmt.origin import FixedOrigin

_spec = importlib.util.spec_from_file_location(
    "jfs2_check_broken", Path(__file__).resolve().parent.parent / "checking" / "test_broken.py"
)
_broken = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_broken)
CASES = _broken.CASES
OF_LINUX = [case for case in CASES if not case.base.startswith("aix")]
OTHERS = [case for case in CASES if case.base.startswith("aix")]
ONE_OF_EACH = list({case.change.__name__: case for case in reversed(CASES)}.values())

NOW = 1_800_000_000_000_000_000
LOSES = {
    "slash": "/two/b cannot be called so: it is in /lost+found",
    "target_of_nothing": "the target had no length; it is read up to its NUL",
    "target_too_long": "the target was longer than its block",
}
"""Changes after which a path reads otherwise than before the repair, and why."""
DERIVED = {
    "free_blocks", "leaf_of_a_tree", "summary_of_inodes", "loop", "one_block_more", "names_differ", "iag_number",
    "sibling", "router_too_large", "wrong_parent", "one_link_more", "wrong_number", "block_factor",
    "owner_of_the_copy", "block_of_nobody", "directory_page_elsewhere", "free_count", "link_beyond_the_node",
}  # fmt: skip
"""Changes of what can be computed from the rest: a preen repairs them."""
DECIDED = {
    "extent_beyond_the_end", "shared_block", "entry_of_a_free_inode", "slash", "file_without_a_name",
    "name_longer_than_its_slots", "no_quota_file", "negative_size",
}  # fmt: skip
"""Changes after which something is lost or chosen: a preen leaves them."""


def texts(report):
    return [f"{finding.severity} {finding.name}: {finding.text}" for finding in report.findings]


def repaired(image, case, readable):
    broken = image(case.base)
    case.change(broken)
    before = readable(broken.device)
    report = repair(broken.device, origin=FixedOrigin(NOW))
    assert report.written and exit_status(report) == 0 and report.failures == []
    assert [text for text in texts(report.left) if text.startswith("error")] == []
    assert all(fix.text.isprintable() for fix in report.plan.fixes)
    after = readable(broken.device)
    changed = {path for path, digest in before.items() if after.get(path) != digest}
    assert changed == set() or case.change.__name__ in LOSES, changed
    assert len(after) >= len(before) - len(changed)
    return broken


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.id)
def test_is_repaired(image, case, readable):
    broken = repaired(image, case, readable)
    assert check(broken.device).is_clean


@pytest.mark.judge
@pytest.mark.parametrize("case", OF_LINUX, ids=lambda case: case.id)
def test_is_repaired_says_jfs_fsck(image, case, readable, jfs_fsck, tmp_path):
    broken = repaired(image, case, readable)
    path = tmp_path / "image"
    path.write_bytes(broken.data)
    jfs_fsck(path)


@pytest.mark.parametrize(
    "case", [c for c in ONE_OF_EACH if c.change.__name__ in DERIVED | DECIDED], ids=lambda case: case.id
)
def test_answers(image, case):
    """-n writes nothing and says what -y does; a preen makes derived fixes only; a second repair finds nothing."""
    broken = image(case.base)
    case.change(broken)
    before = bytes(broken.data)
    would = repair(broken.device, origin=FixedOrigin(NOW), answer=Answer.NO)
    assert bytes(broken.data) == before and not would.written and would.left.is_clean
    assert exit_status(would) == (0 if would.found.is_clean else 8)
    preened = repair(broken.device, origin=FixedOrigin(NOW), answer=Answer.PREEN)
    assert preened.plan.fixes == would.plan.fixes != []
    assert preened.written == (case.change.__name__ in DERIVED) == all(fix.derived for fix in would.plan.fixes)
    if not preened.written:
        assert bytes(broken.data) == before and exit_status(preened) == 8
        assert repair(broken.device, origin=FixedOrigin(NOW)).plan.fixes == would.plan.fixes
    once = bytes(broken.data)
    assert not repair(broken.device, origin=FixedOrigin(NOW + 1)).written and bytes(broken.data) == once


def test_every_kind_of_fix_says_what_it_means():
    assert all(kind.meaning and kind.name == name for name, kind in KINDS.items())
