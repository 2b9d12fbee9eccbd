"""Archives in files of a machine, of files of a machine."""

from pathlib import Path

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.host.archive import archives
from lvmfmt.host.messages import CommandFailed

from ..stub import Stub, file_system, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.opened["/usr"] = file_system(tmp_path / "usr.img")
    machine.running.mount("/dev/hd2", "/usr")
    machine.root.mkdir("/usr", now=1)
    machine.root.write_file("/a", b"A" * 100, now=1)
    machine.opened["/usr"].write_file("/b", b"B", now=1)
    return machine


def test_names_and_paths() -> None:
    assert [archives.absolute(name) for name in ("./a//b", "/a/./b", "a/b/", ".")] == ["/a/b", "/a/b", "/a/b", "/"]
    assert archives.parts_of("./a//b/.") == ["a", "b"]
    assert archives.name_of("/") == b"." and archives.name_of("/usr/") == b"./usr"
    for name in ("..", "a/../b", "/.."):
        with pytest.raises(OperationRefused):
            archives.absolute(name)
    assert archives.absolute("/a..b") == "/a..b"


def test_files_by_name_and_back(machine: Stub) -> None:
    missing: list[str] = []
    found = archives.named(machine, ["./a", "/usr/b", "c", "../x"], missing.append)
    archives.write(machine, "/archive", found, block_size=512)
    assert missing == ["c", "../x"]
    archive = archives.read(machine, "restore", "/archive")
    assert [(m.name, b"".join(map(bytes, m.content()))) for m in archive] == [(b"./a", b"A" * 100), (b"/usr/b", b"B")]
    assert machine.root.stat("/archive").mode & 0o777 == 0o644


def test_what_is_no_archive(machine: Stub) -> None:
    for path in ("/nothing", "/a", "/usr", "../a"):
        with pytest.raises(CommandFailed, match="restore"):
            archives.read(machine, "restore", path)


def test_trees_with_the_roots_of_what_is_mounted(machine: Stub) -> None:
    found = [m.name for m in archives.trees(machine, ["/usr", "/"], lambda name: b"lost" in name)]
    assert found == [b"./", b"./a", b"./usr", b"./usr/b"]
    only = [m.name for m in archives.trees(machine, ["/"], lambda name: name == b"./a")]
    assert only == [b"./", b"./lost+found", b"./usr"]


def test_device_numbers_of_mounted_volumes(machine: Stub, tmp_path: Path) -> None:
    group = volume_group(tmp_path, disks=1)
    with group.change() as change:
        change.add_lv("hd4", "jfs2", 1, 1)
        change.add_lv("hd2", "jfs2", 1, 1)
        change.add_lv("idle", "jfs2", 1, 1)
    machine.define("rootvg", group)  # the first group has major number 10
    assert archives.device_numbers(machine) == {"/": 10 << 32 | 1, "/usr": 10 << 32 | 2}
    assert archives.mounted_of(machine, "rootvg") == [("/", "hd4"), ("/usr", "hd2")]
    assert archives.mount_point_of(machine, "/usr/lib") == "/usr" and archives.mount_point_of(machine, "/u") == "/"
    machine.running.vary_off(group.vgid)
    assert archives.device_numbers(machine) == {}
