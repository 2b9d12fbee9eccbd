"""Disks that are plugged in and out, that fail and come back."""

import errno
import os
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import AlreadyExists, NotFound, OperationRefused
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.units import MIB

from ..conftest import Box


def test_a_new_disk_is_known_after_the_next_boot(box: Box) -> None:
    folder = Folder(box.path)
    hardware.add(folder, "hdisk7", size=64 * MIB)
    assert "hdisk7" not in "".join(box.good("lspv"))
    box.good("shutdown -Fr")
    rows = [line.split() for line in box.good("lspv")]
    assert rows[2] == ["hdisk2", "none", "None"]  # the lowest free name, not the slot's


def test_an_image_moves_in_and_out_unchanged(box: Box, tmp_path: Path) -> None:
    folder = Folder(box.path)
    image = tmp_path / "other.img"
    image.write_bytes(b"\x01" * 4096)
    hardware.add(folder, "san1", image=image)
    assert not image.exists()
    assert [s.name for s in hardware.slots(folder)] == ["hdisk0", "hdisk1", "san1"]
    hardware.remove(folder, "san1", to=image)
    assert image.read_bytes() == b"\x01" * 4096
    assert [s.name for s in hardware.slots(folder)] == ["hdisk0", "hdisk1"]


def test_a_failed_disk_is_missing_and_boots_again_from_the_other(box: Box) -> None:
    folder = Folder(box.path)
    box.good("bootlist -m normal hdisk0 hdisk1")
    box.good("bosboot -a")
    before = box.image("hdisk0").read_bytes()[:4096]
    hardware.fail(folder, "hdisk0")
    assert box.good("bootlist -m normal -o") == ["-", "hdisk1 blv=hd5"]
    box.good("shutdown -Fr")
    assert folder.read_nvram().last_boot == "hdisk1"
    hardware.restore(folder, "hdisk0")
    assert box.image("hdisk0").read_bytes()[:4096] == before
    with pytest.raises(OperationRefused, match="has not failed"):
        hardware.restore(folder, "hdisk0")


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("hdisk0", {"size": 4096}, AlreadyExists),
        ("../x", {"size": 4096}, OperationRefused),
        ("a" * 16, {"size": 4096}, OperationRefused),
        ("hdisk5", {}, OperationRefused),
        ("hdisk5", {"size": 4096, "image": "x"}, OperationRefused),
        ("hdisk5", {"size": 1000}, OperationRefused),
        ("hdisk5", {"image": "nonesuch.img"}, NotFound),
    ],
)
def test_refusals_change_nothing(
    tmp_path: Path, name: str, arguments: dict[str, object], error: type[Exception]
) -> None:
    folder = Folder.create(tmp_path / "box")
    (folder.disks / "hdisk0.img").write_bytes(bytes(4096))
    before = sorted(folder.disks.iterdir())
    with pytest.raises(error):
        hardware.add(folder, name, **arguments)  # type: ignore[arg-type]
    assert sorted(folder.disks.iterdir()) == before


def test_an_image_in_use_and_a_target_that_exists_are_refused(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "box")
    image = tmp_path / "x.img"
    image.write_bytes(bytes(4096))
    with ImageFile(image, writable=True), pytest.raises(OperationRefused):
        hardware.add(folder, "hdisk0", image=image)
    hardware.add(folder, "hdisk0", image=image)
    image.write_bytes(b"mine")
    with pytest.raises(AlreadyExists):
        hardware.remove(folder, "hdisk0", to=image)
    assert image.read_bytes() == b"mine"
    for action in (hardware.fail, hardware.restore):
        with pytest.raises(NotFound):
            action(folder, "hdisk9")


def test_an_image_moves_to_another_file_system_with_its_holes(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(Path, "rename", elsewhere)
    with ImageFile.create(tmp_path / "disk", 64 * MIB) as image:
        image.write(32 * MIB, b"data")
    content = (tmp_path / "disk").read_bytes()
    (tmp_path / "disk").chmod(0o600)
    moved = hardware.add(Folder(box.path), "hdisk9", image=tmp_path / "disk")
    assert moved.read_bytes() == content and not (tmp_path / "disk").exists()
    assert moved.stat().st_blocks <= 16 and moved.stat().st_mode & 0o777 == 0o600
