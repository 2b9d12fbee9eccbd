"""Stanzas of /etc/filesystems that come and go with logical volumes."""

from pathlib import Path

import pytest

from lvmfmt.host.machine import imfs
from lvmfmt.host.odm.filesystems import PATH

from ..stub import Stub, file_system, volume_group

TEXT = b"""\
* a comment that stays
/home:
\tdev\t\t= /dev/hd1
\tlog\t\t= /dev/hd8

/x:
\tdev = /dev/hd10
\tlog = /dev/hd8 \x20
"""


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=1)
    machine.root.write_file(PATH, TEXT, now=1)
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("fslv00", "jfs2", 1, 1, label="/data/deep", fs="vfs=jfs2:log=/dev/loglv00:mount=true:dev=/dev/x")
        change.add_lv("fslv01", "jfs2", 1, 1, label="/home", fs="vfs=jfs2")
        change.add_lv("lv00", "raw", 1, 1, label="None")
        change.add_lv("lv01", "jfs2", 1, 1, label="/a b", fs="vfs=jfs2")
        change.add_lv("lv02", "jfs2", 1, 1, label="/bad", fs="vfs=jfs2:1x=y")
    machine.define("datavg", group)
    return machine


def test_the_stanza_that_a_control_block_tells(machine: Stub) -> None:
    volumes = machine.varied["datavg"].logical_volumes
    found = imfs.entry_of(volumes["fslv00"])
    assert found is not None and (found.mount_point, found.device) == ("/data/deep", "/dev/fslv00")
    assert found.attributes == {"vfs": "jfs2", "log": "/dev/loglv00", "mount": "true"}
    # no vfs, a blank in the mount point, a key that is none
    assert [imfs.entry_of(volumes[name]) for name in ("lv00", "lv01", "lv02")] == [None, None, None]


def test_stanzas_are_added_once_with_their_directories(machine: Stub) -> None:
    volumes = machine.varied["datavg"].logical_volumes.values()
    assert imfs.add(machine, volumes) == ['imfs: mount point "/home" already exists in /etc/filesystems']
    text = machine.root.read(PATH)
    assert text.startswith(TEXT[:40]) and text.count(b"/data/deep:") == 1 and b"/dev/fslv01" not in text
    assert machine.root.stat("/data/deep").is_directory
    assert len(imfs.add(machine, volumes)) == 2 and machine.root.read(PATH) == text


def test_stanzas_go_by_their_devices(machine: Stub) -> None:
    imfs.remove(machine, {"hd10", "nothing"})
    text = machine.root.read(PATH)
    assert b"/x:" not in text and b"/home:" in text and b"* a comment that stays" in text
    imfs.remove(machine, {"hd10"})
    assert machine.root.read(PATH) == text


def test_a_volume_gets_another_name_as_device_and_as_log(machine: Stub) -> None:
    imfs.rename(machine, "hd1", "lv77")  # hd10 is another one
    assert machine.root.read(PATH) == TEXT.replace(b"/dev/hd1\n", b"/dev/lv77\n")
    imfs.rename(machine, "hd8", "log9")
    assert machine.root.read(PATH).count(b"/dev/log9") == 2
    imfs.rename(machine, "nothing", "else")
    assert machine.root.read(PATH).count(b"/dev/log9") == 2
