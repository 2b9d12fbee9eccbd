"""The log of a file system under repair."""

import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.repairing.fixes import Plan
from lvmfmt.jfs2.repairing.log import mend_log, mount_again, needs_replay, replay_log
from lvmfmt.jfs2.superblock import MOUNT, read_superblock

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


def texts(plan):
    return [(fix.kind, fix.text) for fix in plan.fixes]


@BASES
def test_a_clean_file_system_has_nothing_to_replay(image, base):
    i = image(base)
    superblock = read_superblock(i.device)
    plan, notes = Plan(), []
    assert not needs_replay(i.device, superblock, None)
    assert replay_log(i.device, superblock, None, None, plan, notes)
    mend_log(i.device, superblock, None, plan, replayed=True)
    mount_again(i.device, superblock)
    assert texts(plan) == [] and notes == [] and read_superblock(i.device).state == 0


@BASES
def test_an_open_log_is_replayed(image, base):
    i = image(base)
    mounted = mount(i.device)
    mounted.create("/new")
    mounted.sync()
    device = Overlay(i.device)
    superblock = read_superblock(device)
    plan, notes = Plan(), []
    assert needs_replay(device, superblock, None)
    assert replay_log(device, superblock, None, None, plan, notes)
    assert texts(plan)[0][1].startswith("the log is replayed and closed: 1 transactions in ")
    assert not needs_replay(device, read_superblock(device), None)


@BASES
def test_a_log_that_cannot_be_read_is_formatted(image, base):
    i = image(base)
    at = i.geometry.log_address * 4096
    good = bytes(i.data[at : at + 8192])
    i.data[at + 4096 : at + 4100] = b"\xff" * 4
    superblock, plan = read_superblock(i.device), Plan()
    mend_log(i.device, superblock, None, plan, replayed=False)
    [(kind, text)] = texts(plan)
    assert kind == "log-lost" and text.startswith(f"the log at byte {at:#x} is formatted: log-superblock")
    assert bytes(i.data[at : at + 8192]) == good
    mend_log(i.device, superblock, None, plan, replayed=True)
    assert len(plan.fixes) == 1


@BASES
def test_the_serial_is_that_of_the_log(image, base):
    i = image(base)
    i.superblock(primary_only=True, s_logserial=9)
    plan = Plan()
    mend_log(i.device, read_superblock(i.device), None, plan, replayed=True)
    assert texts(plan) == [("superblock", "s_logserial is 9, becomes 0, that of the log")]
    assert read_superblock(i.device).values["s_logserial"] == 0


@BASES
def test_an_open_log_says_that_the_file_system_was_mounted(image, base):
    i = image(base)
    mounted = mount(i.device)
    mounted.sync()
    i.superblock(primary_only=True, s_state=0, s_logserial=0)
    mount_again(i.device, read_superblock(i.device))
    after = read_superblock(i.device)
    assert after.state == MOUNT and after.values["s_logserial"] == 1
