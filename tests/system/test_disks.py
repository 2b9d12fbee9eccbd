"""Disks as one system: groups, file systems by name or mount point, changes, and what is closed at the end."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import ImageIOError, NotFound, OperationRefused
from lvmfmt.origin import SeededOrigin
from lvmfmt.system.disks import System

from ..inspect.conftest import MIB, Rootvg, make_rootvg


def test_reading_a_file(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths) as system:
        assert system.file_systems == {"hd4": "/", "hd1": "/home"}
        assert system.file_system("hd4").read("/etc/motd") == b"welcome\n"
        assert system.file_system("/home").read("/motd") == b"welcome\n"
        assert repr(system) == "<System: 1 volume groups, 2 file systems, read-only>"
        with pytest.raises(OperationRefused):
            system.file_system("hd4", writable=True)


def test_a_path_or_a_device_alone(rootvg: Rootvg) -> None:
    with ImageFile(rootvg.paths[0]) as disk:
        with System.open(disk) as system:
            assert system.group.vgid
        assert disk.read(0, 1).size == 1  # it stays the caller's
    with System.open(rootvg.disks[0]) as system:
        device = system.group.physical_volumes
        opened = next(pv.device for pv in device.values() if pv.device is not None)
    with pytest.raises((ImageIOError, ValueError, OSError)):
        opened.read(0, 1)


def test_several_file_systems_are_mounted_with_one_log(rootvg: Rootvg) -> None:
    origin = SeededOrigin(4, ticks=500)
    with System.open(rootvg.paths, writable=True, origin=origin) as system:
        with system.mount("/") as root:
            root.write_file("/etc/motd", b"changed\n", now=origin.now())
        home, root = system.mount("/home"), system.mount("hd4")
        assert home.log is root.log
        home.mkdir("/new", now=origin.now())
        root.mkdir("/new", now=origin.now())
    with System.open(rootvg.paths) as system:
        files = system.file_system("hd4")
        assert files.problems == [] and files.read("/etc/motd") == b"changed\n"
        assert files.exists("/new") and system.file_system("hd1").exists("/new")


def test_each_change_for_itself(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths, writable=True) as system:
        system.file_system("hd1").write_file("/note", b"x", now=10**18)
    with System.open(rootvg.paths) as system:
        assert system.file_system("hd1").read("/note") == b"x"


def test_several_groups(rootvg: Rootvg, tmp_path: Path) -> None:
    make_rootvg([tmp_path / "other.img"], rootvg.tree, SeededOrigin(9, ticks=1000), copies=1)
    with System.open([*rootvg.paths, tmp_path / "other.img"]) as system:
        assert len(system.groups) == 2
        with pytest.raises(OperationRefused, match="2 volume groups"):
            system.group  # noqa: B018
        with pytest.raises(OperationRefused, match="2 volume groups have an LV 'hd4'"):
            system.file_system("hd4")


def test_no_group(tmp_path: Path) -> None:
    (tmp_path / "z.img").write_bytes(bytes(MIB))
    with pytest.raises(NotFound, match="no volume group"):
        System.open(tmp_path / "z.img")
