"""A machine between commands: mounted on the disks, at rest, and what happens when it is not.

Modules: `lvmfmt.host.emulated`, `lvmfmt.host.machine.running`.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.log.locate import find_any_log
from lvmfmt.jfs2.log.pages import OPEN
from lvmfmt.jfs2.log.redo_shared import redo_shared
from lvmfmt.jfs2.log.sharing import active_members
from lvmfmt.jfs2.superblock import MOUNT, read_superblock
from lvmfmt.lvm import VolumeGroup

from ..conftest import Box


def write(box: Box, path: str, data: bytes) -> list[str]:
    """Write a file as a command does; returns what the console said."""
    said: list[str] = []
    with Host.open(box.path).machine(said.append, writable=True) as machine:
        machine.write_file(path, data)
    return said


def read(box: Box, path: str) -> bytes | None:
    with Host.open(box.path).machine(lambda line: None, writable=False) as machine:
        return machine.read_file(path)


def on_disk(box: Box, *slots: str) -> VolumeGroup:
    return VolumeGroup.open([ImageFile(box.image(slot), lock=False) for slot in slots])


def test_file_systems_stay_mounted_on_the_disks(box: Box) -> None:
    group = on_disk(box, "hdisk0", "hdisk1")
    for name in ("hd4", "hd2", "hd9var"):
        assert read_superblock(group.logical_volumes[name].device).state == MOUNT
    log = group.logical_volumes["hd8"].device
    assert find_any_log(log).state == OPEN
    use = find_any_log(log).values["serial"]
    for number in range(3):
        assert write(box, "/etc/motd", f"day {number}".encode()) == []
        assert write(box, "/var/log/new", bytes(9000 * number)) == []
    group = on_disk(box, "hdisk0", "hdisk1")
    assert find_any_log(group.logical_volumes["hd8"].device).values["serial"] == use  # one use from boot on
    assert read(box, "/etc/motd") == b"day 2"
    assert read(box, "/var/log/new") == bytes(18000)


def test_a_reading_command_writes_nothing_and_a_refused_one_no_byte(box: Box) -> None:
    before = box.digests()
    for line in ("lspv", "lsvg rootvg", "df -m", "bosboot -ad hdisk9", "rmdev -l hdisk0 -d"):
        box.run(line)
    assert box.digests() == before


LISTINGS = (
    "lspv", "lspv hdisk0", "lspv -l hdisk0", "lspv -p hdisk0", "lsvg -o", "lsvg rootvg", "lsvg -l rootvg",
    "lsvg -p rootvg", "lslv hd4", "lslv -m hd4", "df -k", "mount", "lsfs -q", "lsvgfs rootvg", "lsps -a", "lsdev -C",
    "lsattr -El hdisk0", "lscfg -l hdisk0", "odmget CuAt", "bootlist -m normal -o", "bootinfo -b", "oslevel -s",
    "lslpp -L", "lqueryvg -p hdisk0 -At", "lquerypv -h /dev/hdisk0", "getlvcb -AT hd4", "getlvodm -j hdisk0",
    "readvgda hdisk0", "getconf DISK_SIZE /dev/hdisk0", "dumpfs /home", "lspv hdisk9",
)  # fmt: skip


def test_a_reading_command_leaves_every_file_of_the_host_alone(box: Box) -> None:
    files = [box.path, *box.path.rglob("*")]
    for path in files:
        os.utime(path, ns=(10**18, 10**18))
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino, p.stat().st_blocks) for p in files}
    content = {p: p.read_bytes() for p in files if p.is_file() and p.suffix != ".img"}, box.digests()
    for line in LISTINGS:
        box.run(line)
        after = {
            p: (p.stat().st_mtime_ns, p.stat().st_ino, p.stat().st_blocks) for p in [box.path, *box.path.rglob("*")]
        }
        assert after == before, line
    assert ({p: p.read_bytes() for p in content[0]}, box.digests()) == content


def test_shutdown_leaves_everything_clean(box: Box) -> None:
    write(box, "/etc/motd", b"bye")
    result = box.run("shutdown -Fh now")
    assert result.status == 0 and result.lines[0] == "SHUTDOWN PROGRAM"
    group = on_disk(box, "hdisk0", "hdisk1")
    for name in ("hd4", "hd2", "hd9var", "hd3", "hd1", "hd10opt"):
        device = group.logical_volumes[name].device
        assert read_superblock(device).state == 0
        assert not list(check(device).findings)
    assert find_any_log(group.logical_volumes["hd8"].device).state != OPEN
    first = box.run("lspv")
    assert first.status == 0 and "it boots" in first.err[0] and "failure" not in first.err[0]
    assert read(box, "/etc/motd") == b"bye"


def test_a_process_that_dies_is_a_power_failure(box: Box) -> None:
    write(box, "/etc/motd", b"old")
    if (child := os.fork()) == 0:
        with Host.open(box.path).session(lambda line: None) as session:
            session.machine.write_file("/etc/durable", b"x" * 5000)
            session.machine.root.mount.sync()
            session.machine.write_file("/etc/motd", b"new")  # in memory only
            os._exit(9)
    os.waitpid(child, 0)
    result = box.run("lspv")
    assert "power failure" in result.err[0] and result.status == 0
    assert read(box, "/etc/motd") == b"old"
    assert read(box, "/etc/durable") == b"x" * 5000


def test_an_error_that_nobody_expected_is_one_too(box: Box) -> None:
    with pytest.raises(ZeroDivisionError), Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file("/etc/motd", b"lost")
        raise ZeroDivisionError
    assert "power failure" in box.run("lspv").err[0]
    assert read(box, "/etc/motd") != b"lost"


def test_disks_that_were_changed_behind_the_system_are_a_power_failure(box: Box) -> None:
    images = [ImageFile(box.image(slot), writable=True, lock=False) for slot in ("hdisk0", "hdisk1")]
    device = VolumeGroup.open(images).logical_volumes["hd8"].device
    volumes = {volume.minor: volume.device for volume in VolumeGroup.open(images).logical_volumes.values()}
    redo_shared(device, {minor: volumes[minor] for minor in active_members(find_any_log(device))})
    said = write(box, "/etc/motd", b"after")
    assert "power failure" in said[0]
    assert read(box, "/etc/motd") == b"after"


@pytest.mark.parametrize("how", ["fail", "unlink"])
def test_a_mirror_without_a_disk_runs_boots_and_writes(box: Box, how: str, tmp_path: Path) -> None:
    folder = Folder(box.path)
    away = tmp_path / "away.img"
    if how == "fail":
        hardware.fail(folder, "hdisk1")
    else:
        hardware.remove(folder, "hdisk1", to=away)
    told = write(box, "/etc/motd", b"one disk")  # what is stale, and that the disk has failed
    assert told and all(line.startswith("hdisk1: ") and "LVM_SA_" in line for line in told)
    assert on_disk(box, "hdisk0").logical_volumes["hd4"].stale_pps > 0
    box.good("shutdown -Fr")
    write(box, "/var/log/more", b"y" * 70000)
    if how == "fail":
        hardware.restore(folder, "hdisk1")
    else:
        hardware.add(folder, "hdisk1", image=away)
    stale = on_disk(box, "hdisk0", "hdisk1").logical_volumes["hd4"].stale_pps
    assert stale > 0 and read(box, "/etc/motd") == b"one disk"
    box.good("varyonvg rootvg")
    assert on_disk(box, "hdisk0", "hdisk1").logical_volumes["hd4"].stale_pps == 0
    hardware.fail(folder, "hdisk0")  # the other one has it all now
    box.good("shutdown -Fr")
    assert read(box, "/etc/motd") == b"one disk" and read(box, "/var/log/more") == b"y" * 70000


def test_the_last_disk_takes_the_system_with_it(single: Box) -> None:
    hardware.fail(Folder(single.path), "hdisk0")
    with pytest.raises(OperationRefused, match="no boot device"):
        single.run("bosboot -a")
    hardware.restore(Folder(single.path), "hdisk0")
    assert single.run("lspv").status == 0


def test_a_session_keeps_its_changes_and_comes_to_rest(box: Box) -> None:
    out = io.StringIO()
    with Host.open(box.path).session(print) as session:
        session.machine.write_file("/etc/motd", b"in memory")
        assert session.run(["lspv"], out, out, io.StringIO()) == 0
        assert session.machine.read_file("/etc/motd") == b"in memory"
        assert session.run(["shutdown", "-Fr"], out, out, io.StringIO()) == 0
        assert session.machine.read_file("/etc/motd") == b"in memory"
    assert box.run("lspv").err == []
    assert read(box, "/etc/motd") == b"in memory"


def test_usage_of_power(make_box: Callable[..., Box]) -> None:
    box = make_box(mirror=False)
    for line in ("shutdown -hr", "shutdown tomorrow", "reboot now", "halt x"):
        assert box.run(line).status == 2
    assert box.run("shutdown -k").status == 0 and box.run("lspv").err == []
    assert box.run("halt").lines == ["....Halt completed...."]
    assert box.run("reboot").status == 0
