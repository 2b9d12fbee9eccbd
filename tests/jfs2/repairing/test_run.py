"""A whole repair: what is answered, what is written, and what is reported."""

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.journal import Mount, mount
from lvmfmt.jfs2.repairing.run import CHANGED_MOUNTED, LEFT_UNCORRECTED, OKAY, Answer, exit_status, repair
from lvmfmt.jfs2.superblock import CLEAN, read_superblock

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


@BASES
def test_a_clean_file_system_is_left_alone(image, base):
    i = image(base)
    good = bytes(i.data)
    report = repair(i.device)
    assert (report.written, report.plan.fixes, exit_status(report)) == (False, [], OKAY) and bytes(i.data) == good
    quick = repair(i.device, force=False)
    assert "was not looked at" in quick.found.notes[0] and quick.is_clean


@BASES
@pytest.mark.parametrize("answer", [Answer.PREEN, Answer.YES])
def test_a_clean_file_system_whose_log_is_open(image, base, answer, monkeypatch):
    device = image(base).device

    def stops(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Mount, "enter", stops)  # the log is open by then, and the superblock is to say so [jfs2 3.8.2]
        mount(device)
    assert read_superblock(device).state == CLEAN
    with pytest.raises(OperationRefused, match="the log was not closed"):
        mount(device)
    report = repair(device, answer=answer, force=False)
    assert report.written and report.is_clean and {fix.kind for fix in report.plan.fixes} == {"replay"}
    mount(device).unmount()


@BASES
def test_what_follows_from_the_rest_is_written_by_a_preen(image, base):
    i = image(base)
    good = bytes(i.data)
    i.view(i.s.dbmap, 0x10000)["dn_nfree"] += 1
    broken = bytes(i.data)
    asked = repair(i.device, answer=Answer.NO)
    assert (asked.written, asked.is_clean, exit_status(asked)) == (False, False, LEFT_UNCORRECTED)
    assert bytes(i.data) == broken and [fix.kind for fix in asked.plan.fixes] == ["block-map"]
    report = repair(i.device, answer=Answer.PREEN)
    assert (report.written, report.is_clean, exit_status(report)) == (True, True, OKAY) and bytes(i.data) == good


@BASES
def test_what_has_to_be_decided_is_not_written_by_a_preen(image, base):
    i = image(base)
    root = i.inode_at(2) + 224
    i.data[root + 17] -= 1  # the last name is gone: a file without a name
    broken = bytes(i.data)
    report = repair(i.device, answer=Answer.PREEN)
    assert not report.written and bytes(i.data) == broken
    assert repair(i.device).written and repair(i.device).found.is_clean


@BASES
def test_a_device_that_was_opened_for_reading(image, base):
    i = image(base)
    i.device.writable = False
    with pytest.raises(OperationRefused):
        repair(i.device)
    assert repair(i.device, answer=Answer.NO).is_clean
    assert {OKAY, CHANGED_MOUNTED, LEFT_UNCORRECTED} == {0, 4, 8}  # [commands 4.4]
