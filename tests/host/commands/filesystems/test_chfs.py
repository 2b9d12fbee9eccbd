"""chfs: sizes, names, logs, freezing [commands 4.2]."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.commands.filesystems import chfs
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup

from ..conftest import Lab
from ..filesystem_checks import LETTER, check_all, content, state_of

QUIESCED = 0x1000  # s_state while frozen: [jfs2 2.2]


def test_a_mounted_file_system_grows_and_shrinks(data: Lab) -> None:
    assert data.good("chfs -a size=+32M /data") == ["Filesystem size changed to 131072"]
    assert data.listing("lsvg -l datavg")["fslv00"][1] == "4"
    assert data.good("df -m /data")[1].split()[1] == "64.00"
    assert data.good("chfs -a size=40M /data") == ["Filesystem size changed to 98304"]  # three PPs of 16 MiB
    assert data.good("chfs -a size=-16M /data") == ["Filesystem size changed to 65536"]
    assert data.listing("lsvg -l datavg")["fslv00"][1] == "2"
    assert content(data, "/data/letter") == LETTER
    check_all(data)
    data.good("umount /data")
    assert data.good("chfs -a size=200000 /data") == ["Filesystem size changed to 229376"]  # 7 PPs of 32768 blocks


def test_file_systems_of_the_running_system_grow(data: Lab) -> None:
    for point in ("/", "/usr", "/var"):
        data.good(f"chfs -a size=+16M {point}")
    sizes = {row.split()[-1]: row.split()[1] for row in data.good("df -m")[1:]}
    assert sizes["/"] == sizes["/usr"] == sizes["/var"] == "48.00"
    check_all(data)
    Host.open(data.path).poweroff()
    assert data.good("df -m /")[1].split()[1] == "48.00"


def test_an_inline_log_stays_at_the_end_and_can_grow(data: Lab) -> None:
    data.good("crfs -v jfs2 -g datavg -a size=48M -m /inl -a logname=INLINE")
    data.good("mount /inl")
    data.good("chfs -a size=+16M /inl")
    assert data.good("chfs -a logsize=3 /inl") == ["Inlinelog size changed to 3 MB."]
    assert "inline log size: 3," in data.good("lsfs -q /inl")[2]
    check_all(data)


def test_too_small_for_its_files_is_refused(data: Lab) -> None:
    with Host.open(data.path).machine(print, writable=True) as machine:
        machine.write_file("/data/large", bytes(range(256)) * 100000)
    data.refused("chfs -a size=16M /data", "not enough free space")
    assert content(data, "/data/letter") == LETTER


def test_another_mount_point(data: Lab) -> None:
    data.good("umount /data")
    assert data.good("chfs -m /archive /data") == []
    assert data.listing("lsvg -l datavg")["fslv00"][-1] == "/archive"
    assert data.run("mount /data").status == 1
    data.good("mount /archive")
    assert content(data, "/archive/letter") == LETTER
    data.refused("chfs -m /usr /archive", "0506-909")


def test_attributes(data: Lab) -> None:
    data.good("chfs -A yes -p ro -t yes -u nightly -a vol=letters /data")
    [row] = [r for r in data.good("lsfs -c /data") if r.startswith("/data")]
    assert row == "/data:/dev/fslv00:jfs2::nightly:65536:ro:yes:yes"
    assert "mount=true" in "".join(data.good("getlvcb -AT fslv00")).replace(" ", "")


def test_another_log(data: Lab) -> None:
    data.good("mklv -t jfs2log -y log2 datavg 1")
    data.good("logform /dev/log2", stdin="y\n")
    data.refused("chfs -a logname=log2 /data", "mounted")
    data.good("umount /data")
    data.good("chfs -a logname=/dev/log2 /data")
    data.good("mount /data")
    assert [row.split()[-1] for row in data.good("mount") if "/data" in row] == ["rw,log=/dev/log2"]
    data.refused("chfs -a logname=/dev/fslv00 /data", "mounted")


def test_freeze_refuses_writers_until_it_is_thawed(data: Lab) -> None:
    assert data.good("chfs -a freeze=600 /data") == []
    assert state_of(data, "fslv00") == QUIESCED
    with pytest.raises(OperationRefused, match="frozen"), Host.open(data.path).machine(print, writable=True) as machine:
        machine.write_file("/data/letter", b"")
    assert content(data, "/data/letter") == LETTER
    assert data.run("chfs -a freeze=5 /data").status == 1
    assert data.good("chfs -a refreeze=900 /data") == []
    assert data.good("chfs -a freeze=off /data") == []
    assert data.run("chfs -a freeze=off /data").status == 1
    with Host.open(data.path).machine(print, writable=True) as machine:
        machine.write_file("/data/letter", b"new")
    check_all(data)


def test_a_freeze_ends_by_the_clock_of_the_host(data: Lab) -> None:
    data.good("chfs -a freeze=1 /data")
    for _ in range(40):  # every command moves the clock of a seeded host on
        data.good("sync")
    with Host.open(data.path).machine(print, writable=True) as machine:
        while machine.origin.now() < max(machine.running.frozen.values(), default=0):
            pass
        machine.write_file("/data/letter", b"new")
    assert content(data, "/data/letter") == b"new"


def test_the_dash_of_the_article_is_understood(data: Lab) -> None:
    assert data.good("chfs \u2013a freeze=60 /data") == []
    assert data.good("chfs \u2013a freeze=0 /data") == []


def test_an_image_taken_while_frozen_is_read_without_a_replay(data: Lab) -> None:
    data.good("chfs -a freeze=600 /data")
    with ImageFile(data.image("hdisk1")) as image:
        files = FileSystem.open(VolumeGroup.open([image]).logical_volumes["fslv00"].device)
        assert files.read("/letter") == LETTER
        assert files.superblock.is_clean


@pytest.mark.parametrize(
    ("line", "words", "status"),
    [
        ("chfs -a size=+10G /data", ("0516-787", "0516-788"), 1),
        ("chfs -a size=-1G /data", ("size",), 1),
        ("chfs -a size=8M /nope", ("0506-915",), 1),
        ("chfs -a freeze=soon /data", ("freeze",), 1),
        ("chfs -a freeze=off /data", ("not frozen",), 1),
        ("chfs -a refreeze=10 /data", ("not frozen",), 1),
        ("chfs -a freeze=10 -A yes /data", ("Usage",), 2),
        ("chfs -a logsize=4 /data", ("logsize",), 1),
        ("chfs -a splitcopy=/x -a copy=2 /data", ("not supported",), 1),
        ("chfs -d vfs /data", ("vfs",), 1),
        ("chfs /data", ("Usage",), 2),
    ],
)
def test_refused(data: Lab, line: str, words: tuple[str, ...], status: int) -> None:
    data.refused(line, *words, status=status)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in chfs.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"chfs"} and set(chfs.COMMANDS) - writes == set()


def test_flags_the_other_way(data: Lab) -> None:
    data.good("chfs -A no -p rw -t no -n server -m /data /data")
    [row] = [r for r in data.good("lsfs -c /data") if r.startswith("/data")]
    assert row == "/data:/dev/fslv00:jfs2:server::65536:rw:no:no"
    data.good("chfs -a vol=letters /data")
    data.good("chfs -d vol /data")
    data.refused("chfs -d vol /data", "vol")
    data.refused("chfs -d log /data", "log")
    before = data.digests()
    data.good("chfs -A no /data")  # as it is already
    assert data.digests() == before


def test_limits_of_sizes(data: Lab) -> None:
    assert data.good("chfs -a size=+0 /data") == ["Filesystem size changed to 65536"]
    for wrong in ("size=-32M", "size=0", "logsize=x", "logsize=16"):
        data.refused(f"chfs -a {wrong} /data", wrong.partition("=")[0])
    data.refused("chfs -a freeze=1234567890 /data", "freeze")
    data.good("chfs -a freeze=123456789 /data")
    data.refused("chfs -a size=+16M /data", "frozen")


@pytest.mark.parametrize("line", [
    "chfs -A maybe /data", "chfs -t maybe /data", "chfs -p wo /data", "chfs -A yes /data /home",
    "chfs -a freeze=1 -a vol=x /data",
])  # fmt: skip
def test_called_wrongly(data: Lab, line: str) -> None:
    data.refused(line, "Usage", status=2)


def test_logs_that_cannot_be_taken(data: Lab) -> None:
    data.good("umount /data")
    for log in ("fslv00", "/dev/nosuch", "INLINE", "inline"):
        data.refused(f"chfs -a logname={log} /data", "chfs")
