"""mkszfile: /image.data of rootvg, and map files."""

from pathlib import Path

import pytest

from lvmfmt.host.archive import imagedata
from lvmfmt.host.commands.backup import mkszfile

from ...stub import Stub, file_system, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/tmp", now=1)
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("hd5", "boot", 1, 2)
        change.add_lv("hd4", "jfs2", 4, 2, label="/")
        change.add_lv("hd1", "jfs2", 2, 1, label="/home")  # not mounted
    machine.define("rootvg", group)
    return machine


def test_what_is_mounted_is_described(machine: Stub) -> None:
    assert run(machine, mkszfile, "mkszfile -f").status == 0
    data = machine.root.read("/image.data")
    found = imagedata.parse(data)
    assert found.pp_size == 4 << 20 and found.file_systems == (("/", "hd4"),)
    assert [(v.name, v.lps, v.copies, v.pps) for v in found.volumes] == [("hd5", 1, 2, 2), ("hd4", 4, 2, 8)]
    assert b"hdisk0 hdisk1" in data and not machine.root.exists("/tmp/vgdata")


def test_bytes_in_use(machine: Stub) -> None:
    _, used = mkszfile.describe(machine)
    counts = machine.root.statfs()
    assert used == (counts.total_blocks - counts.free_blocks) * 4096 > 0


def test_map_files(machine: Stub) -> None:
    for _ in range(2):
        assert run(machine, mkszfile, "mkszfile -m").status == 0
    lines = machine.root.read("/tmp/vgdata/rootvg/hd4.map").decode().splitlines()
    volume = machine.varied["rootvg"].logical_volumes["hd4"]
    assert sorted(lines) == sorted(f"hdisk{copy}:{int(pp)}" for copy in (0, 1) for pp in volume.map.pp[copy])
    assert b"/tmp/vgdata/rootvg/hd4.map" in machine.root.read("/image.data")


def test_usage(machine: Stub) -> None:
    assert run(machine, mkszfile, "mkszfile x").status == 2 and not machine.root.exists("/image.data")
