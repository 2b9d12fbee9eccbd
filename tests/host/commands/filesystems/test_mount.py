"""mount, umount, sync [commands 4.3, 1.4]."""

import re

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.commands.filesystems import mount

from ..conftest import Lab
from ..filesystem_checks import LETTER, check_all, content, state_of

CLEAN, MOUNTED = 0, 1  # s_state: [jfs2 2.2]


def rows(lab: Lab) -> dict[str, list[str]]:
    """What `mount` lists, by mount point: columns by blanks, as a script reads them."""
    found = lab.good("mount")
    assert found[0] == "  node       mounted        mounted over    vfs       date        options"
    assert set(found[1]) == {"-", " "}
    split = [row.split() for row in found[2:]]
    return {row[1]: row for row in split}


def test_the_list_has_the_columns_of_aix(data: Lab) -> None:
    line = data.run("mount").out[2]
    # [R] in [commands 1.4]:
    sample = "         /dev/hd4         /                jfs2   Nov 10 09:12 rw,log=/dev/hd8"
    assert re.sub(r"\d\d:\d\d", "09:12", line) == sample
    assert rows(data)["/proc"][0] == "/proc" and rows(data)["/data"][0] == "/dev/fslv00"


def test_mounts_survive_the_command_and_are_marked_on_the_disk(data: Lab) -> None:
    assert state_of(data, "fslv00") == MOUNTED
    assert data.good("umount /data") == []
    assert state_of(data, "fslv00") == CLEAN and "/data" not in rows(data)
    assert data.good("mount /data") == []
    assert state_of(data, "fslv00") == MOUNTED
    check_all(data)


def test_a_device_on_another_directory(data: Lab) -> None:
    data.good("umount /data")
    data.refused("mount /dev/fslv00 /nowhere", "0506-324", "does not exist")
    data.good("crfs -v jfs2 -g datavg -a size=16M -m /other")
    data.good("mount /dev/fslv00 /other")
    assert content(data, "/other/letter") == LETTER
    data.refused("mount /other", "0506-324", "resource is busy")


def test_read_only(data: Lab) -> None:
    data.good("umount /data")
    before = data.digests()
    data.good("mount -o ro /data")
    assert data.digests() == before  # nothing says so on the disk
    assert rows(data)["/data"][-1] == "ro,log=/dev/loglv00"
    with (
        pytest.raises(OperationRefused, match="reading"),
        Host.open(data.path).machine(print, writable=True) as machine,
    ):
        machine.write_file("/data/letter", b"")
    assert content(data, "/data/letter") == LETTER
    data.good("umount /data")
    assert state_of(data, "fslv00") == CLEAN


def test_all(data: Lab) -> None:
    data.good("chfs -A yes /data")
    data.good("umount -a")
    assert sorted(rows(data)) == ["/", "/tmp", "/usr", "/var"]
    data.good("mount all")
    assert sorted(rows(data)) == ["/", "/data", "/home", "/opt", "/proc", "/tmp", "/usr", "/var"]
    check_all(data)


def test_a_group_of_file_systems(data: Lab) -> None:
    data.good("chfs -u letters /data")
    data.good("umount -t letters")
    assert "/data" not in rows(data) and "/home" in rows(data)
    data.good("mount -t letters")
    assert "/data" in rows(data)


def test_forced_unmount_says_so(data: Lab) -> None:
    assert data.good("umount -f /data") == ["forced unmount of /data"]  # S0


def test_a_mount_below_keeps_a_file_system_busy(data: Lab) -> None:
    data.good("crfs -v jfs2 -g datavg -a size=16M -m /data/below")
    data.good("mount /data/below")
    data.refused("umount /data", "umount: 0506-349 Cannot unmount /dev/fslv00: The requested resource is busy.")
    data.good("umount /data/below")
    data.good("umount /data")


def test_after_a_power_failure_logs_are_replayed_and_the_boot_mounts_what_it_should(data: Lab) -> None:
    data.good("chfs -A yes /data")
    Host.open(data.path).poweroff()
    assert "/data" in rows(data)
    assert content(data, "/data/letter") == LETTER
    check_all(data)


@pytest.mark.parametrize(
    ("line", "words", "status"),
    [
        ("mount /nope", ("mount: 0506-334 /nope is not a known file system.",), 1),
        ("mount /data", ("mount: 0506-324 Cannot mount /dev/fslv00 on /data: The requested resource is busy.",), 1),
        ("mount -v cdrfs /data", ("Usage",), 2),
        ("mount -v jfs2 -o snapshot /dev/fslv00 /mnt", ("mount: a snapshot is not supported here.",), 1),
        ("umount /nope", ("0506-347",), 1),
        ("umount /", ("0506-349", "/dev/hd4"), 1),
        ("umount -f /usr", ("0506-349", "/dev/hd2"), 1),
        ("umount", ("Usage",), 2),
        ("sync now", ("Usage",), 2),
    ],
)
def test_refused(data: Lab, line: str, words: tuple[str, ...], status: int) -> None:
    data.refused(line, *words, status=status)


def test_sync_changes_nothing_at_rest(data: Lab) -> None:
    before = data.digests()
    assert data.good("sync") == []
    assert data.digests() == before


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in mount.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"mount", "sync", "umount", "unmount"} and set(mount.COMMANDS) - writes == set()


def test_options_of_the_command_and_of_the_stanza(data: Lab) -> None:
    data.good("umount /data/")
    data.good("mount -r /data")
    assert rows(data)["/data"][-1] == "ro,log=/dev/loglv00"
    data.good("umount /dev/fslv00")
    data.good("mount -o rw /data")
    assert rows(data)["/data"][-1] == "rw,log=/dev/loglv00"
    data.good("mount -t nosuch")
    data.good("mount all")  # what is mounted stays as it is
    assert rows(data)["/data"][-1] == "rw,log=/dev/loglv00"
    data.good("umount all")
    assert "/data" in rows(data) or "/home" not in rows(data)
    data.refused("mount /dev/fslv00 data", "0506-324", "does not exist")


@pytest.mark.parametrize("line", [
    "mount -r", "mount -t x /data", "mount /a /b /c", "umount -a /data", "umount -t x /data", "umount all /data",
    "umount /a /b", "mount -v procfs -t x /data",
])  # fmt: skip
def test_called_wrongly(data: Lab, line: str) -> None:
    data.refused(line, "Usage", status=2)


def test_listed_options() -> None:
    from lvmfmt.host.odm.filesystems import FileSystemStanza

    entry = FileSystemStanza("/data", "/dev/fslv00", {"log": "/dev/loglv00"})
    for given, stanza, listed in (
        ("", None, "rw"), ("ro", None, "ro"), ("rw", entry, "rw,log=/dev/loglv00"),
        ("cio", entry, "rw,cio,log=/dev/loglv00"),
        (",ro,", None, "ro"), ("", FileSystemStanza("/proc", "/proc", {}), "rw"),
    ):  # fmt: skip
        assert mount._listed_options(given, stanza) == listed
