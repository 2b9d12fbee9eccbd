"""What operands of file-system commands mean [commands 4]."""

from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.host.commands.filesystems import targets
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.odm.filesystems import PATH, FileSystemStanza
from lvmfmt.origin import FixedOrigin

from ...stub import Stub, file_system, volume_group

TEXT = b"/data:\n\tdev = /dev/fslv00\n\tlog = /dev/loglv00\n\n/proc:\n\tdev = /proc\n"


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=1)
    machine.root.write_file(PATH, TEXT, now=1)
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("loglv00", "jfs2log", 1, 1)
        change.add_lv("fslv00", "jfs2", 4, 1, label="/data")
        change.add_lv("rlv", "jfs2", 4, 1)
    volumes = group.logical_volumes
    jfs2.format_log(volumes["loglv00"].device, jfs2.AIX)
    origin = FixedOrigin(10**18)
    jfs2.mkfs(volumes["fslv00"].device, origin=origin, log=jfs2.ExternalLog(0x8000000A00000001))
    jfs2.mkfs(volumes["rlv"].device, origin=origin, log=jfs2.InlineLog())
    machine.define("datavg", group)
    return machine


def test_one_volume_by_all_its_names(machine: Stub) -> None:
    found = targets.find(machine, "/data", "fsck")
    assert (found.name, found.group_name, found.path, found.point) == ("fslv00", "datavg", "/dev/fslv00", None)
    assert found.entry is not None and found.entry.mount_point == "/data"
    assert found.log == "loglv00" and found.volume.lps == 4
    for operand in ("fslv00", "/dev/fslv00", "/dev/rfslv00", "rfslv00"):
        assert targets.find(machine, operand, "fsck") == found
    assert targets.find(machine, "rlv", "fsck").log == "rlv"  # its name begins with r
    machine.running.mount("/dev/rlv", "/elsewhere")
    assert targets.find(machine, "/elsewhere", "fsck").name == "rlv"
    assert targets.find(machine, "rlv", "fsck").point == "/elsewhere"


def test_device_and_log(machine: Stub) -> None:
    volumes = machine.varied["datavg"].logical_volumes
    with targets.opened(machine, targets.find(machine, "/data", "fsck")) as (device, log):
        assert device.size == volumes["fslv00"].size and log is not None and log.size == volumes["loglv00"].size
    with targets.opened(machine, targets.find(machine, "rlv", "fsck")) as (device, log):
        assert log is None


def test_what_is_not_there(machine: Stub) -> None:
    for operand in ("/nothing", "/proc", "nosuch", "/dev/nosuch"):
        with pytest.raises(CommandFailed):
            targets.find(machine, operand, "fsck")
    with pytest.raises(CommandFailed, match="fsck"):
        targets.find_entry(machine, "/nothing", "fsck")
    assert targets.find_entry(machine, "/dev/fslv00", "x") == targets.find_entry(machine, "/data", "x")


def test_stanzas_are_put(machine: Stub) -> None:
    targets.put_entry(machine, "/data", None)
    assert machine.root.read(PATH) == b"/proc:\n\tdev = /proc\n"
    targets.put_entry(machine, "/new", FileSystemStanza("/new", "/dev/x", {"vfs": "jfs2"}))
    assert [entry.mount_point for entry in machine.file_system_entries()] == ["/proc", "/new"]


def test_mount_points(machine: Stub) -> None:
    assert [targets.mount_point(text, "crfs") for text in ("/a/", "/", "//", "/a.b/c")] == ["/a", "/", "/", "/a.b/c"]
    for text in ("a", "/a b", "/a:b", "/a/../b", "/./a"):
        with pytest.raises(CommandFailed):
            targets.mount_point(text, "crfs")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8", ("", 4096)), ("+16M", ("+", 16 << 20)), ("-1g", ("-", 1 << 30)), ("2G", ("", 2 << 30)), ("+0", ("+", 0)),
    ],
)  # fmt: skip
def test_sizes(text: str, found: tuple[str, int]) -> None:
    assert targets.size_in_bytes(text, "crfs") == found


def test_no_sizes() -> None:
    for text in ("", "M", "1K", "1.5G", "++1", "1" * 16):
        with pytest.raises(CommandFailed):
            targets.size_in_bytes(text, "crfs")


def test_logs(machine: Stub) -> None:
    group = machine.varied["datavg"]
    log = targets.choose_log(machine, "datavg", group, "/dev/loglv00", "crfs")
    assert log.name == "loglv00" and targets.number_of(machine, "datavg", log) == 10 << 32 | 1
    for name in ("fslv00", "nosuch"):
        with pytest.raises(CommandFailed):
            targets.choose_log(machine, "datavg", group, name, "crfs")
