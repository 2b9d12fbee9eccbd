"""What `lvmfmt host ls` shows."""

from pathlib import Path

import pytest

from lvmfmt.errors import NotFound
from lvmfmt.host.machine import trees
from lvmfmt.host.machine.listing import FileRow, listing
from lvmfmt.host.machine.mounted_file_system import MountedFileSystem

from ..stub import Stub, file_system

TIME = 1_234_567_890 * 10**9  # 2009-02-13 23:31:30 UTC


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=TIME, mode=0o750)
    machine.root.write_file("/etc/motd", b"hello", now=TIME, mode=0o640, uid=3, gid=4)
    machine.root.mount.symlink("motd", "/etc/link", now=TIME)
    return machine


def test_a_directory_by_name(machine: Stub) -> None:
    link, motd = listing(machine, "/etc/", [])
    assert motd == FileRow("-rw-r-----", 3, 4, 5, "2009-02-13 23:31:30", "motd", None)
    assert (link.mode[0], link.name, link.target, link.size) == ("l", "link", "motd", 4)
    assert [row.name for row in listing(machine, "/", [])] == ["etc", "lost+found"]


def test_one_file_under_the_name_that_was_given(machine: Stub) -> None:
    (row,) = listing(machine, "etc/motd", [])
    assert row.name == "etc/motd"
    (row,) = listing(machine, "/etc/link", [])
    assert (row.name, row.target) == ("/etc/link", "motd")
    with pytest.raises(NotFound):
        listing(machine, "/etc/nothing", [])


def test_what_makes_no_sense_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    image = tmp_path / "root.img"
    files = file_system(image)
    for name in ("a", "b"):
        files.write_file(f"/{name}", b"x", now=TIME)
    at = files.inode("/a").at + files.dialect.structures.inode.offset_of("di_mode")
    files.mount.unmount()
    files.device.write(at, bytes(4))
    files = MountedFileSystem(files.device, files.superblock, writable=False, go_on=files._go_on, plain=files._plain)
    problems: list[str] = []
    rows = listing(Stub(files), "/", problems)
    assert [row.name for row in rows] == ["b", "lost+found"]
    assert len(problems) == 1 and problems[0].startswith("/a: ")
    assert trees.inventory(Stub(files), "/").problems


def test_other_file_systems_are_seen_where_they_are_mounted(machine: Stub, tmp_path: Path) -> None:
    machine.opened["/etc"] = file_system(tmp_path / "etc.img")
    machine.running.mount("/dev/lv01", "/etc")
    assert [row.name for row in listing(machine, "/etc", [])] == ["lost+found"]
    mode = {row.name: row.mode for row in listing(machine, "/", [])}["etc"]
    assert mode == "drwxr-xr-x"  # of the root of what is mounted there
