"""A mounted file system: read as it lies, and through its journal from the first change on."""

from pathlib import Path

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.host.machine.mounted_file_system import MountedFileSystem
from lvmfmt.jfs2 import FileSystem

from ..stub import file_system


def test_the_first_change_goes_on_with_the_mount(tmp_path: Path) -> None:
    files = file_system(tmp_path / "x.img")
    assert not files.is_changed and list(files.listdir("/")) == ["lost+found"]
    files.write_file("/a", b"first", now=1)
    assert files.is_changed and files.mount is files.mount
    files.write_file("/b", b"second", now=2)
    assert files.read("/a") == b"first" and files.read("/b") == b"second"
    # nothing unmounts it between two changes, and what was changed is not home yet
    assert not FileSystem.open(files.device).exists("/b")


def test_an_inventory_brings_changes_home(tmp_path: Path) -> None:
    files = file_system(tmp_path / "x.img")
    before = len(files.inventory().inodes)
    files.write_file("/a", bytes(9000), now=1)
    assert len(files.inventory().inodes) == before + 1
    files.mount.freeze(10**9, now=1)
    assert len(files.inventory().inodes) == before + 1  # home already, and a frozen one is not written


def test_one_for_reading_is_not_changed(tmp_path: Path) -> None:
    files = file_system(tmp_path / "x.img")
    reading = MountedFileSystem(
        files.device, files.superblock, writable=False, go_on=lambda: files.mount, plain=lambda: files.device
    )
    with pytest.raises(OperationRefused):
        reading.write_file("/a", b"x", now=1)
    with pytest.raises(OperationRefused):
        reading.mount  # noqa: B018
    assert not reading.is_changed
