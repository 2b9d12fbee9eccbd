"""Mounting as commands do it: notes of the kernel, unmounting for a moment, directories."""

from pathlib import Path

import pytest

from lvmfmt.block import BlockDevice
from lvmfmt.errors import CorruptImage, NotFound, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.folder.kernel import Kernel, Mounted
from lvmfmt.host.machine import freezing
from lvmfmt.host.machine.mount_table import MountTable
from lvmfmt.jfs2 import AIX, ExternalLog, format_log, mkfs
from lvmfmt.jfs2.superblock import CLEAN, MOUNT, read_superblock
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin

from ..conftest import Box
from ..stub import volume_group

ORIGIN = FixedOrigin(10**18)


def test_the_kernel_remembers_how_something_was_mounted(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "host")
    kernel = Kernel("hdisk0", mounted={"/data": Mounted(5, "ro")}, frozen={"/data": 7})
    folder.write_kernel(kernel)
    assert folder.read_kernel() == kernel
    path = folder.path / "run" / "kernel.json"
    path.write_text(path.read_text().replace('"at": 5', '"at": -5'))
    with pytest.raises(CorruptImage):
        folder.read_kernel()


def test_at_rest_unmounts_for_a_moment(single: Box) -> None:
    with Host.open(single.path).machine(print, writable=True) as machine:
        before = machine.running.mounts
        with pytest.raises(ZeroDivisionError), machine.away("/home"):
            assert "/home" not in {point for _, point in machine.running.mounts}
            raise ZeroDivisionError
        assert machine.running.mounts == before
        machine.write_file("/home/x", b"x")
        with machine.away(None):
            pass
    with Host.open(single.path).machine(print, writable=False) as machine:
        assert machine.read_file("/home/x") == b"x"


def test_freezing_twice_or_thawing_nothing_is_refused(single: Box) -> None:
    with Host.open(single.path).machine(print, writable=True) as machine:
        with pytest.raises(OperationRefused):
            freezing.thaw(machine, "/home")
        freezing.freeze(machine, "/home", 60)
        assert freezing.is_frozen(machine, "/home")
        with pytest.raises(OperationRefused):
            freezing.freeze(machine, "/home", 60)
        freezing.thaw(machine, "/home")
        assert not freezing.is_frozen(machine, "/home")


def test_directories_are_made_in_the_file_system_that_they_lie_in(single: Box) -> None:
    with Host.open(single.path).machine(print, writable=True) as machine:
        machine.make_directory("/home/a/b")
        machine.make_directory("/home/a/b")
        assert machine.mounted("/home").stat("/a/b").is_directory
        with pytest.raises(OperationRefused):
            machine.mounted("/home").rmdir("/a", now=1)
        machine.mounted("/home").rmdir("/a/b", now=1)
        assert machine.mounted("/home").listdir("/a") == []


class Groups:
    """One group that is varied on, as `VariedGroups` answers for it."""

    def __init__(self, group: VolumeGroup) -> None:
        self.group = group

    def group_of_volume(self, name: str) -> VolumeGroup:
        return self.group

    def volume_device(self, name: str) -> BlockDevice:
        return self.group.logical_volumes[name].device


@pytest.fixture
def group(tmp_path: Path) -> VolumeGroup:
    """Two clean file systems that share a log."""
    group = volume_group(tmp_path, disks=1)
    with group.change() as change:
        change.add_lv("log", "jfs2log", 1, 1)
        for name in ("one", "two"):
            change.add_lv(name, "jfs2", 4, 1)
    volumes = group.logical_volumes
    format_log(volumes["log"].device, AIX)
    for name in ("one", "two"):
        mkfs(volumes[name].device, origin=ORIGIN, log=ExternalLog(0x8000000A00000000 | volumes["log"].minor))
    return group


def table(kernel: Kernel, group: VolumeGroup) -> MountTable:
    return MountTable(kernel, Groups(group), ORIGIN, writable=True)  # type: ignore[arg-type]


def test_a_table_at_rest_is_gone_on_with(group: VolumeGroup) -> None:
    kernel = Kernel("hdisk0")
    mounts = table(kernel, group)
    mounts.mount("/dev/one", "/one")
    mounts.mount("/dev/two", "/two", "rw")
    mounts.mount("/proc", "/proc")
    assert kernel.mounts == (("/dev/one", "/one"), ("/dev/two", "/two"), ("/proc", "/proc"))
    assert list(kernel.mounted) == ["/two"] and kernel.mounted["/two"].options == "rw"
    assert mounts.open_logs() == {"log"} and mounts.at("/one").mount.log is mounts.at("/two").mount.log
    mounts.at("/one").write_file("/x", b"1", now=1)
    logs, frozen = mounts.rest()
    assert list(logs) == ["log"] and frozen == {}
    kernel.leave({}, logs, frozen)
    again = table(kernel, group)
    again.verify()
    assert again.open_logs() == {"log"} and again.at("/one").read("/x") == b"1"
    again.at("/one").write_file("/x", b"2", now=2)
    for point in ("/proc", "/two", "/one"):
        again.unmount(point)
    assert kernel.mounts == () and kernel.mounted == {} and kernel.logs == {"log": logs["log"]}
    assert again.open_logs() == set()
    assert read_superblock(group.logical_volumes["one"].device).state == CLEAN


def test_a_mount_point_and_a_device_are_used_once(group: VolumeGroup) -> None:
    mounts = table(Kernel("hdisk0"), group)
    mounts.mount("/dev/one", "/one")
    for device, point in (("/dev/one", "/else"), ("/dev/two", "/one")):
        with pytest.raises(OperationRefused, match="is mounted already"):
            mounts.mount(device, point)
    with pytest.raises(NotFound):
        mounts.at("/else")
    with pytest.raises(NotFound):
        mounts.unmount("/else")
    mounts.mount("/proc", "/proc")
    with pytest.raises(NotFound):
        mounts.at("/proc")


def test_read_only_leaves_the_disk_alone(group: VolumeGroup) -> None:
    kernel = Kernel("hdisk0")
    mounts = table(kernel, group)
    mounts.mount("/dev/one", "/one", "nosuid,ro")
    assert kernel.is_read_only("/one") and not mounts.at("/one").writable
    assert read_superblock(group.logical_volumes["one"].device).state == CLEAN
    mounts.verify()
    mounts.unmount("/one")
    table(Kernel("hdisk0"), group).mount("/dev/one", "/one")
    with pytest.raises(OperationRefused, match="not clean"):
        mounts.mount("/dev/one", "/one", "ro")
    assert kernel.mounts == () and kernel.mounted == {}


def test_what_cannot_be_reached_any_more_is_lost(group: VolumeGroup) -> None:
    kernel = Kernel("hdisk0")
    mounts = table(kernel, group)
    mounts.mount("/dev/one", "/one")
    mounts.mount("/dev/two", "/two")
    kernel.leave({}, *mounts.rest())
    mounts.lose({"one", "log"})
    assert kernel.mounts == (("/dev/two", "/two"),) and kernel.logs == {}


def test_frozen_until_it_expires(group: VolumeGroup) -> None:
    kernel = Kernel("hdisk0")
    mounts = table(kernel, group)
    mounts.mount("/dev/one", "/one")
    mounts.at("/one").mount.freeze(500, now=10)
    kernel.leave({}, *mounts.rest())
    assert kernel.frozen == {"/one": 510}
    again = table(kernel, group)
    again.verify()
    assert again.at("/one").mount.frozen_until is None  # the clock of this test is far beyond
    kernel.leave({}, *again.rest())
    assert kernel.frozen == {}


def test_away_for_a_moment(group: VolumeGroup) -> None:
    kernel = Kernel("hdisk0")
    mounts = table(kernel, group)
    mounts.mount("/dev/one", "/one", "rw")
    mounts.mount("/dev/two", "/two")
    before = (kernel.mounts, kernel.mounted)
    with mounts.away("/one"):
        assert kernel.device_at("/one") is None
        assert read_superblock(group.logical_volumes["one"].device).state == CLEAN
    assert (kernel.mounts, kernel.mounted) == before
    assert read_superblock(group.logical_volumes["one"].device).state == MOUNT
