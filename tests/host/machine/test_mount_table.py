"""Mounting as commands do it: notes of the kernel, unmounting for a moment, directories."""

from pathlib import Path

import pytest

from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.folder.kernel import Kernel, Mounted
from lvmfmt.host.machine import freezing

from ..conftest import Box


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
