"""Scanning a disk whose group is gone: what is found is what was there, and holes cost nothing."""

import json
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.inspect.leftovers import STRIDE, salvage
from lvmfmt.lvm import VolumeGroup

from .conftest import Rootvg

MIB = 1 << 20
SECTOR = 512


def wipe(path: Path) -> None:
    """Everything of the LVM before PP 1 at sector 4352 [lvm 1.2]."""
    with path.open("r+b") as stream:
        stream.write(bytes(4352 * SECTOR))


def volumes(rootvg: Rootvg) -> dict[int, dict[int, str]]:
    """Disk -> byte offset of LP 1 -> LV name, as the sound group tells."""
    devices = [ImageFile(path) for path in rootvg.paths]
    group = VolumeGroup.open(devices)
    places: dict[int, dict[int, str]] = {0: {}, 1: {}}
    for name, lv in group.logical_volumes.items():
        for copy in range(lv.copies):
            pv = lv.pvs[int(lv.map.pv[copy, 0])]
            places[pv.number - 1][pv.offset(int(lv.map.pp[copy, 0]))] = name
    for device in devices:
        device.close()
    return places


def test_without_a_group_all_volumes_are_found(rootvg: Rootvg, capsys: pytest.CaptureFixture[str]) -> None:
    expected = volumes(rootvg)
    for number, path in enumerate(rootvg.disks):
        wipe(path)
        with ImageFile(path) as device:
            found = salvage(device)
        assert {f.offset: f.name for f in found if f.structure == "lvcb"} == expected[number]
        fs = {f.offset for f in found if f.structure == "j2_superblock"}
        assert fs == {at for at, name in expected[number].items() if name in ("hd4", "hd1")}
        assert all(f.found_by == "scan" and not f.problem for f in found)
        assert all(0 < f.size <= 24 * MIB for f in found if f.structure == "j2_superblock")
    assert cli.main(["inspect", *rootvg.paths]) == 1
    capsys.readouterr()
    assert cli.main(["vg", "scan", *rootvg.paths, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows if row["structure"] == "lvcb"} == {"hd5", "hd8", "hd4", "hd1"}
    assert cli.main(["vg", "scan", *rootvg.paths]) == 0
    assert "found by scanning" in capsys.readouterr().out


def test_a_file_system_that_was_found_is_read(
    rootvg: Rootvg, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wipe(rootvg.disks[0])
    with ImageFile(rootvg.disks[0]) as device:
        hd4 = next(f for f in salvage(device) if f.name == "hd4")
    out = tmp_path / "motd"
    argv = ["fs", "get", rootvg.paths[0], "--offset", hex(hd4.offset), "/etc/motd", str(out)]
    assert cli.main(argv) == 0
    assert out.read_bytes() == b"welcome\n"


def test_a_primary_superblock_that_is_gone(rootvg: Rootvg) -> None:
    at = next(at for at, name in volumes(rootvg)[0].items() if name == "hd4")
    with rootvg.disks[0].open("r+b") as stream:
        stream.seek(at + 0x8000)
        stream.write(bytes(4096))
    with ImageFile(rootvg.disks[0]) as device:
        found = [f for f in salvage(device) if f.offset == at and f.structure == "j2_superblock"]
    assert len(found) == 1 and "secondary" in found[0].problem


def test_what_is_damaged_is_listed_with_its_problem(rootvg: Rootvg, tmp_path: Path) -> None:
    path = tmp_path / "x.img"
    with ImageFile.create(path, 3 * MIB + 100) as image:
        image.write(2 * MIB, b"AIX LVCB and nothing else")
        image.write(2 * MIB + STRIDE + 0x8000, b"J2FS")
        image.write(3 * MIB, b"AIX LVCB")
    with ImageFile(path) as device:
        found = salvage(device)
    assert [(f.offset, f.structure) for f in found] == [
        (2 * MIB, "lvcb"), (2 * MIB + STRIDE, "j2_superblock"), (3 * MIB, "lvcb"),
    ]  # fmt: skip
    assert all(f.problem for f in found)


@pytest.mark.parametrize("size", [0, 1, 511, 0x8000, 0x8003, 0x8004, STRIDE, STRIDE + 7])
def test_small_images_of_tags(size: int, tmp_path: Path) -> None:
    path = tmp_path / "x.img"
    path.write_bytes((b"AIX LVCBJ2FSJFS1" * (size // 16 + 1))[:size])
    with ImageFile(path) as device:
        assert all(f.problem for f in salvage(device))
    assert cli.main(["vg", "scan", str(path)]) in (0, 1)


def test_the_cost_follows_the_data(tmp_path: Path) -> None:
    """A TiB of holes with 1 MiB of data: as many reads as the data has boundaries."""
    path = tmp_path / "big.img"
    reads = 0
    with ImageFile.create(path, 1 << 40) as image:
        image.write(1 << 39, b"\1" * MIB)
        honest = image.read_into

        def counting(offset: int, buffer: object) -> None:
            nonlocal reads
            reads += 1
            honest(offset, buffer)  # type: ignore[arg-type]

        image.read_into = counting  # type: ignore[method-assign]
        assert salvage(image) == []
    assert 0 < reads <= 3 * (MIB // STRIDE + 1)
