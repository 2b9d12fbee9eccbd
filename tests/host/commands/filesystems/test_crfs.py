"""crfs and rmfs: messages of [commands 4.1], arithmetic of 0.4, and what is on the disks afterwards."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.filesystems import crfs

from ...stub import Stub, file_system, run, volume_group
from ..conftest import Lab
from ..filesystem_checks import check_all


def test_crfs_prints_the_lines_of_a_real_run(data: Lab) -> None:
    # T:TEN, a file system of 32 MiB: 32560 KB = 32768 - 4 * (ceil(8192 / 32768) + 51); 65536 blocks of 512 bytes
    assert data.good("crfs -v jfs2 -g datavg -a size=32M -m /more -A yes -p rw") == [
        "File system created successfully.", "32560 kilobytes total disk space.", "New File System size is 65536",
    ]  # fmt: skip
    assert data.listing("lsvg -l datavg")["fslv01"] == ["jfs2", "2", "2", "1", "closed/syncd", "/more"]
    assert data.good("mount /more") == []
    # the same source: `df -k` of a fresh one shows 32432 of 32768 KB free, 2%, and 4 inodes
    row = data.good("df -k /more")[1].split()
    assert row[:5] == ["/dev/fslv01", "32768", "32432", "2%", "4"] and row[-1] == "/more"
    check_all(data)


def test_first_file_system_of_a_group_brings_a_log(lab: Lab) -> None:
    lab.good("mkvg -s 4 -y newvg hdisk2")
    lab.good("crfs -v jfs2 -g newvg -a size=20M -m /a")
    lab.good("crfs -v jfs2 -g newvg -a size=32768 -m /b")  # 32768 blocks of 512 bytes are 16 MiB
    assert {name: row[:2] for name, row in lab.listing("lsvg -l newvg").items()} == {
        "loglv00": ["jfs2log", "1"], "fslv00": ["jfs2", "5"], "fslv01": ["jfs2", "4"],
    }  # fmt: skip
    assert lab.good("lsvgfs newvg") == ["/a", "/b"]
    check_all(lab)


def test_sizes_are_rounded_up_to_whole_partitions(data: Lab) -> None:
    assert data.good("crfs -v jfs2 -g datavg -a size=33M -m /odd")[2] == "New File System size is 98304"


def test_inline_log_and_block_size(data: Lab) -> None:
    out = data.good("crfs -v jfs2 -g datavg -a size=64M -m /inl -a logname=INLINE -a logsize=2 -a agblksize=1024")
    # 2 MiB of log; the work area has 4 * (ceil(63488 / 32768) + 51) KB: 65536 - 2048 - 212
    assert out[1] == "63276 kilobytes total disk space."
    line = data.good("lsfs -q /inl")[2]
    assert "block size: 1024," in line and "inline log: yes, inline log size: 2," in line
    data.good("mount /inl")
    check_all(data)


def test_crfs_on_a_logical_volume_that_is_there(data: Lab) -> None:
    data.good("mklv -t jfs2 -y mine datavg 2")
    assert data.good("crfs -v jfs2 -d mine -m /mine")[2] == "New File System size is 65536"
    data.good("mount /dev/mine /mine")
    data.refused("crfs -v jfs2 -d mine -m /other", "/dev/mine is in use")


def test_the_mount_point_is_made_and_the_stanza_too(data: Lab) -> None:
    data.good("crfs -v jfs2 -g rootvg -a size=16M -m /deep/er/still -A no -t yes -u backup")
    data.good("mount /deep/er/still")
    [row] = [r for r in data.good("lsfs -c") if r.startswith("/deep")]
    assert row == "/deep/er/still:/dev/fslv01:jfs2::backup:32768:rw:no:yes"


@pytest.mark.parametrize(
    ("line", "words", "status"),
    [
        ("crfs -v jfs2 -g datavg -a size=32M -m /data", ("0506-909", "already exists"), 1),
        ("crfs -v jfs2 -g datavg -a size=4G -m /big", ("0516-404 allocp",), 1),
        ("crfs -v jfs2 -g nope -a size=32M -m /x", ("0516-306",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m x", ("not a name",), 1),
        ("crfs -v jfs2 -g datavg -a size=large -m /x", ("size",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m /x -a logname=fslv00", ("not a JFS2 log",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m /x -a logname=INLINE -a logsize=20", ("a tenth",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m /x -a isnapshot=yes", ("isnapshot",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m /x -a colour=red", ("colour",), 1),
        ("crfs -v jfs -g datavg -a size=32M -m /x", ("Usage",), 2),
        ("crfs -v jfs2 -g datavg -m /x", ("size",), 1),
        ("crfs -v jfs2 -g datavg -a size=32M -m /x -A maybe", ("Usage",), 2),
        ("rmfs /data", ("0506-921", "mounted"), 1),
        ("rmfs /nope", ("0506-915",), 1),
        ("rmfs", ("Usage",), 2),
    ],
)
def test_refused(data: Lab, line: str, words: tuple[str, ...], status: int) -> None:
    data.refused(line, *words, status=status)


def test_rmfs_removes_volume_stanza_and_mount_point(data: Lab) -> None:
    data.good("umount /data")
    assert data.good("rmfs -r /data") == ["rmlv: Logical volume fslv00 is removed."]
    assert list(data.listing("lsvg -l datavg")) == ["loglv00"]
    assert not data.good("lsvgfs datavg")
    assert data.run("df /data").status == 1
    check_all(data)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in crfs.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"crfs", "rmfs"} and set(crfs.COMMANDS) - writes == set()


def test_the_size_of_a_volume_that_is_there_is_its_own(tmp_path: Path) -> None:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=1)
    machine.root.write_file("/etc/filesystems", b"", now=1)
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("lv00", "jfs2", 4, 1)
    machine.define("datavg", group)
    for size in ("8M", "12M", "20M"):  # four PPs of 4 MiB are 32,768 blocks of 512 bytes
        result = run(machine, crfs, f"crfs -v jfs2 -d lv00 -m /data -a size={size}")
        assert result.status == 1 and "32768" in " ".join(result.err), size
    result = run(machine, crfs, "crfs -v jfs2 -d lv00 -m /data -a size=13M -a logname=INLINE")
    assert result.status == 0 and "/data" in [entry.mount_point for entry in machine.file_system_entries()]
