"""The folder of a host: what survives what, and hand-edited files."""

from pathlib import Path

import pytest

from lvmfmt.errors import AlreadyExists, CorruptImage, NotFound, OperationRefused
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.folder.kernel import Kernel
from lvmfmt.host.folder.nvram import Nvram
from lvmfmt.host.folder.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.create(tmp_path / "box")


def test_round_trips(folder: Folder) -> None:
    assert (folder.read_nvram(), folder.read_kernel(), folder.read_settings()) == (Nvram(), None, None)
    nvram = Nvram(("hdisk1", "hdisk0"), ("hdisk0",), "hdisk1", 77)
    kernel = Kernel("hdisk1", 5, ("00c6ce9d00004c000000014302ee7629",), (("/dev/hd4", "/"), ("/proc", "/proc")))
    settings = Settings("00C6CE9D4C00", "7.1", 12)
    folder.write_nvram(nvram)
    folder.write_kernel(kernel)
    folder.write_settings(settings)
    assert (folder.read_nvram(), folder.read_kernel(), folder.read_settings()) == (nvram, kernel, settings)
    folder.cut_power()
    folder.cut_power()
    assert folder.read_kernel() is None and folder.read_nvram() == nvram


def test_slots_are_in_the_order_of_their_numbers(folder: Folder) -> None:
    for name in ("hdisk10", "hdisk9", "hdisk1"):
        (folder.disks / f"{name}.img").touch()
    (folder.disks / "notes.txt").touch()
    assert list(folder.slots()) == ["hdisk1", "hdisk9", "hdisk10"]


def test_one_command_at_a_time(folder: Folder) -> None:
    other = Folder(folder.path)
    with folder.lock(), pytest.raises(OperationRefused, match="another command"), other.lock(patience=0):
        pass
    # those that only look
    with folder.lock(shared=True), other.lock(shared=True, patience=0):  # fmt: skip
        busy = pytest.raises(OperationRefused, match="another command")
        with busy, folder.lock(patience=0):
            pass
    with folder.lock():
        pass


def test_not_a_host(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder `disks`"):
        Folder(tmp_path)
    (tmp_path / "x").touch()
    with pytest.raises(AlreadyExists, match="not empty"):
        Folder.create(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("nvram.json", "{", ""),
        ("nvram.json", "[]", ""),
        ("nvram.json", '{"normal": "hdisk0"}', "normal"),
        ("nvram.json", '{"ticks": -1}', "ticks"),
        ("nvram.json", '{"ticks": true}', "ticks"),
        ("nvram.json", '{"last_boot": 3}', "last_boot"),
        ("run/kernel.json", '{"booted": "hdisk0", "mounts": [["/dev/hd4"]]}', "mounts"),
        ("host.toml", "machine_id = ", ""),
        ("host.toml", "profile = '5.3'", "machine_id"),
        ("host.toml", "machine_id = '00C6CE9D4C00'\nseed = 'x'", "seed"),
        ("host.toml", "machine_id = '00C6CE9D4C00'\ncolour = 'red'", "colour"),
    ],
)
def test_damage_names_file_and_field(folder: Folder, name: str, text: str, field: str) -> None:
    (folder.path / "run").mkdir()
    (folder.path / name).write_text(text)
    with pytest.raises(CorruptImage) as caught:
        folder.read_nvram(), folder.read_kernel(), folder.read_settings()
    assert (caught.value.structure, caught.value.field) == (Path(name).name, field)
