"""A small root volume group on two mirrored disks, made anew for each test."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.block import ImageFile
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
MACHINE = "00c0ffee4c00"


@dataclass(frozen=True)
class Rootvg:
    """Two image files and the trees that their file systems hold."""

    disks: tuple[Path, Path]
    tree: Path

    @property
    def paths(self) -> list[str]:
        return [str(disk) for disk in self.disks]


def make_tree(tree: Path) -> Path:
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "motd").write_bytes(b"welcome\n")
    (tree / "etc" / "big").write_bytes(os.urandom(300_000))
    (tree / "etc" / "link").symlink_to("motd")
    (tree / "etc" / "twin").hardlink_to(tree / "etc" / "motd")
    (tree / "etc" / "empty").touch()
    with (tree / "etc" / "sparse").open("wb") as stream:
        stream.seek(5 * MIB)
        stream.write(b"end")
    (tree / "etc" / "\udcffodd\x1b name").write_bytes(b"odd")
    (tree / "etc" / "motd").chmod(0o640)
    return tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def rootvg(tmp_path: Path, tree: Path) -> Rootvg:
    disks = (tmp_path / "hdisk0.img", tmp_path / "hdisk1.img")
    make_rootvg(list(disks), tree, SeededOrigin(1), copies=2)
    return Rootvg(disks, tree)


def make_rootvg(disks: list[Path], tree: Path, origin: SeededOrigin, copies: int) -> None:
    devices = [ImageFile.create(disk, 96 * MIB) for disk in disks]
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 2, copies)
        change.add_lv("hd8", "jfs2log", 1, copies)
        change.add_lv("hd4", "jfs2", 24, copies, label="/")
        change.add_lv("hd1", "jfs2", 20, copies, label="/home")
    volumes = group.logical_volumes
    jfs2.format_log(volumes["hd8"].device, jfs2.AIX)
    for name, source in (("hd4", tree), ("hd1", tree / "etc")):
        inventory, problems = jfs2.scan_trees([(source, "/")], origin=origin)
        assert problems == []
        log = jfs2.ExternalLog(0x8000000A00000002)
        identity = jfs2.Identity(fname="/", fpack=name)
        jfs2.build(volumes[name].device, inventory, dialect=jfs2.AIX, origin=origin, log=log, identity=identity)
    for device in devices:
        device.close()
