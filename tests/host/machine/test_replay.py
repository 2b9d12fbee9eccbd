"""Logs of a group whose system lost power: replayed for every file system, made new where nobody is left."""

from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.host.machine.replay import replay_logs
from lvmfmt.jfs2 import AIX, FileSystem
from lvmfmt.jfs2.log.locate import find_any_log
from lvmfmt.jfs2.log.pages import OPEN
from lvmfmt.jfs2.repairing.superblocks import set_state
from lvmfmt.jfs2.superblock import CLEAN, MOUNT, read_superblock
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin
from lvmfmt.system.disks import System

from ..stub import Stub, volume_group

ORIGIN = FixedOrigin(10**18)


@pytest.fixture
def crashed(tmp_path: Path) -> VolumeGroup:
    """Two file systems with one log and one with its own, all mounted when the power failed."""
    group = volume_group(tmp_path, disks=1)
    with group.change() as change:
        change.add_lv("log", "jfs2log", 1, 1)
        for name in ("one", "two", "own"):
            change.add_lv(name, "jfs2", 4, 1, label=f"/{name}")
    volumes = group.logical_volumes
    jfs2.format_log(volumes["log"].device, AIX)
    external = jfs2.ExternalLog(0x8000000A00000000 | volumes["log"].minor)
    for name in ("one", "two", "own"):
        log = jfs2.InlineLog() if name == "own" else external
        jfs2.mkfs(volumes[name].device, dialect=AIX, origin=ORIGIN, log=log)
    system = System([group], writable=True, origin=ORIGIN)
    for name in ("one", "two", "own"):
        mounted = system.mount(name)
        mounted.write_file("/file", name.encode(), now=1)
        mounted.sync()
    return group


def test_everything_is_replayed(crashed: VolumeGroup) -> None:
    volumes = crashed.logical_volumes
    assert find_any_log(volumes["log"].device).state == OPEN
    machine, told = Stub(), list[str]()
    machine.define("datavg", crashed)
    replay_logs(machine, crashed, told.append)
    assert told == []
    for name in ("one", "two", "own"):
        assert read_superblock(volumes[name].device).state == CLEAN
        assert FileSystem.open(volumes[name].device).read("/file") == name.encode()
    assert find_any_log(volumes["log"].device).state != OPEN


def test_a_log_that_was_open_before_the_superblock_said_so(crashed: VolumeGroup) -> None:
    device = crashed.logical_volumes["own"].device
    set_state(device, read_superblock(device), CLEAN)
    machine = Stub()
    machine.define("datavg", crashed)
    replay_logs(machine, crashed, print)
    with System([crashed], writable=True, origin=ORIGIN).mount("own") as mounted:  # it is not told to replay its log
        assert mounted.listdir("/")


def test_one_that_is_broken_does_not_hold_up_the_others(crashed: VolumeGroup) -> None:
    volumes = crashed.logical_volumes
    volumes["two"].device.write(0x8000, bytes(0x10000))  # both superblocks
    machine, told = Stub(), list[str]()
    machine.define("datavg", crashed)
    replay_logs(machine, crashed, told.append)
    assert told[0].startswith("the log was not replayed for two: ") and told[-1] == "the log on log was made new"
    assert FileSystem.open(volumes["one"].device).read("/file") == b"one"
    assert find_any_log(volumes["log"].device).state != OPEN


def test_a_file_system_whose_log_is_gone_keeps_its_state(crashed: VolumeGroup) -> None:
    with crashed.change() as change:
        change.remove_lv("log")
    machine, told = Stub(), list[str]()
    machine.define("datavg", crashed)
    replay_logs(machine, crashed, told.append)
    assert told == [] and read_superblock(crashed.logical_volumes["one"].device).state & MOUNT
    assert read_superblock(crashed.logical_volumes["own"].device).state == CLEAN
